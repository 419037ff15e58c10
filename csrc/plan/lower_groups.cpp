// Pointwise nodes: a group, or one node alone, becomes one step over registers (inputs first, then one per op).
#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "optimize/pass.h"
#include "plan/lower.h"
#include "plan/views.h"

namespace ingot::planning {

void Lowerer::lower_pointwise(NodeId id) {
  const NodeId members[] = {id};
  lower_group(id, members);
}

void Lowerer::lower_fused(NodeId id) {
  const Node& node = graph_.node(id);
  if (is_group(node)) {
    lower_group(id, node.regions[0].nodes);
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

// One step for all members; id: the group, or the only member.
void Lowerer::lower_group(NodeId id, std::span<const NodeId> members) {
  const Node& node = graph_.node(id);
  std::unordered_map<std::uint32_t, std::uint32_t> registers;  // by value; looked up only
  std::vector<ValueId> inputs;
  const auto computed = [&](ValueId value) {
    const Value& v = graph_.value(value);
    return v.kind == ValueKind::kResult && std::find(members.begin(), members.end(), v.node) != members.end();
  };
  for (const NodeId member : members) {
    for (const ValueId operand : graph_.node(member).operands) {
      if (computed(operand)) continue;
      if (registers.try_emplace(operand.index, inputs.size()).second) inputs.push_back(operand);
    }
  }
  Step step;
  step.kernel = "pointwise";
  step.node = id;
  for (const NodeId member : members) {
    const Node& op = graph_.node(member);
    GroupInstruction instruction{.op = op.op, .dtype = graph_.value(op.operands.back()).type.dtype, .operands = {}};
    instruction.result_dtype = graph_.value(op.results[0]).type.dtype;
    for (const ValueId operand : op.operands) instruction.operands.push_back(registers.at(operand.index));
    registers[op.results[0].index] = static_cast<std::uint32_t>(inputs.size() + step.group.size());
    step.group.push_back(std::move(instruction));
  }
  for (std::size_t i = 0; i < node.results.size(); ++i) {
    if (analysis_.root(node.results[i]) != node.results[i]) continue;
    const ValueId value = node.regions.empty() ? node.results[i] : node.regions[0].returns[i];
    step.group_outputs.push_back(registers.at(value.index));
    step.outputs.push_back(place_result(node.results[i]));
  }
  if (step.outputs.empty()) return;
  for (const ValueId input : inputs) {
    step.inputs.push_back(broadcast_operand(location(input), step.outputs[0].type.shape));
  }
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
