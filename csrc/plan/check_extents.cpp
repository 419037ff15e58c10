// check_plan: operands lie inside what their slot holds. Sizes are polynomials, so this is checked at sample values of
// the dims: their ends and their middle, where these satisfy every guard.
#include <algorithm>

#include "base/checked.h"
#include "plan/check.h"

namespace ingot::checking {
namespace {

constexpr std::int64_t kFarEnd = 64;  // stands for "no upper bound"

struct ByteRange {
  std::int64_t begin = 0, end = 0;
};

class ExtentChecker {
 public:
  ExtentChecker(const Subject& subject, DimValues dims)
      : subject_(subject), plan_(subject.plan), dims_(std::move(dims)) {}

  void run() const {
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) {
      for (const Operand& input : plan_.steps[t].inputs) check(t, input);
      for (const Operand& output : plan_.steps[t].outputs) {
        check(t, output);
        check_whole_output(t, output);
      }
      const Step& step = plan_.steps[t];
      if (step.kernel == "copy") check_copy(t, step.inputs[0].type.shape, step.outputs[0].type.shape);
    }
  }

 private:
  void check_copy(std::uint32_t t, const Shape& from, const Shape& to) const {
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      if (from[axis].evaluate(dims_) != to[axis].evaluate(dims_)) break_law(t, "a copy changes the shape");
    }
  }

  // What goes straight into an output of the graph fills it.
  void check_whole_output(std::uint32_t t, const Operand& output) const {
    const Slot& slot = plan_.slots[output.slot.index];
    if (slot.kind != SlotKind::kOutput) return;
    if (num_bytes(output.type).evaluate(dims_) != capacity(slot)) break_law(t, "it writes an output of another size");
  }

  void check(std::uint32_t t, const Operand& operand) const {
    if (operand.layout.in_panels()) return check_panels(t, operand);
    std::int64_t low = operand.offset.evaluate(dims_), high = low;
    for (std::size_t axis = 0; axis < operand.strides.size(); ++axis) {
      const std::int64_t size = operand.type.shape[axis].evaluate(dims_);
      if (size < 0) break_law(t, "a size is negative");
      if (size == 0) return;
      const std::optional<std::int64_t> reach = checked_mul(size - 1, operand.strides[axis].evaluate(dims_));
      if (!reach) break_law(t, "an operand's extent overflows");
      (*reach < 0 ? low : high) += *reach;
    }
    const auto element = static_cast<std::int64_t>(size_bytes(operand.type.dtype));
    check_bytes(t, operand.slot, {.begin = low * element, .end = (high + 1) * element});
  }

  void check_panels(std::uint32_t t, const Operand& operand) const {
    if (!fits(operand.layout, operand.type)) break_law(t, "an operand cannot lie in such panels");
    const TensorType stored = {operand.type.dtype, stored_shape(operand.type, operand.layout)};
    if (num_bytes(stored).evaluate(dims_) != capacity(plan_.slots[operand.slot.index])) {
      break_law(t, "an operand in panels is not its whole param");
    }
  }

  void check_bytes(std::uint32_t t, SlotId slot, ByteRange range) const {
    while (plan_.slots[slot.index].kind == SlotKind::kWindow) {
      const Window& window = plan_.windows[plan_.slots[slot.index].index];
      const std::int64_t turns = plan_.loops[window.loop].length.evaluate(dims_);
      if (turns <= 0) return;
      const std::int64_t last = (turns - 1) * window.stride_bytes.evaluate(dims_);
      range.begin += std::min<std::int64_t>(last, 0);
      range.end += std::max<std::int64_t>(last, 0);
      slot = window.base;
    }
    if (range.begin < 0 || range.end > capacity(plan_.slots[slot.index])) {
      break_law(t, "an operand reaches outside what its slot holds");
    }
  }

  std::int64_t capacity(const Slot& slot) const {
    const Module& module = subject_.module;
    const Graph& graph = subject_.graph;
    switch (slot.kind) {
      case SlotKind::kArena:
        return std::min(plan_.buffers[slot.index].size_bytes.evaluate(dims_), plan_.buffers[slot.index].max_bytes);
      case SlotKind::kInput:
        return num_bytes(graph.value(graph.body.args[slot.index]).type).evaluate(dims_);
      case SlotKind::kOutput:
        return num_bytes(graph.value(graph.body.returns[slot.index]).type).evaluate(dims_);
      case SlotKind::kParam:
        return param_bytes(module.params[slot.index]);
      case SlotKind::kState:
        return num_bytes(module.states[slot.index].type).evaluate(dims_);
      case SlotKind::kConstant:
        return static_cast<std::int64_t>(graph.constants[slot.index].size_bytes);
      case SlotKind::kStrip:
        return INT64_MAX;  // as large as the one operand that is written there
      case SlotKind::kWindow:
        break;
    }
    return 0;
  }

  std::int64_t param_bytes(const Param& param) const {
    return num_bytes({param.type.dtype, stored_shape(param.type, param.layout)}).evaluate(dims_);
  }

  const Subject& subject_;
  const Plan& plan_;
  DimValues dims_;
};

}  // namespace

std::vector<DimValues> sample_bindings(const Module& module) {
  std::vector<DimValues> samples;
  for (int sample = 0; sample < 3; ++sample) {
    DimValues values;
    for (const Dim& dim : module.dims) {
      const std::int64_t high = std::min(dim.hi, std::max(dim.lo, kFarEnd));
      values[dim.name] = sample == 0 ? high : sample == 1 ? dim.lo : dim.lo + (high - dim.lo) / 2;
    }
    const auto holds = [&](const Guard& guard) { return guard.holds(values); };
    if (std::all_of(module.guards.begin(), module.guards.end(), holds)) samples.push_back(std::move(values));
    if (module.dims.empty()) break;
  }
  return samples;
}

void check_extents(const Subject& subject) {
  for (DimValues& dims : sample_bindings(subject.module)) ExtentChecker(subject, std::move(dims)).run();
}

}  // namespace ingot::checking
