// The two trees of docs/numerics.md rule 4: of 16 lanes, in vectors, and of the blocks' results.
#pragma once

#include <cstdint>

#include "kernels/reduce_ops.h"
#include "kernels/wide.h"

namespace ingot::INGOT_LEVEL {

// Combines adjacent pairs level by level while blocks arrive: a binary counter. Bit i of the count says that level i
// holds the result of 2^i blocks. What is left at the end is combined from the lowest level up, because a last block
// without a partner passes through the levels until it meets one. A tree in every lane of V, side by side.
template <class Op, class V>
struct BlockTree {
  V levels[kTreeLevels];
  std::int64_t count = 0;

  // The result of 2^level blocks; as many times that many have been pushed.
  void push(V block, int level = 0) {
    const std::int64_t blocks = std::int64_t{1} << level;
    for (; (count >> level & 1) != 0; ++level) block = Op::apply(levels[level], block);
    levels[level] = block;
    count += blocks;
  }

  V finish() const {
    V result = splat<V>(Op::template identity<Element<V>>());
    for (int level = 0; count >> level != 0; ++level) {
      if ((count >> level & 1) != 0) result = Op::apply(levels[level], result);
    }
    return result;
  }
};

// 0, 2, 4, ... and 1, 3, 5, ...: constants of the code, because built while it runs they cost more than all that is
// folded.
template <class V>
struct PairOrder {
  Element<Bits<V>> first[kLanes<V>], second[kLanes<V>];
};
template <class V>
constexpr PairOrder<V> make_pair_order() {
  PairOrder<V> order{};
  for (int i = 0; i < kLanes<V>; ++i) {
    order.first[i] = static_cast<Element<Bits<V>>>(2 * i);
    order.second[i] = static_cast<Element<Bits<V>>>(2 * i + 1);
  }
  return order;
}
template <class V>
alignas(64) inline constexpr PairOrder<V> kPairOrder = make_pair_order<V>();

// Elements of a and b laid end to end.
template <class V>
INGOT_INLINE V pick_lanes(V a, V b, const Element<Bits<V>>* order) {
#if defined(__clang__)
  V v;
  for (int i = 0; i < kLanes<V>; ++i) v[i] = order[i] < kLanes<V> ? a[order[i]] : b[order[i] - kLanes<V>];
  return v;
#else
  return __builtin_shuffle(a, b, load<Bits<V>>(order));
#endif
}

// Adjacent pairs of a and b laid end to end, combined.
template <class Op, class V>
INGOT_INLINE V combine_pairs(V a, V b) {
  return Op::apply(pick_lanes(a, b, kPairOrder<V>.first), pick_lanes(a, b, kPairOrder<V>.second));
}

// The lanes of some blocks, kLeft each, end to end in vectors, combined as adjacent pairs level by level. A level
// halves the vectors and keeps the blocks in order; one vector alone is paired with itself, and its first half counts.
// Returns the results in the first lanes.
template <class Op, int kLeft, class V, int kVectors>
INGOT_INLINE V combine_lanes(const V (&v)[kVectors]) {
  if constexpr (kLeft == 1) {
    return v[0];
  } else {
    constexpr int kPairs = kVectors == 1 ? 1 : kVectors / 2;
    V pairs[kPairs];
#pragma GCC unroll 16
    for (int i = 0; i < kPairs; ++i) pairs[i] = combine_pairs<Op>(v[2 * i], v[kVectors == 1 ? 0 : 2 * i + 1]);
    return combine_lanes<Op, kLeft / 2>(pairs);
  }
}

// Blocks of n <= 512 elements, wherever they lie. Returns the results in the first lanes. One copy of the loop for all.
template <class Op, class T, int kBlocks>
[[gnu::noinline]] Wide<T> fold_blocks(const T* const (&x)[kBlocks], std::int64_t n) {
  using V = Wide<T>;
  constexpr int kVectors = kReduceLanes / kLanes<V>;
  static_assert(kBlocks <= kLanes<V>);
  V lanes[kBlocks * kVectors];
  const V identity = splat<V>(Op::template identity<T>());
  for (V& lane : lanes) lane = identity;
  std::int64_t i = 0;
  for (; i + kReduceLanes <= n; i += kReduceLanes) {
#pragma GCC unroll 16
    for (int v = 0; v < kBlocks * kVectors; ++v) {
      lanes[v] = Op::apply(lanes[v], load<V>(x[v / kVectors] + i + v % kVectors * kLanes<V>));
    }
  }
  if (i < n) {
    for (int block = 0; block < kBlocks; ++block) {
      T rest[kReduceLanes];
      for (T& value : rest) value = Op::template identity<T>();
      for (std::int64_t j = i; j < n; ++j) rest[j - i] = x[block][j];
      for (int v = 0; v < kVectors; ++v) {
        V& lane = lanes[block * kVectors + v];
        lane = Op::apply(lane, load<V>(rest + v * kLanes<V>));
      }
    }
  }
  return combine_lanes<Op, kReduceLanes>(lanes);
}

}  // namespace ingot::INGOT_LEVEL
