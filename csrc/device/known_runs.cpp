#include "device/known_runs.h"

#include <algorithm>

#include "device/device_plan.h"

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

bool any(const std::vector<std::uint8_t>& flags, std::size_t begin, std::size_t end) {
  while (begin < end && flags[begin] == 0) ++begin;
  return begin < end;
}

// The test itself is outside of its branches, but a loop makes it again inside.
bool any_in_branch(const CompiledPlan& compiled, const std::vector<std::uint8_t>& parts) {
  for (std::uint32_t i = 0; i < parts.size(); ++i) {
    if (compiled.steps[i].kind != StepKind::kJumpIfFalse) continue;
    const DeviceBranch branch = branch_at(compiled, i);
    if (any(parts, branch.repeats ? branch.other : branch.first, branch.end)) return true;
  }
  return false;
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

KnownRuns::Choice KnownRuns::choose(const CompiledPlan& compiled, const DeviceRunBuffers& buffers, bool may_replay) {
  const bool may_capture = num_runs_++ > 0 && may_replay;
  if (KnownRun* const run = find(buffers); run != nullptr) {
    run->came_back = true;
    run->last_use = num_runs_;
    return {*run, !may_capture ? RunWay::kWalk : run->is_captured ? RunWay::kReplay : RunWay::kCapture};
  }
  note_moves(buffers.slots);
  find_parts(compiled);
  KnownRun& run = least_wanted();
  KnownRun* const donor = may_capture && can_patch_ ? find_donor(buffers, run) : nullptr;
  if (donor != nullptr && donor != &run) {
    std::swap(run.graph, donor->graph);
    donor->is_captured = false;
  }
  note(buffers, run);
  if (!may_capture || !can_patch_) return {run, RunWay::kWalk};
  return {run, donor != nullptr ? RunWay::kPatch : RunWay::kCapture};
}

KnownRun* KnownRuns::find(const DeviceRunBuffers& buffers) {
  for (KnownRun& run : runs_)
    if (same_frame(run, buffers) && same_arrays(run, buffers.slots)) return &run;
  return nullptr;
}

KnownRun& KnownRuns::least_wanted() {
  const auto rank = [](const KnownRun& run) { return run.last_use + (run.came_back ? kWorthOfReturn : 0); };
  KnownRun* least = runs_.data();
  for (KnownRun& run : runs_)
    if (rank(run) < rank(*least)) least = &run;
  return *least;
}

// A graph that nobody will miss: of the entry that is given up, or of addresses that never came back.
KnownRun* KnownRuns::find_donor(const DeviceRunBuffers& buffers, KnownRun& given_up) {
  KnownRun* donor = nullptr;
  for (KnownRun& run : runs_) {
    const bool can_give = run.is_captured && run.parts_version == parts_version_ && same_frame(run, buffers);
    if (can_give && (&run == &given_up || (donor == nullptr && !run.came_back))) donor = &run;
  }
  return donor;
}

void KnownRuns::note(const DeviceRunBuffers& buffers, KnownRun& run) const {
  const std::span<char* const> inputs = buffers.slots.inputs, outputs = buffers.slots.outputs;
  run.is_captured = run.came_back = false;
  run.last_use = num_runs_;
  run.arena = buffers.slots.arena;
  if (run.arrays.size() != inputs.size() + outputs.size()) run.arrays = std::vector<char*>(moves_.size());
  std::copy(inputs.begin(), inputs.end(), run.arrays.begin());
  std::copy(outputs.rbegin(), outputs.rend(), run.arrays.rbegin());
  run.uploads.assign(buffers.uploads.begin(), buffers.uploads.end());
  run.downloads.assign(buffers.downloads.begin(), buffers.downloads.end());
}

// Against the last run of these sizes.
void KnownRuns::note_moves(const RunBuffers& slots) {
  const std::size_t num_arrays = slots.inputs.size() + slots.outputs.size();
  if (moves_.size() != num_arrays) moves_.assign(num_arrays, 0);
  num_inputs_ = slots.inputs.size();
  const KnownRun* last = runs_.data();
  for (const KnownRun& run : runs_)
    if (run.last_use > last->last_use) last = &run;
  if (last->last_use == 0) return;
  for (std::size_t i = 0; i < num_arrays; ++i) {
    char* const now = i < slots.inputs.size() ? slots.inputs[i] : slots.outputs[i - slots.inputs.size()];
    if (moves_[i] != 0 || now == last->arrays[i]) continue;
    moves_[i] = 1;
    ++parts_version_;
    parts_found_ = false;
  }
}

void KnownRuns::find_parts(const CompiledPlan& compiled) {
  if (parts_found_) return;
  parts_found_ = can_patch_ = true;
  parts_.clear();
  if (!any(moves_, 0, moves_.size())) return;
  const std::vector<std::uint8_t> moving = moving_slots(compiled, moves_, num_inputs_);
  parts_.assign(compiled.steps.size(), 0);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const StepCode& step = compiled.steps[i];
    const std::uint32_t end = step.first_arg + step.num_outputs + step.num_inputs;
    for (std::uint32_t arg = step.first_arg; arg < end; ++arg)
      if (moving[compiled.arg_slots[arg]] != 0) parts_[i] = 1;
  }
  can_patch_ = !any_in_branch(compiled, parts_);
  if (!can_patch_) parts_.clear();
}

}  // namespace ingot
