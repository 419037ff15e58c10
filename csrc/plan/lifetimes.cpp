// Lifetimes over the flat steps, and results in place of operands that die.
#include "plan/lifetimes.h"

#include <algorithm>

#include "base/checked.h"
#include "base/error.h"
#include "plan/strips.h"
#include "plan/views.h"

namespace ingot::planning {
namespace {

constexpr std::uint32_t kNone = 0xffffffffu;

class Lifetimes {
 public:
  explicit Lifetimes(Lowering& lowering)
      : plan_(lowering.plan),
        loops_(lowering.loops),
        partner_(plan_.slots.size()),
        merged_(plan_.buffers.size(), kNone),
        swapped_(plan_.buffers.size(), false) {
    for (Buffer& buffer : plan_.buffers) buffer.first_step = kNone;
    for (const Step& step : plan_.steps) {
      if (step.kind != StepKind::kSwap) continue;
      partner_[step.slot_a.index] = step.slot_b;
      partner_[step.slot_b.index] = step.slot_a;
      swapped_[plan_.slots[step.slot_a.index].index] = swapped_[plan_.slots[step.slot_b.index].index] = true;
    }
    find_loops();
    windows_of_loop_.resize(plan_.loops.size());
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      if (plan_.slots[s].kind == SlotKind::kWindow) {
        windows_of_loop_[plan_.windows[plan_.slots[s].index].loop].push_back(SlotId(s));
      }
    }
  }

  void run() {
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) access_all(t);
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) merge_in_place(t);
    renumber();
  }

 private:
  // The innermost loop of every step; loops are sorted so that an outer one comes before its inner ones.
  void find_loops() {
    std::sort(loops_.begin(), loops_.end(), [](const StepRange& a, const StepRange& b) {
      return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
    });
    innermost_.assign(plan_.steps.size(), kNone);
    parent_.assign(loops_.size(), kNone);
    std::vector<std::uint32_t> open;
    std::uint32_t next = 0;
    for (std::uint32_t t = 0; t < plan_.steps.size(); ++t) {
      while (!open.empty() && loops_[open.back()].end < t) open.pop_back();
      while (next < loops_.size() && loops_[next].begin == t) {
        if (!open.empty()) parent_[next] = open.back();
        open.push_back(next++);
      }
      if (!open.empty()) innermost_[t] = open.back();
    }
  }

  void access_all(std::uint32_t t) {
    const Step& step = plan_.steps[t];
    const Chain chain = chain_of(plan_, t);  // its steps take turns
    for (const std::uint32_t at : {chain.first, chain.last}) {
      for (const Operand& input : step.inputs) access(input.slot, at);
      for (const Operand& output : step.outputs) access(output.slot, at);
    }
    if (step.slot_a.valid()) access(step.slot_a, t);
    if (step.kind != StepKind::kLoopBegin && step.kind != StepKind::kLoopNext) return;
    for (const SlotId window : windows_of_loop_[step.loop]) access(window, t);
  }

  void access(SlotId slot, std::uint32_t t) {
    while (plan_.slots[slot.index].kind == SlotKind::kWindow) slot = plan_.windows[plan_.slots[slot.index].index].base;
    if (plan_.slots[slot.index].kind != SlotKind::kArena) return;
    access_buffer(plan_.slots[slot.index].index, t);
    const SlotId partner = partner_[slot.index];
    if (partner.valid()) access_buffer(plan_.slots[partner.index].index, t);
  }

  void access_buffer(std::uint32_t index, std::uint32_t t) {
    Buffer& buffer = plan_.buffers[index];
    if (buffer.first_step == kNone) buffer.first_step = buffer.last_step = t;
    std::uint32_t last = t;
    for (std::uint32_t l = innermost_[t]; l != kNone && loops_[l].begin > buffer.first_step; l = parent_[l]) {
      last = loops_[l].end;
    }
    buffer.last_step = std::max(buffer.last_step, last);
  }

  std::uint32_t buffer_of(SlotId slot) const {
    if (plan_.slots[slot.index].kind != SlotKind::kArena) return kNone;
    std::uint32_t buffer = plan_.slots[slot.index].index;
    while (merged_[buffer] != kNone) buffer = merged_[buffer];
    return buffer;
  }

  void merge_in_place(std::uint32_t t) {
    const Step& step = plan_.steps[t];
    const bool updates_first = step.op != nullptr && step.op->has(kUpdatesFirst);
    const bool by_element = !step.group.empty() && step.kernel != "attention";
    if (step.kind != StepKind::kKernel || (!updates_first && !by_element)) return;
    for (std::size_t o = 0; o < step.outputs.size(); ++o) {
      const std::uint32_t result = buffer_of(step.outputs[o].slot);
      if (result == kNone || swapped_[result] || plan_.buffers[result].first_step != t) continue;
      const std::size_t candidates = updates_first ? 1 : step.inputs.size();
      for (std::size_t i = 0; i < candidates; ++i) {
        const std::uint32_t operand = buffer_of(step.inputs[i].slot);
        if (operand == kNone || operand == result || swapped_[operand] || !dies_at(operand, t)) continue;
        if (!(plan_.buffers[operand].size_bytes == plan_.buffers[result].size_bytes)) continue;
        if (taken_here(step, o, operand) || !reads_allow(step, o, operand, updates_first)) continue;
        merge(result, operand);
        break;
      }
    }
  }

  bool dies_at(std::uint32_t buffer, std::uint32_t t) const {
    return plan_.buffers[buffer].last_step == t && plan_.buffers[buffer].first_step < t;
  }

  // An earlier output of this step lies there already.
  bool taken_here(const Step& step, std::size_t output, std::uint32_t buffer) const {
    for (std::size_t o = 0; o < output; ++o) {
      if (buffer_of(step.outputs[o].slot) == buffer) return true;
    }
    return false;
  }

  // Every input in that buffer is read element by element, by the op that defines the output or an earlier one of the
  // group, and not by the group's anchor; of a kUpdatesFirst step only operand 0 may lie there.
  bool reads_allow(const Step& step, std::size_t output, std::uint32_t buffer, bool updates_first) const {
    for (std::uint32_t i = 0; i < step.inputs.size(); ++i) {
      const Operand& input = step.inputs[i];
      if (buffer_of(input.slot) != buffer) continue;
      if (updates_first ? i > 0 : i < step.num_anchor_inputs) return false;
      if (!(input.offset == Size(0)) || !same_strides(input, step.outputs[output])) return false;
      if (size_bytes(input.type.dtype) != size_bytes(step.outputs[output].type.dtype)) return false;
      if (!updates_first && read_after(step, i, step.group_outputs[output])) return false;
    }
    return true;
  }

  // Of operands of one shape, the second one without gaps. Axes of size 1 may have any.
  static bool same_strides(const Operand& input, const Operand& output) {
    if (!(input.type.shape == output.type.shape)) return false;
    for (std::size_t axis = 0; axis < input.strides.size(); ++axis) {
      if (input.type.shape[axis] == Size(1) || input.strides[axis] == output.strides[axis]) continue;
      return false;
    }
    return true;
  }

  static bool read_after(const Step& step, std::uint32_t input, std::uint32_t output_register) {
    const std::size_t wanted = input - step.num_anchor_inputs + step.first_group_input();  // registers
    for (std::size_t g = output_register - step.first_instruction() + 1; g < step.group.size(); ++g) {
      const std::vector<std::uint32_t>& operands = step.group[g].operands;
      if (std::find(operands.begin(), operands.end(), wanted) != operands.end()) return true;
    }
    return false;
  }

  void merge(std::uint32_t result, std::uint32_t operand) {
    merged_[result] = operand;
    plan_.buffers[operand].last_step = std::max(plan_.buffers[operand].last_step, plan_.buffers[result].last_step);
  }

  void renumber() {
    std::vector<std::uint32_t> number(plan_.buffers.size(), kNone);
    std::vector<Buffer> kept;
    for (std::uint32_t b = 0; b < plan_.buffers.size(); ++b) {
      if (merged_[b] != kNone || plan_.buffers[b].first_step == kNone) continue;
      number[b] = static_cast<std::uint32_t>(kept.size());
      kept.push_back(plan_.buffers[b]);
    }
    for (std::uint32_t s = 0; s < plan_.slots.size(); ++s) {
      const std::uint32_t buffer = buffer_of(SlotId(s));
      if (buffer == kNone) continue;
      INGOT_CHECK(number[buffer] != kNone);
      plan_.slots[s].index = number[buffer];
    }
    plan_.buffers = std::move(kept);
  }

  Plan& plan_;
  std::vector<StepRange>& loops_;
  std::vector<std::uint32_t> innermost_, parent_;  // by step, by loop
  std::vector<SlotId> partner_;                    // by slot: the other of a swapped pair
  std::vector<std::vector<SlotId>> windows_of_loop_;
  std::vector<std::uint32_t> merged_;  // by buffer: the one it became part of
  std::vector<bool> swapped_;
};

}  // namespace

void set_lifetimes(Lowering& lowering) {
  Lifetimes(lowering).run();
}

void set_max_bytes(Plan& plan, std::span<const Dim> dims) {
  for (Buffer& buffer : plan.buffers) {
    const std::int64_t high = buffer.size_bytes.interval(dims).hi;
    if (high == kUnbounded) {
      for (const std::string& name : buffer.size_bytes.dims()) {
        const auto same = [&](const Dim& dim) { return dim.name == name && dim.hi != kUnbounded; };
        if (std::any_of(dims.begin(), dims.end(), same)) continue;
        fail(ErrorCode::kArgument, concat("plan: dim ", name, " has no upper bound: expected a range, or its value"));
      }
    }
    const std::optional<std::int64_t> bytes = checked_align_up(std::max<std::int64_t>(high, 0), kBufferAlignment);
    if (!bytes)
      fail(ErrorCode::kShape, concat("plan: a size overflows: got ", buffer.size_bytes.to_string(), " bytes"));
    buffer.max_bytes = *bytes;
  }
}

}  // namespace ingot::planning
