#include "device/device_run.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "execute/park.h"

namespace ingot {

namespace {

constexpr std::int64_t kSpinNs = 1'000'000;  // of waiting, before the processor is given away
constexpr auto kNap = std::chrono::microseconds(50);

}  // namespace

DeviceExecutor::DeviceExecutor(std::shared_ptr<const Device> device)
    : desk_{.device = device,
            .stream = open_stream(device),
            .fault_memory = DeviceMemory(device, sizeof(DeviceFault)),
            .readback_memory = DeviceMemory(device, sizeof(DeviceReadback), DeviceMemory::Where::kHost),
            .events = {}},
      has_branches_(device->api().has_branches(device->context()) != 0) {}

bool DeviceExecutor::may_replay(const DevicePlan& plan, const RunOptions& options) const {
  if (plan.is_counted && desk_.num_launches > DeviceWalk::kMostCaptured) return false;
  return (plan.is_counted || has_branches_) && options.max_steps == 0 && !too_long_;
}

void DeviceExecutor::run(const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
                         RunState& state, const RunOptions& options, StepProfile* profile) {
  const KnownRuns::Choice choice = runs_.choose(compiled, buffers, profile == nullptr && may_replay(plan, options));
  const bool goes_on = options.has_stream && !plan.can_fail && buffers.uploads.empty() && buffers.downloads.empty();
  DeviceWalk walk(desk_, compiled, plan, buffers, state, options, profile);
  state.state_written = false;
  try {
    in_progress_ = true;
    const bool is_replayed = enqueue(walk, choice, state);
    if (options.has_stream) desk_.require(desk_.device->api().let_wait(stream(), options.stream));
    if (!goes_on) wait(options, is_replayed && plan.may_turn_forever);
  } catch (...) {
    forget();
    finish();  // nothing of this run is left when its arrays may be changed
    throw;
  }
  in_progress_ = goes_on;
  if (plan.can_fail) desk_.check_fault(compiled, state);
}

// Whether a graph does it.
bool DeviceExecutor::enqueue(DeviceWalk& walk, KnownRuns::Choice choice, RunState& state) {
  KnownRun& run = choice.run;
  if (choice.way == RunWay::kPatch || choice.way == RunWay::kCapture) {
    run.is_captured = (choice.way == RunWay::kPatch && patch(walk, run, state)) || capture(walk, run, state);
    run.parts_version = runs_.parts_version();
    run.first_state_order = desk_.first_state_order;
    too_long_ = !run.is_captured;
  }
  if (choice.way == RunWay::kWalk || too_long_) {
    walk.run();
    return false;
  }
  desk_.first_state_order = run.first_state_order;
  state.state_written = run.first_state_order != DeviceDesk::kNoState;
  desk_.readback().stop = 0;
  desk_.require(desk_.device->api().run_graph(stream(), run.graph.get()));
  return true;
}

// False: it is too long.
bool DeviceExecutor::capture(DeviceWalk& walk, KnownRun& run, RunState& state) {
  const DeviceApi& api = desk_.device->api();
  desk_.require(api.begin_capture(stream()));
  bool is_whole = false;
  try {
    is_whole = walk.capture(runs_.parts());
  } catch (...) {
    state.state_written = false;
    api.end_capture(stream(), nullptr);
    throw;
  }
  if (!is_whole) {
    desk_.require(api.end_capture(stream(), nullptr));
    return false;
  }
  DeviceGraph* graph = run.graph.get();
  const DeviceStatus status = api.end_capture(stream(), &graph);
  (void)run.graph.release();
  run.graph = OwnedGraph(graph, {desk_.device});
  desk_.require(status);
  return true;
}

// False where the graph cannot take these addresses.
bool DeviceExecutor::patch(DeviceWalk& walk, KnownRun& run, RunState& state) {
  const DeviceApi& api = desk_.device->api();
  desk_.require(api.begin_patch(stream(), run.graph.get()));
  try {
    walk.patch(runs_.parts());
  } catch (...) {
    state.state_written = false;
    api.end_patch(stream());
    throw;
  }
  const DeviceStatus status = api.end_patch(stream());
  if (status == kDeviceRefused) return false;
  desk_.require(status);
  return true;
}

// Loops of a graph that may turn for ever end where the caller gives up.
void DeviceExecutor::wait(const RunOptions& options, bool may_turn_forever) {
  const DeviceApi& api = desk_.device->api();
  std::int32_t done = may_turn_forever && options.interrupted != nullptr ? 0 : 1;
  const std::int64_t begin = now_ns();
  for (std::int64_t asked = begin; done == 0;) {
    desk_.require(api.is_done(stream(), &done));
    const std::int64_t now = now_ns();
    if (done == 0 && now - begin > kSpinNs) std::this_thread::sleep_for(kNap);
    if (now - asked < RunLimits::kPollNs) continue;
    asked = now;
    if (!options.interrupted(options.interrupt_context)) continue;
    std::atomic_ref(desk_.readback().stop).store(1);
    done = 1;
  }
  desk_.require(api.synchronize(stream()));
}

void DeviceExecutor::forget() {
  runs_.forget();
  too_long_ = false;
}

void DeviceExecutor::begin(const RunOptions& options) {
  if (options.has_stream) desk_.require(desk_.device->api().wait_for(stream(), options.stream));
}

void DeviceExecutor::enqueue(const DeviceStep* step, const KernelCall& call) {
  in_progress_ = true;
  const DeviceLaunch launch = {.step = step,
                               .call = &call,
                               .fault = desk_.fault(),
                               .order = 0,
                               .step_index = 0,
                               .guarded = 0,
                               .workspace = nullptr};
  desk_.require(desk_.device->api().launch(stream(), &launch));
}

void DeviceExecutor::finish() noexcept {
  if (in_progress_) desk_.device->api().synchronize(stream());  // what went wrong, the next call tells too
  in_progress_ = false;
}

}  // namespace ingot
