#include "plan/check_failures.h"

#include "base/error.h"

namespace ingot::checking {

void Failures::check(std::uint32_t t, const Step& step, bool at_top) {
  const bool is_row = step.kind == StepKind::kKernel && step.op != nullptr && step.op->has(kMayFail);
  if (step.kind != StepKind::kAbort && !is_row) return;
  const std::string check = is_row ? describe_check(subject_.graph.node(step.node)) : "";
  const bool passed = !check.empty() && passed_.contains(check);
  if (at_top && !check.empty()) passed_.insert(check);
  if (passed) return;
  if (state_is_written_) break_law(t, "it may fail after a state was written");
  if (!is_row || subject_.plan.slots[step.outputs[0].slot.index].kind != SlotKind::kState) return;
  const bool checks_first = step.op->has(kChecksFirst) && step.inputs[0].slot == step.outputs[0].slot;
  if (!checks_first) break_law(t, "it may fail while it writes a state");
}

std::string Failures::describe_check(const Node& node) const {
  if (node.op->dtype_rule != DTypeRule::kIndexed) return "";
  std::string check = concat(node.op->name, " by ", node.operands.back().index);
  for (const ValueId operand : node.operands) check += to_string(subject_.graph.value(operand).type.shape);
  for (const AttrValue& attr : node.attrs) {
    if (const auto* axis = std::get_if<std::int64_t>(&attr)) check += concat(" axis ", *axis);
    if (const auto* sizes = std::get_if<Shape>(&attr)) check += concat(" sizes ", to_string(*sizes));
  }
  return check;
}

}  // namespace ingot::checking
