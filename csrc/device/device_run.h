// Runs a plan on a device: the loop over its steps, which enqueues instead of computing. What it enqueues for a plan
// whose jumps are all counted depends on sizes and addresses alone: the second run with the same ones is captured,
// further ones replay that; a few sets of addresses are kept. A run ends synchronized, so that outputs are there and
// arrays may be changed; but for one in the order of a caller's stream that can neither fail nor touches the host's
// memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "device/device.h"
#include "device/device_plan.h"
#include "execute/executor.h"

namespace ingot {

// Bytes that go from the host before the steps, or to it behind them. Host memory is of DeviceMemory::Where::kHost.
struct DeviceTransfer {
  char* device;
  char* host;
  std::int64_t num_bytes;
  friend bool operator==(const DeviceTransfer&, const DeviceTransfer&) = default;
};

// All addresses but those of transfers' hosts are the device's.
struct DeviceRunBuffers {
  RunBuffers slots;  // scratch is not used
  char* workspace = nullptr;
  std::span<const DeviceTransfer> uploads, downloads;
};

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
  DeviceStream* stream() const { return stream_.get(); }

 private:
  class Walk;
  struct Readback {  // in memory of the host that the device writes
    DeviceFault fault;
    std::uint8_t condition;
  };

  // A run with these addresses, at the sizes that are bound.
  struct Known {
    OwnedGraph graph;  // of other addresses, perhaps, unless it is captured
    bool is_captured = false;
    std::int64_t last_use = 0;
    std::vector<char*> addresses;  // arena, inputs, outputs; empty: none
    std::vector<DeviceTransfer> uploads, downloads;

    bool is_of(const DeviceRunBuffers& buffers) const;
    void take(const DeviceRunBuffers& buffers);
  };

  Known* find(const DeviceRunBuffers& buffers);
  void enqueue(Walk& walk, Known* replayed, RunState& state);
  void capture(Walk& walk, Known& known, RunState& state);
  void check_fault(const CompiledPlan& compiled, RunState& state) const;
  Readback& readback() const { return *reinterpret_cast<Readback*>(readback_memory_.data()); }

  std::shared_ptr<const Device> device_;
  OwnedStream stream_;
  DeviceMemory fault_memory_, readback_memory_;
  std::array<Known, 4> known_;
  bool in_progress_ = false;
  std::int64_t num_runs_ = 0;
  std::int64_t num_launches_ = 0;       // of the last walk; the same for all addresses
  std::int64_t first_state_order_ = 0;  // of its launches the first that writes a state; INT64_MAX: none
  std::vector<OwnedEvent> events_;      // of profiled runs
};

}  // namespace ingot
