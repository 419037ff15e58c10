#include "device/known_runs.h"

#include <algorithm>

namespace ingot {

namespace {

constexpr std::int64_t kWorthOfReturn = 16;  // runs that addresses which came back are kept longer

bool same_arrays(const KnownRun& run, const RunBuffers& slots) {
  return run.arrays.size() == slots.inputs.size() + slots.outputs.size() &&
         std::equal(slots.inputs.begin(), slots.inputs.end(), run.arrays.begin()) &&
         std::equal(slots.outputs.rbegin(), slots.outputs.rend(), run.arrays.rbegin());
}

// What no patch changes.
bool same_frame(const KnownRun& run, const DeviceRunBuffers& buffers) {
  return run.last_use > 0 && run.arena == buffers.slots.arena &&
         std::equal(buffers.uploads.begin(), buffers.uploads.end(), run.uploads.begin(), run.uploads.end()) &&
         std::equal(buffers.downloads.begin(), buffers.downloads.end(), run.downloads.begin(), run.downloads.end());
}

// Slots whose address follows an array that moves: the array's own and windows on it. Swaps are the arena's.
std::vector<std::uint8_t> moving_slots(const CompiledPlan& compiled, const std::vector<std::uint8_t>& moves,
                                       std::size_t num_inputs) {
  const Plan& plan = compiled.plan;
  std::vector<std::uint8_t> moving(plan.slots.size(), 0);
  for (const CallerSlot& input : compiled.input_slots) moving[input.slot] = moves[input.index];
  for (const CallerSlot& output : compiled.output_slots) moving[output.slot] = moves[num_inputs + output.index];
  for (bool changed = true; changed;) {  // a window may be the base of another
    changed = false;
    for (std::size_t i = 0; i < plan.slots.size(); ++i) {
      if (plan.slots[i].kind != SlotKind::kWindow || moving[i] != 0) continue;
      moving[i] = moving[plan.windows[plan.slots[i].index].base.index];
      changed = changed || moving[i] != 0;
    }
  }
  return moving;
}

}  // namespace

void KnownRuns::forget() {
  for (KnownRun& run : runs_) {
    run.is_captured = run.came_back = false;
    run.last_use = 0;
  }
  num_runs_ = 0;
  ++parts_version_;
  parts_found_ = false;
}

KnownRuns::Choice KnownRuns::choose(const DeviceRunBuffers& buffers, bool may_replay) {
  const bool may_capture = num_runs_++ > 0 && may_replay;
  if (KnownRun* const run = find(buffers); run != nullptr) {
    run->came_back = true;
    run->last_use = num_runs_;
    return {*run, !may_capture ? RunWay::kWalk : run->is_captured ? RunWay::kReplay : RunWay::kCapture};
  }
  note_moves(buffers.slots);
  KnownRun& run = least_wanted();
  KnownRun* const donor = may_capture ? find_donor(buffers, run) : nullptr;
  if (donor != nullptr && donor != &run) {
    std::swap(run.graph, donor->graph);
    donor->is_captured = false;
  }
  note(buffers, run);
  return {run, !may_capture ? RunWay::kWalk : donor != nullptr ? RunWay::kPatch : RunWay::kCapture};
}

KnownRun* KnownRuns::find(const DeviceRunBuffers& buffers) {
  const auto found = std::find_if(runs_.begin(), runs_.end(), [&](const KnownRun& run) {
    return same_frame(run, buffers) && same_arrays(run, buffers.slots);
  });
  return found == runs_.end() ? nullptr : &*found;
}

KnownRun& KnownRuns::least_wanted() {
  const auto rank = [](const KnownRun& run) { return run.last_use + (run.came_back ? kWorthOfReturn : 0); };
  return *std::min_element(runs_.begin(), runs_.end(),
                           [&](const KnownRun& a, const KnownRun& b) { return rank(a) < rank(b); });
}

// A graph that nobody will miss: of the entry that is given up, or of addresses that never came back.
KnownRun* KnownRuns::find_donor(const DeviceRunBuffers& buffers, KnownRun& given_up) {
  const auto can_give = [&](const KnownRun& run) {
    return run.is_captured && run.parts_version == parts_version_ && same_frame(run, buffers);
  };
  if (can_give(given_up)) return &given_up;
  const auto found =
      std::find_if(runs_.begin(), runs_.end(), [&](const KnownRun& run) { return can_give(run) && !run.came_back; });
  return found == runs_.end() ? nullptr : &*found;
}

void KnownRuns::note(const DeviceRunBuffers& buffers, KnownRun& run) const {
  const std::span<char* const> inputs = buffers.slots.inputs, outputs = buffers.slots.outputs;
  run.is_captured = run.came_back = false;
  run.last_use = num_runs_;
  run.arena = buffers.slots.arena;
  run.arrays.assign(inputs.begin(), inputs.end());
  run.arrays.insert(run.arrays.end(), outputs.begin(), outputs.end());
  run.uploads.assign(buffers.uploads.begin(), buffers.uploads.end());
  run.downloads.assign(buffers.downloads.begin(), buffers.downloads.end());
}

// Against the last run of these sizes.
void KnownRuns::note_moves(const RunBuffers& slots) {
  const std::size_t num_arrays = slots.inputs.size() + slots.outputs.size();
  if (moves_.size() != num_arrays) moves_.assign(num_arrays, 0);
  num_inputs_ = slots.inputs.size();
  const KnownRun& last = *std::max_element(
      runs_.begin(), runs_.end(), [](const KnownRun& a, const KnownRun& b) { return a.last_use < b.last_use; });
  if (last.last_use == 0) return;
  for (std::size_t i = 0; i < num_arrays; ++i) {
    char* const now = i < slots.inputs.size() ? slots.inputs[i] : slots.outputs[i - slots.inputs.size()];
    if (moves_[i] != 0 || now == last.arrays[i]) continue;
    moves_[i] = 1;
    ++parts_version_;
    parts_found_ = false;
  }
}

const std::vector<std::uint8_t>& KnownRuns::find_parts(const CompiledPlan& compiled) {
  if (parts_found_) return parts_;
  parts_found_ = true;
  parts_.clear();
  if (std::find(moves_.begin(), moves_.end(), 1) == moves_.end()) return parts_;
  const std::vector<std::uint8_t> moving = moving_slots(compiled, moves_, num_inputs_);
  parts_.assign(compiled.steps.size(), 0);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const StepCode& step = compiled.steps[i];
    const std::uint32_t end = step.first_arg + step.num_outputs + step.num_inputs;
    for (std::uint32_t arg = step.first_arg; arg < end; ++arg)
      if (moving[compiled.arg_slots[arg]] != 0) parts_[i] = 1;
  }
  return parts_;
}

}  // namespace ingot
