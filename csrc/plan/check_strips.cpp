// check_plan: chains of steps that run strip by strip. What such a step writes is read by the step behind it alone, and
// nothing that a chain reads is written by it: then it cannot matter that its steps take turns.
#include "plan/check.h"

namespace ingot::checking {
namespace {

class StripChecker {
 public:
  explicit StripChecker(const Subject& subject) : plan_(subject.plan) {}

  void run(const std::vector<Block>& blocks) {
    std::size_t steps = 0;  // of the chain at hand
    for (t_ = 0; t_ < plan_.steps.size(); ++t_) {
      const Step& step = plan_.steps[t_];
      for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        if (is_strip(step.inputs[i])) require(i == 0 && steps > 0, "it reads strips that no step before it writes");
      }
      if (steps > 0) require(!step.inputs.empty() && is_strip(step.inputs[0]), "it does not read the strips before it");
      const bool writes = writes_strips(step);
      if (writes || steps > 0) check_member(step);
      if (steps > 0) check_link(plan_.steps[t_ - 1].outputs[0], step.inputs[0]);
      steps = writes || steps > 0 ? steps + 1 : 0;
      require(steps <= kMostChainSteps, "its chain is too long");
      if (!writes) steps = 0;
    }
    if (steps > 0) break_law("strips", "nothing reads the last ones");
    check_slots(blocks);
  }

 private:
  void require(bool holds, const char* law) const {
    if (!holds) break_law(t_, law);
  }

  bool is_strip(const Operand& operand) const { return plan_.slots[operand.slot.index].kind == SlotKind::kStrip; }

  bool writes_strips(const Step& step) const {
    for (const Operand& output : step.outputs) {
      if (is_strip(output)) require(step.outputs.size() == 1, "it writes strips and something else");
    }
    return !step.outputs.empty() && is_strip(step.outputs[0]);
  }

  // Some rows of its images are images.
  void check_member(const Step& step) const {
    require(step.kind == StepKind::kKernel && step.op != nullptr && step.op->has(kRowWindows) &&
                !step.op->has(kMayFail) && step.inputs.size() <= kMostChainInputs && step.outputs.size() == 1,
            "it is in a chain and cannot run strip by strip");
    const Operand& output = step.outputs[0];
    const Shape& shape = output.type.shape;
    require(shape.size() == 4 && output.strides[2] == shape[1] * shape[3] &&
                (shape[0] == Size(1) || output.strides[0] == output.strides[2] * shape[2]),
            "it is in a chain and the rows of its result do not follow each other");
  }

  void check_link(const Operand& written, const Operand& read) const {
    require(written.slot == read.slot && written.type == read.type && written.strides == read.strides &&
                read.offset == Size(0),
            "it reads other strips than those before it");
  }

  // Each has one writer and one reader, between which nothing else goes on; no chain is entered half-way.
  void check_slots(const std::vector<Block>& blocks) {
    std::vector<int> touched(plan_.slots.size(), 0);
    for (t_ = 0; t_ < plan_.steps.size(); ++t_) {
      const Step& step = plan_.steps[t_];
      for (const Operand& output : step.outputs) {
        if (is_strip(output)) require(touched[output.slot.index]++ == 0, "strips are written twice");
      }
    }
    for (const Window& window : plan_.windows) {
      if (plan_.slots[window.base.index].kind == SlotKind::kStrip) break_law("window", "it is one on strips");
    }
    const auto inside = [&](std::uint32_t step) {
      return step > 0 && step < plan_.steps.size() && writes_strips(plan_.steps[step - 1]);
    };
    for (const Block& block : blocks) {
      const bool apart = !inside(block.begin) && !inside(block.middle + 1) && !inside(block.end + 1);
      if (!apart) break_law(block.begin, "a branch or a loop cuts a chain");
    }
  }

  const Plan& plan_;
  std::size_t t_ = 0;
};

}  // namespace

void check_strips(const Subject& subject, const std::vector<Block>& blocks) {
  StripChecker(subject).run(blocks);
}

}  // namespace ingot::checking
