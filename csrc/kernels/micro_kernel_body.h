// Body and table of the micro-kernels, instantiated by micro_kernel_f32.cpp and micro_kernel_f64.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

// How far ahead of its use a panel is fetched: 48 steps of k, measured (8 lose a tenth at 2048^3).
inline constexpr std::int64_t kPrefetchSteps = 48;

// Rows share base registers in threes, base, base + row, base + 2 row: fourteen pointers do not fit in registers.
template <class T, int kRows, int kVectors>
INGOT_INLINE void fold_block(const MicroCall<T>& call, std::int64_t begin, std::int64_t end,
                             Vector<T> (&sums)[kRows][kVectors]) {
  using V = Vector<T>;
  constexpr int kBases = (kRows + 2) / 3;
  const std::int64_t row = call.a_row;
  const T* a[kBases];
#pragma GCC unroll 8
  for (int i = 0; i < kBases; ++i) a[i] = call.a + 3 * i * row + begin;
  const T* b = call.b + begin * call.b_step;
  const std::int64_t b_vector = call.b_vector, b_step = call.b_step;
  for (std::int64_t k = begin; k < end; ++k) {
    V right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      right[v] = load<V>(b + v * b_vector);
      __builtin_prefetch(b + v * b_vector + kPrefetchSteps * b_step);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V left = splat<V>(a[i / 3][(i % 3) * row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[i][v] = fma(left, right[v], sums[i][v]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) ++a[i];
    b += b_step;
  }
}

// f(i, v) for every vector of the tile, unrolled so that the tile stays in registers.
template <int kRows, int kVectors, class F>
INGOT_INLINE void for_tile(const F& f) {
#pragma GCC unroll 16
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) f(i, v);
  }
}

template <class T, int kRows, int kVectors>
void micro_kernel_body(const MicroCall<T>& call) {
  using V = Vector<T>;
  const auto c = [&](int i, int v) { return call.c + i * call.c_row + v * kLanes<V>; };
  // The totals wait in the first-level cache while a block is summed, and c is written once. -0 + x is x, bit for bit.
  V totals[kRows][kVectors];
  const V none = splat<V>(static_cast<T>(-0.0));
  for_tile<kRows, kVectors>([&](int i, int v) { totals[i][v] = call.add ? load<V>(c(i, v)) : none; });
  for (std::int64_t begin = 0; begin < call.k; begin += kBlock) {
    const std::int64_t end = begin + kBlock < call.k ? begin + kBlock : call.k;
    V sums[kRows][kVectors] = {};
    fold_block<T, kRows, kVectors>(call, begin, end, sums);
    if (end == call.k) {
      for_tile<kRows, kVectors>([&](int i, int v) { store(c(i, v), totals[i][v] + sums[i][v]); });
    } else {
      for_tile<kRows, kVectors>([&](int i, int v) { totals[i][v] = totals[i][v] + sums[i][v]; });
    }
  }
}

#if defined(__AVX512F__)
#define INGOT_ROWS_OF(T, v)                                                                                            \
  {micro_kernel_body<T, 1, v>,  micro_kernel_body<T, 2, v>,  micro_kernel_body<T, 3, v>,  micro_kernel_body<T, 4, v>,  \
   micro_kernel_body<T, 5, v>,  micro_kernel_body<T, 6, v>,  micro_kernel_body<T, 7, v>,  micro_kernel_body<T, 8, v>,  \
   micro_kernel_body<T, 9, v>,  micro_kernel_body<T, 10, v>, micro_kernel_body<T, 11, v>, micro_kernel_body<T, 12, v>, \
   micro_kernel_body<T, 13, v>, micro_kernel_body<T, 14, v>}
#define INGOT_MICRO_KERNELS(T) {INGOT_ROWS_OF(T, 1), INGOT_ROWS_OF(T, 2)}
#elif defined(__AVX2__) || defined(__ARM_NEON)
#define INGOT_ROWS_OF(T, v)                                                            \
  {micro_kernel_body<T, 1, v>, micro_kernel_body<T, 2, v>, micro_kernel_body<T, 3, v>, \
   micro_kernel_body<T, 4, v>, micro_kernel_body<T, 5, v>, micro_kernel_body<T, 6, v>}
#if defined(__AVX2__)
#define INGOT_MICRO_KERNELS(T) {INGOT_ROWS_OF(T, 1), INGOT_ROWS_OF(T, 2)}
#else
#define INGOT_MICRO_KERNELS(T) {INGOT_ROWS_OF(T, 1), INGOT_ROWS_OF(T, 2), INGOT_ROWS_OF(T, 3), INGOT_ROWS_OF(T, 4)}
#endif
#else
#define INGOT_ROWS_OF(T, v) {micro_kernel_body<T, 1, v>, micro_kernel_body<T, 2, v>}
#define INGOT_MICRO_KERNELS(T) {INGOT_ROWS_OF(T, 1), INGOT_ROWS_OF(T, 2)}
#endif

}  // namespace ingot::INGOT_LEVEL
