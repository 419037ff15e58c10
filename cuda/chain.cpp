#include "cuda/chain.h"

namespace ingot::cuda {
namespace {

constexpr auto kMode = cudaStreamCaptureModeThreadLocal;

#if CUDART_VERSION >= 12040
#if CUDART_VERSION >= 13000
constexpr auto capture_info = cudaStreamGetCaptureInfo;
#else
constexpr auto capture_info = cudaStreamGetCaptureInfo_v3;
#endif

cudaError_t find_last(cudaStream_t stream, cudaGraphNode_t* last) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  const cudaGraphNode_t* nodes = nullptr;
  const cudaGraphEdgeData* edges = nullptr;
  std::size_t num_nodes = 0;
  const cudaError_t error = capture_info(stream, &status, nullptr, nullptr, &nodes, &edges, &num_nodes);
  if (error == cudaSuccess && status == cudaStreamCaptureStatusActive && num_nodes == 1) *last = nodes[0];
  return error;
}
#endif

}  // namespace

cudaError_t capture_begin(cudaStream_t stream) {
  return cudaStreamBeginCapture(stream, kMode);
}

cudaError_t capture_end(cudaStream_t stream, OwnedGraph* graph) {
  cudaGraph_t captured = nullptr;
  const cudaError_t error = cudaStreamEndCapture(stream, &captured);
  graph->reset(captured);
  return error;
}

cudaError_t append_child(Chain& chain, cudaGraph_t child) {
  const bool is_first = chain.last == nullptr;
  cudaGraphNode_t node = nullptr;
  const cudaError_t error =
      cudaGraphAddChildGraphNode(&node, chain.graph, is_first ? nullptr : &chain.last, is_first ? 0 : 1, child);
  if (error == cudaSuccess) chain.last = node;
  return error;
}

#if CUDART_VERSION >= 12040

cudaError_t extend_begin(cudaStream_t stream, const Chain& chain) {
  const bool is_first = chain.last == nullptr;
  return cudaStreamBeginCaptureToGraph(stream, chain.graph, is_first ? nullptr : &chain.last, nullptr, is_first ? 0 : 1,
                                       kMode);
}

cudaError_t extend_end(cudaStream_t stream, Chain& chain) {
  const cudaError_t no_last = find_last(stream, &chain.last);
  cudaGraph_t same = nullptr;
  const cudaError_t error = cudaStreamEndCapture(stream, &same);
  return error != cudaSuccess ? error : no_last;
}

cudaError_t append_node(Chain& chain, cudaGraphNodeParams* params) {
  const std::size_t num_before = chain.last == nullptr ? 0 : 1;
  const cudaGraphNode_t* const before = num_before == 0 ? nullptr : &chain.last;
  cudaGraphNode_t node = nullptr;
#if CUDART_VERSION >= 13000
  const cudaError_t error = cudaGraphAddNode(&node, chain.graph, before, nullptr, num_before, params);
#else
  const cudaError_t error = cudaGraphAddNode(&node, chain.graph, before, num_before, params);
#endif
  if (error == cudaSuccess) chain.last = node;
  return error;
}

#else  // nothing captures into a graph that there is: a child takes the nodes

cudaError_t extend_begin(cudaStream_t stream, const Chain&) {
  return capture_begin(stream);
}

cudaError_t extend_end(cudaStream_t stream, Chain& chain) {
  OwnedGraph nodes;
  std::size_t num_nodes = 0;
  cudaError_t error = capture_end(stream, &nodes);
  if (error == cudaSuccess) error = cudaGraphGetNodes(nodes.get(), nullptr, &num_nodes);
  return error != cudaSuccess || num_nodes == 0 ? error : append_child(chain, nodes.get());
}

#endif

}  // namespace ingot::cuda
