#include "device/device_walk.h"

#include "base/error.h"

namespace ingot {

namespace {

constexpr std::size_t kMostTimed = 2048;  // launches between two looks at their times

}  // namespace

void DeviceDesk::require(DeviceStatus status) const {
  device->require(status, "run");
}

// Steps that write a state look at the fault themselves: only those before it have written.
void DeviceDesk::check_fault(const CompiledPlan& compiled, RunState& state) const {
  const DeviceFault& fault = readback().fault;
  if (fault.set == 0) return;
  state.state_written = first_state_order < fault.order;
  if (fault.step == kDeviceStopped) fail(ErrorCode::kAbort, "run: interrupted");
  INGOT_CHECK(fault.step >= 0 && static_cast<std::size_t>(fault.step) < compiled.steps.size());
  fail_step(compiled, static_cast<std::size_t>(fault.step),
            {.lock = 0, .set = 1, .element = fault.element, .value = fault.value, .extent = fault.extent});
}

DeviceWalk::DeviceWalk(DeviceDesk& desk, const CompiledPlan& compiled, const DevicePlan& plan,
                       const DeviceRunBuffers& buffers, RunState& state, const RunOptions& options,
                       StepProfile* profile)
    : desk_(desk),
      api_(desk.device->api()),
      stream_(desk.stream.get()),
      compiled_(compiled),
      plan_(plan),
      buffers_(buffers),
      state_(state),
      places_(compiled, buffers.slots, state),
      limits_(options),
      profile_(profile) {}

void DeviceWalk::run() {
  parts_ = {};
  mode_ = Mode::kRun;
  enqueue();
  read_times();
}

// Every graph begins with the slots where the plan has them, so that its parts come again at the same places.
bool DeviceWalk::capture(std::span<const std::uint8_t> parts) {
  if (!plan_.swaps.empty()) state_.blocks.placed = false;
  parts_ = parts;
  mode_ = Mode::kCapture;
  enqueue();
  return !is_too_long();
}

void DeviceWalk::patch(std::span<const std::uint8_t> parts) {
  if (!plan_.swaps.empty()) state_.blocks.placed = false;
  parts_ = parts;
  mode_ = Mode::kPatch;
  enqueue_all();
}

void DeviceWalk::enqueue() {
  for (const DeviceTransfer& t : buffers_.uploads) desk_.require(api_.upload(stream_, t.device, t.host, t.num_bytes));
  const bool looks_at_fault = plan_.can_fail || !plan_.is_counted;
  if (looks_at_fault) desk_.require(api_.clear(stream_, desk_.fault_memory.data(), sizeof(DeviceFault)));
  enqueue_all();
  for (const DeviceTransfer& t : buffers_.downloads)
    desk_.require(api_.download(stream_, t.host, t.device, t.num_bytes));
  if (plan_.can_fail) download_fault();
}

void DeviceWalk::enqueue_all() {
  places_.begin_run();
  state_.state_written = false;
  desk_.num_launches = 0;
  desk_.first_state_order = DeviceDesk::kNoState;
  enqueue_steps(0, static_cast<std::uint32_t>(compiled_.steps.size()));
  enter_part(false);
}

void DeviceWalk::enqueue_steps(std::uint32_t begin, std::uint32_t end) {
  for (std::uint32_t next = begin; next < end && !is_too_long();) {
    if (next < compiled_.commit_step) limits_.check(0);
    next = run_step(next);
  }
}

std::uint32_t DeviceWalk::run_step(std::uint32_t index) {
  const StepCode& step = compiled_.steps[index];
  std::int64_t turn = 0;
  switch (step.kind) {
    case StepKind::kKernel:
    case StepKind::kAbort:
      launch(index, step);
      break;
    case StepKind::kJump:
      return step.target;
    case StepKind::kJumpIfFalse:
      if (mode_ != Mode::kRun) return walk_branch(index, step);
      return read_condition(step) ? index + 1 : step.target;
    case StepKind::kSwap:
      places_.swap_slots(step.slot_a, step.slot_b);
      break;
    case StepKind::kLoopBegin:
    case StepKind::kLoopNext: {
      const bool begins = step.kind == StepKind::kLoopBegin;
      const bool turns = begins ? places_.begin_loop(step, turn) : places_.next_turn(step, turn);
      if (turns) write_turn(index, step, turn);
      return turns == begins ? index + 1 : step.target;
    }
  }
  return index + 1;
}

// Whether the step is to be enqueued.
bool DeviceWalk::enter_part(bool is_part) {
  if (is_part != in_part_) desk_.require(is_part ? api_.begin_part(stream_) : api_.end_part(stream_));
  in_part_ = is_part;
  return is_part || mode_ != Mode::kPatch;
}

void DeviceWalk::write_turn(std::uint32_t index, const StepCode& step, std::int64_t turn) {
  if (step.num_outputs == 0 || !enter_part(!parts_.empty() && parts_[index] != 0)) return;
  desk_.require(api_.set_number(stream_, places_.first_output(step), turn));
}

void DeviceWalk::launch(std::uint32_t index, const StepCode& step) {
  const std::int64_t order = desk_.num_launches++;
  // Of a loop of a graph nobody knows which turn reported a fault.
  if (step.writes_state && !state_.state_written) desk_.first_state_order = loop_order_ < 0 ? order : loop_order_;
  state_.state_written = state_.state_written || step.writes_state;
  if (!enter_part(!parts_.empty() && parts_[index] != 0)) return;
  const DeviceLaunch launch = {.step = plan_.steps[index].get(),
                               .call = &state_.blocks.calls[index],
                               .fault = desk_.fault(),
                               .order = order,
                               .step_index = index,
                               .guarded = step.writes_state && plan_.can_fail ? 1 : 0,
                               .workspace = buffers_.workspace};
  if (profile_ != nullptr) record(timed_.size() * 2);
  desk_.require(api_.launch(stream_, &launch));
  if (profile_ == nullptr) return;
  record(timed_.size() * 2 + 1);
  timed_.push_back(index);
  if (timed_.size() == kMostTimed) read_times();
}

void DeviceWalk::record(std::size_t event) {
  if (event == desk_.events.size()) desk_.events.push_back(make_event(desk_.device));
  desk_.require(api_.record_event(stream_, desk_.events[event].get()));
}

void DeviceWalk::read_times() {
  if (timed_.empty()) return;
  desk_.require(api_.synchronize(stream_));
  for (std::size_t i = 0; i < timed_.size(); ++i) {
    std::int64_t ns = 0;
    desk_.require(api_.elapsed_ns(desk_.events[2 * i].get(), desk_.events[2 * i + 1].get(), &ns));
    profile_[timed_[i]].calls += 1;
    profile_[timed_[i]].total_ns += ns;
  }
  timed_.clear();
}

void DeviceWalk::download_fault() {
  desk_.require(api_.download(stream_, &desk_.readback().fault, desk_.fault_memory.data(), sizeof(DeviceFault)));
}

// With the fault, which would else be found behind a loop that its garbage may never leave.
bool DeviceWalk::read_condition(const StepCode& step) {
  desk_.require(api_.download(stream_, &desk_.readback().condition, places_.first_input(step), 1));
  if (plan_.can_fail) download_fault();
  desk_.require(api_.synchronize(stream_));
  if (plan_.can_fail) desk_.check_fault(compiled_, state_);
  return desk_.readback().condition != 0;
}

}  // namespace ingot
