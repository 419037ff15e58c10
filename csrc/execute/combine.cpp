#include "execute/combine.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace ingot {

namespace {

constexpr std::int32_t kUnbound = -1;

// One try to find a combination that ends at an instruction.
class Match {
 public:
  Match(const Graph& graph, const std::vector<Slot>& slots, const Step& step, const CombinedKernel& kernel)
      : graph_(graph), slots_(slots), step_(step), kernel_(kernel), found_(kernel.num_ops, kUnbound) {}

  bool run(std::size_t last) { return is_op(kernel_.num_ops - 1, num_inputs() + static_cast<std::int32_t>(last)); }
  // Whether register r is the result of one of its ops.
  bool holds(std::int32_t r) const { return std::find(found_.begin(), found_.end(), r) != found_.end(); }
  std::int32_t operand() const { return operand_; }

 private:
  std::int32_t num_inputs() const { return static_cast<std::int32_t>(step_.first_instruction()); }

  bool is_op(std::int32_t op, std::int32_t r) {
    if (found_[op] != kUnbound) return found_[op] == r;
    if (r < num_inputs()) return false;
    const GroupInstruction& instruction = step_.group[r - num_inputs()];
    if (instruction.op->name != kernel_.ops[op].op || instruction.dtype != DType::kF32) return false;
    found_[op] = r;
    for (std::size_t i = 0; i < instruction.operands.size(); ++i) {
      if (!is_operand(kernel_.ops[op].operands[i], static_cast<std::int32_t>(instruction.operands[i]))) return false;
    }
    return true;
  }

  bool is_operand(std::int32_t operand, std::int32_t r) {
    if (operand >= 0) return is_op(operand, r);
    if (operand <= kFirstNumber) return is_number(kernel_.numbers[kFirstNumber - operand], r);
    if (operand_ == kUnbound) operand_ = r;
    return operand_ == r;
  }

  bool is_number(float number, std::int32_t r) const {
    const auto first = static_cast<std::int32_t>(step_.first_group_input());
    if (r < first || r >= num_inputs()) return false;
    const Slot& slot = slots_[step_.inputs[step_.num_anchor_inputs + r - first].slot.index];
    if (slot.kind != SlotKind::kConstant) return false;
    const TensorData& data = graph_.constants[slot.index];
    return data.size_bytes == sizeof(number) && std::memcmp(data.data, &number, sizeof(number)) == 0;
  }

  const Graph& graph_;
  const std::vector<Slot>& slots_;
  const Step& step_;
  const CombinedKernel& kernel_;
  std::vector<std::int32_t> found_;  // registers
  std::int32_t operand_ = kUnbound;
};

// Whether an instruction but its own, or an output, reads one of the combination's inner results.
bool is_read_elsewhere(const Match& match, const Step& step, std::int32_t num_inputs, std::size_t last) {
  const auto is_inner = [&](std::uint32_t r) {
    return static_cast<std::int32_t>(r) != num_inputs + static_cast<std::int32_t>(last) &&
           match.holds(static_cast<std::int32_t>(r));
  };
  if (std::any_of(step.group_outputs.begin(), step.group_outputs.end(), is_inner)) return true;
  for (std::size_t i = 0; i < step.group.size(); ++i) {
    if (match.holds(num_inputs + static_cast<std::int32_t>(i))) continue;
    const std::vector<std::uint32_t>& operands = step.group[i].operands;
    if (std::any_of(operands.begin(), operands.end(), is_inner)) return true;
  }
  return false;
}

// Takes the marked instructions out; those behind them get their registers.
void remove(const std::vector<bool>& removed, std::int32_t num_inputs, GroupCode& code) {
  std::vector<std::int32_t> moved(num_inputs + removed.size());
  std::int32_t next = 0;
  for (std::size_t r = 0; r < moved.size(); ++r) {
    moved[r] = next;
    if (r < static_cast<std::size_t>(num_inputs) || !removed[r - num_inputs]) ++next;
  }
  std::vector<PointwiseInstruction> kept;
  for (std::size_t i = 0; i < removed.size(); ++i) {
    if (removed[i]) continue;
    kept.push_back(code.instructions[i]);
    for (std::int32_t j = 0; j < kept.back().num_operands; ++j)
      kept.back().operands[j] = moved[kept.back().operands[j]];
  }
  code.instructions = std::move(kept);
  for (std::int32_t& output : code.output_registers) output = moved[output];
}

}  // namespace

void combine(const KernelTable& level, const Graph& graph, const std::vector<Slot>& slots, const Step& step,
             GroupCode& code) {
  const auto num_inputs = static_cast<std::int32_t>(step.first_instruction());
  std::vector<bool> removed(step.group.size());
  for (std::size_t last = 0; last < step.group.size(); ++last) {
    for (std::int32_t k = 0; k < level.combined->num_kernels; ++k) {
      const CombinedKernel& kernel = level.combined->kernels[k];
      Match match(graph, slots, step, kernel);
      if (!match.run(last) || is_read_elsewhere(match, step, num_inputs, last)) continue;
      for (std::size_t i = 0; i < last; ++i)
        if (match.holds(num_inputs + static_cast<std::int32_t>(i))) removed[i] = true;
      PointwiseInstruction& to = code.instructions[last];
      to = {.function = kernel.function,
            .num_operands = 1,
            .operands = {match.operand()},
            .result_size_bytes = to.result_size_bytes,
            .per_row = to.per_row};
      break;
    }
  }
  remove(removed, num_inputs, code);
}

}  // namespace ingot
