// One row times few columns over a long k, a dot product for one: lanes of vectors run over blocks of 256 steps, whose
// sums do not depend on each other, and the totals are added up at the end, in order.
#pragma once

#include <cstdint>

#include "kernels/matmul_dots.h"
#include "kernels/pack.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kLongColumns = 15;          // at most
inline constexpr std::int64_t kLongSteps = 4 * kBlock;    // of k, at least
inline constexpr std::int64_t kLongBlocks = 2 * kPanel;   // computed together
inline constexpr std::int64_t kLongTileElements = 16384;  // of B, at least
inline constexpr std::int64_t kLongBuffer = kPanel * kBlock;

struct LongCall {
  const float* a;  // k elements
  const float* b;  // element (k, j) at b[k * b_step + j * b_column]; one of them is 1
  std::int64_t b_step, b_column;
  std::int64_t columns, k;
};

inline std::int64_t long_tile_blocks(std::int64_t columns) {
  return round_up(ceil_div(kLongTileElements, kBlock * columns), kLongBlocks);
}
inline constexpr std::int64_t kLongScratchFloats = 2 * kLongBuffer + 4 * kLongBlocks * kLongColumns;
// ^ of A turned for two groups of blocks, or turned and with one column of B filled up; then a tile's sums.

inline std::int64_t long_tiles(std::int64_t columns, std::int64_t k) {
  return ceil_div(ceil_div(k, kBlock), long_tile_blocks(columns));
}

// Blocks of A, a step of all lanes side by side.
[[gnu::noinline]] inline void turn_blocks(const float* a, float* turned) {
  constexpr int kWidth = kLanes<F32>;
  for (std::int64_t k = 0; k < kBlock; k += kWidth) {
    for (int j = 0; j < kWidth; ++j) __builtin_prefetch(a + (kLongBlocks + j) * kBlock + k);  // what is turned next
    turn_square(a + k, kBlock, [&](int i, F32 v) { store(turned + (k + i) * kWidth, v); });
  }
}

// Two groups of blocks, or of columns: the sums of group g and its lanes go to to[g * to_group + lane * to_lane].
[[gnu::noinline]] inline void fold_long(const DotRows& rows, const float* turned, std::int64_t turned_group, float* to,
                                        std::int64_t to_group, std::int64_t to_lane) {
  constexpr int kWidth = kLanes<F32>;
  F32 sums[kDotGroups] = {};
  fold_dots(
      rows, kBlock, [&](int g, std::int64_t k) { return load<F32>(turned + g * turned_group + k * kWidth); }, sums);
  float lanes[kDotGroups * kWidth];
  __builtin_memcpy(lanes, sums, sizeof(lanes));
  for (int i = 0; i < kDotGroups * kWidth; ++i) to[i / kWidth * to_group + i % kWidth * to_lane] = lanes[i];
}

// As many whole blocks as a vector has lanes, of all columns.
inline void fold_long_columns(const LongCall& call, std::int64_t first, const float* turned, float* sums) {
  for (std::int64_t j = 0; j < call.columns; j += 2) {
    const std::int64_t second = smaller(1, call.columns - 1 - j);  // 0: the same column once more
    const float* const b = call.b + first * kBlock + j * call.b_column;
    fold_long({b, second * call.b_column, kBlock, kBlock, b + kLanes<F32> * kBlock}, turned, 0, sums + j, second,
              call.columns);
  }
}

// The last blocks, fewer than a vector has lanes, the very last one maybe short. 0 times -0 added to a sum changes no
// bit of it.
inline void fold_long_end(const LongCall& call, std::int64_t first, float* buffer, float* sums) {
  constexpr std::int64_t kWidth = kLanes<F32>;
  const std::int64_t begin = first * kBlock, steps = call.k - begin, blocks = ceil_div(steps, kBlock);
  float* const turned = buffer;
  float* const filled = buffer + kLongBuffer;
  const auto fill = [&](const float* from, float zero) {
    __builtin_memcpy(filled, from, static_cast<std::size_t>(steps) * sizeof(float));
    for (std::int64_t i = steps; i < kWidth * kBlock; ++i) filled[i] = zero;
  };
  fill(call.a + begin, 0.0f);
  turn_blocks(filled, turned);
  for (std::int64_t j = 0; j < call.columns; ++j) {
    fill(call.b + begin + j * call.b_column, -0.0f);
    float lanes[kPanel];
    fold_long({filled, 0, kBlock, kBlock, filled}, turned, 0, lanes, 0, 1);
    for (std::int64_t i = 0; i < blocks; ++i) sums[i * call.columns + j] = lanes[i];
  }
}

// Blocks first .. last - 1 where the columns of B lie together along k.
inline void fold_long_dots(const LongCall& call, std::int64_t first, std::int64_t last, float* buffer, float* sums) {
  constexpr std::int64_t kWidth = kLanes<F32>;
  const std::int64_t whole = smaller(last, call.k / kBlock);
  for (; first + 2 * kWidth <= whole && call.columns == 1; first += 2 * kWidth, sums += 2 * kWidth) {
    const float* const a = call.a + first * kBlock;
    for (int g = 0; g < kDotGroups; ++g) turn_blocks(a + g * kWidth * kBlock, buffer + g * kLongBuffer);
    const float* const b = call.b + first * kBlock;
    fold_long({b, kWidth * kBlock, kBlock, kBlock, b + 2 * kWidth * kBlock}, buffer, kLongBuffer, sums, kWidth, 1);
  }
  for (; first + kWidth <= whole; first += kWidth, sums += kWidth * call.columns) {
    turn_blocks(call.a + first * kBlock, buffer);
    fold_long_columns(call, first, buffer, sums);
  }
  if (first < last) fold_long_end(call, first, buffer, sums);
}

// kBlocks blocks of `steps` each, where rows of B lie together: a chain of fma for each block, lanes run over columns.
template <int kBlocks>
[[gnu::noinline]] void fold_long_rows(const LongCall& call, std::int64_t first, std::int64_t steps, float* sums) {
  const float* const a = call.a + first * kBlock;
  const float* const b = call.b + first * kBlock * call.b_step;
  const std::int64_t block = kBlock * call.b_step;
  F32 lanes[kBlocks][kPanel / kLanes<F32>] = {};
  for (std::int64_t k = 0; k < steps; ++k) {
#pragma GCC unroll 8
    for (int i = 0; i < kBlocks; ++i) {
      const F32 left = splat<F32>(a[i * kBlock + k]);
      const float* const row = b + i * block + k * call.b_step;
      __builtin_prefetch(row + kDotsAhead);
#pragma GCC unroll 2
      for (int v = 0; v < kPanel / kLanes<F32>; ++v) {
        const std::int64_t columns = call.columns - v * kLanes<F32>;
        if (columns <= 0) break;
        const float* const from = row + v * kLanes<F32>;
        const F32 right = columns < kLanes<F32> ? load_first<F32>(from, columns) : load<F32>(from);
        lanes[i][v] = fma(left, right, lanes[i][v]);
      }
    }
  }
  for (int i = 0; i < kBlocks; ++i) {
    float all[kPanel];
    __builtin_memcpy(all, lanes[i], sizeof(all));
    for (std::int64_t j = 0; j < call.columns; ++j) sums[i * call.columns + j] = all[j];
  }
}

// Sums of the blocks of one tile: sums[block * columns + column]. Returns how many blocks.
inline std::int64_t fold_long_tile(const LongCall& call, std::int64_t tile, float* buffer, float* sums) {
  constexpr int kTogether = 8;
  const std::int64_t width = long_tile_blocks(call.columns), first = tile * width;
  const std::int64_t last = smaller(first + width, ceil_div(call.k, kBlock));
  if (call.b_step == 1) {
    fold_long_dots(call, first, last, buffer, sums);
    return last - first;
  }
  std::int64_t i = first;
  for (; (i + kTogether) * kBlock <= call.k && i + kTogether <= last; i += kTogether) {
    fold_long_rows<kTogether>(call, i, kBlock, sums + (i - first) * call.columns);
  }
  for (; i < last; ++i) {
    fold_long_rows<1>(call, i, smaller(kBlock, call.k - i * kBlock), sums + (i - first) * call.columns);
  }
  return last - first;
}

// Adds `blocks` blocks' sums to the totals, in order. first: there are no totals yet.
inline void add_long_sums(const float* sums, std::int64_t blocks, std::int64_t columns, bool first, float* totals) {
  for (std::int64_t i = 0; i < blocks; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      totals[j] = first && i == 0 ? sums[j] : totals[j] + sums[i * columns + j];
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
