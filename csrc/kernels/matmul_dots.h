// One row times a matrix whose columns lie together along k: a matrix times a vector, a query times keys. Lanes run
// over columns, so squares of B are turned in registers on their way from memory to the sums, and nothing is packed.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"
#include "kernels/turn.h"

namespace ingot::INGOT_LEVEL {

// With the widest vectors only: for narrower ones it is as much code again, whose gain nobody has measured.
template <class T>
inline constexpr bool kDots = kTurns && sizeof(T) == 4 && kVectorBytes == 64;

inline constexpr int kDotGroups = 2;             // vectors of sums at once: one chain of fma alone is too slow
inline constexpr std::int64_t kDotsAhead = 128;  // elements that are fetched ahead of their use

// Rows of B: row j of group g begins at b + g * group + j * row.
struct DotRows {
  const float* b;
  std::int64_t group, row;
  std::int64_t left;   // elements of a row from b on, and then
  const float* after;  // the rows that are read next
};

// Steps begin .. end - 1, fewer than a vector has lanes.
template <class Factor>
[[gnu::noinline]] void fold_dots_end(const DotRows& rows, std::int64_t begin, std::int64_t end, const Factor& factor,
                                     F32 (&sums)[kDotGroups]) {
  for (std::int64_t k = begin; k < end; ++k) {
    for (int g = 0; g < kDotGroups; ++g) {
      float lanes[kLanes<F32>];
      for (int j = 0; j < kLanes<F32>; ++j) lanes[j] = rows.b[g * rows.group + j * rows.row + k];
      sums[g] = fma(load<F32>(lanes), factor(g, k), sums[g]);
    }
  }
}

// sums[g], lane j, takes `steps` elements of row j of group g. factor(g, k): what they are multiplied with.
template <class Factor>
INGOT_INLINE void fold_dots(const DotRows& rows, std::int64_t steps, const Factor& factor, F32 (&sums)[kDotGroups]) {
  constexpr int kWidth = kLanes<F32>;
  constexpr std::int64_t kLine = 16;
  const std::int64_t row = rows.row;
  std::int64_t k = 0;
  for (; k + kWidth <= steps; k += kWidth) {
    if (k % kLine == 0) {
      const std::int64_t ahead = k + kDotsAhead;
      const float* next = ahead < rows.left ? rows.b + ahead : rows.after + (ahead - rows.left);
      for (int g = 0; g < kDotGroups; ++g, next += rows.group) {
#pragma GCC unroll 16
        for (int j = 0; j < kWidth; ++j)
          __builtin_prefetch(next + j * row, 0, 2);  // rows may share one set of the nearest cache
      }
    }
#pragma GCC unroll 2
    for (int g = 0; g < kDotGroups; ++g) {
      turn_square(rows.b + g * rows.group + k, row, [&](int i, F32 v) { sums[g] = fma(v, factor(g, k + i), sums[g]); });
    }
  }
  if (k < steps) fold_dots_end(rows, k, steps, factor, sums);
}

struct DotsCall {
  const float* a;  // k elements
  const float* b;  // element (k, j) at b[j * b_column + k]
  std::int64_t b_column;
  float* c;
  std::int64_t columns, k;  // columns >= the lanes of a vector, k >= 1
};

// A vector of columns from `first` on and one from `second` on; they may overlap.
inline void dot_columns(const DotsCall& call, std::int64_t first, std::int64_t second) {
  const float* const b = call.b + first * call.b_column;
  const std::int64_t group = (second - first) * call.b_column;
  F32 totals[kDotGroups] = {};
  for (std::int64_t k = 0; k < call.k; k += kBlock) {
    F32 sums[kDotGroups] = {};
    fold_dots(
        {b + k, group, call.b_column, call.k - k, b + kDotGroups * kLanes<F32> * call.b_column},
        smaller(kBlock, call.k - k), [&](int, std::int64_t i) { return splat<F32>(call.a[k + i]); }, sums);
    for (int g = 0; g < kDotGroups; ++g) totals[g] = k == 0 ? sums[g] : totals[g] + sums[g];
  }
  store(call.c + first, totals[0]);
  store(call.c + second, totals[1]);
}

inline void multiply_dots(const DotsCall& call) {
  constexpr std::int64_t kWidth = kLanes<F32>;
  const std::int64_t last = call.columns - kWidth;
  for (std::int64_t j = 0; j < call.columns; j += kDotGroups * kWidth) {
    dot_columns(call, smaller(j, last), smaller(j + kWidth, last));
  }
}

// Tiles of at least 64 KB.
inline std::int64_t dots_tiles(std::int64_t columns, std::int64_t k) {
  constexpr std::int64_t kTogether = kDotGroups * kLanes<F32>;
  return larger(columns / round_up(larger(16384 / k, 1), kTogether), 1);
}

}  // namespace ingot::INGOT_LEVEL
