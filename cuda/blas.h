// Products by cuBLASLt, where the caller allows an order of sums that is not the CPU's (docs/decisions/fast.md). Which
// algorithm runs a shape is measured once, at its first run that is not captured, and kept on disk; where nothing can
// be kept it is cuBLASLt's first proposal. So a machine gives the same bits from run to run.
#pragma once

#include <memory>
#include <string>

#include "cuda/context.h"
#include "cuda/kernel.h"

namespace ingot::cuda {

struct BlasStep;
struct DeleteBlasStep {
  void operator()(BlasStep* step) const;
};
using OwnedBlasStep = std::unique_ptr<BlasStep, DeleteBlasStep>;

// As DeviceApi::has_fast. Opens cuBLASLt only if freedoms might let it compute the op.
bool has_blas(DeviceContext& context, const char* op, const char* row_op, std::int32_t dtype, std::uint32_t freedoms);

// Whether cuBLASLt computes the step; `why` is not empty where it would, if it were there or there were no group.
bool takes_step(DeviceContext& context, const DeviceStepRequest& request, std::string* why);
// Requires: takes_step. own: computes the same, for what cuBLASLt does not take.
OwnedBlasStep make_blas_step(DeviceContext& context, const DeviceStepRequest& request, std::unique_ptr<DeviceStep> own);

std::int64_t blas_workspace_bytes(const BlasStep& step, const KernelCall& call);
const char* describe_blas(const BlasStep& step);

// What cuBLASLt does not take at these sizes runs as `own`, and describe_blas says so from then on.
DeviceStatus enqueue_blas(const BlasStep& step, const Enqueue& enqueue);

}  // namespace ingot::cuda
