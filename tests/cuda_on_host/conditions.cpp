// Graphs with conditions, and how a graph runs: node by node, so that one that repeats can be left and gone on with.
#include <algorithm>
#include <map>
#include <utility>

#include "device_code.h"
#include "graph.h"

namespace cuda_on_host {
namespace {

struct Condition {
  const CUgraph_st* graph;  // that it was made for
  unsigned value, default_value;
  bool has_default, has_node;
};

std::map<cudaGraphConditionalHandle, Condition>& conditions() {
  static std::map<cudaGraphConditionalHandle, Condition> map;
  return map;
}

const Executable*& running() {
  static const Executable* executable = nullptr;
  return executable;
}

bool may_stand_in_body(WorkKind kind) {
  return kind == WorkKind::kKernel || kind == WorkKind::kCopy || kind == WorkKind::kFill || kind == WorkKind::kGraph ||
         kind == WorkKind::kConditional;
}

// Bodies as they are now, and all conditions that their nodes look at.
cudaError_t take_nodes(const CUgraph_st& graph, std::set<cudaGraphConditionalHandle>& used,
                       std::shared_ptr<const Nodes>* result) {
  auto nodes = std::make_shared<Nodes>(graph.nodes);
  for (Work& node : *nodes) {
    if (graph.is_body && !may_stand_in_body(node.kind)) return cudaErrorNotSupported;
    if (node.kind != WorkKind::kConditional) continue;
    used.insert(node.branch.condition);
    if (const cudaError_t error = take_nodes(*node.branch.body, used, &node.child); error != cudaSuccess) return error;
  }
  *result = std::move(nodes);
  for (const auto& [handle, condition] : conditions()) {
    if (condition.graph == &graph && !condition.has_node) return cudaErrorInvalidValue;
  }
  return cudaSuccess;
}

}  // namespace

void forget_conditions(const CUgraph_st* graph) {
  for (auto& [handle, condition] : conditions()) {
    if (condition.graph == graph) condition.graph = nullptr;
  }
}

cudaError_t make_executable(const CUgraph_st& graph, Executable* executable) {
  std::set<cudaGraphConditionalHandle> used;
  if (const cudaError_t error = take_nodes(graph, used, &executable->nodes); error != cudaSuccess) return error;
  if (graph.is_body || (!used.empty() && graph.num_executables > 0)) return cudaErrorInvalidValue;
  executable->conditions = std::make_shared<const std::set<cudaGraphConditionalHandle>>(std::move(used));
  return cudaSuccess;
}

// Conditions without a default are whatever they were, and that is not to be relied on.
GraphRun::GraphRun(Executable executable) : executable_(std::move(executable)) {
  for (const cudaGraphConditionalHandle handle : *executable_.conditions) {
    Condition& condition = conditions().at(handle);
    condition.value = condition.has_default ? condition.default_value : static_cast<unsigned>(draw_for_host() % 2);
  }
  frames_.push_back({executable_.nodes, 0, 0});
}

std::string GraphRun::step() {
  Frame& frame = frames_.back();
  if (frame.next == frame.nodes->size()) {
    frame.next = 0;
    if (frame.repeats == 0 || conditions().at(frame.repeats).value == 0) frames_.pop_back();
    return {};
  }
  const Work& node = (*frame.nodes)[frame.next++];
  if (node.kind == WorkKind::kGraph) {
    frames_.push_back({node.child, 0, 0});
  } else if (node.kind == WorkKind::kConditional) {
    const cudaGraphConditionalHandle handle = node.branch.condition;
    if (conditions().at(handle).value != 0) frames_.push_back({node.child, 0, node.branch.repeats ? handle : 0});
  } else {
    running() = &executable_;
    std::string problem = node.run();
    running() = nullptr;
    return problem;
  }
  return {};
}

void set_condition(unsigned long long handle, unsigned value) {
  if (running() == nullptr || running()->conditions->count(handle) == 0) {
    stop_kernel("a kernel sets a condition that is not of its graph");
  }
  conditions().at(handle).value = value;
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

cudaError_t cudaGraphConditionalHandleCreate(cudaGraphConditionalHandle* handle, cudaGraph_t graph,
                                             unsigned default_value, unsigned flags) {
  const Lock lock(device_mutex());
  if (graphs().count(graph) == 0 || (flags & ~cudaGraphCondAssignDefault) != 0) return remember(cudaErrorInvalidValue);
  static cudaGraphConditionalHandle last = 0;
  *handle = ++last;
  conditions()[last] = {graph, 0, default_value, (flags & cudaGraphCondAssignDefault) != 0, false};
  return remember(device_state());
}

// Of the conditional kinds; others come from captures.
cudaError_t cudaGraphAddNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* dependencies,
                             const cudaGraphEdgeData*, std::size_t num_dependencies, cudaGraphNodeParams* params) {
  const Lock lock(device_mutex());
  if (params->type != cudaGraphNodeTypeConditional) return remember(cudaErrorNotSupported);
  cudaConditionalNodeParams& given = params->conditional;
  const auto condition = conditions().find(given.handle);
  if (graphs().count(graph) == 0 || given.size != 1 || condition == conditions().end() ||
      condition->second.graph != graph || condition->second.has_node) {
    return remember(cudaErrorInvalidValue);
  }
  if (const cudaError_t error = check_behind_last(*graph, dependencies, num_dependencies); error != cudaSuccess) {
    return remember(error);
  }
  condition->second.has_node = true;
  CUgraph_st* const body = make_graph();
  body->is_body = true;
  graph->bodies.push_back(body);
  graph->add({.kind = WorkKind::kConditional,
              .branch = {.condition = given.handle, .repeats = given.type == cudaGraphCondTypeWhile, .body = body}});
  given.phGraph_out = &graph->bodies.back();
  *node = &graph->handles.back();
  return remember(device_state());
}
