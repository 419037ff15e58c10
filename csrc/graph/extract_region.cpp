// Copies one region of a node into a graph of its own. Linear in the region.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "graph/merge.h"
#include "graph/regions.h"

namespace ingot {
namespace {

class RegionCopier {
 public:
  RegionCopier(const Graph& from, Module& module, Graph& to, std::vector<ValueId>& captured)
      : from_(from), module_(module), to_(to), captured_(captured) {}

  void copy_as_body(const Region& region) {
    for (std::size_t i = 0; i < region.args.size(); ++i) {
      values_.emplace(region.args[i].index, add_input(from_.value(region.args[i]).type, concat("arg", i)));
    }
    copy_contents(region, to_.body.nodes, to_.body.returns);
    to_.output_names.resize(to_.body.returns.size());
  }

 private:
  ValueId add_value(Value value) {
    to_.values.push_back(std::move(value));
    return ValueId(static_cast<std::uint32_t>(to_.values.size() - 1));
  }

  ValueId add_input(const TensorType& type, std::string name) {
    const auto same = [&](const auto& tensor) { return tensor.name == name; };
    while (std::any_of(module_.params.begin(), module_.params.end(), same) ||
           std::any_of(module_.states.begin(), module_.states.end(), same)) {
      name += '_';
    }
    const std::uint32_t index = static_cast<std::uint32_t>(to_.body.args.size());
    const ValueId id = add_value({.kind = ValueKind::kInput, .type = type, .node = {}, .region = 0, .index = index});
    to_.body.args.push_back(id);
    to_.input_names.push_back(std::move(name));
    return id;
  }

  // The copy of a value that a node or return of the region uses.
  ValueId use(ValueId id) {
    const auto found = values_.find(id.index);
    if (found != values_.end()) return found->second;
    INGOT_CHECK(id.index < from_.values.size());
    Value value = from_.value(id);
    ValueId copy;
    if (value.kind == ValueKind::kConstant) {
      to_.constants.push_back(from_.constants[value.index]);
      value.index = static_cast<std::uint32_t>(to_.constants.size() - 1);
      copy = add_value(std::move(value));
    } else if (value.kind == ValueKind::kParam || value.kind == ValueKind::kState) {
      copy = add_value(std::move(value));
    } else {
      copy = add_input(value.type, concat("outer", captured_.size()));
      captured_.push_back(id);
    }
    values_.emplace(id.index, copy);
    return copy;
  }

  ValueId define(ValueId id, NodeId node) {
    Value value = from_.value(id);
    value.node = node;
    const ValueId copy = add_value(std::move(value));
    values_.emplace(id.index, copy);
    return copy;
  }

  void copy_contents(const Region& region, std::vector<NodeId>& nodes, std::vector<ValueId>& returns) {
    std::vector<NodeId> copied;
    for (const NodeId id : region.nodes) copied.push_back(copy_node(from_.node(id)));
    nodes = std::move(copied);
    std::vector<ValueId> used;
    for (const ValueId id : region.returns) used.push_back(use(id));
    returns = std::move(used);
  }

  NodeId copy_node(const Node& node) {
    const NodeId id(static_cast<std::uint32_t>(to_.nodes.size()));
    to_.nodes.emplace_back();  // keeps the place: inner nodes come after it
    Node copy{.op = node.op, .operands = {}, .results = {}, .attrs = node.attrs, .regions = {}, .origin = node.origin};
    for (const ValueId operand : node.operands) copy.operands.push_back(use(operand));
    for (const Region& region : node.regions) {
      Region& inner = copy.regions.emplace_back();
      for (const ValueId arg : region.args) inner.args.push_back(define(arg, id));
      copy_contents(region, inner.nodes, inner.returns);
    }
    for (const ValueId result : node.results) copy.results.push_back(define(result, id));
    to_.nodes[id.index] = std::move(copy);
    return id;
  }

  const Graph& from_;
  Module& module_;
  Graph& to_;
  std::vector<ValueId>& captured_;
  std::unordered_map<std::uint32_t, ValueId> values_;  // of from_ -> of to_
};

}  // namespace

ExtractedRegion extract_region(const Module& module, const Graph& graph, NodeId node, std::size_t region) {
  if (node.index >= graph.nodes.size() || region >= graph.node(node).regions.size()) {
    fail(ErrorCode::kArgument, concat("region: there is no region ", region, " of node ", node.index));
  }
  ExtractedRegion extracted;
  Module& result = extracted.module;
  result.format_version = module.format_version;
  result.numerics_version = module.numerics_version;
  result.dims = module.dims;
  result.guards = module.guards;
  result.params = module.params;
  result.states = module.states;
  Graph& copy = result.graphs.emplace_back();
  copy.name = region_names(*graph.node(node).op)[region];
  RegionCopier(graph, result, copy, extracted.captured).copy_as_body(graph.node(node).regions[region]);
  return extracted;
}

}  // namespace ingot
