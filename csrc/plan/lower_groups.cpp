// Groups: a group, or one pointwise node alone, becomes one step over registers (inputs first, then one per op).
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "plan/lower.h"
#include "plan/views.h"

namespace ingot::planning {

void Lowerer::lower_pointwise(NodeId id) {
  const NodeId members[] = {id};
  GroupForm form;
  form.members = members;
  form.space = graph_.value(graph_.node(id).results[0]).type.shape;
  lower_group(id, form);
}

void Lowerer::lower_fused(NodeId id) {
  const Node& node = graph_.node(id);
  if (const std::optional<GroupForm> form = group_form(graph_, module_.dims, node.regions[0].nodes)) {
    lower_group(id, *form);
  } else {
    lower_members(id);
  }
  // A result that is an outer value, or equal to an earlier result, has that one's place.
  for (std::size_t i = 0; i < node.results.size(); ++i) {
    const ValueId result = node.results[i];
    if (locations_[result.index].slot.valid()) continue;
    const ValueId same = node.regions[0].returns[i];
    const auto& returns = node.regions[0].returns;
    const auto first = static_cast<std::size_t>(std::find(returns.begin(), returns.end(), same) - returns.begin());
    locations_[result.index] = first < i ? location(node.results[first]) : location(same);
  }
}

// What the members read and do not compute, each once.
std::vector<ValueId> Lowerer::group_inputs(const GroupForm& form) const {
  std::vector<ValueId> inputs;
  const auto computed = [&](ValueId id) {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult &&
           (value.node == form.anchor ||
            std::find(form.members.begin(), form.members.end(), value.node) != form.members.end());
  };
  for (const NodeId member : form.members) {
    for (const ValueId operand : graph_.node(member).operands) {
      if (!computed(operand) && std::find(inputs.begin(), inputs.end(), operand) == inputs.end())
        inputs.push_back(operand);
    }
  }
  return inputs;
}

GroupInstruction Lowerer::make_instruction(const Node& node, const GroupForm& form,
                                           const std::unordered_map<std::uint32_t, std::uint32_t>& registers) const {
  const TensorType& result = graph_.value(node.results[0]).type;
  GroupInstruction instruction{.op = node.op,
                               .dtype = graph_.value(node.operands.back()).type.dtype,
                               .result_dtype = result.dtype,
                               .operands = {},
                               .per_row = form.per_row(result.shape)};
  for (const ValueId operand : node.operands) instruction.operands.push_back(registers.at(operand.index));
  return instruction;
}

// The op of the step, with its operands before the group's inputs.
void Lowerer::add_anchor(const GroupForm& form, Step& step) {
  if (!form.anchor.valid()) return;
  const Node& anchor = graph_.node(form.anchor);
  for (const ValueId operand : anchor.operands) step.inputs.push_back(location(operand));
  if (form.tail.valid()) {
    step.kernel = "attention";
    step.inputs.push_back(location(graph_.node(form.tail).operands[1]));
  } else {
    step.kernel = anchor.op->name;
    step.op = anchor.op;
    step.attrs = anchor.attrs;
  }
  step.num_anchor_inputs = static_cast<std::uint32_t>(step.inputs.size());
}

// One step for all members; id: the group, or the only member.
void Lowerer::lower_group(NodeId id, const GroupForm& form) {
  const Node& node = graph_.node(id);
  Step step;
  step.kernel = "pointwise";
  step.node = id;
  step.group_row_axes = form.row_axes;
  std::unordered_map<std::uint32_t, std::uint32_t> registers;  // by value; looked up only
  if (form.anchor.valid()) registers[graph_.node(form.anchor).results[0].index] = 0;
  const std::vector<ValueId> inputs = group_inputs(form);
  for (const ValueId input : inputs) registers.emplace(input.index, registers.size());
  for (const NodeId member : form.members) {
    step.group.push_back(make_instruction(graph_.node(member), form, registers));
    registers.emplace(graph_.node(member).results[0].index, registers.size());
  }
  if (form.tail.valid()) {
    step.group_outputs.push_back(registers.at(graph_.node(form.tail).operands[0].index));
    step.outputs.push_back(place_result(node.results[0]));
  }
  const AxisOrder order = order_of_group(node, form, inputs);
  for (std::size_t i = 0; !form.tail.valid() && i < node.results.size(); ++i) {
    if (analysis_.root(node.results[i]) != node.results[i]) continue;
    const ValueId value = node.regions.empty() ? node.results[i] : node.regions[0].returns[i];
    step.group_outputs.push_back(registers.at(value.index));
    step.outputs.push_back(place_result(node.results[i], order));
  }
  if (step.outputs.empty()) return;
  add_anchor(form, step);
  for (const ValueId input : inputs) step.inputs.push_back(broadcast_operand(location(input), form.space));
  plan_.steps.push_back(std::move(step));
}

// A group that is too large or of several shapes (only a file can hold one): its nodes one by one.
void Lowerer::lower_members(NodeId id) {
  const Node& node = graph_.node(id);
  const Region& body = node.regions[0];
  for (std::size_t i = 0; i < node.results.size(); ++i) {
    if (analysis_.root(node.results[i]) == node.results[i]) {
      destinations_[body.returns[i].index] = destinations_[node.results[i].index];
    }
  }
  for (const NodeId member : body.nodes) lower_node(member);
}

}  // namespace ingot::planning
