// Two of the three ways through a reduction: rows, and elements gathered one by one. (The third: reduce_columns.h.)
// Every one gives the bits of docs/numerics.md rule 4.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_ops.h"
#include "kernels/reduce_tree.h"

namespace ingot::INGOT_LEVEL {

// A sum waits for the one before it: blocks of floats are folded side by side. A second copy of every integer reduction
// is not worth its size.
template <class T>
inline constexpr int kBlocksAtOnce = kSmallCode || static_cast<T>(0.5) == 0 ? 1
                                     : kLanes<Wide<T>> < 4                  ? 2
                                                                            : 4;

// n <= 512 elements of each of a few rows. Returns the results in the first lanes.
template <class Op, class T>
Wide<T> fold_rows(const T* x, std::int64_t row_stride, int rows, std::int64_t n) {
  constexpr int kAtOnce = kBlocksAtOnce<T>;
  if (kAtOnce > 1 && rows == kAtOnce) {
    const T* blocks[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) blocks[i] = x + i * row_stride;
    return fold_blocks<Op, T, kAtOnce>(blocks, n);
  }
  Wide<T> results{};
  for (int i = 0; i < rows; ++i) results[i] = fold_blocks<Op, T, 1>({x + i * row_stride}, n)[0];
  return results;
}

// More than 512 elements. The fewer rows, the more blocks of a row are folded side by side.
template <class Op, class T>
Wide<T> fold_long_rows(const T* x, std::int64_t row_stride, int rows, std::int64_t n) {
  constexpr int kAtOnce = kBlocksAtOnce<T>;
  const int together = kAtOnce / rows;  // blocks of a row
  BlockTree<Op, Wide<T>> tree;
  std::int64_t begin = 0;
  for (; together > 1 && begin + together * kReduceBlock <= n; begin += together * kReduceBlock) {
    const T* blocks[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) blocks[i] = x + i / together * row_stride + begin + i % together * kReduceBlock;
    Wide<T> results = fold_blocks<Op, T, kAtOnce>(blocks, kReduceBlock);
    int level = 0;
    for (; together >> level > 1; ++level) results = combine_pairs<Op>(results, results);
    tree.push(results, level);
  }
  for (; begin < n; begin += kReduceBlock) {
    tree.push(fold_rows<Op, T>(x + begin, row_stride, rows, smaller(kReduceBlock, n - begin)));
  }
  return tree.finish();
}

// n >= 1 contiguous elements of each of a few rows: a power of two that is at most kBlocksAtOnce.
template <class Op, class T>
void reduce_rows(const T* x, std::int64_t row_stride, int rows, std::int64_t n, T* out) {
  constexpr int kAtOnce = kBlocksAtOnce<T>;
  const Wide<T> results =
      n <= kReduceBlock ? fold_rows<Op, T>(x, row_stride, rows, n) : fold_long_rows<Op, T>(x, row_stride, rows, n);
  if (rows == kAtOnce) {
    __builtin_memcpy(out, &results, kAtOnce * sizeof(T));
  } else {
    for (int i = 0; i < rows; ++i) out[i] = results[i];
  }
}

// Rows of equal distance.
template <class Op, class T>
void reduce_all_rows(const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t n, T* out) {
  std::int64_t i = 0;
  for (int at_once = kBlocksAtOnce<T>; at_once >= 1; at_once /= 2) {
    for (; i + at_once <= rows; i += at_once) reduce_rows<Op, T>(x + i * row_stride, row_stride, at_once, n, out + i);
  }
}

// Blocks first .. first + count - 1 of all outputs' elements: what one tile folds. They are whole nodes of the tree.
struct BlockRange {
  std::int64_t first, elements;
};

// The elements of one output. buffer: one block of elements.
template <class Op, class T>
T reduce_gathered(const Axes& reduced, const BlockRange& blocks, const T* x, T* buffer) {
  BlockTree<Op, Wide<T>> tree;
  ReducedWalk walk(reduced);
  walk.seek(blocks.first * kReduceBlock);
  for (std::int64_t done = 0; done < blocks.elements; done += kReduceBlock) {
    const std::int64_t n = smaller(kReduceBlock, blocks.elements - done);
    tree.push(fold_blocks<Op, T, 1>({walk.next_elements(x, n, buffer)}, n));
  }
  return tree.finish()[0];
}

}  // namespace ingot::INGOT_LEVEL
