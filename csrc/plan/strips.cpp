// Chains of convolutions and pools on large images. The result of one that the next one alone reads, and that would not
// stay in the cache, is computed some rows at a time, right before they are read: it never lies in memory as a whole.
// Exact: every element is computed by the same kernel from the same elements.
#include "plan/strips.h"

#include <algorithm>

#include "base/checked.h"
#include "ops/op.h"

namespace ingot::planning {
namespace {

constexpr std::int64_t kNearBytes = 1024 * 1024;    // a smaller result stays in the cache as a whole
constexpr std::int64_t kStripBytes = 512 * 1024;    // of the rows that a few rows of the next result need
constexpr std::int64_t kWeightBytes = 1024 * 1024;  // of a chain, read again for every strip
constexpr std::int64_t kLeastRows = 4;              // of a strip of the next result

// How often something touches a slot.
struct SlotUse {
  int writes = 0, reads = 0;
};

class StripJoiner {
 public:
  StripJoiner(Plan& plan, std::span<const Dim> dims)
      : plan_(plan), dims_(dims), uses_(plan.slots.size()), is_target_(plan.steps.size() + 1, false) {
    for (const Step& step : plan.steps) {
      for (const Operand& input : step.inputs) ++uses_[input.slot.index].reads;
      for (const Operand& output : step.outputs) ++uses_[output.slot.index].writes;
      if (step.slot_a.valid()) uses_[step.slot_a.index].writes += 2;
      if (step.slot_b.valid()) uses_[step.slot_b.index].writes += 2;
      if (step.kind != StepKind::kKernel) is_target_[step.target] = true;
    }
    for (const Window& window : plan.windows) uses_[window.base.index].writes += 2;
  }

  void run() {
    std::int64_t weights = 0;  // of the chain that ends at step t
    std::size_t length = 1;
    for (std::uint32_t t = 0; t + 1 < plan_.steps.size(); ++t) {
      const Step &step = plan_.steps[t], &next = plan_.steps[t + 1];
      if (weights == 0) weights = weight_bytes(step);
      const std::int64_t together = weights + weight_bytes(next);
      const bool joined = length < kMostChainSteps && can_join(step, next) && !is_target_[t + 1] &&
                          together <= kWeightBytes && pays(step, next);
      if (joined) plan_.slots[step.outputs[0].slot.index] = {.kind = SlotKind::kStrip, .index = t};
      weights = joined ? together : 0;
      length = joined ? length + 1 : 1;
    }
  }

 private:
  static bool has_windows(const Step& step) {
    return step.kind == StepKind::kKernel && step.op != nullptr && step.op->has(kRowWindows) &&
           step.outputs.size() == 1 && step.inputs.size() <= kMostChainInputs;
  }

  // Rows of images follow each other: some of them are images, too.
  static bool rows_outermost(const Operand& operand) {
    const Shape& shape = operand.type.shape;
    return operand.strides[2] == shape[1] * shape[3] &&
           (shape[0] == Size(1) || operand.strides[0] == operand.strides[2] * shape[2]);
  }

  bool can_join(const Step& step, const Step& next) const {
    if (!has_windows(step) || !has_windows(next)) return false;
    const Operand &written = step.outputs[0], &read = next.inputs[0];
    const SlotUse& use = uses_[written.slot.index];
    if (plan_.slots[written.slot.index].kind != SlotKind::kArena || use.writes != 1 || use.reads != 1) return false;
    if (written.slot != read.slot || !(written.type == read.type) || written.strides != read.strides) return false;
    return read.offset == Size(0) && rows_outermost(written) && rows_outermost(next.outputs[0]) &&
           is_fresh(next.outputs[0]) && meets_rows(step) && meets_rows(next);
  }

  // Nothing else is ever written there, so that nothing is read from there before.
  bool is_fresh(const Operand& output) const {
    const SlotKind kind = plan_.slots[output.slot.index].kind;
    return (kind == SlotKind::kArena || kind == SlotKind::kOutput) && uses_[output.slot.index].writes == 1;
  }

  static const std::vector<std::int64_t>* numbers(const Step& step, std::string_view name) {
    for (std::size_t i = 0; i < step.op->attrs.size(); ++i) {
      if (step.op->attrs[i].name == name) return std::get_if<std::vector<std::int64_t>>(&step.attrs[i]);
    }
    return nullptr;
  }

  // Rows of a window, the first and the last included; 0: not known.
  static std::int64_t window_rows(const Step& step) {
    const std::vector<std::int64_t>*kernel = numbers(step, "kernel"), *dilation = numbers(step, "dilation");
    std::int64_t rows = kernel != nullptr ? kernel->front() : 0;
    if (kernel == nullptr && step.inputs.size() > 1 && step.inputs[1].type.shape[2].is_constant()) {
      rows = step.inputs[1].type.shape[2].constant();
    }
    return rows == 0 ? 0 : (rows - 1) * (dilation == nullptr ? 1 : dilation->front()) + 1;
  }

  // No window lies in the padding as a whole.
  static bool meets_rows(const Step& step) {
    const std::int64_t rows = window_rows(step);
    const std::vector<std::int64_t>& padding = *numbers(step, "padding");
    return std::all_of(padding.begin(), padding.end(), [&](std::int64_t pad) { return pad < rows; });
  }

  std::int64_t most_bytes(const TensorType& type) const { return num_bytes(type).interval(dims_).hi; }

  std::int64_t weight_bytes(const Step& step) const {
    if (!has_windows(step) || !step.op->has(kContraction)) return 0;
    return std::min(most_bytes(step.inputs[1].type), kWeightBytes + 1);
  }

  // The result is large, and a strip of it is small.
  bool pays(const Step& step, const Step& next) const {
    const TensorType& type = step.outputs[0].type;
    const std::int64_t bytes = most_bytes(type), rows = (type.shape[0] * type.shape[2]).interval(dims_).hi;
    if (bytes == kUnbounded || rows == kUnbounded || rows <= 0 || bytes <= kNearBytes) return false;
    const std::int64_t needed = (kLeastRows - 1) * numbers(next, "stride")->front() + window_rows(next);
    return checked_mul(bytes / rows, needed).value_or(kStripBytes) < kStripBytes;
  }

  Plan& plan_;
  std::span<const Dim> dims_;
  std::vector<SlotUse> uses_;    // by slot
  std::vector<bool> is_target_;  // by step: a jump ends there
};

bool lies_in_strips(const Plan& plan, const std::vector<Operand>& operands) {
  return !operands.empty() && plan.slots[operands[0].slot.index].kind == SlotKind::kStrip;
}

}  // namespace

void join_strips(Plan& plan, std::span<const Dim> dims) {
  StripJoiner(plan, dims).run();
}

Chain chain_of(const Plan& plan, std::uint32_t t) {
  Chain chain{t, t};
  while (lies_in_strips(plan, plan.steps[chain.first].inputs)) --chain.first;
  while (lies_in_strips(plan, plan.steps[chain.last].outputs)) ++chain.last;
  return chain;
}

}  // namespace ingot::planning
