// Reductions of columns that lie side by side: lanes of vectors run over columns, and the sixteen lanes of a block of
// docs/numerics.md rule 4 are sixteen rows of sums.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_ops.h"
#include "kernels/reduce_paths.h"
#include "kernels/wide.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kVisitBytes =
    4096;  // of rows that are read at a visit, where a row of all lanes has less
inline constexpr int kLanesTogether = 8;
inline constexpr int kWideSteps = 8;

// What the columns path works with, in scratch.
template <class T>
struct ColumnScratch {
  std::int64_t* offsets;  // of the rows of a block
  T* lanes;               // 16 rows of `width`; the result lies in the first one
  T* levels;              // of the block tree, `width` each
  std::int64_t width;     // columns, in whole vectors
};

// Rows are read nearly in the order in which they lie in memory, or they would share sets of the first-level cache, and
// pages would be many.
struct ColumnVisit {
  std::int64_t steps;  // rows of each lane
  std::int64_t ahead;  // elements from a row to one that is fetched
  bool wide;           // rows are far apart: read one lane after the other, so that sums are seldom stored
};

template <class T>
ColumnVisit column_visit(const Axes& reduced) {
  constexpr std::int64_t kSize = sizeof(T);
  if (reduced.rank != 1) return {1, 0, false};
  const std::int64_t apart = reduced.strides[0], bytes = (apart < 0 ? -apart : apart) * kReduceLanes * kSize;
  if (bytes > kVisitBytes) return {1, apart, true};
  const std::int64_t steps = kVisitBytes / larger(bytes, 1);
  return {smaller(steps, kReduceBlock / kReduceLanes), apart * kReduceLanes * steps, false};
}

// Eight lanes of one vector of columns: lane l takes rows l, l + 16, ...
template <class Op, class V>
INGOT_INLINE void fold_lanes(Element<V>* lanes, std::int64_t width, const Element<V>* x, const std::int64_t* offsets,
                             std::int64_t steps, std::int64_t ahead) {
  V sums[kLanesTogether];
#pragma GCC unroll 8
  for (int l = 0; l < kLanesTogether; ++l) sums[l] = load<V>(lanes + l * width);
  for (std::int64_t s = 0; s < steps; ++s, offsets += kReduceLanes) {
#pragma GCC unroll 8
    for (int l = 0; l < kLanesTogether; ++l) {
      const Element<V>* const from = x + offsets[l];
      __builtin_prefetch(from + ahead);
      sums[l] = Op::apply(sums[l], load<V>(from));
    }
  }
#pragma GCC unroll 8
  for (int l = 0; l < kLanesTogether; ++l) store(lanes + l * width, sums[l]);
}

// kWideSteps rows of one lane, all vectors of columns. ahead: as above.
template <class Op, class V>
void fold_wide_lane(Element<V>* lane, const Element<V>* x, const std::int64_t* offsets, std::int64_t whole,
                    std::int64_t ahead) {
  for (std::int64_t j = 0; j < whole; j += kLanes<V>) {
    V sum = load<V>(lane + j);
#pragma GCC unroll 8
    for (int s = 0; s < kWideSteps; ++s) {
      const Element<V>* const from = x + offsets[s * kReduceLanes] + j;
      __builtin_prefetch(from + ahead);
      sum = Op::apply(sum, load<V>(from));
    }
    store(lane + j, sum);
  }
}

// Row by row, for the rows that not all lanes have and for columns that are no whole vector.
template <class Op, class T>
void fold_row(T* lane, const T* x, std::int64_t first, std::int64_t columns) {
  for (std::int64_t j = first; j < columns; ++j) lane[j] = Op::apply(lane[j], x[j]);
}

template <class Op, class T>
void combine_columns(T* to, const T* a, const T* b, std::int64_t width) {
  using V = Wide<T>;
  for (std::int64_t j = 0; j < width; j += kLanes<V>) store(to + j, Op::apply(load<V>(a + j), load<V>(b + j)));
}

// One block of n rows, combined into the first lane.
template <class Op, class T>
void fold_column_block(const T* x, std::int64_t n, std::int64_t columns, const ColumnVisit& visit,
                       const ColumnScratch<T>& scratch) {
  using V = Wide<T>;
  const std::int64_t width = scratch.width, whole = columns / kLanes<V> * kLanes<V>, last = n / kReduceLanes;
  T* const lanes = scratch.lanes;
  for (std::int64_t i = 0; i < kReduceLanes * width; ++i) lanes[i] = Op::template identity<T>();
  std::int64_t step = 0;
  for (; visit.wide && step + kWideSteps <= last; step += kWideSteps) {
    for (int lane = 0; lane < kReduceLanes; ++lane) {
      const std::int64_t* const offsets = scratch.offsets + step * kReduceLanes + lane;
      fold_wide_lane<Op, V>(lanes + lane * width, x, offsets, whole, visit.ahead);
    }
  }
  for (; step < last; step += visit.steps) {
    const std::int64_t* const offsets = scratch.offsets + step * kReduceLanes;
    const std::int64_t steps = smaller(visit.steps, last - step);
    for (std::int64_t j = 0; j < whole; j += kLanes<V>) {
      for (int l = 0; l < kReduceLanes; l += kLanesTogether) {
        fold_lanes<Op, V>(lanes + l * width + j, width, x + j, offsets + l, steps, visit.ahead);
      }
    }
  }
  for (std::int64_t i = whole < columns ? 0 : last * kReduceLanes; i < n; ++i) {
    const std::int64_t first = i < last * kReduceLanes ? whole : 0;
    fold_row<Op>(lanes + i % kReduceLanes * width, x + scratch.offsets[i], first, columns);
  }
  for (int count = kReduceLanes / 2; count >= 1; count /= 2) {
    for (int lane = 0; lane < count; ++lane) {
      combine_columns<Op>(lanes + lane * width, lanes + 2 * lane * width, lanes + (2 * lane + 1) * width, width);
    }
  }
}

// Some blocks of up to kColumnsAtOnce columns; the result lies in scratch.lanes.
template <class Op, class T>
void reduce_columns(const Axes& reduced, const BlockRange& blocks, const T* x, std::int64_t columns,
                    const ColumnScratch<T>& scratch) {
  ReducedWalk walk(reduced);
  walk.seek(blocks.first * kReduceBlock);
  const std::int64_t width = scratch.width;
  const ColumnVisit visit = column_visit<T>(reduced);
  std::int64_t count = 0;
  for (std::int64_t done = 0; done < blocks.elements; done += kReduceBlock, ++count) {
    const std::int64_t n = smaller(kReduceBlock, blocks.elements - done);
    walk.next_offsets(n, scratch.offsets);
    fold_column_block<Op>(x, n, columns, visit, scratch);
    int level = 0;
    for (; (count >> level & 1) != 0; ++level) {
      combine_columns<Op>(scratch.lanes, scratch.levels + level * width, scratch.lanes, width);
    }
    for (std::int64_t j = 0; j < width; ++j) scratch.levels[level * width + j] = scratch.lanes[j];
  }
  for (std::int64_t j = 0; j < width; ++j) scratch.lanes[j] = Op::template identity<T>();
  for (int level = 0; count >> level != 0; ++level) {
    if ((count >> level & 1) == 0) continue;
    combine_columns<Op>(scratch.lanes, scratch.levels + level * width, scratch.lanes, width);
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
