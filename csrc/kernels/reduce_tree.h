// The two trees of docs/numerics.md rule 4: of 16 lanes, in vectors, and of the blocks' results.
#pragma once

#include <cstdint>

#include "kernels/reduce_ops.h"
#include "kernels/wide.h"

namespace ingot::INGOT_LEVEL {

// Combines adjacent pairs level by level while blocks arrive: a binary counter. Bit i of the count says that level i
// holds the result of 2^i blocks. What is left at the end is combined from the lowest level up, because a last block
// without a partner passes through the levels until it meets one. kWidth reductions side by side.
template <class Op, class T, int kWidth>
struct BlockTree {
  T levels[kTreeLevels][kWidth];
  std::int64_t count = 0;

  // The result of 2^level blocks; as many times that many have been pushed.
  void push(T (&block)[kWidth], int level = 0) {
    const std::int64_t blocks = std::int64_t{1} << level;
    for (; (count >> level & 1) != 0; ++level) {
      for (int i = 0; i < kWidth; ++i) block[i] = Op::apply(levels[level][i], block[i]);
    }
    for (int i = 0; i < kWidth; ++i) levels[level][i] = block[i];
    count += blocks;
  }

  void finish(T (&out)[kWidth]) const {
    for (T& value : out) value = Op::template identity<T>();
    for (int level = 0; count >> level != 0; ++level) {
      if ((count >> level & 1) == 0) continue;
      for (int i = 0; i < kWidth; ++i) out[i] = Op::apply(levels[level][i], out[i]);
    }
  }
};

// Elements 0, 2, 4, ... and 1, 3, 5, ... of a and b laid end to end.
template <class V>
INGOT_INLINE V even_lanes(V a, V b) {
#if defined(__clang__)
  V v;
  for (int i = 0; i < kLanes<V>; ++i) v[i] = i < kLanes<V> / 2 ? a[2 * i] : b[2 * i - kLanes<V>];
  return v;
#else
  Bits<V> mask;
  for (int i = 0; i < kLanes<V>; ++i) mask[i] = static_cast<Element<Bits<V>>>(2 * i);
  return __builtin_shuffle(a, b, mask);
#endif
}

template <class V>
INGOT_INLINE V odd_lanes(V a, V b) {
#if defined(__clang__)
  V v;
  for (int i = 0; i < kLanes<V>; ++i) v[i] = i < kLanes<V> / 2 ? a[2 * i + 1] : b[2 * i + 1 - kLanes<V>];
  return v;
#else
  Bits<V> mask;
  for (int i = 0; i < kLanes<V>; ++i) mask[i] = static_cast<Element<Bits<V>>>(2 * i + 1);
  return __builtin_shuffle(a, b, mask);
#endif
}

// Lanes per row at which a level no longer halves whole vectors.
constexpr int lanes_left(int vectors) {
  int lanes = kReduceLanes;
  for (; vectors > 1 && lanes > 1; vectors /= 2) lanes /= 2;
  return lanes;
}

// The lanes of kRows blocks, end to end in vectors, each combined as adjacent pairs level by level. A level halves the
// vectors and keeps the rows in order; what is left in the last vector is done element by element.
template <class Op, class T, int kRows>
INGOT_INLINE void combine_lanes(Wide<T> (&v)[kRows * kReduceLanes / kLanes<Wide<T>>], T (&out)[kRows]) {
  constexpr int kVectors = kRows * kReduceLanes / kLanes<Wide<T>>, kLeft = lanes_left(kVectors);
#pragma GCC unroll 4
  for (int vectors = kVectors / 2, lanes = kReduceLanes; lanes > kLeft; lanes /= 2, vectors /= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < vectors; ++i) {
      v[i] = Op::apply(even_lanes(v[2 * i], v[2 * i + 1]), odd_lanes(v[2 * i], v[2 * i + 1]));
    }
  }
  T rest[kRows * kLeft];
  __builtin_memcpy(rest, v, sizeof(rest));
  for (int lanes = kLeft; lanes > 1; lanes /= 2) {
    for (int i = 0; i < kRows * lanes / 2; ++i) rest[i] = Op::apply(rest[2 * i], rest[2 * i + 1]);
  }
  for (int i = 0; i < kRows; ++i) out[i] = rest[i];
}

// One block of n <= 512 elements in each of kRows rows.
template <class Op, class T, int kRows>
INGOT_INLINE void fold_block(const T* x, std::int64_t row_stride, std::int64_t n, T (&out)[kRows]) {
  using V = Wide<T>;
  constexpr int kVectors = kReduceLanes / kLanes<V>;
  V lanes[kRows * kVectors];
  const V identity = splat<V>(Op::template identity<T>());
  for (V& lane : lanes) lane = identity;
  std::int64_t i = 0;
  for (; i + kReduceLanes <= n; i += kReduceLanes) {
#pragma GCC unroll 16
    for (int v = 0; v < kRows * kVectors; ++v) {
      const T* const from = x + v / kVectors * row_stride + i + v % kVectors * kLanes<V>;
      lanes[v] = Op::apply(lanes[v], load<V>(from));
    }
  }
  if (i < n) {
    for (int row = 0; row < kRows; ++row) {
      T rest[kReduceLanes];
      for (T& value : rest) value = Op::template identity<T>();
      for (std::int64_t j = i; j < n; ++j) rest[j - i] = x[row * row_stride + j];
      for (int v = 0; v < kVectors; ++v) {
        V& lane = lanes[row * kVectors + v];
        lane = Op::apply(lane, load<V>(rest + v * kLanes<V>));
      }
    }
  }
  combine_lanes<Op, T, kRows>(lanes, out);
}

}  // namespace ingot::INGOT_LEVEL
