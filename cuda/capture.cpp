#include "cuda/capture.h"

#include <memory>
#include <utility>
#include <vector>

#include "cuda/recording.h"
#include "cuda/status.h"

struct ingot::DeviceGraph {
  DeviceContext* context;
  cudaGraphExec_t executable;
  cuda::OwnedGraph whole;                 // what the executable was made of: it names its nodes
  std::vector<cudaGraphNode_t> children;  // of `whole`
  std::vector<cuda::Part> parts;          // of the last capture
};

namespace ingot::cuda {
namespace {

DeviceStatus count_nodes(const OwnedGraph& graph, std::size_t* num_nodes) {
  INGOT_CUDA_CHECK(cudaGraphGetNodes(graph.get(), nullptr, num_nodes), "capture");
  return kDeviceDone;
}

DeviceStatus add_part(Recording& recording, const OwnedGraph& part) {
  std::size_t num_nodes = 0;
  if (const DeviceStatus status = count_nodes(part, &num_nodes); status != kDeviceDone) return status;
  recording.parts.push_back({recording.children.size(), num_nodes});
  if (num_nodes == 0) return kDeviceDone;
  INGOT_CUDA_CHECK(append_child(recording.chain, part.get()), "capture");
  recording.children.push_back(recording.chain.last);
  return kDeviceDone;
}

// The same launches but for addresses and numbers, or the patch is refused.
DeviceStatus replace_part(Recording& recording, const OwnedGraph& part) {
  std::size_t num_nodes = 0;
  if (const DeviceStatus status = count_nodes(part, &num_nodes); status != kDeviceDone) return status;
  const DeviceGraph& graph = *recording.patched;
  const std::size_t index = recording.next_part++;
  if (index >= graph.parts.size() || graph.parts[index].num_nodes != num_nodes) recording.refused = true;
  if (recording.refused || num_nodes == 0) return kDeviceDone;
  const cudaGraphNode_t node = graph.children[graph.parts[index].child];
  if (cudaGraphExecChildGraphNodeSetParams(graph.executable, node, part.get()) != cudaSuccess) {
    cudaGetLastError();
    recording.refused = true;
  }
  return kDeviceDone;
}

// True where the launches are those of before but for addresses, numbers and sizes of grids.
bool update(cudaGraphExec_t executable, cudaGraph_t graph) {
  cudaGraphExecUpdateResultInfo info = {};
  if (cudaGraphExecUpdate(executable, graph, &info) == cudaSuccess) return true;
  cudaGetLastError();  // refused: the caller makes a new one
  return false;
}

}  // namespace

DeviceStatus begin_capture(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  cudaGraph_t made = nullptr;
  INGOT_CUDA_CHECK(cudaGraphCreate(&made, 0), "capture");
  auto recording = std::make_unique<Recording>(
      Recording{.whole = OwnedGraph(made), .chain = {.graph = made}, .bodies = {}, .children = {}, .parts = {}});
  INGOT_CUDA_CHECK(extend_begin(stream->stream, recording->chain), "capture");
  stream->recording = recording.release();
  return kDeviceDone;
}

DeviceStatus end_capture(DeviceStream* stream, DeviceGraph** graph) {
  INGOT_CUDA_DEVICE(*stream->context);
  const std::unique_ptr<Recording> recording(std::exchange(stream->recording, nullptr));
  INGOT_CUDA_CHECK(extend_end(stream->stream, recording->chain), "capture");
  if (graph == nullptr) return kDeviceDone;
  if (*graph != nullptr && !recording->has_conditions && update((*graph)->executable, recording->whole.get())) {
    (*graph)->parts = std::move(recording->parts);
    return kDeviceDone;
  }
  auto made = std::make_unique<DeviceGraph>(DeviceGraph{.context = stream->context,
                                                        .executable = nullptr,
                                                        .whole = std::move(recording->whole),
                                                        .children = std::move(recording->children),
                                                        .parts = std::move(recording->parts)});
  INGOT_CUDA_CHECK(cudaGraphInstantiate(&made->executable, made->whole.get(), 0), "capture");
  release_graph(*graph);
  *graph = made.release();
  return kDeviceDone;
}

DeviceStatus begin_part(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  Recording& recording = *stream->recording;
  if (recording.patched == nullptr) INGOT_CUDA_CHECK(extend_end(stream->stream, recording.chain), "capture");
  INGOT_CUDA_CHECK(capture_begin(stream->stream), "capture");
  return kDeviceDone;
}

DeviceStatus end_part(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  Recording& recording = *stream->recording;
  OwnedGraph part;
  INGOT_CUDA_CHECK(capture_end(stream->stream, &part), "capture");
  if (recording.patched != nullptr) return replace_part(recording, part);
  if (const DeviceStatus status = add_part(recording, part); status != kDeviceDone) return status;
  INGOT_CUDA_CHECK(extend_begin(stream->stream, recording.chain), "capture");
  return kDeviceDone;
}

DeviceStatus begin_patch(DeviceStream* stream, DeviceGraph* graph) {
  stream->recording =
      new Recording{.whole = nullptr, .chain = {}, .bodies = {}, .children = {}, .parts = {}, .patched = graph};
  return kDeviceDone;
}

DeviceStatus end_patch(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  const std::unique_ptr<Recording> recording(std::exchange(stream->recording, nullptr));
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  INGOT_CUDA_CHECK(cudaStreamIsCapturing(stream->stream, &status), "capture");
  if (status != cudaStreamCaptureStatusNone) {  // a part was left half-way
    OwnedGraph part;
    INGOT_CUDA_CHECK(capture_end(stream->stream, &part), "capture");
    recording->refused = true;
  }
  const bool is_whole = !recording->refused && recording->next_part == recording->patched->parts.size();
  return is_whole ? kDeviceDone : fail(kDeviceRefused, "capture: these are other launches than those of the graph");
}

DeviceStatus run_graph(DeviceStream* stream, DeviceGraph* graph) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaGraphLaunch(graph->executable, stream->stream), "graph");
  return kDeviceDone;
}

void release_graph(DeviceGraph* graph) {
  if (graph == nullptr) return;
  const DeviceScope scope(*graph->context);
  cudaGraphExecDestroy(graph->executable);
  delete graph;
}

}  // namespace ingot::cuda
