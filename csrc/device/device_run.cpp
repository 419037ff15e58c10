#include "device/device_run.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "execute/places.h"
#include "execute/run_limits.h"

namespace ingot {

namespace {

constexpr std::int64_t kMostCaptured = 50'000;  // launches: a longer loop is walked at every run
constexpr std::int64_t kNoState = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kMostTimed = 2048;  // launches between two looks at their times

}  // namespace

// One pass over the steps.
class DeviceExecutor::Walk {
 public:
  Walk(DeviceExecutor& executor, const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
       RunState& state, const RunOptions& options, StepProfile* profile)
      : executor_(executor),
        device_(*executor.device_),
        api_(device_.api()),
        stream_(executor.stream()),
        compiled_(compiled),
        plan_(plan),
        buffers_(buffers),
        state_(state),
        places_(compiled, buffers.slots, state),
        limits_(options),
        profile_(profile) {}

  // Enqueues everything: uploads, steps, downloads.
  void run() {
    places_.begin_run();
    executor_.num_launches_ = 0;
    executor_.first_state_order_ = kNoState;
    for (const DeviceTransfer& t : buffers_.uploads) require(api_.upload(stream_, t.device, t.host, t.num_bytes));
    if (plan_.can_fail) require(api_.clear(stream_, executor_.fault_memory_.data(), sizeof(DeviceFault)));
    const auto num_steps = static_cast<std::uint32_t>(compiled_.steps.size());
    for (std::uint32_t next = 0; next < num_steps;) {
      if (next < compiled_.commit_step) limits_.check(0);
      next = run_step(next);
    }
    read_times();
    for (const DeviceTransfer& t : buffers_.downloads) require(api_.download(stream_, t.host, t.device, t.num_bytes));
    if (plan_.can_fail) download_fault();
  }

 private:
  void require(DeviceStatus status) const { device_.require(status, "run"); }

  std::uint32_t run_step(std::uint32_t index) {
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
        return read_condition(step) ? index + 1 : step.target;
      case StepKind::kSwap:
        places_.swap_slots(step.slot_a, step.slot_b);
        break;
      case StepKind::kLoopBegin:
        if (!places_.begin_loop(step, turn)) return step.target;
        write_turn(step, turn);
        break;
      case StepKind::kLoopNext:
        if (!places_.next_turn(step, turn)) break;
        write_turn(step, turn);
        return step.target;
    }
    return index + 1;
  }

  void write_turn(const StepCode& step, std::int64_t turn) {
    if (step.num_outputs > 0) require(api_.set_number(stream_, places_.first_output(step), turn));
  }

  void launch(std::uint32_t index, const StepCode& step) {
    if (step.writes_state && !state_.state_written) executor_.first_state_order_ = executor_.num_launches_;
    state_.state_written = state_.state_written || step.writes_state;
    const DeviceLaunch launch = {.step = plan_.steps[index].get(),
                                 .call = &state_.blocks.calls[index],
                                 .fault = reinterpret_cast<DeviceFault*>(executor_.fault_memory_.data()),
                                 .order = executor_.num_launches_++,
                                 .step_index = index,
                                 .guarded = step.writes_state && plan_.can_fail ? 1 : 0,
                                 .workspace = buffers_.workspace};
    if (profile_ == nullptr) return require(api_.launch(stream_, &launch));
    record(timed_.size() * 2);
    require(api_.launch(stream_, &launch));
    record(timed_.size() * 2 + 1);
    timed_.push_back(index);
    if (timed_.size() == kMostTimed) read_times();
  }

  void record(std::size_t event) {
    if (event == executor_.events_.size()) executor_.events_.push_back(make_event(executor_.device_));
    require(api_.record_event(stream_, executor_.events_[event].get()));
  }

  void read_times() {
    if (timed_.empty()) return;
    require(api_.synchronize(stream_));
    for (std::size_t i = 0; i < timed_.size(); ++i) {
      std::int64_t ns = 0;
      require(api_.elapsed_ns(executor_.events_[2 * i].get(), executor_.events_[2 * i + 1].get(), &ns));
      profile_[timed_[i]].calls += 1;
      profile_[timed_[i]].total_ns += ns;
    }
    timed_.clear();
  }

  void download_fault() {
    require(api_.download(stream_, &executor_.readback().fault, executor_.fault_memory_.data(), sizeof(DeviceFault)));
  }

  // With the fault, which would else be found behind a loop that its garbage may never leave.
  bool read_condition(const StepCode& step) {
    require(api_.download(stream_, &executor_.readback().condition, places_.first_input(step), 1));
    if (plan_.can_fail) download_fault();
    require(api_.synchronize(stream_));
    if (plan_.can_fail) executor_.check_fault(compiled_, state_);
    return executor_.readback().condition != 0;
  }

  DeviceExecutor& executor_;
  const Device& device_;
  const DeviceApi& api_;
  DeviceStream* stream_;
  const CompiledPlan& compiled_;
  const DevicePlan& plan_;
  const DeviceRunBuffers& buffers_;
  RunState& state_;
  Places places_;
  RunLimits limits_;
  StepProfile* profile_;
  std::vector<std::uint32_t> timed_;  // steps whose events are not read yet
};

DeviceExecutor::DeviceExecutor(std::shared_ptr<const Device> device)
    : device_(std::move(device)),
      stream_(open_stream(device_)),
      fault_memory_(device_, sizeof(DeviceFault)),
      readback_memory_(device_, sizeof(Readback), DeviceMemory::Where::kHost) {}

void DeviceExecutor::run(const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
                         RunState& state, const RunOptions& options, StepProfile* profile) {
  Known* known = find(buffers);
  const bool replays = known != nullptr && plan.is_counted && profile == nullptr && options.max_steps == 0 &&
                       (known->is_captured || num_launches_ <= kMostCaptured);
  if (known == nullptr) {
    known = &*std::min_element(known_.begin(), known_.end(),
                               [](const Known& a, const Known& b) { return a.last_use < b.last_use; });
    known->take(buffers);
  }
  known->last_use = ++num_runs_;
  const bool goes_on = options.has_stream && !plan.can_fail && buffers.uploads.empty() && buffers.downloads.empty();
  const DeviceApi& api = device_->api();
  Walk walk(*this, compiled, plan, buffers, state, options, profile);
  state.state_written = false;
  try {
    in_progress_ = true;
    enqueue(walk, replays ? known : nullptr, state);
    if (options.has_stream) device_->require(api.let_wait(stream_.get(), options.stream), "run");
    if (!goes_on) device_->require(api.synchronize(stream_.get()), "run");
  } catch (...) {
    forget();
    finish();  // nothing of this run is left when its arrays may be changed
    throw;
  }
  in_progress_ = goes_on;
  if (plan.can_fail) check_fault(compiled, state);
}

void DeviceExecutor::enqueue(Walk& walk, Known* replayed, RunState& state) {
  if (replayed == nullptr) return walk.run();
  if (!replayed->is_captured) capture(walk, *replayed, state);
  state.state_written = first_state_order_ != kNoState;
  device_->require(device_->api().run_graph(stream_.get(), replayed->graph.get()), "run");
}

void DeviceExecutor::finish() noexcept {
  if (in_progress_) device_->api().synchronize(stream_.get());  // what went wrong, the next call tells too
  in_progress_ = false;
}

void DeviceExecutor::capture(Walk& walk, Known& known, RunState& state) {
  const DeviceApi& api = device_->api();
  device_->require(api.begin_capture(stream_.get()), "run");
  DeviceGraph* graph = known.graph.get();
  try {
    walk.run();
  } catch (...) {
    state.state_written = false;
    graph = nullptr;
    if (api.end_capture(stream_.get(), &graph) == kDeviceDone) api.release_graph(graph);
    throw;
  }
  const DeviceStatus status = api.end_capture(stream_.get(), &graph);
  (void)known.graph.release();
  known.graph = OwnedGraph(graph, {device_});
  device_->require(status, "run");
  known.is_captured = true;
}

// Steps that write a state look at the fault themselves: only those before it have written.
void DeviceExecutor::check_fault(const CompiledPlan& compiled, RunState& state) const {
  const DeviceFault& fault = readback().fault;
  if (fault.set == 0) return;
  state.state_written = first_state_order_ < fault.order;
  INGOT_CHECK(fault.step >= 0 && static_cast<std::size_t>(fault.step) < compiled.steps.size());
  fail_step(compiled, static_cast<std::size_t>(fault.step),
            {.lock = 0, .set = 1, .element = fault.element, .value = fault.value, .extent = fault.extent});
}

void DeviceExecutor::begin(const RunOptions& options) {
  if (options.has_stream) device_->require(device_->api().wait_for(stream_.get(), options.stream), "run");
}

void DeviceExecutor::enqueue(const DeviceStep* step, const KernelCall& call) {
  in_progress_ = true;
  const DeviceLaunch launch = {.step = step,
                               .call = &call,
                               .fault = reinterpret_cast<DeviceFault*>(fault_memory_.data()),
                               .order = 0,
                               .step_index = 0,
                               .guarded = 0,
                               .workspace = nullptr};
  device_->require(device_->api().launch(stream_.get(), &launch), "run");
}

void DeviceExecutor::forget() {
  for (Known& known : known_) {
    known.is_captured = false;
    known.addresses.clear();
    known.last_use = 0;
  }
}

DeviceExecutor::Known* DeviceExecutor::find(const DeviceRunBuffers& buffers) {
  const auto found =
      std::find_if(known_.begin(), known_.end(), [&](const Known& known) { return known.is_of(buffers); });
  return found == known_.end() ? nullptr : &*found;
}

bool DeviceExecutor::Known::is_of(const DeviceRunBuffers& buffers) const {
  const std::span<char* const> inputs = buffers.slots.inputs, outputs = buffers.slots.outputs;
  return addresses.size() == inputs.size() + outputs.size() + 1 && addresses[0] == buffers.slots.arena &&
         std::equal(inputs.begin(), inputs.end(), addresses.begin() + 1) &&
         std::equal(outputs.rbegin(), outputs.rend(), addresses.rbegin()) &&
         std::equal(buffers.uploads.begin(), buffers.uploads.end(), uploads.begin(), uploads.end()) &&
         std::equal(buffers.downloads.begin(), buffers.downloads.end(), downloads.begin(), downloads.end());
}

void DeviceExecutor::Known::take(const DeviceRunBuffers& buffers) {
  is_captured = false;
  addresses.assign(1, buffers.slots.arena);
  addresses.insert(addresses.end(), buffers.slots.inputs.begin(), buffers.slots.inputs.end());
  addresses.insert(addresses.end(), buffers.slots.outputs.begin(), buffers.slots.outputs.end());
  uploads.assign(buffers.uploads.begin(), buffers.uploads.end());
  downloads.assign(buffers.downloads.begin(), buffers.downloads.end());
}

}  // namespace ingot
