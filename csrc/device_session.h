// What a session has on its device for one graph: the arena, room for arrays of the host on their way, the executor.
// Part of session.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "device/device_run.h"
#include "program_impl.h"
#include "signature.h"

namespace ingot {

// Thread rule: guarded by the session's mutex.
class DeviceSession {
 public:
  explicit DeviceSession(std::shared_ptr<const Device> device);

  // Room for a plan's arena and workspace.
  void plan(const PlannedGraph& planned);
  // The plan's numbers are bound to these dims anew.
  void bind(const Signature& signature, const BoundDims& dims);
  // Room for arrays of the host at these dims, which else is made by the first run that brings any.
  void reserve_staging();
  // Inputs and outputs have been checked. `addresses`: per input, per output; written. Copied inputs are listed.
  struct Slots {
    std::vector<char*>&inputs, &outputs;
    std::vector<std::uint32_t>& copied;
  };
  void run(const PlannedGraph& planned, std::span<char* const> states, std::span<const ArrayRef> inputs,
           std::span<const ArrayRef> outputs, const Slots& slots, RunState& state, const RunOptions& options,
           StepProfile* profile);
  DeviceStream* stream() const { return executor_.stream(); }
  // Waits for a run that is still in progress.
  void finish() { executor_.finish(); }

 private:
  char* stage_input(std::size_t input, const ArrayRef& array, const Slots& slots);
  char* stage_output(const ArrayRef& array, std::int64_t offset);
  void copy_strided(std::size_t input, const ArrayRef& array, char* to);

  std::shared_ptr<const Device> device_;
  DeviceExecutor executor_;
  DeviceMemory arena_, staging_, pinned_;
  char* workspace_ = nullptr;
  std::vector<std::int64_t> offsets_;  // in staging and pinned: of every input, then of every output
  std::int64_t staged_bytes_ = 0;
  std::vector<DeviceTransfer> uploads_, downloads_;
  std::vector<OwnedStep> copies_;  // per input; of those that once came with gaps
};

}  // namespace ingot
