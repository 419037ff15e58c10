// Flat positions taken apart, axis by axis.
#pragma once

#include "cuda/kernels/device_code.h"

namespace ingot::cuda {

// The position along an axis of size n that is counted fastest; `rest` becomes the position along the others. In
// numbers of 32 bits where they are enough.
__device__ inline std::int64_t take_axis(std::int64_t& rest, std::int64_t n) {
  const std::int64_t all = rest;
  if ((static_cast<std::uint64_t>(all) | static_cast<std::uint64_t>(n)) >> 32 == 0) {
    rest = static_cast<std::uint32_t>(all) / static_cast<std::uint32_t>(n);
  } else {
    rest = all / n;
  }
  return all - rest * n;
}

}  // namespace ingot::cuda
