// Two of the three ways through a reduction: rows, and elements gathered one by one. (The third: reduce_columns.h.)
// Every one gives the bits of docs/numerics.md rule 4.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_ops.h"
#include "kernels/reduce_tree.h"

namespace ingot::INGOT_LEVEL {

// Rows of floats are short of work one by one; a second copy of every integer reduction is not worth its size.
template <class T>
inline constexpr int kRowsAtOnce = kSmallCode || static_cast<T>(0.5) == 0 ? 1 : 4;

// One copy of the loop for all that fold blocks.
template <class Op, class T, int kRows>
[[gnu::noinline]] void fold_blocks(const T* x, std::int64_t row_stride, std::int64_t n, T (&out)[kRows]) {
  fold_block<Op, T, kRows>(x, row_stride, n, out);
}

// kRows rows of n >= 1 contiguous elements.
template <class Op, class T, int kRows>
void reduce_rows(const T* x, std::int64_t row_stride, std::int64_t n, T* out) {
  T block[kRows];
  if (n <= kReduceBlock) {
    fold_blocks<Op, T, kRows>(x, row_stride, n, block);
  } else {
    BlockTree<Op, T, kRows> tree;
    std::int64_t begin = 0;
    if constexpr (kRows == 1 && kRowsAtOnce<T> > 1) {  // blocks of one row side by side, as rows are
      for (; begin + kRowsAtOnce<T> * kReduceBlock <= n; begin += kRowsAtOnce<T> * kReduceBlock) {
        T blocks[kRowsAtOnce<T>];
        fold_blocks<Op, T, kRowsAtOnce<T>>(x + begin, kReduceBlock, kReduceBlock, blocks);
        static_assert(kRowsAtOnce<T> == 4);
        block[0] = Op::apply(Op::apply(blocks[0], blocks[1]), Op::apply(blocks[2], blocks[3]));
        tree.push(block, 2);
      }
    }
    for (; begin < n; begin += kReduceBlock) {
      fold_blocks<Op, T, kRows>(x + begin, row_stride, smaller(kReduceBlock, n - begin), block);
      tree.push(block);
    }
    tree.finish(block);
  }
  for (int i = 0; i < kRows; ++i) out[i] = block[i];
}

// Rows of equal distance, several at once.
template <class Op, class T>
void reduce_all_rows(const T* x, std::int64_t row_stride, std::int64_t rows, std::int64_t n, T* out) {
  std::int64_t i = 0;
  for (; i + kRowsAtOnce<T> <= rows; i += kRowsAtOnce<T>) {
    reduce_rows<Op, T, kRowsAtOnce<T>>(x + i * row_stride, row_stride, n, out + i);
  }
  for (; i < rows; ++i) reduce_rows<Op, T, 1>(x + i * row_stride, row_stride, n, out + i);
}

// Blocks first .. first + count - 1 of all outputs' elements: what one tile folds. They are whole nodes of the tree.
struct BlockRange {
  std::int64_t first, elements;
};

// The elements of one output. buffer: one block of elements.
template <class Op, class T>
T reduce_gathered(const Axes& reduced, const BlockRange& blocks, const T* x, T* buffer) {
  BlockTree<Op, T, 1> tree;
  ReducedWalk walk(reduced);
  walk.seek(blocks.first * kReduceBlock);
  T block[1];
  for (std::int64_t done = 0; done < blocks.elements; done += kReduceBlock) {
    const std::int64_t n = smaller(kReduceBlock, blocks.elements - done);
    fold_blocks<Op, T, 1>(walk.next_elements(x, n, buffer), 0, n, block);
    tree.push(block);
  }
  tree.finish(block);
  return block[0];
}

}  // namespace ingot::INGOT_LEVEL
