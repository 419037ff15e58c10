// The code of a step: a kernel of a family; of a group a kernel of its own, or the one that interprets groups; of
// attention a kernel and the group between its products; of a group with an anchor both (anchored_steps.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/anchored_launch.h"
#include "cuda/blas.h"
#include "cuda/context.h"
#include "cuda/group_code.h"
#include "cuda/kernel.h"

namespace ingot::cuda {

// A group on the result of `anchor`, its register 0: in one launch, where the kernel that the anchor takes has been
// generated with the group in it, else the anchor's into the workspace, then the group's.
struct AnchoredStep {
  const DeviceKernel* anchor = nullptr;
  std::int32_t dtype = 0;        // of the anchor's result
  std::int32_t first_input = 0;  // of the call: the group's
  AnchorCodes codes;
  bool has_all_codes = false;  // of kernels that the anchor may take
  std::unique_ptr<DeviceStep> group;
};

}  // namespace ingot::cuda

struct ingot::DeviceStep {
  const DeviceContext* context = nullptr;
  std::unique_ptr<cuda::AnchoredStep> anchored;  // then nothing else
  cuda::OwnedBlasStep blas;                      // of a product, where the caller allows it; then nothing else
  cuda::OwnedGroupCode code;                     // of a group, where it could be made
  const cuda::DeviceKernel* kernel = nullptr;    // where there is none of these
  cuda::GroupProgram program = {};               // what the interpreter runs
  bool has_program = false;
  std::unique_ptr<DeviceStep> group;  // of attention: the group alone; `code` is that of all in one kernel
  std::string description;
};

namespace ingot::cuda {

// Of an op by itself: a kernel of the table. no_library: why no library computes it, if the caller allows one.
DeviceStatus find_kernel(const DeviceStepRequest& request, const std::string& no_library, DeviceStep& step);
// Its code by the compiler, where it may be used and takes the group, else by the interpreter.
DeviceStatus compile_group(const DeviceContext& context, const DeviceStepRequest& request, DeviceStep& step);
// no_code: why there is no other code.
DeviceStatus interpret_group(const DeviceGroup& group, const std::string& no_code, DeviceStep& step);
// INGOT_CUDA_NVRTC=0 leaves the compiler alone, as if it were not installed.
bool may_generate(std::string* why);

std::int32_t has_fast(DeviceContext* context, const char* op, const char* row_op, std::int32_t dtype,
                      std::uint32_t freedoms);
DeviceStatus compile_step(DeviceContext* context, const DeviceStepRequest* request, DeviceStep** step);
void release_step(DeviceStep* step);
std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call);
const char* describe_step(const DeviceStep* step);
DeviceStatus launch_step(DeviceStream* stream, const DeviceLaunch* launch);

// Enqueues what enqueue.call says; program and group are those of the step.
cudaError_t enqueue_step(const DeviceStep& step, const Enqueue& enqueue);

}  // namespace ingot::cuda
