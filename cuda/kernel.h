// What the host side of a device kernel is: a function that enqueues. The families of kernels/*.cu list theirs;
// table.cpp puts the lists together.
#pragma once

#include <cuda_runtime.h>

#include "cuda/anchor_kernels.h"
#include "cuda/group_program.h"
#include "cuda/guard.h"
#include "device/api.h"

namespace ingot::cuda {

struct GroupCode;    // group_code.h
struct AnchorCodes;  // anchored_launch.h

struct Enqueue {
  const KernelCall& call;
  Guard guard;
  char* workspace;
  std::int32_t num_processors;
  cudaStream_t stream;
  const GroupProgram* program = nullptr;  // of "pointwise": what to compute; null: no group
  const DeviceStep* attention = nullptr;  // of "attention": the step, for its codes
  const AnchorCodes* codes = nullptr;     // of an anchor: its kernels with a group in them; null: no group
};

struct DeviceKernel {
  const char* op;      // name of the table row, or "copy"
  std::int32_t dtype;  // DType of the operand that kernels are found by; -1: any
  cudaError_t (*enqueue)(const Enqueue& enqueue);
  std::int64_t (*workspace_bytes)(const KernelCall& call);  // null: none; below 0: too large, see fail()
  // Those that a call may take: one where all sizes are known (a symbolic one stands as 0). Null: it takes no groups.
  AnchorKernels (*anchor_kernels)(const KernelCall& call, std::int32_t num_processors) = nullptr;
};

struct DeviceKernelFamily {
  const DeviceKernel* kernels;
  std::int32_t num_kernels;
};

// One per file of kernels/, defined there.
extern const DeviceKernelFamily kAbortKernels, kMovementKernels, kReduceKernels, kMatmulKernels, kConvKernels,
    kPoolKernels, kIndexingKernels, kScatterKernels, kSortKernels, kCumulativeKernels, kRandomKernels,
    kPointwiseKernels, kNarrowMatmulKernels, kAttentionKernels;

const DeviceKernel* find_device_kernel(const char* op, std::int32_t dtype);  // null: none

}  // namespace ingot::cuda
