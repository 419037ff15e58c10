// Body and table of the micro-kernels, instantiated by micro_kernel_f32.cpp and micro_kernel_f64.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

// How far ahead of their use rows and panels are fetched where they are: 48 steps of k, measured.
inline constexpr std::int64_t kPrefetchSteps = 48;

// Where a kernel stands in k. Rows share base registers in threes, base, base + row, base + 2 row: fourteen pointers
// do not fit in registers.
template <class T, int kRows>
struct Position {
  static constexpr int kBases = (kRows + 2) / 3;
  const T* a[kBases];
  const T* b;
  const T* ahead;
  std::int64_t ahead_step;
  std::int64_t left;  // steps of the piece at hand

  INGOT_INLINE explicit Position(const MicroCall<T>& call)
      : b(call.b),
        ahead(call.ahead != nullptr ? call.ahead : call.b + kPrefetchSteps * call.b_step),
        ahead_step(call.ahead != nullptr ? call.ahead_step : call.b_step),
        left(call.piece) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) a[i] = call.a + 3 * i * call.a_row;
  }

  INGOT_INLINE void move_rows(std::int64_t by) {
#pragma GCC unroll 8
    for (int i = 0; i < kBases; ++i) a[i] += by;
  }
};

// Tall tiles take some steps together, and fetch what comes next once for all of them. The panels at hand, which lie in
// the second-level cache by then, come fast enough without.
template <class T, int kRows, int kVectors>
inline constexpr int kStepsTogether =
    kVectorBytes == 64 && sizeof(T) == 4 && kRows >= 8 && kVectors == kTileVectors && !kSmallCode ? 4 : 1;

// Requires: panels (b_step is kPanel). Returns how many steps it did.
template <class T, int kRows, int kVectors>
INGOT_INLINE std::int64_t fold_together(const MicroCall<T>& call, std::int64_t steps, Position<T, kRows>& at,
                                        Wide<T> (&sums)[kRows][kVectors]) {
  using V = Wide<T>;
  constexpr int kTogether = kStepsTogether<T, kRows, kVectors>;
  const std::int64_t ahead_step = kTogether * call.ahead_step;
  const bool far_rows = call.far_rows;
  std::int64_t row = call.a_row, two_rows = 2 * row, b_vector = call.b_vector, k = 0;
  for (; k + kTogether <= steps; k += kTogether) {
    if (far_rows) {
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) __builtin_prefetch(at.a[i / 3] + (i % 3) * row + kPrefetchSteps);
    }
    for (std::int64_t line = 0; line < ahead_step; line += kPanel) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) __builtin_prefetch(at.ahead + line + v * b_vector, 0, 2);
    }
#pragma GCC unroll 4
    for (int s = 0; s < kTogether; ++s) {
      V right[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) right[v] = load<V>(at.b + v * b_vector + s * kPanel);
      hide(row), hide(two_rows), hide(b_vector);
#pragma GCC unroll 16
      for (int i = 0; i < kRows; ++i) {
        const T* const a = at.a[i / 3] + s;
        V left = splat<V>(i % 3 == 0 ? *a : i % 3 == 1 ? a[row] : a[two_rows]);
        keep(left);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) accumulate(sums[i][v], left, right[v]);
      }
    }
    at.move_rows(kTogether);
    at.b += kTogether * kPanel;
    at.ahead += ahead_step;
  }
  return k;
}

// Steps of one piece and one block.
template <class T, int kRows, int kVectors>
INGOT_INLINE void fold_steps(const MicroCall<T>& call, std::int64_t steps, Position<T, kRows>& at,
                             Wide<T> (&sums)[kRows][kVectors]) {
  using V = Wide<T>;
  const std::int64_t row = call.a_row, b_vector = call.b_vector, b_step = call.b_step, ahead_step = at.ahead_step;
  std::int64_t k = 0;
  if constexpr (kStepsTogether<T, kRows, kVectors> > 1) {
    if (b_step == kPanel) k = fold_together<T, kRows, kVectors>(call, steps, at, sums);
  }
  for (; k < steps; ++k) {
    V right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      right[v] = load<V>(at.b + v * b_vector);
      __builtin_prefetch(at.ahead + v * b_vector);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kRows; ++i) {
      const V left = splat<V>(at.a[i / 3][(i % 3) * row]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[i][v] = fma(left, right[v], sums[i][v]);
    }
    at.move_rows(1);
    at.b += b_step;
    at.ahead += ahead_step;
  }
}

template <class T, int kRows, int kVectors>
INGOT_INLINE void fold_block(const MicroCall<T>& call, std::int64_t steps, Position<T, kRows>& at,
                             Wide<T> (&sums)[kRows][kVectors]) {
  while (true) {
    const std::int64_t together = steps < at.left ? steps : at.left;
    fold_steps<T, kRows, kVectors>(call, together, at, sums);
    steps -= together;
    at.left -= together;
    if (at.left == 0) {
      at.move_rows(call.gap);
      at.left = call.piece;
    }
    if (steps == 0) return;
  }
}

// Keeps the compiler from taking what the pointer names for registers: there are none left.
template <class T>
INGOT_INLINE void keep_in_memory(T*& pointer) {
#if defined(__GNUC__)
  asm("" : "+r"(pointer));
#endif
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
INGOT_INLINE void compute_tile(const MicroCall<T>& call) {
  using V = Wide<T>;
  T* const to = call.c;
  const std::int64_t row = call.c_row;
  const auto c = [&](int i, int v) { return to + i * row + v * kLanes<V>; };
  // The totals wait in the first-level cache while a block is summed, and c is written once.
  alignas(64) T buffer[kRows * kVectors * kLanes<V>];
  T* totals = buffer;
  keep_in_memory(totals);
  const auto total = [&](int i, int v) { return totals + (i * kVectors + v) * kLanes<V>; };
  bool first = !call.add;
  if (call.add) for_tile<kRows, kVectors>([&](int i, int v) { store(total(i, v), load<V>(c(i, v))); });
  Position<T, kRows> at(call);
  for (std::int64_t left = call.k; left > 0; first = false) {
    const std::int64_t steps = left < kBlock ? left : kBlock;
    V sums[kRows][kVectors] = {};
    fold_block<T, kRows, kVectors>(call, steps, at, sums);
    left -= steps;
    if (!first) for_tile<kRows, kVectors>([&](int i, int v) { sums[i][v] = load<V>(total(i, v)) + sums[i][v]; });
    if (left == 0) {
      for_tile<kRows, kVectors>([&](int i, int v) { store(c(i, v), sums[i][v]); });
    } else {
      for_tile<kRows, kVectors>([&](int i, int v) { store(total(i, v), sums[i][v]); });
    }
  }
}

// Seldom needed: computed as two tiles of half the height, which costs little time and no code.
template <class T, int kRows, int kVectors>
inline constexpr bool kInHalves =
    kVectorBytes == 64 && kRows >= 9 && (sizeof(T) == 8) + (kVectors == 1) + (kRows <= 11) >= 2;

template <class T, int kRows, int kVectors>
void micro_kernel_body(const MicroCall<T>& call) {
  if constexpr (kInHalves<T, kRows, kVectors>) {
    constexpr int kUpper = (kRows + 1) / 2;
    MicroCall<T> lower = call;
    lower.a += kUpper * call.a_row;
    lower.c += kUpper * call.c_row;
    micro_kernel_body<T, kUpper, kVectors>(call);
    micro_kernel_body<T, kRows - kUpper, kVectors>(lower);
  } else {
    compute_tile<T, kRows, kVectors>(call);
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
