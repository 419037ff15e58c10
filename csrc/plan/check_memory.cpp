// check_plan: every read sees what was last written for it. The steps are walked once in flat order; every write stamps
// the bytes of its slot, every read demands its own slot's stamp on them.
//   Branches: what only one of them wrote cannot be read behind them.
//   Loops: what a turn read and had not written itself must still be whole at the turn's end. What only a body wrote
//   cannot be read behind it, since the body may not run.
//   Swaps: two slots that swap own both buffers from the first write of either, wherever the other's address is.
//   Windows: their base must be whole when the loop begins (if written: it is claimed then) and at every turn's end.
// O(n log n) on straight code, times the nesting. Bytes are SlotBytes', what they mean HeldValues'.
#include <algorithm>
#include <iterator>
#include <string>

#include "base/error.h"
#include "plan/check_bytes.h"
#include "plan/check_failures.h"
#include "plan/check_values.h"

namespace ingot::checking {
namespace {

struct Content {
  bool valid = false;            // may be read
  bool final = false;            // a state that was copied in: the last thing that happens to it
  std::uint32_t written_at = 0;  // step of the last write
};

struct OpenBlock {
  Block block;
  std::vector<SlotId> written{};                          // of the else branch once `then` is over
  std::vector<SlotId> written_in_then{};                  // of an if
  std::vector<SlotId> lost_in_then{};                     // of these: not whole any more when `then` ends
  std::vector<SlotId> first_written{};                    // could not be read before their first write
  std::vector<std::pair<SlotId, std::uint32_t>> reads{};  // of a loop: from before it, and when they had been written
};

class MemoryChecker {
 public:
  MemoryChecker(const Subject& subject, const std::vector<Block>& blocks)
      : subject_(subject),
        plan_(subject.plan),
        blocks_(blocks),
        content_(plan_.slots.size()),
        bytes_(plan_),
        values_(subject),
        is_written_(plan_.slots.size(), false),
        open_windows_(plan_.slots.size(), 0),
        windows_of_loop_(plan_.loops.size()),
        loop_is_open_(plan_.loops.size(), false),
        failures_(subject) {
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      const SlotKind kind = plan_.slots[s].kind;
      if (kind == SlotKind::kWindow) windows_of_loop_[plan_.windows[plan_.slots[s].index].loop].push_back(SlotId(s));
      content_[s].valid = kind != SlotKind::kArena && kind != SlotKind::kOutput && kind != SlotKind::kWindow &&
                          kind != SlotKind::kStrip;
    }
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) prepare(t);
  }

  void run() {
    std::size_t next = 0;
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) {
      t_ = t;
      const auto begins = [&] { return next < blocks_.size() && blocks_[next].begin == t; };
      while (begins() && blocks_[next].kind != Block::Kind::kScan) enter(blocks_[next++]);
      walk(plan_.steps[t]);
      while (begins()) enter(blocks_[next++]);  // what loop_begin writes and claims is there behind the loop too
      if (!open_.empty() && open_.back().block.kind == Block::Kind::kIf && open_.back().block.middle == t)
        turn_to_else();
      while (!open_.empty() && open_.back().block.end == t) leave();
    }
    std::vector<bool> written(subject_.graph.body.returns.size(), false);
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind != SlotKind::kOutput || !content_[s].valid) continue;
      const ValueId value = subject_.graph.body.returns[plan_.slots[s].index];
      values_.check_output(t_, SlotId(s), value);
      written[plan_.slots[s].index] = true;
    }
    for (std::size_t i = 0; i < written.size(); ++i) {
      if (!written[i]) break_law(concat("output ", i), "it is not written on every path");
    }
  }

 private:
  void require(bool holds, const char* law) const {
    if (!holds) break_law(t_, law);
  }

  void prepare(std::uint32_t t) {
    const Step& step = plan_.steps[t];
    for (const Operand& output : step.outputs) {
      for (SlotId slot = output.slot;; slot = plan_.windows[plan_.slots[slot.index].index].base) {
        is_written_[slot.index] = true;
        if (plan_.slots[slot.index].kind != SlotKind::kWindow) break;
      }
    }
    if (step.kind != StepKind::kSwap) return;
    bytes_.pair(t, step.slot_a, step.slot_b);
    bytes_.pair(t, step.slot_b, step.slot_a);
  }

  bool intact(SlotId slot) const { return bytes_.intact(slot); }

  void claim(SlotId slot) {
    bytes_.claim(slot);
    const SlotId partner = bytes_.partner(slot);
    if (partner.valid()) content_[partner.index].valid = false;
  }

  void read(SlotId slot) {
    while (plan_.slots[slot.index].kind == SlotKind::kWindow) {
      const Window& window = plan_.windows[plan_.slots[slot.index].index];
      require(loop_is_open_[window.loop], "a window is read outside its loop");
      slot = window.base;
    }
    require(content_[slot.index].valid, "it reads what was not written on every path to it");
    require(!content_[slot.index].final, "it reads a state behind its update");
    require(intact(slot), "it reads bytes that something else has overwritten");
    const std::uint32_t written_at = content_[slot.index].written_at;
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].block.kind == Block::Kind::kIf) continue;
      if (written_at < turn_begin(open_[i].block)) open_[i].reads.emplace_back(slot, written_at);
      break;
    }
  }

  // The first step of a turn.
  static std::uint32_t turn_begin(const Block& block) {
    return block.kind == Block::Kind::kScan ? block.begin + 1 : block.begin;
  }

  bool whole(SlotId slot) { return content_[slot.index].valid && intact(slot); }

  void write(SlotId slot) {
    const bool was_whole = whole(base_slot(plan_, slot));
    if (plan_.slots[slot.index].kind == SlotKind::kWindow) {
      require(loop_is_open_[plan_.windows[plan_.slots[slot.index].index].loop], "a window is written outside its loop");
      slot = base_slot(plan_, slot);
      require(intact(slot), "it writes through a window whose base something else has overwritten");
    } else if (!intact(slot)) {
      claim(slot);
    }
    if (plan_.slots[slot.index].kind == SlotKind::kState) {
      require(open_.empty(), "it writes a state in a loop or a branch");
      failures_.note_state_write();
    }
    note_write(slot, was_whole);
  }

  void note_write(SlotId slot, bool was_whole) {
    Content& content = content_[slot.index];
    if (!open_.empty()) {
      OpenBlock& block = open_.back();
      block.written.push_back(slot);
      if (!was_whole) block.first_written.push_back(slot);
    }
    content.valid = true;
    content.written_at = t_;
    values_.forget(slot);
  }

  void walk(const Step& step) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i) read(step.inputs[i].slot);
    values_.check(t_, step);
    failures_.check(t_, step, open_.empty());
    if (step.kind == StepKind::kSwap) return swap(step);
    if (step.kind == StepKind::kLoopBegin) open_loop(step.loop);
    if (step.kind == StepKind::kLoopNext) check_windows(step.loop);
    const std::optional<Laid> copied = step.kernel == "copy" ? values_.copied_from(step.inputs[0]) : std::nullopt;
    for (const Operand& output : step.outputs) write(output.slot);
    if (step.kind != StepKind::kKernel) return;
    values_.note(step, copied);
    if (step.kernel != "copy") return;
    const SlotId target = step.outputs[0].slot;
    content_[target.index].final = plan_.slots[target.index].kind == SlotKind::kState;
  }

  void swap(const Step& step) {
    const SlotId a = step.slot_a, b = step.slot_b;
    require(open_windows_[a.index] == 0 && open_windows_[b.index] == 0, "it swaps the base of an open window");
    require(content_[b.index].valid && intact(b), "it swaps in a buffer that was not written");
    note_write(a, whole(a));
    values_.carry_over(b, a);
    content_[b.index].valid = false;
  }

  void open_loop(std::uint32_t loop) {
    loop_is_open_[loop] = true;
    for (const SlotId window : windows_of_loop_[loop]) {
      const SlotId direct = plan_.windows[plan_.slots[window.index].index].base, base = base_slot(plan_, direct);
      ++open_windows_[direct.index];
      if (!is_written_[window.index]) {
        read(direct);
      } else if (direct == base) {
        const bool was_whole = whole(base);
        if (!intact(base)) claim(base);
        note_write(base, was_whole);
      }
    }
  }

  // A window moves: its base must still be there, and so must the rows that earlier turns wrote.
  void check_windows(std::uint32_t loop) {
    for (const SlotId window : windows_of_loop_[loop]) {
      const SlotId base = base_slot(plan_, window);
      require(content_[base.index].valid && intact(base), "the base of a window does not survive a turn");
    }
  }

  void enter(const Block& block) { open_.push_back({.block = block}); }

  void turn_to_else() {
    OpenBlock& top = open_.back();
    top.written_in_then = std::move(top.written);
    top.written.clear();
    for (const SlotId slot : top.written_in_then) {
      if (!whole(slot)) top.lost_in_then.push_back(slot);
    }
  }

  static void sort_unique(std::vector<SlotId>& slots) {
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  }

  void leave() {
    OpenBlock top = std::move(open_.back());
    open_.pop_back();
    if (top.block.kind == Block::Kind::kIf) {
      leave_branches(top);
    } else {
      leave_loop(top);
    }
    if (open_.empty()) return;
    sort_unique(top.written);
    std::vector<SlotId>& outer = open_.back().written;
    outer.insert(outer.end(), top.written.begin(), top.written.end());
    std::vector<SlotId>& first = open_.back().first_written;
    first.insert(first.end(), top.first_written.begin(), top.first_written.end());
  }

  void leave_branches(OpenBlock& top) {
    sort_unique(top.written);
    sort_unique(top.written_in_then);
    std::vector<SlotId> in_one;
    std::set_symmetric_difference(top.written.begin(), top.written.end(), top.written_in_then.begin(),
                                  top.written_in_then.end(), std::back_inserter(in_one));
    for (const SlotId slot : in_one) content_[slot.index].valid = false;
    for (const SlotId slot : top.lost_in_then) content_[slot.index].valid = false;
    for (const SlotId slot : top.written) values_.forget(slot);
    top.written.insert(top.written.end(), in_one.begin(), in_one.end());
  }

  void leave_loop(OpenBlock& top) {
    std::sort(top.reads.begin(), top.reads.end());
    top.reads.erase(std::unique(top.reads.begin(), top.reads.end()), top.reads.end());
    for (const auto& [slot, written_at] : top.reads) {
      require(content_[slot.index].valid && intact(slot), "what the loop reads does not survive a turn");
    }
    for (std::size_t i = open_.size(); i-- > 0;) {
      if (open_[i].block.kind == Block::Kind::kIf) continue;
      for (const auto& [slot, written_at] : top.reads) {
        if (written_at < turn_begin(open_[i].block)) open_[i].reads.emplace_back(slot, written_at);
      }
      break;
    }
    if (top.block.kind == Block::Kind::kScan) close_loop(plan_.steps[top.block.begin].loop);
    for (const SlotId slot : top.first_written) content_[slot.index].valid = false;
    for (const SlotId slot : top.written) values_.forget(slot);
  }

  void close_loop(std::uint32_t loop) {
    loop_is_open_[loop] = false;
    for (const SlotId window : windows_of_loop_[loop]) {
      --open_windows_[plan_.windows[plan_.slots[window.index].index].base.index];
    }
  }

  const Subject& subject_;
  const Plan& plan_;
  const std::vector<Block>& blocks_;
  std::vector<Content> content_;  // by slot
  SlotBytes bytes_;
  HeldValues values_;
  std::vector<bool> is_written_;   // by slot: some step writes it, or a window on it
  std::vector<int> open_windows_;  // by slot: windows of running loops on it
  std::vector<std::vector<SlotId>> windows_of_loop_;
  std::vector<bool> loop_is_open_;
  std::vector<OpenBlock> open_;
  Failures failures_;
  std::uint32_t t_ = 0;
};

}  // namespace

void check_memory(const Subject& subject, const std::vector<Block>& blocks) {
  MemoryChecker(subject, blocks).run();
}

}  // namespace ingot::checking
