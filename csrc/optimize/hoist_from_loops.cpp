// hoist_from_loops: what every turn of a loop would compute alike is computed once before it, and a product that takes
// one slice a turn is computed for all turns at once.
//
//   %0 = scan(h, xs, carries=1, length=n)         %0 = matmul(xs, w) : f32[n,1,8]
//     body(%1: f32[1,8], %2: i64[], %3: f32[1,4])   %1 = scan(h, xs, %0, carries=1, length=n)
//       %4 = matmul(%3, w) : f32[1,8]          ->     body(%2: f32[1,8], %3: i64[], %4: f32[1,4], %5: f32[1,8])
//       %5 = add(%1, %4) : f32[1,8]                     %6 = add(%2, %5) : f32[1,8]
//
// Exact: an element of a product depends on its row and column alone. Only nodes that can neither fail nor be seen
// move, because a loop may turn no time at all. Inner loops come first, so that what leaves one may leave the next.
// Linear.
#include <algorithm>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

class Hoister {
 public:
  explicit Hoister(const PassContext& context) : graph_(context.graph), inside_(context.graph.values.size(), false) {}

  bool run() {
    visit(NodeId(), 0);
    return changed_;
  }

 private:
  static bool is_scan(const Node& node) { return node.op->name == "scan"; }
  static bool is_loop(const Node& node) { return is_scan(node) || node.op->name == "while"; }

  void visit(NodeId owner, std::size_t index) {
    const std::vector<NodeId> nodes = region_of(graph_, owner, index).nodes;
    std::vector<NodeId> rebuilt;
    for (const NodeId id : nodes) {
      for (std::size_t r = 0; r < graph_.node(id).regions.size(); ++r) visit(id, r);
      if (is_loop(graph_.node(id))) hoist(id, rebuilt);
      rebuilt.push_back(id);
    }
    region_of(graph_, owner, index).nodes = std::move(rebuilt);
  }

  // Marks all values that the loop's regions define.
  void mark(const Region& region, bool inside) {
    for (const ValueId arg : region.args) inside_[arg.index] = inside;
    for (const NodeId id : region.nodes) {
      for (const ValueId result : graph_.node(id).results) inside_[result.index] = inside;
      for (const Region& inner : graph_.node(id).regions) mark(inner, inside);
    }
  }

  bool is_outside(ValueId value) const { return !inside_[value.index]; }

  // Appends to `before` what leaves the loop.
  void hoist(NodeId loop, std::vector<NodeId>& before) {
    for (const Region& region : graph_.node(loop).regions) mark(region, true);
    for (std::size_t r = 0; r < graph_.node(loop).regions.size(); ++r) {
      const std::vector<NodeId> nodes = region_of(graph_, loop, r).nodes;
      std::vector<NodeId> kept;
      for (const NodeId id : nodes) {
        if (is_invariant(graph_.node(id))) {
          for (const ValueId result : graph_.node(id).results) inside_[result.index] = false;
          before.push_back(id);
          changed_ = true;
        } else if (is_scan(graph_.node(loop)) && takes_slice(graph_.node(loop), graph_.node(id))) {
          before.push_back(for_all_turns(loop, id));
          changed_ = true;
        } else {
          kept.push_back(id);
        }
      }
      region_of(graph_, loop, r).nodes = std::move(kept);
    }
    for (const Region& region : graph_.node(loop).regions) mark(region, false);
  }

  bool is_invariant(const Node& node) const {
    const bool fixed = node.regions.empty() && !node.op->has(kEffect) && !node.op->has(kMayFail);
    return fixed && std::all_of(node.operands.begin(), node.operands.end(), [&](ValueId v) { return is_outside(v); });
  }

  // Where a scanned operand's slice is among the args of the body; 0: it is no slice.
  std::size_t slice_of(const Node& scan, ValueId value) const {
    const std::vector<ValueId>& args = scan.regions[0].args;
    const auto carries = static_cast<std::size_t>(std::get<std::int64_t>(scan.attrs[0]));
    for (std::size_t i = carries + 1; i < args.size(); ++i) {
      if (args[i] == value) return i;
    }
    return 0;
  }

  // matmul(slice, w): the turns become rows of the product.
  bool takes_slice(const Node& scan, const Node& node) const {
    if (node.op->name != "matmul" || slice_of(scan, node.operands[0]) == 0 || !is_outside(node.operands[1]))
      return false;
    return graph_.value(node.operands[1]).type.shape.size() <= graph_.value(node.operands[0]).type.shape.size();
  }

  // The node for all turns; its old result becomes the slice of the new one.
  NodeId for_all_turns(NodeId loop, NodeId id) {
    Node whole = graph_.node(id);
    const ValueId slice = whole.results[0], product(static_cast<std::uint32_t>(graph_.values.size()));
    whole.operands[0] = graph_.node(loop).operands[slice_of(graph_.node(loop), whole.operands[0]) - 1];
    whole.results = {product};
    TensorType type = graph_.value(slice).type;
    type.shape.insert(type.shape.begin(), graph_.value(whole.operands[0]).type.shape[0]);
    const NodeId fresh(static_cast<std::uint32_t>(graph_.nodes.size()));
    graph_.values.push_back({.kind = ValueKind::kResult, .type = type, .node = fresh, .region = 0, .index = 0});
    inside_.push_back(false);
    graph_.nodes.push_back(std::move(whole));
    Node& scan = graph_.nodes[loop.index];
    const auto index = static_cast<std::uint32_t>(scan.regions[0].args.size());
    graph_.values[slice.index] = {
        .kind = ValueKind::kRegionArg, .type = graph_.value(slice).type, .node = loop, .region = 0, .index = index};
    scan.operands.push_back(product);
    scan.regions[0].args.push_back(slice);
    return fresh;
  }

  Graph& graph_;
  std::vector<bool> inside_;  // by value: defined in the loop in hand
  bool changed_ = false;
};

}  // namespace

bool hoist_from_loops(const PassContext& context) {
  if (!Hoister(context).run()) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
