// Where the slots of a plan lie during a run, and what moves them: new arrays of the caller, swaps, windows of loops.
// Whoever walks the steps (executor.cpp, device/) keeps one of these for the length of a run. All inline: it is part of
// the step loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "execute/executor.h"

namespace ingot {

// Requires bound blocks, and that params, states and constants lie where they did at the first run of this state.
class Places {
 public:
  Places(const CompiledPlan& compiled, const RunBuffers& buffers, RunState& state)
      : compiled_(compiled), buffers_(buffers), state_(state) {}

  // Only what the caller brings can have moved since the last run. Slots that loops swap may start as that left them.
  void begin_run() {
    const std::vector<Slot>& slots = compiled_.plan.slots;
    if (!state_.blocks.placed) {
      for (std::size_t i = 0; i < slots.size(); ++i) write_address(i, state_.addresses[i] = address_of(slots[i]));
    } else {
      for (const CallerSlot& input : compiled_.input_slots) move_slot(input.slot, filled(buffers_.inputs[input.index]));
      for (const CallerSlot& output : compiled_.output_slots)
        move_slot(output.slot, filled(buffers_.outputs[output.index]));
      if (buffers_.arena != state_.arena)
        for (std::uint32_t slot : compiled_.arena_slots) move_slot(slot, address_of(slots[slot]));
    }
    state_.arena = buffers_.arena;
    state_.blocks.placed = true;
  }

  void swap_slots(std::uint32_t a, std::uint32_t b) {
    std::swap(state_.addresses[a], state_.addresses[b]);
    write_address(a, state_.addresses[a]);
    write_address(b, state_.addresses[b]);
  }

  // kLoopBegin and kLoopNext: false where the loop has no (more) turns. Else its windows have moved, and `index` is
  // what the step writes into its output, if it has one.
  bool begin_loop(const StepCode& step, std::int64_t& index) {
    state_.turns[step.loop] = 0;
    if (length_of(step) <= 0) return false;
    index = begin_turn(step);
    return true;
  }
  bool next_turn(const StepCode& step, std::int64_t& index) {
    if (++state_.turns[step.loop] >= length_of(step)) return false;
    index = begin_turn(step);
    return true;
  }

  char* first_output(const StepCode& step) const { return state_.blocks.numbers.args[step.first_arg].data; }
  char* first_input(const StepCode& step) const {
    return state_.blocks.numbers.args[step.first_arg + step.num_outputs].data;
  }

 private:
  std::int64_t length_of(const StepCode& step) const { return state_.blocks.numbers.loop_lengths[step.loop]; }

  std::int64_t begin_turn(const StepCode& step) {
    const std::int64_t turn = state_.turns[step.loop];
    const std::int64_t index = compiled_.plan.loops[step.loop].reverse ? length_of(step) - 1 - turn : turn;
    for (std::uint32_t slot : compiled_.window_slots[step.loop]) {
      const std::uint32_t window = compiled_.plan.slots[slot].index;
      move_slot(slot, state_.addresses[compiled_.plan.windows[window].base.index] +
                          state_.blocks.numbers.window_strides[window] * index);
    }
    return index;
  }

  // The data of a zero-size tensor may be null; arithmetic on addresses wants one.
  static char* filled(char* address) {
    alignas(64) static char nothing[64];
    return address == nullptr ? nothing : address;
  }

  char* address_of(const Slot& slot) const {
    switch (slot.kind) {
      case SlotKind::kArena:
        return buffers_.arena + compiled_.plan.buffers[slot.index].offset;
      case SlotKind::kInput:
        return filled(buffers_.inputs[slot.index]);
      case SlotKind::kOutput:
        return filled(buffers_.outputs[slot.index]);
      case SlotKind::kParam:
        return filled(buffers_.params[slot.index]);
      case SlotKind::kState:
        return filled(buffers_.states[slot.index]);
      case SlotKind::kConstant:
        if (!buffers_.constants.empty()) return filled(buffers_.constants[slot.index]);
        // Kernels take one kind of pointer; what a plan reads from here it does not write (check_plan).
        return filled(reinterpret_cast<char*>(const_cast<std::byte*>(compiled_.graph->constants[slot.index].data)));
      case SlotKind::kStrip:   // in scratch
      case SlotKind::kWindow:  // placed by its loop
        return filled(nullptr);
    }
    return filled(nullptr);
  }

  void move_slot(std::size_t slot, char* address) {
    if (state_.addresses[slot] == address) return;
    state_.addresses[slot] = address;
    write_address(slot, address);
  }

  void write_address(std::size_t slot, char* address) {
    PlanNumbers& numbers = state_.blocks.numbers;
    const std::uint32_t* args = compiled_.slot_args.data();
    for (std::uint32_t i = compiled_.slot_arg_begin[slot]; i < compiled_.slot_arg_begin[slot + 1]; ++i)
      numbers.args[args[i]].data = address + numbers.arg_offsets[args[i]];
  }

  const CompiledPlan& compiled_;
  const RunBuffers& buffers_;
  RunState& state_;
};

}  // namespace ingot
