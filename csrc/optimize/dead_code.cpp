// dead_code: removes nodes, carried values, branch results and stacked outputs that nothing needs.
//
//   %0 = exp(x) : f32[4]                      %0 = sqrt(x) : f32[4]
//   %1 = sqrt(x) : f32[4]              ->     return %0
//   return %1
//
// Exact: what is removed reaches no output, no state and no effect. Aborts and nodes that may fail at run time stay,
// and so does all that they read: which error a run raises does not depend on the passes. A dead loop that can raise
// none is not run. Cost: linear in nodes and values.
#include <algorithm>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

// Position j of a loop's operands, region args, returns or results may stay or go only together with its partners.
struct LoopLayout {
  std::size_t carries;  // of a while: all operands
  bool is_scan;
};

LoopLayout loop_layout(const Node& node) {
  if (node.op->name != "scan") return {node.operands.size(), false};
  return {static_cast<std::size_t>(std::get<std::int64_t>(node.attrs[attr_index(*node.op, "carries")])), true};
}

bool is_loop(const Node& node) {
  return node.op->name == "while" || node.op->name == "scan";
}

class Liveness {
 public:
  explicit Liveness(Graph& graph)
      : graph_(graph), live_value_(graph.values.size(), false), live_node_(graph.nodes.size(), false) {}

  void run() {
    for (const ValueId value : graph_.body.returns) mark(value);
    for (const Update& update : graph_.updates) mark(update.value);
    mark_effects(graph_.body);
    drain();
    // A loop keeps one operand at least where it had one, so that its form stays a loop over something.
    for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (!live_node_[i] || !is_loop(node) || node.operands.empty()) continue;
      if (!any_operand_kept(node)) keep_operand(NodeId(i), 0);
      drain();
    }
  }

  bool live(ValueId value) const { return live_value_[value.index]; }
  bool live(NodeId node) const { return live_node_[node.index]; }

  // Whether operand `i` of a live loop stays.
  bool keeps_operand(const Node& node, std::size_t i) const {
    const LoopLayout layout = loop_layout(node);
    const std::size_t arg = layout.is_scan && i >= layout.carries ? i + 1 : i;
    for (const Region& region : node.regions) {
      if (live_value_[region.args[arg].index]) return true;
    }
    return i < layout.carries && live_value_[node.results[i].index];
  }

 private:
  void mark(ValueId value) {
    if (live_value_[value.index]) return;
    live_value_[value.index] = true;
    work_.push_back(value);
  }

  bool mark_effects(const Region& region) {
    bool any = false;
    for (const NodeId id : region.nodes) {
      const Node& node = graph_.node(id);
      bool effect = node.op->has(kEffect) || node.op->has(kMayFail);
      for (const Region& inner : node.regions) effect |= mark_effects(inner);
      if (effect) mark_node(id);
      any |= effect;
    }
    return any;
  }

  void mark_node(NodeId id) {
    if (live_node_[id.index]) return;
    live_node_[id.index] = true;
    const Node& node = graph_.node(id);
    if (is_loop(node)) {
      if (node.op->name == "while") mark(node.regions[0].returns[0]);
      return;  // its operands stay one by one
    }
    for (const ValueId operand : node.operands) mark(operand);
  }

  void drain() {
    while (!work_.empty()) {
      const ValueId id = work_.back();
      work_.pop_back();
      const Value& value = graph_.value(id);
      if (value.kind == ValueKind::kResult) {
        mark_node(value.node);
        mark_result(graph_.node(value.node), value.index);
      } else if (value.kind == ValueKind::kRegionArg) {
        mark_arg(value);
      }
    }
  }

  void mark_result(const Node& node, std::size_t index) {
    if (node.regions.empty()) return;
    if (is_loop(node)) {
      if (index < loop_layout(node).carries) {
        keep_operand(graph_.value(node.results[index]).node, index);
      } else {
        mark(node.regions.back().returns[index]);  // a stacked output of a scan
      }
      return;
    }
    for (const Region& region : node.regions) mark(region.returns[index]);
  }

  void mark_arg(const Value& value) {
    const Node& node = graph_.node(value.node);
    mark_node(value.node);
    const LoopLayout layout = loop_layout(node);
    if (value.index < layout.carries) {
      keep_operand(value.node, value.index);
    } else if (value.index > layout.carries) {
      mark(node.operands[value.index - 1]);  // args are carry..., index, x...
    }
  }

  // Carry i: its initial value, its args in every region and its next value live together.
  void keep_operand(NodeId id, std::size_t i) {
    const Node& node = graph_.node(id);
    const LoopLayout layout = loop_layout(node);
    mark(node.operands[i]);
    if (i >= layout.carries) {
      mark(node.regions[0].args[i + 1]);
      return;
    }
    mark(node.results[i]);
    mark(node.regions.back().returns[i]);
  }

  bool any_operand_kept(const Node& node) const {
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
      if (keeps_operand(node, i)) return true;
    }
    return false;
  }

  Graph& graph_;
  std::vector<bool> live_value_;
  std::vector<bool> live_node_;
  std::vector<ValueId> work_;
};

template <class T>
bool keep_where(std::vector<T>& items, const std::vector<bool>& keep) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (keep[i]) items[kept++] = items[i];
  }
  const bool changed = kept != items.size();
  items.resize(kept);
  return changed;
}

bool shrink_loop(const Liveness& liveness, Node& node) {
  const LoopLayout layout = loop_layout(node);
  std::vector<bool> operands(node.operands.size()), results(node.results.size()), args;
  for (std::size_t i = 0; i < operands.size(); ++i) operands[i] = liveness.keeps_operand(node, i);
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i] = i < layout.carries ? operands[i] : liveness.live(node.results[i]);
  }
  args = operands;
  if (layout.is_scan) {
    args.insert(args.begin() + static_cast<std::ptrdiff_t>(layout.carries), true);
    const auto kept =
        std::count(operands.begin(), operands.begin() + static_cast<std::ptrdiff_t>(layout.carries), true);
    node.attrs[attr_index(*node.op, "carries")] = static_cast<std::int64_t>(kept);
  }
  bool changed = keep_where(node.operands, operands);
  for (Region& region : node.regions) changed |= keep_where(region.args, args);
  changed |= keep_where(node.regions.back().returns, results);
  changed |= keep_where(node.results, results);
  return changed;
}

bool shrink_results(const Liveness& liveness, Node& node) {
  std::vector<bool> keep(node.results.size());
  for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = liveness.live(node.results[i]);
  for (Region& region : node.regions) keep_where(region.returns, keep);
  return keep_where(node.results, keep);
}

bool shrink(const Liveness& liveness, Graph& graph, Region& region) {
  std::vector<bool> keep(region.nodes.size());
  for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = liveness.live(region.nodes[i]);
  bool changed = keep_where(region.nodes, keep);
  for (const NodeId id : region.nodes) {
    Node& node = graph.nodes[id.index];
    if (node.regions.empty()) continue;
    for (Region& inner : node.regions) changed |= shrink(liveness, graph, inner);
    changed |= is_loop(node) ? shrink_loop(liveness, node) : shrink_results(liveness, node);
  }
  return changed;
}

}  // namespace

bool remove_dead_code(const PassContext& context) {
  Liveness liveness(context.graph);
  liveness.run();
  if (!shrink(liveness, context.graph, context.graph.body)) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
