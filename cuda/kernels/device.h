// What the kernels of this folder share: elements by kernels/values.h as the CPU computes them, positions in operands,
// the guard and the fault (device_code.h), memory and grids. Included by .cu files only; compiled by nvcc, and by a C++
// compiler with tests/cuda_on_host. Integers wrap: kernels add and multiply them by device::plus, minus, times (lane.h
// says why), never by operators.
#pragma once

#include <cuda_runtime.h>

#include "cuda/kernel.h"
#include "cuda/kernels/device_code.h"
#include "cuda/launch.h"
#include "cuda/shared_memory.h"

namespace ingot::cuda {

inline constexpr unsigned kMaxGrid = 1u << 16;  // enough to fill any device many times over

// Blocks for a kernel whose threads step by the whole grid over n elements. At least 1.
inline unsigned grid_for(std::int64_t n, unsigned block = kBlockThreads) {
  const std::int64_t blocks = (n + block - 1) / block;
  return blocks < 1 ? 1 : blocks < kMaxGrid ? static_cast<unsigned>(blocks) : kMaxGrid;
}

inline std::int64_t num_elements(const TensorArg& x) {
  std::int64_t n = 1;
  for (int i = 0; i < x.rank; ++i) n *= x.shape[i];
  return n;
}

// The numbers of attribute `index` of a call, as execute/kernel.h describes them.
inline const std::int64_t* attr(const KernelCall& call, int index) {
  return call.attrs + call.attr_begin[index];
}
inline int attr_count(const KernelCall& call, int index) {
  return call.attr_begin[index + 1] - call.attr_begin[index];
}

inline std::int64_t distance(std::int64_t stride) {
  return stride < 0 ? -stride : stride;
}

}  // namespace ingot::cuda
