// The three ways through a reduction: rows, columns, gathered. Every one gives the bits of docs/numerics.md rule 4.
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

// kRows rows of n >= 1 contiguous elements.
template <class Op, class T, int kRows>
void reduce_rows(const T* x, std::int64_t row_stride, std::int64_t n, T* out) {
  T block[kRows];
  if (n <= kReduceBlock) {
    fold_block<Op, T, kRows>(x, row_stride, n, block);
  } else {
    BlockTree<Op, T, kRows> tree;
    for (std::int64_t begin = 0; begin < n; begin += kReduceBlock) {
      fold_block<Op, T, kRows>(x + begin, row_stride, smaller(kReduceBlock, n - begin), block);
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

// Outputs begin .. end-1.
template <class Op, class T>
void run_rows(const Reduction& r, const T* x, T* out, std::int64_t begin, std::int64_t end) {
  const int last = r.kept.rank - 1;
  const std::int64_t run = last < 0 ? 1 : r.kept.shape[last], stride = last < 0 ? 0 : r.kept.strides[last];
  for (std::int64_t o = begin; o < end;) {
    const std::int64_t stop = smaller(end, o - o % run + run);  // of equally spaced rows
    reduce_all_rows<Op>(x + axes_offset(r.kept, o), stride, stop - o, r.reduced.count, out + o);
    o = stop;
  }
}

// Outputs begin .. end-1. buffer: one block of elements.
template <class Op, class T>
void run_gather(const Reduction& r, const T* x, T* out, std::int64_t begin, std::int64_t end, T* buffer) {
  for (std::int64_t o = begin; o < end; ++o) {
    const T* const base = x + axes_offset(r.kept, o);
    BlockTree<Op, T, 1> tree;
    ReducedWalk walk(r.reduced);
    T block[1];
    for (std::int64_t done = 0; done < r.reduced.count; done += kReduceBlock) {
      const std::int64_t n = smaller(kReduceBlock, r.reduced.count - done);
      fold_block<Op, T, 1>(walk.next_elements(base, n, buffer), 0, n, block);
      tree.push(block);
    }
    tree.finish(block);
    out[o] = block[0];
  }
}

// to[j] = to[j] op each of kSteps rows of x in turn.
template <class Op, class T, int kSteps>
void fold_columns(T* to, const T* x, const std::int64_t* offsets, std::int64_t columns) {
  using V = Wide<T>;
  std::int64_t j = 0;
  for (; j + kLanes<V> <= columns; j += kLanes<V>) {
    V lane = load<V>(to + j);
#pragma GCC unroll 8
    for (int s = 0; s < kSteps; ++s) lane = Op::apply(lane, load<V>(x + offsets[s * kReduceLanes] + j));
    store(to + j, lane);
  }
  for (; j < columns; ++j) {
    for (int s = 0; s < kSteps; ++s) to[j] = Op::apply(to[j], x[offsets[s * kReduceLanes] + j]);
  }
}

template <class Op, class T>
void combine_columns(T* to, const T* a, const T* b) {
  using V = Wide<T>;
  for (std::int64_t j = 0; j < kColumnsAtOnce; j += kLanes<V>) store(to + j, Op::apply(load<V>(a + j), load<V>(b + j)));
}

// One block of n rows: lanes[16][kColumnsAtOnce], combined into lanes[0]. Eight rows of a lane per visit.
template <class Op, class T>
void fold_column_block(const T* x, const std::int64_t* offsets, std::int64_t n, std::int64_t columns, T* lanes) {
  constexpr int kVisit = 8;
  for (std::int64_t i = 0; i < kReduceLanes * kColumnsAtOnce; ++i) lanes[i] = Op::template identity<T>();
  std::int64_t i = 0;
  for (; i + kVisit * kReduceLanes <= n; i += kVisit * kReduceLanes) {
    for (int lane = 0; lane < kReduceLanes; ++lane) {
      fold_columns<Op, T, kVisit>(lanes + lane * kColumnsAtOnce, x, offsets + i + lane, columns);
    }
  }
  for (; i < n; ++i) fold_columns<Op, T, 1>(lanes + i % kReduceLanes * kColumnsAtOnce, x, offsets + i, columns);
  for (int count = kReduceLanes / 2; count >= 1; count /= 2) {
    for (int lane = 0; lane < count; ++lane) {
      combine_columns<Op>(lanes + lane * kColumnsAtOnce, lanes + 2 * lane * kColumnsAtOnce,
                          lanes + (2 * lane + 1) * kColumnsAtOnce);
    }
  }
}

// All blocks of up to kColumnsAtOnce columns; the result lies in lanes[0]. levels: the block tree's, see BlockTree.
template <class Op, class T>
void reduce_columns(const Axes& reduced, const T* x, std::int64_t columns, std::int64_t* offsets, T* lanes, T* levels) {
  ReducedWalk walk(reduced);
  std::int64_t count = 0;
  for (std::int64_t done = 0; done < reduced.count; done += kReduceBlock, ++count) {
    const std::int64_t n = smaller(kReduceBlock, reduced.count - done);
    walk.next_offsets(n, offsets);
    fold_column_block<Op>(x, offsets, n, columns, lanes);
    int level = 0;
    for (; (count >> level & 1) != 0; ++level) combine_columns<Op>(lanes, levels + level * kColumnsAtOnce, lanes);
    for (std::int64_t j = 0; j < kColumnsAtOnce; ++j) levels[level * kColumnsAtOnce + j] = lanes[j];
  }
  for (std::int64_t j = 0; j < kColumnsAtOnce; ++j) lanes[j] = Op::template identity<T>();
  for (int level = 0; count >> level != 0; ++level) {
    if ((count >> level & 1) != 0) combine_columns<Op>(lanes, levels + level * kColumnsAtOnce, lanes);
  }
}

// Where a tile of columns begins, in the input and in the output.
struct ColumnTile {
  std::int64_t input, output, columns;
};

inline ColumnTile column_tile(const Reduction& r, std::int64_t tile) {
  const std::int64_t first = tile % r.column_tiles * r.tile_columns;
  ColumnTile out{first, first * r.column_stride, smaller(r.tile_columns, r.kept.shape[r.column_axis] - first)};
  std::int64_t rest = tile / r.column_tiles, stride = 1;
  for (int i = r.kept.rank - 1; i >= 0; --i) {
    if (i != r.column_axis) {
      const std::int64_t at = rest % r.kept.shape[i];
      rest /= r.kept.shape[i];
      out.input += at * r.kept.strides[i];
      out.output += at * stride;
    }
    stride *= r.kept.shape[i];
  }
  return out;
}

}  // namespace ingot::INGOT_LEVEL
