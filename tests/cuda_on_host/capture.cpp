// Streams that capture: what is enqueued on them becomes the nodes of a graph.
#include <utility>

#include "graph.h"
#include "stream.h"

namespace cuda_on_host {
namespace {

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

}  // namespace
}  // namespace cuda_on_host

using namespace cuda_on_host;

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
