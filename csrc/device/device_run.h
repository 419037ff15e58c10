// Runs a plan on a device. What is enqueued for a plan whose jumps are all counted depends on sizes and addresses
// alone: it is captured, and further runs replay that, with other addresses too (known_runs.h). A run ends
// synchronized, so that outputs are there and arrays may be changed; but for one in the order of a caller's stream that
// can neither fail nor touches the host's memory.
#pragma once

#include <cstdint>

#include "device/device_walk.h"
#include "device/known_runs.h"

namespace ingot {

// What the steps of one plan are run with. Thread rule: one run at a time.
class DeviceExecutor {
 public:
  explicit DeviceExecutor(std::shared_ptr<const Device> device);
  ~DeviceExecutor() { finish(); }
  DeviceExecutor(const DeviceExecutor&) = delete;
  DeviceExecutor& operator=(const DeviceExecutor&) = delete;

  // As execute(), which says what state is and what is thrown. Besides, DeviceError: then states may have changed.
  void run(const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers, RunState& state,
           const RunOptions& options, StepProfile* profile);
  // Before a run: what it enqueues waits for the caller's stream, if there is one.
  void begin(const RunOptions& options);
  // Enqueues one step of its own, which cannot fail, between begin and run.
  void enqueue(const DeviceStep* step, const KernelCall& call);
  // What was captured is of another plan, or of other sizes.
  void forget();
  // Waits for a run that is still in progress.
  void finish() noexcept;
  DeviceStream* stream() const { return desk_.stream.get(); }

 private:
  bool may_replay(const DevicePlan& plan, const RunOptions& options) const;
  bool enqueue(DeviceWalk& walk, KnownRuns::Choice choice, RunState& state);
  bool capture(DeviceWalk& walk, KnownRun& run, RunState& state);
  bool patch(DeviceWalk& walk, KnownRun& run, RunState& state);
  void wait(const RunOptions& options, bool may_turn_forever);

  DeviceDesk desk_;
  KnownRuns runs_;
  bool in_progress_ = false;
  bool too_long_ = false;  // to be captured, at these sizes
  const bool has_branches_;
};

}  // namespace ingot
