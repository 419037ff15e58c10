// What all passes share: renumbering after a rewrite, names, and small questions about nodes.
#include <utility>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

struct Compactor {
  explicit Compactor(Graph& graph) : old(graph), value_map(graph.values.size()) {}

  void run() {
    for (ValueId& arg : old.body.args) arg = define(arg);
    copy_region(old.body);
    for (Update& update : old.updates) update.value = use(update.value);
    old.values = std::move(values);
    old.nodes = std::move(nodes);
    old.constants = std::move(constants);
  }

  ValueId define(ValueId id) {
    const ValueId fresh(static_cast<std::uint32_t>(values.size()));
    values.push_back(std::move(old.values[id.index]));
    value_map[id.index] = fresh;
    return fresh;
  }

  // Params, states and constants come into being at their first use; everything else is defined before it is used.
  ValueId use(ValueId id) {
    if (value_map[id.index].valid()) return value_map[id.index];
    const ValueKind kind = old.values[id.index].kind;
    INGOT_CHECK(kind == ValueKind::kParam || kind == ValueKind::kState || kind == ValueKind::kConstant);
    const ValueId fresh = define(id);
    if (kind == ValueKind::kConstant) {
      Value& value = values[fresh.index];
      constants.push_back(old.constants[value.index]);
      value.index = static_cast<std::uint32_t>(constants.size() - 1);
    }
    return fresh;
  }

  void copy_region(Region& region) {
    for (NodeId& id : region.nodes) id = copy_node(id);
    for (ValueId& value : region.returns) value = use(value);
  }

  NodeId copy_node(NodeId id) {
    const NodeId fresh(static_cast<std::uint32_t>(nodes.size()));
    nodes.emplace_back();
    Node node = std::move(old.nodes[id.index]);
    for (ValueId& operand : node.operands) operand = use(operand);
    for (std::size_t r = 0; r < node.regions.size(); ++r) {
      for (std::size_t i = 0; i < node.regions[r].args.size(); ++i) {
        ValueId& arg = node.regions[r].args[i];
        arg = define(arg);
        values[arg.index].node = fresh;
        values[arg.index].region = static_cast<std::uint32_t>(r);
        values[arg.index].index = static_cast<std::uint32_t>(i);
      }
      copy_region(node.regions[r]);
    }
    for (std::size_t i = 0; i < node.results.size(); ++i) {
      node.results[i] = define(node.results[i]);
      values[node.results[i].index].node = fresh;
      values[node.results[i].index].index = static_cast<std::uint32_t>(i);
    }
    nodes[fresh.index] = std::move(node);
    return fresh;
  }

  Graph& old;
  std::vector<ValueId> value_map;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<TensorData> constants;
};

}  // namespace

void compact(Graph& graph) {
  Compactor(graph).run();
}

// The graphs' inputs hide params of the same name in the text, so their names count as taken.
std::string NewNames::next() {
  if (taken_.empty()) {
    for (const Param& param : module_.params) taken_.insert(param.name);
    for (const State& state : module_.states) taken_.insert(state.name);
    for (const Graph& graph : module_.graphs) taken_.insert(graph.input_names.begin(), graph.input_names.end());
  }
  while (true) {
    std::string name = concat(prefix_, number_++);
    if (taken_.insert(name).second) return name;
  }
}

Region& region_of(Graph& graph, NodeId owner, std::size_t index) {
  return owner.valid() ? graph.nodes[owner.index].regions[index] : graph.body;
}

bool has_trait_inside(const Graph& graph, const Node& node, std::uint32_t traits) {
  if ((node.op->traits & traits) != 0) return true;
  for (const Region& region : node.regions) {
    for (const NodeId inner : region.nodes) {
      if (has_trait_inside(graph, graph.node(inner), traits)) return true;
    }
  }
  return false;
}

bool is_fused(const Node& node) {
  return node.op->name == "fused";
}

}  // namespace ingot
