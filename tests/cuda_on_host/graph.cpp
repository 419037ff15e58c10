// Graphs: made, filled, instantiated, changed, launched.
#include "graph.h"

#include <algorithm>
#include <utility>

#include "stream.h"

namespace cuda_on_host {
namespace {

std::set<const CUgraphNode_st*>& node_handles() {
  static std::set<const CUgraphNode_st*> set;
  return set;
}

// What an executable graph can take over without being made anew.
cudaGraphExecUpdateResult compare(const Nodes& old, const Nodes& now) {
  if (old.size() != now.size()) return cudaGraphExecUpdateErrorTopologyChanged;
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i].kind != now[i].kind) return cudaGraphExecUpdateErrorNodeTypeChanged;
    if (old[i].kernel != now[i].kernel) return cudaGraphExecUpdateErrorFunctionChanged;
    if (old[i].branch.condition != now[i].branch.condition) return cudaGraphExecUpdateErrorParametersChanged;
    if (old[i].child == nullptr) continue;
    const cudaGraphExecUpdateResult child = compare(*old[i].child, *now[i].child);
    if (child != cudaGraphExecUpdateSuccess) return child;
  }
  return cudaGraphExecUpdateSuccess;
}

Work child_node(cudaGraph_t child) {
  return {.kind = WorkKind::kGraph, .child = std::make_shared<const Nodes>(child->nodes)};
}

bool has_conditions(const Nodes& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [](const Work& node) { return node.kind == WorkKind::kConditional; });
}

}  // namespace

std::set<const CUgraph_st*>& graphs() {
  static std::set<const CUgraph_st*> set;
  return set;
}

CUgraph_st* make_graph() {
  auto* graph = new CUgraph_st;
  graphs().insert(graph);
  return graph;
}

void destroy(CUgraph_st* graph) {
  for (CUgraph_st* body : graph->bodies) destroy(body);
  forget_conditions(graph);
  for (const CUgraphNode_st& node : graph->handles) node_handles().erase(&node);
  graphs().erase(graph);
  delete graph;
}

cudaError_t check_behind_last(const CUgraph_st& graph, const cudaGraphNode_t* dependencies,
                              std::size_t num_dependencies) {
  const bool is_first = graph.nodes.empty();
  if (num_dependencies != (is_first ? 0 : 1)) return cudaErrorNotSupported;
  return is_first || dependencies[0] == &graph.handles.back() ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

void CUgraph_st::add(Work work) {
  handles.push_back({this, nodes.size()});
  node_handles().insert(&handles.back());
  nodes.push_back(std::move(work));
}

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned flags) {
  const Lock lock(device_mutex());
  if (flags != 0) return remember(cudaErrorInvalidValue);
  *graph = make_graph();
  return remember(device_state());
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0 || graph->is_body) return remember(cudaErrorInvalidValue);
  destroy(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                                       std::size_t num_dependencies, cudaGraph_t child) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0 || graphs().count(child) == 0 || graph == child || has_conditions(child->nodes)) {
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
  Executable made;
  if (const cudaError_t error = make_executable(*graph, &made); error != cudaSuccess) return remember(error);
  *executable = new CUgraphExec_st{std::move(made), graph};
  ++graph->num_executables;
  ++counts().graph_instantiations;
  return remember(device_state());
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph, cudaGraphExecUpdateResultInfo* info) {
  const Lock lock(device_mutex());
  Executable made;
  if (const cudaError_t error = make_executable(*graph, &made); error != cudaSuccess) return remember(error);
  *info = {compare(*executable->executable.nodes, *made.nodes), nullptr, nullptr};
  if (info->result != cudaGraphExecUpdateSuccess) return remember(cudaErrorGraphExecUpdateFailure);
  executable->executable.nodes = std::move(made.nodes);
  ++counts().graph_updates;
  return remember(device_state());
}

cudaError_t cudaGraphExecChildGraphNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, cudaGraph_t child) {
  const Lock lock(device_mutex());
  if (node_handles().count(node) == 0 || node->graph != executable->origin || graphs().count(child) == 0) {
    return remember(cudaErrorInvalidValue);
  }
  const Work& old = (*executable->executable.nodes)[node->index];
  if (old.kind != WorkKind::kGraph || compare(*old.child, child->nodes) != cudaGraphExecUpdateSuccess) {
    return remember(cudaErrorInvalidValue);
  }
  auto nodes = std::make_shared<Nodes>(*executable->executable.nodes);
  (*nodes)[node->index] = child_node(child);
  executable->executable.nodes = std::move(nodes);
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
      enqueue(stream, {.kind = WorkKind::kGraph, .rest = std::make_shared<GraphRun>(executable->executable)}));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const Lock lock(device_mutex());
  if (graphs().count(executable->origin) == 1) --executable->origin->num_executables;
  delete executable;
  return cudaSuccess;
}
