// Walks over boxes of elements by threads: the elements are counted in row-major order and taken apart into one index
// per axis, in 32 bits and without a division.
#pragma once

#include "cuda/kernels/device.h"
#include "kernels/box.h"

namespace ingot::cuda {

inline constexpr std::int64_t kMostOfWalk = std::int64_t{1} << 30;  // elements; more are several launches

// Division by a number that the host knows, for 0 <= n < 2^31 (T. Granlund and P. Montgomery, "Division by Invariant
// Integers using Multiplication", 1994).
struct Divider {
  std::uint32_t divisor, multiplier, shift;
};

// Requires: 1 <= divisor < 2^31.
inline Divider make_divider(std::int64_t divisor) {
  std::uint32_t shift = 0;
  while ((std::int64_t{1} << shift) < divisor) ++shift;
  const std::uint64_t d = static_cast<std::uint64_t>(divisor), power = std::uint64_t{1} << shift;
  return {static_cast<std::uint32_t>(d), static_cast<std::uint32_t>(((power - d) << 32) / d + 1), shift};
}

// n becomes n / divisor; returns the remainder.
__device__ __forceinline__ std::uint32_t take_index(const Divider& d, std::uint32_t& n) {
  const std::uint32_t high = static_cast<std::uint32_t>(std::uint64_t{n} * d.multiplier >> 32);
  const std::uint32_t quotient = (high + n) >> d.shift;
  const std::uint32_t index = n - quotient * d.divisor;
  n = quotient;
  return index;
}

using device::Box;

// Where element n of a box lies on both sides, relative to its first one.
struct BoxWalk {
  std::int32_t rank;
  Divider sizes[kKernelMaxRank];
  std::int64_t to[kKernelMaxRank], from[kKernelMaxRank];
};

// Requires: the box has 1 to kMostOfWalk elements.
inline BoxWalk make_walk(const Box& box) {
  BoxWalk walk = {.rank = box.rank, .sizes = {}, .to = {}, .from = {}};
  for (int i = 0; i < box.rank; ++i) {
    walk.sizes[i] = make_divider(box.shape[i]);
    walk.to[i] = box.to[i];
    walk.from[i] = box.from[i];
  }
  return walk;
}

__device__ __forceinline__ void locate(const BoxWalk& walk, std::uint32_t n, std::int64_t& to, std::int64_t& from) {
  to = from = 0;
  INGOT_ROLLED
  for (int i = walk.rank - 1; i >= 0; --i) {
    const std::uint32_t index = i == 0 ? n : take_index(walk.sizes[i], n);
    to += index * walk.to[i];
    from += index * walk.from[i];
  }
}

// Where element n of some axes lies, as many elements as there are.
struct AxesWalk {
  std::int32_t rank;
  Divider sizes[kKernelMaxRank];
  std::int64_t long_sizes[kKernelMaxRank], strides[kKernelMaxRank];
};

// Requires: no axis without elements.
inline AxesWalk make_axes_walk(int rank, const std::int64_t* shape, const std::int64_t* strides) {
  AxesWalk walk = {.rank = rank, .sizes = {}, .long_sizes = {}, .strides = {}};
  for (int i = 0; i < rank; ++i) {
    if (shape[i] < 2 * kMostOfWalk) walk.sizes[i] = make_divider(shape[i]);
    walk.long_sizes[i] = shape[i];
    walk.strides[i] = strides[i];
  }
  return walk;
}

INGOT_NOINLINE std::int64_t offset_of(const AxesWalk& walk, std::int64_t n) {
  std::int64_t offset = 0;
  int axis = walk.rank - 1;
  INGOT_ROLLED
  for (; axis > 0 && n >= 2 * kMostOfWalk; --axis) {
    const std::int64_t above = n / walk.long_sizes[axis];
    offset += (n - above * walk.long_sizes[axis]) * walk.strides[axis];
    n = above;
  }
  std::uint32_t rest = static_cast<std::uint32_t>(n);
  INGOT_ROLLED
  for (; axis > 0 && walk.long_sizes[axis] < 2 * kMostOfWalk; --axis) {
    offset += take_index(walk.sizes[axis], rest) * walk.strides[axis];
    n = rest;
  }
  return axis < 0 ? offset : offset + n * walk.strides[axis];  // this axis is longer than what is left, or the first
}

// Of `bytes` and 16, 8, 4 and 2, the largest that divides all that it is told.
struct Granule {
  std::int64_t bytes = 16;

  void divide(std::int64_t n) {
    while (n % bytes != 0) bytes /= 2;
  }
  void divide(const char* address) { divide(static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(address))); }
};

}  // namespace ingot::cuda
