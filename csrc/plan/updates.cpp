// Outputs and states: what is not computed where it belongs is copied, outputs as soon as they are there, so that the
// buffer they were computed in is free again, states last, when nothing can fail any more. A state is written in place
// where every other reader of its old value comes before and nothing can fail after.
#include <map>
#include <string>

#include "base/error.h"
#include "plan/lower.h"
#include "plan/views.h"

namespace ingot::planning {

// Range errors depend on the index operand, the shapes and the attributes alone: the same check twice fails the first
// time or never. That is what lets the caches of all layers, written at one position, be updated in place.
std::string Lowerer::failure_key(const Node& node) const {
  if (node.op->dtype_rule != DTypeRule::kIndexed) return {};
  std::string key = concat(node.op->name, ' ', node.operands.back().index);
  for (const ValueId operand : node.operands) key += to_string(graph_.value(operand).type.shape);
  for (const AttrValue& attr : node.attrs) {
    if (const auto* number = std::get_if<std::int64_t>(&attr)) key += concat(' ', *number);
    if (const auto* sizes = std::get_if<Shape>(&attr)) key += to_string(*sizes);
  }
  return key;
}

// The last node of the body that can still fail, as position + 1 (0: none). Requires implied_.
std::uint32_t Lowerer::last_failing_position() const {
  std::uint32_t last = 0;
  const std::vector<NodeId>& nodes = order_.nodes[0];
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (analysis_.may_fail(nodes[i]) && !implied_[nodes[i].index]) last = i + 1;
  }
  return last;
}

void Lowerer::plan_updates() {
  if (graph_.updates.empty()) return;
  std::map<std::string, NodeId> checks;
  for (const NodeId id : order_.nodes[0]) {
    if (!analysis_.may_fail(id)) continue;
    const std::string key = failure_key(graph_.node(id));
    if (!key.empty()) implied_[id.index] = !checks.try_emplace(key, id).second;
  }
  last_failing_ = last_failing_position();
  std::map<std::uint32_t, ValueId> roots;  // by state: the value that stands for its old content, where it is read
  for (std::uint32_t i = 0; i < graph_.values.size(); ++i) {
    if (graph_.values[i].kind == ValueKind::kState) roots.try_emplace(graph_.values[i].index, ValueId(i));
  }
  for (const Update& update : graph_.updates) {
    const auto found = roots.find(update.state);
    const ValueId root = found == roots.end() ? ValueId() : found->second;
    const std::vector<ValueId> chain = overwrite_chain(0, update.value, root);
    if (chain.empty() || !may_write_state(chain, root)) continue;
    const SlotId slot = leaf_slot(SlotKind::kState, update.state);
    for (const ValueId link : chain) destinations_[link.index] = slot;
  }
}

// Nothing fails from the first write on. The first writer itself may fail where it checks before it writes a part in
// place: kChecksFirst says so.
bool Lowerer::may_write_state(std::span<const ValueId> chain, ValueId state_root) const {
  const Value& first = graph_.value(chain.back());
  const std::uint32_t position = order_.position[first.node.index];
  if (last_failing_ <= position) return true;
  if (last_failing_ > position + 1) return false;
  const Node& node = graph_.node(first.node);
  return node.op->has(kChecksFirst) && state_root.valid() && behind_reshapes(node.operands[0]) == state_root;
}

// Of those that lie in the arena: there nothing overwrites them before the copy.
void Lowerer::deliver_outputs_of(NodeId node) {
  const auto [begin, end] = outputs_of_.equal_range(node);
  for (auto entry = begin; entry != end; ++entry) {
    const std::uint32_t i = entry->second;
    const ValueId value = graph_.body.returns[i];
    if (plan_.slots[location(value).slot.index].kind != SlotKind::kArena) continue;
    deliver(value, leaf_slot(SlotKind::kOutput, i), graph_.value(value).type, NodeId());
    delivered_[i] = true;
  }
}

void Lowerer::deliver_outputs() {
  for (std::uint32_t i = 0; i < graph_.body.returns.size(); ++i) {
    if (delivered_[i]) continue;
    const ValueId value = graph_.body.returns[i];
    deliver(value, leaf_slot(SlotKind::kOutput, i), graph_.value(value).type, NodeId());
  }
}

// Updates read every state as it was: what reads a state that another update overwrites goes through a buffer first.
void Lowerer::deliver_updates() {
  struct Pending {
    SlotId target;
    Operand source;
    TensorType type;
  };
  std::vector<Pending> pending;
  std::map<SlotId, bool> overwritten;
  for (const Update& update : graph_.updates) {
    const SlotId target = leaf_slot(SlotKind::kState, update.state);
    const Operand source = location(update.value);
    if (source.slot == target && is_whole(source)) continue;
    pending.push_back({target, source, module_.states[update.state].type});
    overwritten[target] = true;
  }
  for (Pending& update : pending) {
    if (!overwritten.contains(update.source.slot)) continue;
    const SlotId buffer = new_buffer(update.source.type);
    add_copy(update.source, buffer, update.source.type, NodeId());
    update.source = contiguous_operand(buffer, update.source.type);
  }
  for (const Pending& update : pending) add_copy(update.source, update.target, update.type, NodeId());
}

}  // namespace ingot::planning
