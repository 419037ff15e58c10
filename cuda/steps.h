// The code of a step: a kernel of a family; of a group a kernel of its own, or the one that interprets groups; of
// attention a kernel and the group between its products.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cuda/blas.h"
#include "cuda/context.h"
#include "cuda/group_code.h"
#include "cuda/kernel.h"

struct ingot::DeviceStep {
  const DeviceContext* context = nullptr;
  cuda::OwnedGroupCode code;                   // of a group, where it could be made
  cuda::OwnedBlasStep blas;                    // of a product, where the caller allows it
  const cuda::DeviceKernel* kernel = nullptr;  // where there is neither
  cuda::GroupProgram program = {};             // what the interpreter runs
  bool has_program = false;
  std::unique_ptr<DeviceStep> group;  // of attention: the group alone; `code` is then that of all in one kernel
  std::string description;
};

namespace ingot::cuda {

std::int32_t has_fast(DeviceContext* context, const char* op, std::int32_t dtype, std::uint32_t freedoms);
DeviceStatus compile_step(DeviceContext* context, const DeviceStepRequest* request, DeviceStep** step);
void release_step(DeviceStep* step);
std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call);
const char* describe_step(const DeviceStep* step);
DeviceStatus launch_step(DeviceStream* stream, const DeviceLaunch* launch);

// Enqueues what enqueue.call says; program and group are those of the step.
cudaError_t enqueue_step(const DeviceStep& step, const Enqueue& enqueue);

}  // namespace ingot::cuda
