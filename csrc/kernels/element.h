// What kernels know of dtypes and of a call's attributes: codes, sizes, element types for moving data.
// The codes repeat base/dtype.h, which kernels may not include; tests/cpp/test_movement.cpp holds them equal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "execute/kernel.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int32_t kAnyType = -1;
inline constexpr std::int32_t kBoolType = 0, kI8Type = 1, kI16Type = 2, kI32Type = 3, kI64Type = 4, kU8Type = 5,
                              kU16Type = 6, kU32Type = 7, kU64Type = 8, kF16Type = 9, kBF16Type = 10, kF32Type = 11,
                              kF64Type = 12, kC64Type = 13;

inline constexpr std::uint8_t kElementBytes[] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};

inline int element_bytes(std::int32_t dtype) {
  return kElementBytes[dtype];
}

// Elements as bits, whatever their dtype. 16 bytes (c128) are aligned to 8 only.
struct [[gnu::may_alias]] Bits8 {
  std::uint8_t bits;
};
struct [[gnu::may_alias]] Bits16 {
  std::uint16_t bits;
};
struct [[gnu::may_alias]] Bits32 {
  std::uint32_t bits;
};
struct [[gnu::may_alias]] Bits64 {
  std::uint64_t bits;
};
struct [[gnu::may_alias]] Bits128 {
  std::uint64_t low, high;
};

// One instance of a function template per element size: `by_size<Copy>(bytes)` is &Copy<BitsN>::run.
template <template <class> class F>
auto by_size(int bytes) {
  switch (bytes) {
    case 1:
      return &F<Bits8>::run;
    case 2:
      return &F<Bits16>::run;
    case 4:
      return &F<Bits32>::run;
    case 8:
      return &F<Bits64>::run;
    default:
      return &F<Bits128>::run;
  }
}

struct Attr {
  const std::int64_t* values;
  std::int64_t count;
};

inline Attr attr(const KernelCall* call, int index) {
  const std::int32_t begin = call->attr_begin[index];
  return {call->attrs + begin, call->attr_begin[index + 1] - begin};
}

inline std::int64_t attr_int(const KernelCall* call, int index) {
  return *attr(call, index).values;
}

inline std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
inline std::int64_t larger(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}
inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}
inline std::int64_t round_up(std::int64_t a, std::int64_t b) {
  return ceil_div(a, b) * b;
}

inline std::int64_t num_elements(const TensorArg& x) {
  std::int64_t n = 1;
  for (int i = 0; i < x.rank; ++i) n *= x.shape[i];
  return n;
}

// Writes nothing but the error word: the lowest element wins, whatever the order of the reports.
inline void report(ErrorWord* error, std::int64_t element, std::int64_t value, std::int64_t extent) {
  while (__atomic_exchange_n(&error->lock, 1, __ATOMIC_ACQUIRE) != 0) {
  }
  if (error->set == 0 || element < error->element) {
    error->set = 1;
    error->element = element;
    error->value = value;
    error->extent = extent;
  }
  __atomic_store_n(&error->lock, 0, __ATOMIC_RELEASE);
}

// Element `at` of an i32 or i64 operand.
inline std::int64_t load_index(const TensorArg& x, std::int64_t at) {
  if (x.dtype == kI32Type) return reinterpret_cast<const std::int32_t*>(x.data)[at];
  return reinterpret_cast<const std::int64_t*>(x.data)[at];
}

}  // namespace ingot::INGOT_LEVEL
