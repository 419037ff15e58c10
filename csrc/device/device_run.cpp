#include "device/device_run.h"

#include <utility>

#include "base/error.h"

namespace ingot {

namespace {

constexpr std::int64_t kMostCaptured = 50'000;  // launches: a longer loop is walked at every run

}  // namespace

DeviceExecutor::DeviceExecutor(std::shared_ptr<const Device> device)
    : desk_{.device = device,
            .stream = open_stream(device),
            .fault_memory = DeviceMemory(device, sizeof(DeviceFault)),
            .readback_memory = DeviceMemory(device, sizeof(DeviceReadback), DeviceMemory::Where::kHost),
            .events = {}} {}

void DeviceExecutor::run(const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
                         RunState& state, const RunOptions& options, StepProfile* profile) {
  const bool may_replay =
      plan.is_counted && profile == nullptr && options.max_steps == 0 && desk_.num_launches <= kMostCaptured;
  const KnownRuns::Choice choice = runs_.choose(buffers, may_replay);
  const bool goes_on = options.has_stream && !plan.can_fail && buffers.uploads.empty() && buffers.downloads.empty();
  const DeviceApi& api = desk_.device->api();
  DeviceWalk walk(desk_, compiled, plan, buffers, state, options, profile);
  state.state_written = false;
  try {
    in_progress_ = true;
    enqueue(walk, compiled, choice, state);
    if (options.has_stream) desk_.require(api.let_wait(stream(), options.stream));
    if (!goes_on) desk_.require(api.synchronize(stream()));
  } catch (...) {
    forget();
    finish();  // nothing of this run is left when its arrays may be changed
    throw;
  }
  in_progress_ = goes_on;
  if (plan.can_fail) desk_.check_fault(compiled, state);
}

void DeviceExecutor::enqueue(DeviceWalk& walk, const CompiledPlan& compiled, KnownRuns::Choice choice,
                             RunState& state) {
  KnownRun& run = choice.run;
  if (choice.way == RunWay::kWalk) return walk.run();
  const bool is_patched = choice.way == RunWay::kPatch && patch(walk, compiled, run, state);
  if (!is_patched && choice.way != RunWay::kReplay) capture(walk, compiled, run, state);
  if (choice.way != RunWay::kReplay) {
    run.is_captured = true;
    run.parts_version = runs_.parts_version();
  }
  state.state_written = desk_.first_state_order != DeviceDesk::kNoState;
  desk_.require(desk_.device->api().run_graph(stream(), run.graph.get()));
}

void DeviceExecutor::capture(DeviceWalk& walk, const CompiledPlan& compiled, KnownRun& run, RunState& state) {
  const DeviceApi& api = desk_.device->api();
  desk_.require(api.begin_capture(stream()));
  DeviceGraph* graph = run.graph.get();
  try {
    walk.capture(runs_.find_parts(compiled));
  } catch (...) {
    state.state_written = false;
    graph = nullptr;
    if (api.end_capture(stream(), &graph) == kDeviceDone) api.release_graph(graph);
    throw;
  }
  const DeviceStatus status = api.end_capture(stream(), &graph);
  (void)run.graph.release();
  run.graph = OwnedGraph(graph, {desk_.device});
  desk_.require(status);
}

// False where the graph cannot take these addresses.
bool DeviceExecutor::patch(DeviceWalk& walk, const CompiledPlan& compiled, KnownRun& run, RunState& state) {
  const DeviceApi& api = desk_.device->api();
  desk_.require(api.begin_patch(stream(), run.graph.get()));
  try {
    walk.patch(runs_.find_parts(compiled));
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
