// Launches, and what is captured of them. A graph here is a list in the order of the stream, as it is for a device that
// got it from one stream.
#include <algorithm>
#include <map>
#include <set>

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

// What an executable graph can take over without being made anew.
cudaGraphExecUpdateResult compare(const Nodes& old, const Nodes& now) {
  if (old.size() != now.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i].kind != now[i].kind) return cudaGraphExecUpdateErrorNodeTypeChanged;
    if (old[i].kernel != now[i].kernel) return cudaGraphExecUpdateErrorFunctionChanged;
    if (old[i].child == nullptr) continue;
    const cudaGraphExecUpdateResult child = compare(*old[i].child, *now[i].child);
    if (child != cudaGraphExecUpdateSuccess) return child;
  }
  return cudaGraphExecUpdateSuccess;
}

CUgraph_st* make_graph() {
  auto* graph = new CUgraph_st;
  graphs().insert(graph);
  return graph;
}

void destroy(CUgraph_st* graph) {
  graphs().erase(graph);
  delete graph;
}

Work child_node(cudaGraph_t child) {
  auto nodes = std::make_shared<const Nodes>(child->nodes);
  return {WorkKind::kGraph, nullptr, [nodes] { return run_nodes(*nodes); }, nodes};
}

cudaError_t begin_capture(cudaStream_t handle, CUgraph_st* graph, cudaStreamCaptureMode mode) {
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (stream != handle || stream->capture != nullptr) return cudaErrorStreamCaptureUnsupported;
  stream->capture_owned = graph == nullptr;
  stream->capture = graph == nullptr ? make_graph() : graph;
  stream->capture_mode = mode;
  stream->capture_thread = std::this_thread::get_id();
  stream->capture_broken = false;
  return device_state();
}

// What comes next in a chain depends on its last node.
cudaError_t check_behind_last(const CUgraph_st& graph, const cudaGraphNode_t* dependencies,
                              std::size_t num_dependencies) {
  const bool is_first = graph.nodes.empty();
  if (num_dependencies != (is_first ? 0 : 1)) return cudaErrorNotSupported;
  return is_first || dependencies[0] == &graph.handles.back() ? cudaSuccess : cudaErrorInvalidValue;
}

// Whether the handle names a node of a graph that still exists.
bool is_node(cudaGraphNode_t node) {
  return node != nullptr && std::any_of(graphs().begin(), graphs().end(), [&](const CUgraph_st* graph) {
           return std::any_of(graph->handles.begin(), graph->handles.end(),
                              [&](const CUgraphNode_st& handle) { return &handle == node; });
         });
}

}  // namespace

std::set<const CUgraph_st*>& graphs() {
  static std::set<const CUgraph_st*> set;
  return set;
}

std::string run_nodes(const Nodes& nodes) {
  for (const Work& node : nodes) {
    if (std::string problem = node.run(); !problem.empty()) return problem;
  }
  return {};
}

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

void CUgraph_st::add(Work work) {
  handles.push_back({this, nodes.size()});
  nodes.push_back(std::move(work));
}

int cuda_on_host_enqueue(cudaStream_t stream, const void* kernel, void (*run)(const void*), void (*release)(void*),
                         void* argument) {
  const std::shared_ptr<void> owner(argument, release);
  const Lock lock(device_mutex());
  return remember(enqueue(stream, {WorkKind::kKernel, kernel, [owner, run] {
                                     ++counts().kernels;
                                     run(owner.get());
                                     return std::string();
                                   }}));
}

int cuda_on_host_owns(const void* address, std::size_t num_bytes) {
  const Lock lock(device_mutex());
  return in_device_memory(address, num_bytes) ? 1 : 0;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const Lock lock(device_mutex());
  return remember(begin_capture(handle, nullptr, mode));
}

cudaError_t cudaStreamBeginCaptureToGraph(cudaStream_t handle, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                          const cudaGraphEdgeData*, std::size_t num_dependencies,
                                          cudaStreamCaptureMode mode) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0) return remember(cudaErrorInvalidValue);
  if (const cudaError_t error = check_behind_last(*graph, dependencies, num_dependencies); error != cudaSuccess) {
    return remember(error);
  }
  return remember(begin_capture(handle, graph, mode));
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  const Lock lock(device_mutex());
  *graph = nullptr;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || stream->capture == nullptr) return remember(cudaErrorInvalidValue);
  CUgraph_st* const captured = std::exchange(stream->capture, nullptr);
  if (stream->capture_broken) {
    if (stream->capture_owned) destroy(captured);
    return remember(cudaErrorStreamCaptureInvalidated);
  }
  *graph = captured;
  return remember(device_state());
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status, unsigned long long*,
                                     cudaGraph_t*, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, std::size_t* num_dependencies) {
  const cudaError_t error = cudaStreamIsCapturing(handle, status);
  if (error != cudaSuccess || *status != cudaStreamCaptureStatusActive) return error;
  const Lock lock(device_mutex());
  CUstream_st* const stream = find_stream(handle);
  *edges = nullptr;
  *num_dependencies = stream->capture->handles.empty() ? 0 : 1;
  if (*num_dependencies == 1) stream->capture_last = &stream->capture->handles.back();
  *dependencies = &stream->capture_last;
  return cudaSuccess;
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

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  const Lock lock(device_mutex());
  if (flags != 0) return remember(cudaErrorInvalidValue);
  *graph = make_graph();
  return remember(device_state());
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0) return remember(cudaErrorInvalidValue);
  destroy(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                       std::size_t num_dependencies, cudaGraph_t child) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0 || graphs().count(child) == 0 || graph == child) {
    return remember(cudaErrorInvalidValue);
  }
  if (const cudaError_t error = check_behind_last(*graph, dependencies, num_dependencies); error != cudaSuccess) {
    return remember(error);
  }
  graph->add(child_node(child));
  *node = &graph->handles.back();
  return remember(device_state());
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, std::size_t* num_nodes) {
  if (nodes != nullptr) return remember(cudaErrorNotSupported);
  *num_nodes = graph->nodes.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
  *executable = new CUgraphExec_st{std::make_shared<const Nodes>(graph->nodes), graph};
  ++counts().graph_instantiations;
  return remember(device_state());
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph, cudaGraphExecUpdateResultInfo* info) {
  const Lock lock(device_mutex());
  *info = {compare(*executable->nodes, graph->nodes), nullptr, nullptr};
  if (info->result != cudaGraphExecUpdateSuccess) return remember(cudaErrorGraphExecUpdateFailure);
  executable->nodes = std::make_shared<const Nodes>(graph->nodes);
  ++counts().graph_updates;
  return remember(device_state());
}

cudaError_t cudaGraphExecChildGraphNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, cudaGraph_t child) {
  const Lock lock(device_mutex());
  if (!is_node(node) || node->graph != executable->origin || graphs().count(child) == 0) {
    return remember(cudaErrorInvalidValue);
  }
  const Work& old = (*executable->nodes)[node->index];
  if (old.child == nullptr || compare(*old.child, child->nodes) != cudaGraphExecUpdateSuccess) {
    return remember(cudaErrorInvalidValue);
  }
  auto nodes = std::make_shared<Nodes>(*executable->nodes);
  (*nodes)[node->index] = child_node(child);
  executable->nodes = std::move(nodes);
  ++counts().graph_patches;
  return remember(device_state());
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  return remember(device_state());
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  const Lock lock(device_mutex());
  ++counts().graph_launches;
  return remember(
      enqueue(stream, {WorkKind::kGraph, nullptr, [nodes = executable->nodes] { return run_nodes(*nodes); }, nullptr}));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
