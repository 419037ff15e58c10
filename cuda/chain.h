// The nodes of a graph, one behind the other, as a stream captures them.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <type_traits>

namespace ingot::cuda {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
using OwnedGraph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;

struct Chain {
  cudaGraph_t graph;               // borrowed
  cudaGraphNode_t last = nullptr;  // null: it is empty
};

// What the stream is given until extend_end goes behind the last node. Where extend_end fails the graph is of no use.
// Only calls of this thread that could disturb a capture are refused meanwhile, those of other threads go on.
cudaError_t extend_begin(cudaStream_t stream, const Chain& chain);
cudaError_t extend_end(cudaStream_t stream, Chain& chain);

// The same as a graph of its own.
cudaError_t capture_begin(cudaStream_t stream);
cudaError_t capture_end(cudaStream_t stream, OwnedGraph* graph);

// Puts a graph behind the last node, as one node.
cudaError_t append_child(Chain& chain, cudaGraph_t child);
#if CUDART_VERSION >= 12040
cudaError_t append_node(Chain& chain, cudaGraphNodeParams* params);
#endif

}  // namespace ingot::cuda
