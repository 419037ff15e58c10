// Index operands: int32 or int64, negative ones count from the end, one out of range is reported and never followed.
#pragma once

#include "cuda/kernels/device.h"
#include "cuda/kernels/positions.h"
#include "kernels/element.h"

namespace ingot::cuda {

// Element `at` of an i32 or i64 operand.
__device__ inline std::int64_t index_at(const TensorArg& x, std::int64_t at) {
  if (x.dtype == device::kI32Type) return reinterpret_cast<const std::int32_t*>(x.data)[at];
  return reinterpret_cast<const std::int64_t*>(x.data)[at];
}

// The position that an index means, or -1 where it is out of range.
__device__ inline std::int64_t resolve(std::int64_t value, std::int64_t extent) {
  const std::int64_t at = value < 0 ? value + extent : value;
  return at >= 0 && at < extent ? at : -1;
}

// x with this shape, at the same strides; `without`: an axis along which it does not move (-1: none).
inline TensorArg in_shape_of(const TensorArg& x, const TensorArg& shape, int without) {
  TensorArg result = x;
  for (int i = 0; i < x.rank; ++i) {
    result.shape[i] = shape.shape[i];
    if (i == without) result.strides[i] = 0;
  }
  return result;
}

}  // namespace ingot::cuda
