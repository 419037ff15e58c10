// One pass over the steps of a plan, which enqueues them: to be run, to be captured, or the parts of a graph alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device_buffers.h"
#include "device/device_plan.h"
#include "execute/executor.h"
#include "execute/places.h"
#include "execute/run_limits.h"

namespace ingot {

// In memory of the host that the device writes.
struct DeviceReadback {
  DeviceFault fault;
  std::uint8_t condition;
  std::int32_t stop;  // written by the host: loops of a graph are to end
};

// What every pass of an executor works with.
struct DeviceDesk {
  std::shared_ptr<const Device> device;
  OwnedStream stream;
  DeviceMemory fault_memory, readback_memory;
  std::vector<OwnedEvent> events;      // of profiled runs
  std::int64_t num_launches = 0;       // of the last pass; the same for all addresses
  std::int64_t first_state_order = 0;  // of its launches the first that writes a state; kNoState: none

  static constexpr std::int64_t kNoState = INT64_MAX;
  DeviceFault* fault() const { return reinterpret_cast<DeviceFault*>(fault_memory.data()); }
  DeviceReadback& readback() const { return *reinterpret_cast<DeviceReadback*>(readback_memory.data()); }
  void require(DeviceStatus status) const;
  // Throws what the fault says that was read back, if it is one.
  void check_fault(const CompiledPlan& compiled, RunState& state) const;
};

class DeviceWalk {
 public:
  static constexpr std::int64_t kMostCaptured = 50'000;  // launches: a longer plan is walked at every run

  DeviceWalk(DeviceDesk& desk, const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
             RunState& state, const RunOptions& options, StepProfile* profile);

  // Enqueues everything: uploads, steps, downloads.
  void run();
  // The same into a graph whose parts are the steps that `parts` says, if it says any. False: it would be too long.
  bool capture(std::span<const std::uint8_t> parts);
  // Those steps alone.
  void patch(std::span<const std::uint8_t> parts);

 private:
  void enqueue();
  void enqueue_all();
  void enqueue_steps(std::uint32_t begin, std::uint32_t end);
  std::uint32_t run_step(std::uint32_t index);
  void write_turn(std::uint32_t index, const StepCode& step, std::int64_t turn);
  void launch(std::uint32_t index, const StepCode& step);
  bool enter_part(bool is_part);
  void record(std::size_t event);
  void read_times();
  void download_fault();
  bool read_condition(const StepCode& step);

  // Of captures and patches, in device_branches.cpp.
  bool is_too_long() const;
  std::uint32_t walk_branch(std::uint32_t index, const StepCode& step);
  void capture_if(const DeviceBranch& branch, const StepCode& step);
  void capture_while(const DeviceBranch& branch, const StepCode& step);
  void capture_body(std::uint32_t begin, std::uint32_t end);
  void bring_back(std::uint32_t slot_a, std::uint32_t slot_b);
  std::int64_t bytes_in_use(std::uint32_t slot) const;
  DeviceTest test_of(const StepCode& step);

  DeviceDesk& desk_;
  const DeviceApi& api_;
  DeviceStream* stream_;
  const CompiledPlan& compiled_;
  const DevicePlan& plan_;
  const DeviceRunBuffers& buffers_;
  RunState& state_;
  Places places_;
  RunLimits limits_;
  StepProfile* profile_;
  std::span<const std::uint8_t> parts_;
  enum class Mode : std::uint8_t { kRun, kCapture, kPatch };
  Mode mode_ = Mode::kRun;
  bool in_part_ = false;
  std::int64_t loop_order_ = -1;      // of the first test of the outermost captured loop; -1: outside of loops
  std::vector<std::uint32_t> timed_;  // steps whose events are not read yet
};

}  // namespace ingot
