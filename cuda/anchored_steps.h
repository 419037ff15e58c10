// Steps that are a group on the result of a product or a convolution (AnchoredStep of steps.h).
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/steps.h"

namespace ingot::cuda {

// The group of a step with an anchor as generators and the interpreter take it: register 0, what the anchor computes,
// is one of the inputs.
struct CountedGroup {
  std::vector<std::int32_t> input_dtypes;
  DeviceGroup group;

  explicit CountedGroup(const DeviceStepRequest& request);
  CountedGroup(const CountedGroup&) = delete;
  CountedGroup& operator=(const CountedGroup&) = delete;
  // By itself, register 0 being an input as any other. Borrows of this.
  DeviceGroup alone() const;
};

DeviceStatus compile_anchored(DeviceContext& context, const DeviceStepRequest& request, const std::string& no_library,
                              DeviceStep& step);
std::int64_t anchored_workspace_bytes(const AnchoredStep& step, const KernelCall& call);
cudaError_t enqueue_anchored(const AnchoredStep& step, const Enqueue& enqueue);

}  // namespace ingot::cuda
