// Few rows times a matrix that lies row-major in memory: B is read once, in its own order, eight rows at a time, and
// nothing is packed. Lanes run over columns; sums and totals of a tile stay in the first-level cache.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kStreamRows = 3;       // of A; more are faster in register tiles
inline constexpr std::int64_t kStreamColumns = 512;  // of a tile, at most twice that
inline constexpr int kStreamSteps = 8;               // rows of B per visit of a sum

// A tile: rows <= kStreamRows, columns >= the lanes of a vector, both A and C of any row stride.
template <class T>
struct StreamCall {
  const T* a;
  std::int64_t a_row, a_step;
  const T* b;
  std::int64_t b_step;
  T* c;
  std::int64_t c_row;
  std::int64_t rows, columns, k;
};

inline std::int64_t stream_tiles(std::int64_t columns) {
  const std::int64_t width = larger(smaller(columns / 8, kStreamColumns), 128);
  return larger(columns / width, 1);
}

template <class T>
std::int64_t stream_scratch_bytes(std::int64_t columns) {
  const std::int64_t width = round_up(smaller(columns, 2 * kStreamColumns), kLanes<Wide<T>>);
  return 2 * kStreamRows * width * static_cast<std::int64_t>(sizeof(T));
}

// sums[v] takes kSteps steps of k, in order. The last vector may overlap the one before it: it has its own sums.
template <class T, int kSteps>
void stream_steps(const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, std::int64_t columns, T* sums) {
  using V = Wide<T>;
  constexpr std::int64_t kWidth = kLanes<V>;
  V left[kSteps];
#pragma GCC unroll 8
  for (int s = 0; s < kSteps; ++s) left[s] = splat<V>(a[s * a_step]);
  for (std::int64_t j = 0; j < columns; j += kWidth) {
    const T* from = b + smaller(j, columns - kWidth);
    V sum = load<V>(sums + j);
#pragma GCC unroll 8
    for (int s = 0; s < kSteps; ++s) sum = fma(left[s], load<V>(from + s * b_step), sum);
    store(sums + j, sum);
  }
}

template <class T>
void stream_block(const StreamCall<T>& call, std::int64_t begin, std::int64_t end, T* sums, std::int64_t width) {
  std::int64_t k = begin;
  for (; k + kStreamSteps <= end; k += kStreamSteps) {
    for (std::int64_t i = 0; i < call.rows; ++i) {  // the steps' rows of B stay in the cache for all rows of A
      stream_steps<T, kStreamSteps>(call.a + i * call.a_row + k * call.a_step, call.a_step, call.b + k * call.b_step,
                                    call.b_step, call.columns, sums + i * width);
    }
  }
  for (; k < end; ++k) {
    for (std::int64_t i = 0; i < call.rows; ++i) {
      stream_steps<T, 1>(call.a + i * call.a_row + k * call.a_step, call.a_step, call.b + k * call.b_step, call.b_step,
                         call.columns, sums + i * width);
    }
  }
}

template <class T>
void stream_tile(const StreamCall<T>& call, char* scratch) {
  using V = Wide<T>;
  constexpr std::int64_t kWidth = kLanes<V>;
  const std::int64_t width = round_up(call.columns, kWidth), size = call.rows * width;
  T* const sums = reinterpret_cast<T*>(scratch);
  T* const totals = sums + size;
  // -0 + x is x, bit for bit; without any block the result is +0.
  for (std::int64_t i = 0; i < size; ++i) totals[i] = static_cast<T>(call.k == 0 ? 0.0 : -0.0);
  for (std::int64_t begin = 0; begin < call.k; begin += kBlock) {
    for (std::int64_t i = 0; i < size; ++i) sums[i] = 0;
    stream_block(call, begin, smaller(begin + kBlock, call.k), sums, width);
    for (std::int64_t i = 0; i < size; ++i) totals[i] = totals[i] + sums[i];
  }
  for (std::int64_t i = 0; i < call.rows; ++i) {
    T* const row = call.c + i * call.c_row;
    for (std::int64_t j = 0; j < width; j += kWidth) {
      store(row + smaller(j, call.columns - kWidth), load<V>(totals + i * width + j));
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
