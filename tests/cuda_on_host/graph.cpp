// Launches, and what is captured of them. A graph here is a list in the order of the stream, as it is for a device that
// got it from one stream.
#include <map>

#include "block.h"
#include "stream.h"

namespace cuda_on_host {
namespace {

constexpr std::size_t kArgumentBytes = 32764;  // what a launch can carry
constexpr std::size_t kSharedBytes = 48 << 10, kSharedBytesOnRequest = 227 << 10;

std::map<const void*, std::size_t>& shared_bytes_allowed() {
  static std::map<const void*, std::size_t> map;
  return map;
}

std::size_t shared_limit(const void* kernel) {
  const auto allowed = shared_bytes_allowed().find(kernel);
  return allowed == shared_bytes_allowed().end() ? kSharedBytes : allowed->second;
}

bool fits_device(const cudaLaunchConfig_t& config, const void* kernel, std::size_t argument_bytes) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  return grid.x >= 1 && grid.x <= 0x7fffffffu && grid.y >= 1 && grid.y <= 65535 && grid.z >= 1 && grid.z <= 65535 &&
         block.x >= 1 && block.y >= 1 && block.z >= 1 && block.z <= 64 &&
         std::uint64_t{block.x} * block.y * block.z <= 1024 && config.dynamicSmemBytes <= shared_limit(kernel) &&
         argument_bytes <= kArgumentBytes && config.numAttrs == 0;
}

std::string run_nodes(const std::vector<Work>& nodes) {
  for (const Work& node : nodes) {
    if (std::string problem = node.run(); !problem.empty()) return problem;
  }
  return {};
}

// What an executable graph can take over without being made anew.
cudaGraphExecUpdateResult compare(const std::vector<Work>& old, const std::vector<Work>& now) {
  if (old.size() != now.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i].kind != now[i].kind) return cudaGraphExecUpdateErrorNodeTypeChanged;
    if (old[i].kernel != now[i].kernel) return cudaGraphExecUpdateErrorFunctionChanged;
  }
  return cudaGraphExecUpdateSuccess;
}

}  // namespace

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::size_t argument_bytes,
                           std::function<void()> thread) {
  const Lock lock(device_mutex());
  if (!fits_device(config, kernel, argument_bytes)) return remember(cudaErrorInvalidConfiguration);
  Launch launch = {kernel, config.gridDim, config.blockDim, config.dynamicSmemBytes, std::move(thread)};
  return remember(enqueue(config.stream, {WorkKind::kKernel, kernel, [launch = std::move(launch)] {
                                            ++counts().kernels;
                                            return run_launch(launch, draw_for_host());
                                          }}));
}

cudaError_t set_kernel_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(device_mutex());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<std::size_t>(value) > kSharedBytesOnRequest) return remember(cudaErrorInvalidValue);
  shared_bytes_allowed()[kernel] = std::max(kSharedBytes, static_cast<std::size_t>(value));
  return cudaSuccess;
}

cudaError_t get_kernel_attributes(const void* kernel, cudaFuncAttributes* attributes) {
  const Lock lock(device_mutex());
  *attributes = {1024, static_cast<int>(shared_limit(kernel))};
  return remember(device_state());
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream != handle || stream->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  stream->capture = std::make_unique<CUgraph_st>();
  stream->capture_mode = mode;
  stream->capture_thread = std::this_thread::get_id();
  stream->capture_broken = false;
  return remember(device_state());
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Lock lock(device_mutex());
  *graph = nullptr;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || stream->capture == nullptr) return remember(cudaErrorInvalidValue);
  const std::unique_ptr<CUgraph_st> captured = std::move(stream->capture);
  if (stream->capture_broken) return remember(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st(*captured);
  return remember(device_state());
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  const Lock lock(device_mutex());
  const CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  *status = stream->capture == nullptr ? cudaStreamCaptureStatusNone
            : stream->capture_broken   ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* num_nodes) {
  if (nodes != nullptr) return remember(cudaErrorNotSupported);
  *num_nodes = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
  *executable = new CUgraphExec_st{std::make_shared<const std::vector<Work>>(graph->nodes)};
  ++counts().graph_instantiations;
  return remember(device_state());
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph, cudaGraphExecUpdateResultInfo* info) {
  const Lock lock(device_mutex());
  *info = {compare(*executable->nodes, graph->nodes), nullptr, nullptr};
  if (info->result != cudaGraphExecUpdateSuccess) return remember(cudaErrorGraphExecUpdateFailure);
  executable->nodes = std::make_shared<const std::vector<Work>>(graph->nodes);
  ++counts().graph_updates;
  return remember(device_state());
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  return remember(device_state());
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Lock lock(device_mutex());
  ++counts().graph_launches;
  return remember(
      enqueue(stream, {WorkKind::kGraph, nullptr, [nodes = executable->nodes] { return run_nodes(*nodes); }}));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
