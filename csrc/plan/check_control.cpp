// check_plan: jumps form properly nested blocks: if, while, scan; nothing else jumps.
#include <algorithm>

#include "plan/check.h"

namespace ingot::checking {
namespace {

class ControlChecker {
 public:
  explicit ControlChecker(const Subject& subject)
      : steps_(subject.plan.steps), used_(steps_.size(), false), loop_used_(subject.plan.loops.size(), false) {}

  std::vector<Block> run() {
    for (std::uint32_t t = 0; t < steps_.size(); ++t) {
      if (steps_[t].kind == StepKind::kJumpIfFalse) open_test(t);
      if (steps_[t].kind == StepKind::kLoopBegin) open_scan(t);
    }
    for (std::uint32_t t = 0; t < steps_.size(); ++t) {
      const bool jumps = steps_[t].kind == StepKind::kJump || steps_[t].kind == StepKind::kLoopNext;
      if (jumps && !used_[t]) break_law(t, "it jumps, but belongs to no branch and no loop");
    }
    std::sort(blocks_.begin(), blocks_.end(),
              [](const Block& a, const Block& b) { return a.begin != b.begin ? a.begin < b.begin : a.end > b.end; });
    check_nesting();
    return std::move(blocks_);
  }

 private:
  // Only forward targets open a block; the step before the target says which.
  std::uint32_t step_before_target(std::uint32_t t) const {
    const std::uint32_t target = steps_[t].target;
    if (target <= t + 1 || target > steps_.size()) break_law(t, "its target is outside the plan or not ahead");
    return target - 1;
  }

  void use(std::uint32_t t) {
    if (used_[t]) break_law(t, "it closes two blocks");
    used_[t] = true;
  }

  void open_test(std::uint32_t t) {
    const std::uint32_t jump = step_before_target(t);
    if (steps_[jump].kind != StepKind::kJump) break_law(t, "no jump precedes its target");
    use(jump);
    const std::uint32_t target = steps_[jump].target;
    if (target > steps_.size()) break_law(jump, "its target is outside the plan");
    if (target > jump) {
      blocks_.push_back({.kind = Block::Kind::kIf, .begin = t, .middle = jump, .end = target - 1});
    } else if (target <= t) {
      blocks_.push_back({.kind = Block::Kind::kWhile, .begin = target, .middle = t, .end = jump});
    } else {
      break_law(jump, "it jumps into the middle of its own loop");
    }
  }

  void open_scan(std::uint32_t t) {
    const std::uint32_t next = step_before_target(t);
    if (steps_[next].kind != StepKind::kLoopNext || steps_[next].loop != steps_[t].loop) {
      break_law(t, "its loop does not end before its target");
    }
    if (steps_[next].target != t + 1) break_law(next, "it does not return to the first step of its loop");
    if (loop_used_[steps_[t].loop]) break_law(t, "its loop has begun elsewhere");
    loop_used_[steps_[t].loop] = true;
    use(next);
    blocks_.push_back({.kind = Block::Kind::kScan, .begin = t, .middle = t, .end = next});
  }

  // The last step of the part of `block` that holds step t; t itself where t is one of the block's own jumps.
  static std::uint32_t part_end(const Block& block, std::uint32_t t) {
    if (block.kind == Block::Kind::kIf && t > block.middle) return block.end;
    if (t < block.middle) return block.middle - 1;
    return t == block.middle || t == block.end ? t : block.end - 1;
  }

  void check_nesting() const {
    std::vector<Block> open;
    for (const Block& block : blocks_) {
      while (!open.empty() && open.back().end < block.begin) open.pop_back();
      if (!open.empty()) {
        const Block& outer = open.back();
        const std::uint32_t end = part_end(outer, block.begin);
        const bool on_jump =
            block.begin == outer.middle || (outer.kind == Block::Kind::kIf && block.begin == outer.begin);
        if (on_jump || block.end > end) break_law(block.begin, "its block crosses another");
      }
      open.push_back(block);
    }
  }

  const std::vector<Step>& steps_;
  std::vector<bool> used_;       // by step: closes a block
  std::vector<bool> loop_used_;  // by loop
  std::vector<Block> blocks_;
};

}  // namespace

std::vector<Block> check_control(const Subject& subject) {
  return ControlChecker(subject).run();
}

}  // namespace ingot::checking
