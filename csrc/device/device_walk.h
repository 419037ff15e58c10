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
  void require(DeviceStatus status) const { device->require(status, "run"); }
  // Throws what the fault says that was read back, if it is one.
  void check_fault(const CompiledPlan& compiled, RunState& state) const;
};

class DeviceWalk {
 public:
  DeviceWalk(DeviceDesk& desk, const CompiledPlan& compiled, const DevicePlan& plan, const DeviceRunBuffers& buffers,
             RunState& state, const RunOptions& options, StepProfile* profile);

  // Enqueues everything: uploads, steps, downloads.
  void run();
  // The same into a graph whose parts are the steps that `parts` says, if it says any.
  void capture(std::span<const std::uint8_t> parts);
  // Those steps alone.
  void patch(std::span<const std::uint8_t> parts);

 private:
  void enqueue_steps();
  std::uint32_t run_step(std::uint32_t index);
  void write_turn(std::uint32_t index, const StepCode& step, std::int64_t turn);
  void launch(std::uint32_t index, const StepCode& step);
  bool enter_part(bool is_part);
  void record(std::size_t event);
  void read_times();
  void download_fault();
  bool read_condition(const StepCode& step);

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
  bool parts_alone_ = false, in_part_ = false;
  std::vector<std::uint32_t> timed_;  // steps whose events are not read yet
};

}  // namespace ingot
