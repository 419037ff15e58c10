// What device code of this folder shares: elements by kernels/values.h as the CPU computes them, positions in operands,
// the guard and the fault. Included by .cu files and by generated code, so that NVRTC compiles it, too.
#pragma once

#define INGOT_LEVEL device

#if !defined(__CUDACC_RTC__)
#include <cuda_runtime.h>
#endif

#include "cuda/guard.h"
#include "execute/kernel.h"
#include "kernels/values.h"

// INGOT_ROLLED: before a loop of a few turns that nvcc would unroll in vain: kernels exist per element size or dtype.
// INGOT_BY_FOUR: before a loop whose loads are to be on their way four at a time.
#if defined(__CUDACC__)
#define INGOT_ROLLED _Pragma("unroll 1")
#define INGOT_BY_FOUR _Pragma("unroll 4")
#else
#define INGOT_ROLLED
#define INGOT_BY_FOUR
#endif

namespace ingot::cuda {

inline constexpr unsigned kBlockThreads = 256;

__host__ __device__ inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
__host__ __device__ inline std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}

__device__ inline std::int64_t thread_index() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t num_threads() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

// a / b, in 32 bits where they are enough: a division of 64 takes about five times as long.
__device__ inline std::uint64_t divide(std::uint64_t a, std::uint64_t b) {
  return (a | b) >> 32 == 0 ? static_cast<std::uint32_t>(a) / static_cast<std::uint32_t>(b) : a / b;
}

// The offset, in elements, of row-major position `flat`.
__device__ inline std::int64_t offset_of(const TensorArg& x, std::int64_t flat) {
  std::uint64_t at = static_cast<std::uint64_t>(flat);
  std::int64_t offset = 0;
  INGOT_ROLLED
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    const std::uint64_t n = static_cast<std::uint64_t>(x.shape[axis]);
    if (axis == 0 || at < n) return offset + static_cast<std::int64_t>(at) * x.strides[axis];
    const std::uint64_t above = divide(at, n);
    offset += static_cast<std::int64_t>(at - above * n) * x.strides[axis];
    at = above;
  }
  return offset;
}

// Whether a launch before this one has reported a fault and this one must write nothing. The same for all threads of a
// launch, whatever the launch itself reports.
__device__ inline bool stopped(const Guard& guard) {
  if (guard.guarded == 0) return false;
  const volatile DeviceFault* fault = guard.fault;
  if (fault->set == 0) return false;
  __threadfence();
  return fault->order < guard.order;
}

// Reports that `element` of an operand is wrong: the one with the lowest (order, element) stays.
__device__ inline void report(const Guard& guard, std::int64_t element, std::int64_t value, std::int64_t extent) {
  volatile DeviceFault* const fault = guard.fault;
  if (fault->set != 0) {  // within a launch the element only falls: of many that are wrong, most leave here
    __threadfence();
    if (fault->order < guard.order || (fault->order == guard.order && fault->element <= element)) return;
  }
  for (bool done = false;
       !done;) {  // a loop that ends for one lane at a time: lanes of a warp never wait for each other
    if (atomicExch(&guard.fault->lock, 1) != 0) continue;
    __threadfence();
    const bool first =
        fault->set == 0 || guard.order < fault->order || (guard.order == fault->order && element < fault->element);
    if (first) {
      fault->order = guard.order;
      fault->step = guard.step;
      fault->element = element;
      fault->value = value;
      fault->extent = extent;
      __threadfence();
      fault->set = 1;
    }
    __threadfence();
    atomicExch(&guard.fault->lock, 0);
    done = true;
  }
}

}  // namespace ingot::cuda
