// Results computed where they are needed: in an output, a carry's buffer, a branch's result, over a value that dies.
// All decisions fall before the region is lowered and only add places to `destinations_`; what got none is copied.
#include <algorithm>

#include "base/error.h"
#include "optimize/group_form.h"
#include "plan/lower.h"

namespace ingot::planning {
namespace {

constexpr std::size_t kMaxChain = 64;  // nodes that write one after the other over one value

}  // namespace

// A product weighs the rows: its result is of other elements than the group's inputs.
bool Lowerer::is_attention(const Region& group) const {
  return group.nodes.size() > 1 && graph_.node(group.nodes.back()).op->has(kContraction);
}

// One step can hold the group.
bool Lowerer::is_group(const Node& node) const {
  return group_form(graph_, module_.dims, node.regions[0].nodes).has_value();
}

// A single step computes the node's results.
bool Lowerer::is_kernel_node(const Node& node) const {
  if (node.op->name == "fused") return is_group(node);
  return node.regions.empty() && !node.op->has(kView) && !node.op->has(kEffect);
}

ValueId Lowerer::behind_reshapes(ValueId value) const {
  while (graph_.value(value).kind == ValueKind::kResult) {
    const Node& node = graph_.node(graph_.value(value).node);
    if (node.op->name != "reshape") break;
    value = node.operands[0];
  }
  return value;
}

// A step of this very region can write the value anywhere.
bool Lowerer::can_be_placed(std::uint32_t region, ValueId id) const {
  const Value& value = graph_.value(id);
  if (value.kind != ValueKind::kResult || analysis_.region_of(value.node) != region) return false;
  if (analysis_.root(id) != id) return false;
  const Node& node = graph_.node(value.node);
  if (is_loop(node)) return value.index >= loop_form(node).num_carries;  // a stacked output
  return node.op->name == "if" || node.op->name == "fused" || is_kernel_node(node);
}

// Has the value computed in `target` where that is possible and no other place was promised.
bool Lowerer::place(std::uint32_t region, ValueId id, SlotId target) {
  const ValueId value = behind_reshapes(id);
  if (!can_be_placed(region, value) || destinations_[value.index].valid()) return false;
  destinations_[value.index] = target;
  return true;
}

// Everything in `region` that reads the root's bytes comes before `node` (or is it, where it may).
bool Lowerer::read_before(std::uint32_t region, ValueId root, NodeId node, bool node_may_read) const {
  const std::uint32_t limit = order_.position[node.index];
  for (const Use& use : analysis_.uses_of_root(root)) {
    const std::uint32_t at = analysis_.position_in(region, use, order_);
    if (at > limit || (at == limit && !node_may_read)) return false;
  }
  return true;
}

// The result may lie where `root` lies, as far as the node itself is concerned: element i of the result is written only
// when nothing of the root is read any more that could differ. A kUpdatesFirst row says so of its operand 0; in a group
// every read of the root must be of element i (or of its row, which is then all read before any of it is written), by
// the op that defines the result or one before it. A contraction writes its own result first.
bool Lowerer::takes_place_of(const Node& node, std::size_t result, ValueId root) const {
  const TensorType& type = graph_.value(node.results[result]).type;
  const auto same_elements = [&](ValueId operand) {
    const TensorType& read = graph_.value(operand).type;
    return behind_reshapes(operand) == root && read.shape == type.shape &&
           size_bytes(read.dtype) == size_bytes(type.dtype);
  };
  if (node.op->has(kUpdatesFirst)) {
    for (std::size_t i = 1; i < node.operands.size(); ++i) {
      if (analysis_.root(node.operands[i]) == root) return false;
    }
    return same_elements(node.operands[0]);
  }
  const auto reads_well = [&](const Node& op, bool early) {
    early = early && !op.op->has(kContraction);
    for (const ValueId operand : op.operands) {
      if (analysis_.root(operand) == root && !(early && same_elements(operand))) return false;
    }
    return true;
  };
  if (node.op->has(kPointwise)) return reads_well(node, true);
  if (node.op->name != "fused") return false;
  const Region& body = node.regions[0];
  if (is_attention(body)) return false;
  const NodeId definer = graph_.value(body.returns[result]).node;
  bool early = true;
  for (const NodeId member : body.nodes) {
    if (!reads_well(graph_.node(member), early)) return false;
    if (member == definer) early = false;
  }
  return true;
}

// A root that the result may take the place of: `wanted` if it is one, else the first operand's that is; none else.
ValueId Lowerer::in_place_root(const Node& node, std::size_t result, ValueId wanted) const {
  std::vector<ValueId> operands = node.operands;
  if (node.op->has(kUpdatesFirst)) operands.resize(1);
  if (node.op->name == "fused") {
    for (const NodeId member : node.regions[0].nodes) {
      const std::vector<ValueId>& more = graph_.node(member).operands;
      operands.insert(operands.end(), more.begin(), more.end());
    }
  } else if (!node.op->has(kPointwise) && !node.op->has(kUpdatesFirst)) {
    return {};
  }
  ValueId found;
  for (const ValueId operand : operands) {
    const ValueId root = analysis_.root(operand);
    if (behind_reshapes(operand) != root || (found.valid() && root != wanted)) continue;
    if (takes_place_of(node, result, root)) found = root;
  }
  return found;
}

// Values, last first, that can be computed one after the other in the place of `root` and end in `value`; empty if it
// cannot be. Every one overwrites the next of the list; the last of the list overwrites the root.
std::vector<ValueId> Lowerer::overwrite_chain(std::uint32_t region, ValueId value, ValueId root) const {
  std::vector<ValueId> chain;
  std::size_t good = 0;  // the longest prefix that is a chain of its own
  ValueId current = behind_reshapes(value);
  while (chain.size() < kMaxChain) {
    const Value& v = graph_.value(current);
    if (!can_be_placed(region, current) || !is_kernel_node(graph_.node(v.node))) break;
    if (destinations_[current.index].valid()) break;
    chain.push_back(current);
    const Node& node = graph_.node(v.node);
    const ValueId source = in_place_root(node, v.index, root);
    if (source == root && root.valid()) {
      if (read_before(region, root, v.node, true)) good = chain.size();
      break;
    }
    if (!root.valid() || read_before(region, root, v.node, false)) good = chain.size();
    if (!source.valid() || !can_be_placed(region, source) || !read_before(region, source, v.node, true)) break;
    current = source;
  }
  chain.resize(good);
  return chain;
}

bool Lowerer::overwrite(std::uint32_t region, ValueId value, ValueId root, SlotId target) {
  const std::vector<ValueId> chain = overwrite_chain(region, value, root);
  for (const ValueId link : chain) destinations_[link.index] = target;
  return !chain.empty();
}

}  // namespace ingot::planning
