// Branches and loops that depend on data, in a graph: each is captured once, whatever a run will do. What loops
// exchange by addresses is brought back by a copy where the branch ends, so that the steps behind find it where they
// were captured with it, however often it was exchanged.
#include <algorithm>

#include "base/error.h"
#include "device/device_walk.h"

namespace ingot {

bool DeviceWalk::is_too_long() const {
  return mode_ != Mode::kRun && desk_.num_launches > kMostCaptured;
}

// A test has a place among the launches: one that stops a run does so before what comes behind.
DeviceTest DeviceWalk::test_of(const StepCode& step) {
  return {.condition = places_.first_input(step),
          .fault = desk_.fault(),
          .stop = plan_.may_turn_forever ? &desk_.readback().stop : nullptr,
          .order = desk_.num_launches++};
}

// The step to go on with. A patch has no part in there, but counts its launches.
std::uint32_t DeviceWalk::walk_branch(std::uint32_t index, const StepCode& step) {
  enter_part(false);
  const DeviceBranch branch = branch_at(compiled_, index);
  if (branch.repeats) {
    capture_while(branch, step);
  } else {
    capture_if(branch, step);
  }
  return branch.end;
}

void DeviceWalk::capture_if(const DeviceBranch& branch, const StepCode& step) {
  const bool has_else = branch.other < branch.end, enqueues = mode_ == Mode::kCapture;
  const DeviceTest test = test_of(step);
  if (enqueues) desk_.require(api_.begin_if(stream_, &test, has_else ? 1 : 0));
  capture_body(branch.first, branch.jump);
  if (has_else) {
    if (enqueues) desk_.require(api_.begin_else(stream_));
    capture_body(branch.other, branch.end);
  }
  if (enqueues) desk_.require(api_.end_branch(stream_));
}

// The condition has been computed before the first turn; it is computed again at the end of every one.
void DeviceWalk::capture_while(const DeviceBranch& branch, const StepCode& step) {
  const bool enqueues = mode_ == Mode::kCapture, is_outermost = loop_order_ < 0;
  const DeviceTest first = test_of(step);
  if (is_outermost) loop_order_ = first.order;
  if (enqueues) desk_.require(api_.begin_while(stream_, &first));
  capture_body(branch.first, branch.jump);
  capture_body(branch.other, branch.first - 1);
  const DeviceTest again = test_of(step);
  if (enqueues) desk_.require(api_.end_turn(stream_, &again));
  if (is_outermost) loop_order_ = -1;
}

void DeviceWalk::capture_body(std::uint32_t begin, std::uint32_t end) {
  std::vector<const char*> before(plan_.swaps.size());
  for (std::size_t i = 0; i < before.size(); ++i) before[i] = state_.addresses[plan_.swaps[i].first];
  enqueue_steps(begin, end);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& [slot_a, slot_b] = plan_.swaps[i];
    if (state_.addresses[slot_a] != before[i]) bring_back(slot_a, slot_b);
  }
}

// What slot_a holds goes where it was before it was swapped; slot_b holds nothing that is read (check_plan).
void DeviceWalk::bring_back(std::uint32_t slot_a, std::uint32_t slot_b) {
  const std::int64_t num_bytes = std::max(bytes_in_use(slot_a), bytes_in_use(slot_b));
  const char* const from = state_.addresses[slot_a];
  places_.swap_slots(slot_a, slot_b);
  if (mode_ == Mode::kCapture) desk_.require(api_.copy(stream_, state_.addresses[slot_a], from, num_bytes));
}

// As far as any step reaches into the slot; a window on it may reach anywhere.
std::int64_t DeviceWalk::bytes_in_use(std::uint32_t slot) const {
  const Plan& plan = compiled_.plan;
  const std::int64_t most = plan.buffers[plan.slots[slot].index].max_bytes;
  for (const Window& window : plan.windows)
    if (window.base.index == slot) return most;
  const PlanNumbers& numbers = state_.blocks.numbers;
  std::int64_t bytes = 0;
  for (std::uint32_t i = compiled_.slot_arg_begin[slot]; i < compiled_.slot_arg_begin[slot + 1]; ++i) {
    const TensorArg& arg = numbers.args[compiled_.slot_args[i]];
    std::int64_t last = 0;
    bool is_empty = false;
    for (std::int32_t axis = 0; axis < arg.rank; ++axis) {
      is_empty = is_empty || arg.shape[axis] == 0;
      last += std::max<std::int64_t>(arg.strides[axis], 0) * (arg.shape[axis] - 1);
    }
    const auto element = static_cast<std::int64_t>(size_bytes(static_cast<DType>(arg.dtype)));
    if (!is_empty) bytes = std::max(bytes, numbers.arg_offsets[compiled_.slot_args[i]] + (last + 1) * element);
  }
  return std::min(bytes, most);
}

}  // namespace ingot
