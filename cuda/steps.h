// The code of a step: a kernel of a family; of a group the kernel that interprets groups.
#pragma once

#include <cstdint>
#include <string>

#include "cuda/context.h"
#include "cuda/kernel.h"

struct ingot::DeviceStep {
  const cuda::DeviceKernel* kernel = nullptr;
  cuda::GroupProgram program = {};  // what the interpreter runs
  bool has_program = false;
  std::string description;
};

namespace ingot::cuda {

DeviceStatus compile_step(DeviceContext* context, const DeviceStepRequest* request, DeviceStep** step);
void release_step(DeviceStep* step);
std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call);
const char* describe_step(const DeviceStep* step);
DeviceStatus launch_step(DeviceStream* stream, const DeviceLaunch* launch);

}  // namespace ingot::cuda
