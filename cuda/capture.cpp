// Capture: what is enqueued becomes a graph that one call launches.
#include <memory>

#include "cuda/status.h"
#include "cuda/stream.h"

namespace ingot::cuda {
namespace {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using OwnedGraph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

// True where the launches are those of before but for addresses, numbers and sizes of grids.
bool update(cudaGraphExec_t executable, cudaGraph_t graph) {
  cudaGraphExecUpdateResultInfo info = {};
  if (cudaGraphExecUpdate(executable, graph, &info) == cudaSuccess) return true;
  cudaGetLastError();  // refused: the caller makes a new one
  return false;
}

}  // namespace

// Only calls of this thread that could disturb the capture are refused, those of other threads go on.
DeviceStatus begin_capture(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaStreamBeginCapture(stream->stream, cudaStreamCaptureModeThreadLocal), "capture");
  return kDeviceDone;
}

DeviceStatus end_capture(DeviceStream* stream, DeviceGraph** graph) {
  INGOT_CUDA_DEVICE(*stream->context);
  cudaGraph_t captured = nullptr;
  const cudaError_t error = cudaStreamEndCapture(stream->stream, &captured);
  const OwnedGraph owner(captured);
  INGOT_CUDA_CHECK(error, "capture");
  if (*graph != nullptr && update((*graph)->executable, captured)) return kDeviceDone;
  auto made = std::make_unique<DeviceGraph>(DeviceGraph{stream->context, nullptr});
  INGOT_CUDA_CHECK(cudaGraphInstantiate(&made->executable, captured, 0), "capture");
  release_graph(*graph);
  *graph = made.release();
  return kDeviceDone;
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
