// A reduction call as two sets of axes, each with as few axes as possible: the kept ones (outputs) and the reduced
// ones. The reduced elements of an output are counted in row-major order of the logical reduced axes, whatever the
// strides.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/reduce_ops.h"

namespace ingot::INGOT_LEVEL {

struct Axes {
  int rank;
  std::int64_t shape[kKernelMaxRank];
  std::int64_t strides[kKernelMaxRank];  // of the input
  std::int64_t count;                    // product of the shape
};

inline void append_axis(Axes& axes, std::int64_t size, std::int64_t stride) {
  axes.count *= size;
  if (size == 1) return;
  const int last = axes.rank - 1;
  if (last >= 0 && axes.strides[last] == stride * size) {
    axes.shape[last] *= size;
    axes.strides[last] = stride;
  } else {
    axes.shape[axes.rank] = size;
    axes.strides[axes.rank] = stride;
    ++axes.rank;
  }
}

// Distance of element `flat` from the first.
inline std::int64_t axes_offset(const Axes& axes, std::int64_t flat) {
  std::int64_t offset = 0;
  for (int i = axes.rank - 1; i >= 0; --i) {
    offset += flat % axes.shape[i] * axes.strides[i];
    flat /= axes.shape[i];
  }
  return offset;
}

enum class ReducePath {
  kRows,     // the reduced elements of an output lie side by side
  kColumns,  // outputs lie side by side: lanes run over them
  kGather,   // neither: elements are collected block by block
};

struct Reduction {
  Axes kept, reduced;
  ReducePath path;
  int column_axis;               // kColumns: of `kept`
  std::int64_t column_stride;    // kColumns: of the output
  std::int64_t tile_columns;     // kColumns
  std::int64_t column_tiles;     // kColumns: per position of the other kept axes
  std::int64_t outputs_in_tile;  // other paths
  std::int64_t tiles;
};

inline constexpr std::int64_t kTileReads = 16384;  // elements that a tile reads at least, where there are several tiles
inline constexpr std::int64_t kColumnsAtOnce = 128;
inline constexpr std::int64_t kTallColumns = 8 * kReduceBlock;  // elements of one
inline constexpr std::int64_t kFewColumns = 4;                  // fewer are gathered

inline int find_column_axis(const Axes& kept) {
  for (int i = 0; i < kept.rank; ++i) {
    if (kept.strides[i] == 1 && kept.shape[i] >= kFewColumns) return i;
  }
  return -1;
}

inline void choose_path(Reduction& r) {
  const bool contiguous = r.reduced.rank == 0 || r.reduced.strides[r.reduced.rank - 1] == 1;
  const int axis = find_column_axis(r.kept);
  if (contiguous && r.reduced.rank <= 1) {
    r.path = ReducePath::kRows;
  } else if (!contiguous && axis >= 0) {
    r.path = ReducePath::kColumns;
    r.column_axis = axis;
    r.column_stride = 1;
    for (int i = axis + 1; i < r.kept.rank; ++i) r.column_stride *= r.kept.shape[i];
    const std::int64_t columns = r.kept.shape[axis], outer = r.kept.count / columns;
    const bool tall = r.reduced.count >= kTallColumns;  // threads can share blocks of rows
    const std::int64_t share = tall ? columns : ceil_div(columns * outer, 4);
    r.tile_columns = smaller(round_up(share, kReduceLanes), kColumnsAtOnce);
    r.column_tiles = ceil_div(columns, r.tile_columns);
    r.tiles = r.column_tiles * outer;
    return;
  } else {
    r.path = ReducePath::kGather;
  }
  r.outputs_in_tile = round_up(larger(kTileReads / larger(r.reduced.count, 1), 1), 4);
  r.tiles = ceil_div(r.kept.count, r.outputs_in_tile);
}

// `axes`: sorted and unique. Requires: no axis of size 0 among the kept ones (then there is nothing to compute).
inline Reduction make_reduction(const TensorArg& x, Attr axes) {
  Reduction r{};
  r.kept.count = r.reduced.count = 1;
  std::int64_t next = 0;
  for (int i = 0; i < x.rank; ++i) {
    const bool reduce = next < axes.count && axes.values[next] == i;
    if (reduce) ++next;
    append_axis(reduce ? r.reduced : r.kept, x.shape[i], x.strides[i]);
  }
  if (r.kept.count != 0) choose_path(r);
  return r;
}

// Walks the reduced elements of one output, block by block.
struct ReducedWalk {
  const Axes& axes;
  std::int64_t index[kKernelMaxRank];
  std::int64_t offset;

  explicit ReducedWalk(const Axes& a) : axes(a), index{}, offset(0) {}

  // To element n of the output.
  void seek(std::int64_t n) {
    offset = axes_offset(axes, n);
    for (int i = axes.rank - 1; i >= 0; --i) {
      index[i] = n % axes.shape[i];
      n /= axes.shape[i];
    }
  }

  // Positions left on the innermost axis.
  std::int64_t run() const { return axes.rank == 0 ? 1 : axes.shape[axes.rank - 1] - index[axes.rank - 1]; }
  std::int64_t stride() const { return axes.rank == 0 ? 0 : axes.strides[axes.rank - 1]; }

  // n <= run()
  void advance(std::int64_t n) {
    if (axes.rank == 0) return;
    const int last = axes.rank - 1;
    index[last] += n;
    offset += n * axes.strides[last];
    for (int i = last; i > 0 && index[i] == axes.shape[i]; --i) {
      index[i] = 0;
      offset += axes.strides[i - 1] - axes.shape[i] * axes.strides[i];
      ++index[i - 1];
    }
  }

  // Offsets of the next n elements.
  void next_offsets(std::int64_t n, std::int64_t* offsets) {
    while (n > 0) {
      const std::int64_t together = smaller(run(), n), step = stride();
      for (std::int64_t i = 0; i < together; ++i) offsets[i] = offset + i * step;
      offsets += together;
      n -= together;
      advance(together);
    }
  }

  // The next n elements side by side: where they are, or in `buffer`.
  template <class T>
  const T* next_elements(const T* x, std::int64_t n, T* buffer) {
    if (stride() == 1 && run() >= n) {
      const T* const in_place = x + offset;
      advance(n);
      return in_place;
    }
    for (T* to = buffer; n > 0;) {
      const std::int64_t together = smaller(run(), n), step = stride();
      for (std::int64_t i = 0; i < together; ++i) to[i] = x[offset + i * step];
      to += together;
      n -= together;
      advance(together);
    }
    return buffer;
  }
};

}  // namespace ingot::INGOT_LEVEL
