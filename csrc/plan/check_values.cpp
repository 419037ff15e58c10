#include "plan/check_values.h"

#include <span>
#include <utility>

namespace ingot::checking {
namespace {

// The nodes of a group and the registers of its inputs and instructions (check_steps has found them sound).
struct GroupNodes {
  NodeId anchor, tail;
  std::span<const NodeId> members;
  std::size_t first_input = 0, first_instruction = 0;
};

GroupNodes group_nodes(const Graph& graph, const Step& step) {
  const Node& node = graph.node(step.node);
  GroupNodes nodes;
  nodes.members = {&step.node, 1};
  if (!node.regions.empty()) nodes.members = node.regions[0].nodes;
  if (step.num_anchor_inputs > 0) {
    nodes.anchor = nodes.members.front();
    nodes.members = nodes.members.subspan(1);
    nodes.first_input = 1;
  }
  if (step.kernel == "attention") {
    nodes.tail = nodes.members.back();
    nodes.members = nodes.members.first(nodes.members.size() - 1);
  }
  nodes.first_instruction = nodes.first_input + step.inputs.size() - step.num_anchor_inputs;
  return nodes;
}

}  // namespace

HeldValues::HeldValues(const Subject& subject)
    : subject_(subject), plan_(subject.plan), laid_(plan_.slots.size()), dims_(sample_bindings(subject.module)) {
  find_leaves();
  find_owners(subject.graph);
}

void HeldValues::find_leaves() {
  const auto& values = subject_.graph.values;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    std::uint32_t index = values[i].index;
    if (values[i].kind == ValueKind::kParam) index = subject_.module.params[index].alias_of.value_or(index);
    if (values[i].kind == ValueKind::kInput) leaves_.try_emplace({SlotKind::kInput, index}, ValueId(i));
    if (values[i].kind == ValueKind::kParam) leaves_.try_emplace({SlotKind::kParam, index}, ValueId(i));
    if (values[i].kind == ValueKind::kState) leaves_.try_emplace({SlotKind::kState, index}, ValueId(i));
    if (values[i].kind == ValueKind::kConstant) leaves_.try_emplace({SlotKind::kConstant, index}, ValueId(i));
  }
}

// Nodes inside a group count as where the group stands.
void HeldValues::find_owners(const Graph& graph) {
  owner_.resize(graph.nodes.size());
  for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) {
    if (graph.nodes[i].op->name == "fused") continue;
    for (const Region& region : graph.nodes[i].regions) {
      for (const NodeId inner : region.nodes) set_owner(graph, inner, NodeId(i));
    }
  }
}

void HeldValues::set_owner(const Graph& graph, NodeId node, NodeId owner) {
  owner_[node.index] = owner;
  if (graph.node(node).op->name != "fused") return;
  for (const NodeId member : graph.node(node).regions[0].nodes) owner_[member.index] = owner;
}

void HeldValues::check(std::uint32_t t, const Step& step) const {
  if (step.kind != StepKind::kKernel || step.kernel == "copy") return;
  const Node& node = subject_.graph.node(step.node);
  if (step.group.empty()) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i) check_value(t, step.inputs[i], node.operands[i]);
    return;
  }
  const GroupNodes nodes = group_nodes(subject_.graph, step);
  if (nodes.anchor.valid()) {
    const std::vector<ValueId>& operands = subject_.graph.node(nodes.anchor).operands;
    for (std::size_t i = 0; i < operands.size(); ++i) check_value(t, step.inputs[i], operands[i]);
  }
  if (nodes.tail.valid()) check_value(t, step.inputs[2], subject_.graph.node(nodes.tail).operands[1]);
  for (std::size_t g = 0; g < nodes.members.size(); ++g) {
    const std::vector<ValueId>& operands = subject_.graph.node(nodes.members[g]).operands;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      const std::uint32_t r = step.group[g].operands[i];
      if (r >= nodes.first_input && r < nodes.first_instruction)
        check_value(t, step.inputs[r - nodes.first_input + step.num_anchor_inputs], operands[i]);
    }
  }
}

void HeldValues::check_value(std::uint32_t t, const Operand& input, ValueId operand) const {
  const auto require = [t](bool holds, const char* law) {
    if (!holds) break_law(t, law);
  };
  const std::optional<ValueId> source = source_of(subject_.graph, operand);
  if (!source || plan_.slots[input.slot.index].kind == SlotKind::kWindow) return;
  const Value& value = subject_.graph.value(*source);
  const Slot& place = plan_.slots[input.slot.index];
  const bool is_leaf_place =
      place.kind != SlotKind::kArena && place.kind != SlotKind::kOutput && place.kind != SlotKind::kStrip;
  const std::optional<Laid>& held = laid_[input.slot.index];
  if (value.kind == ValueKind::kRegionArg) {
    const NodeId definer = held ? subject_.graph.value(held->value).node : NodeId();
    const bool is_next = definer.valid() && owner_[definer.index] == value.node;
    return require(!is_next, "it reads a carried value where the next one has been written");
  }
  if (value.kind == ValueKind::kResult) {
    require(held || !is_leaf_place, "an operand that is a result lies where none was written");
  } else if (is_leaf_place) {
    require(!held, "it reads the old value of a state that has been written");
  }
  const std::optional<Laid> laid = laid_in(input.slot);
  require(!laid || same_source(subject_, laid->value, *source), "an operand lies where another value was written");
  if (!laid || dims_.empty() || input.layout.in_panels()) return;
  require(shows_value(subject_, dims_.back(), input, operand, *laid), "an operand does not show its value's elements");
}

// What lies in the slot: what a step put there, else the leaf itself.
std::optional<Laid> HeldValues::laid_in(SlotId slot) const {
  const std::optional<Laid>& laid = laid_[slot.index];
  if (laid) return laid;
  const auto leaf = leaves_.find({plan_.slots[slot.index].kind, plan_.slots[slot.index].index});
  if (leaf == leaves_.end()) return std::nullopt;
  return Laid{.value = leaf->second, .written = whole_operand(slot, leaf->second)};
}

// The value, row-major from the slot's start on.
Operand HeldValues::whole_operand(SlotId slot, ValueId value) const {
  Operand whole{.slot = slot, .type = subject_.graph.value(value).type, .strides = {}, .offset = 0};
  Size stride = 1;
  for (std::size_t axis = whole.type.shape.size(); axis-- > 0;) {
    whole.strides.insert(whole.strides.begin(), stride);
    if (axis > 0) stride = stride * whole.type.shape[axis];
  }
  return whole;
}

std::optional<Laid> HeldValues::copied_from(const Operand& source) const {
  if (plan_.slots[source.slot.index].kind == SlotKind::kWindow) return std::nullopt;
  return laid_in(source.slot);
}

void HeldValues::note(const Step& step, std::optional<Laid> copied) {
  const auto note = [&](const Operand& output, std::optional<Laid> laid) {
    if (plan_.slots[output.slot.index].kind != SlotKind::kWindow) laid_[output.slot.index] = std::move(laid);
  };
  if (step.kernel == "copy") {
    if (copied) copied->copies.emplace_back(step.inputs[0], step.outputs[0]);
    return note(step.outputs[0], std::move(copied));
  }
  if (step.group.empty()) {
    const ValueId value = subject_.graph.node(step.node).results[0];
    return note(step.outputs[0], Laid{.value = value, .written = step.outputs[0]});
  }
  const GroupNodes nodes = group_nodes(subject_.graph, step);
  for (std::size_t o = 0; o < step.outputs.size(); ++o) {
    const NodeId maker =
        nodes.tail.valid() ? nodes.tail : nodes.members[step.group_outputs[o] - nodes.first_instruction];
    note(step.outputs[o], Laid{.value = subject_.graph.node(maker).results[0], .written = step.outputs[o]});
  }
}

void HeldValues::check_output(std::uint32_t t, SlotId slot, ValueId value) const {
  check_value(t, whole_operand(slot, value), value);
}

}  // namespace ingot::checking
