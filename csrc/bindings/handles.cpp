// Checked access through handles, and the names of values.
#include "bindings/handles.h"

#include "base/error.h"
#include "graph/text.h"

namespace ingot::python {

Graph& ModuleHandle::graph(std::size_t index) const {
  if (index >= module->graphs.size()) {
    fail(ErrorCode::kArgument, concat("graph: there is no graph ", index, ": the module has ", module->graphs.size()));
  }
  return module->graphs[index];
}

const Value& ValueHandle::value() const {
  const Graph& g = owner.graph(graph);
  if (id.index >= g.values.size()) fail(ErrorCode::kArgument, concat("value: there is no value ", id.index));
  return g.values[id.index];
}

std::string ValueHandle::name() const {
  const Graph& g = owner.graph(graph);
  const ValueKind kind = value().kind;
  if (owner.numbers->size() <= graph) owner.numbers->resize(graph + 1);
  ValueNumbers& known = (*owner.numbers)[graph];
  if (known.num_values != g.values.size() || known.num_nodes != g.nodes.size()) {
    known = {g.values.size(), g.nodes.size(), number_values(g)};
  }
  const bool numbered = kind == ValueKind::kResult || kind == ValueKind::kRegionArg;
  if (numbered && known.numbers[id.index] == kUnnumbered) return "%?";
  return print_value(*owner.module, g, known.numbers, id);
}

const Node& NodeHandle::node() const {
  const Graph& g = owner.graph(graph);
  if (id.index >= g.nodes.size()) fail(ErrorCode::kArgument, concat("node: there is no node ", id.index));
  return g.nodes[id.index];
}

const Region& RegionHandle::region() const {
  if (!node.valid()) return owner.graph(graph).body;
  const Node& n = NodeHandle{owner, graph, node}.node();
  if (index >= n.regions.size()) fail(ErrorCode::kArgument, concat("region: node has no region ", index));
  return n.regions[index];
}

}  // namespace ingot::python
