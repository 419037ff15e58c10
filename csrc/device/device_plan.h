// What a device needs of a compiled plan besides its numbers: the code of every step, and room for it to work in.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "device/device.h"
#include "execute/bind.h"

namespace ingot {

// Thread rule: immutable and shared.
struct DevicePlan {
  std::shared_ptr<const Device> device;
  std::vector<OwnedStep> steps;      // per step of the plan; null where there is nothing to launch
  std::int64_t workspace_bytes = 0;  // the most that any step needs
  bool can_fail = false;             // a fault may be reported: by a step, or by a loop that is asked to stop
  bool is_counted = true;            // no jump depends on data: what is launched depends on the sizes alone
  bool may_turn_forever = false;     // a loop depends on data
  std::vector<std::pair<std::uint32_t, std::uint32_t>> swaps;  // slots that loops exchange
};

// Of a plan that was compiled without a level. Without the workspace, which depends on the sizes. freedoms: bits of
// DeviceFreedom. Throws DTypeError naming op, dtype and source line where the device has no kernel.
std::shared_ptr<DevicePlan> make_device_plan(std::shared_ptr<const Device> device, const CompiledPlan& compiled,
                                             std::uint32_t freedoms = 0);

// What a jump that depends on data opens.
struct DeviceBranch {
  bool repeats;                // `while`
  std::uint32_t first, other;  // of an if: the steps of either branch begin; of a while: its body and its condition
  std::uint32_t jump;          // closes the first branch, or the body
  std::uint32_t end;           // the first step behind all of it
};
// Requires a kJumpIfFalse there, of a plan that check_plan has accepted: its jumps form blocks.
DeviceBranch branch_at(const CompiledPlan& compiled, std::uint32_t step);

// The workspace at these sizes, which are bound. Throws LimitError where a step's are more than the device computes.
std::int64_t workspace_bytes(const DevicePlan& plan, const ArgumentBlocks& blocks);

// A step that copies an array of any strides into a row-major one.
OwnedStep make_copy_step(const std::shared_ptr<const Device>& device, DType dtype, const KernelCall& call);

}  // namespace ingot
