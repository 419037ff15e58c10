// Generated kernels of groups with an anchor (codegen.h): the kernels of products and convolutions, whose finished
// totals go through the group, on the way from registers to memory. They are register 0.
//
// A generated source has a Group: Inputs, Outputs (group_device.h) of kAtOnce elements, r0 among the inputs, and
// compute(x, y, e).
#pragma once

#include "cuda/group_device.h"
#include "cuda/kernels/few_rows.h"
#include "cuda/kernels/pixels.h"

namespace ingot::cuda {

template <class WorkOfKernel, int kNumOperands>
struct AnchoredArguments {
  using Work = WorkOfKernel;
  using Group = GroupArguments<kNumOperands>;
  Work work;
  AxisSplit axes;
  Group group;
};

// A Finish (tile.h): runs the group on totals.
template <class Group, class Arguments>
struct FinishGroup {
  using Place = Offsets<Arguments::Group::kOperands>;
  using Inputs = typename Group::Inputs;
  using Outputs = typename Group::Outputs;
  static constexpr int kAtOnce = Group::kAtOnce;
  const Arguments& a;

  INGOT_INLINE Place batch(std::int64_t index) const { return along(Place{}, index, 0, a.axes.rows); }
  INGOT_INLINE Place row(const Place& from, std::int64_t index) const {
    return along(from, index, a.axes.rows, a.axes.columns);
  }
  INGOT_INLINE Place column(const Place& from, std::int64_t index) const {
    return along(from, index, a.axes.columns, a.group.space.rank);
  }

  template <class T>
  INGOT_INLINE void element(const Place& place, T total) const {
    static_assert(kAtOnce == 1);
    Inputs x = {};
    Outputs y;
    x.r0[0] = total;
    const ElementAt<typename Arguments::Group> at = {a.group, place, 0};
    x.load(at);
    Group::compute(x, y, 0);
    y.store(at);
  }

  // Of add_all_parts.
  template <class T>
  INGOT_INLINE void at(std::int64_t index, T total) const {
    element(along(Place{}, index, 0, a.group.space.rank), total);
  }

  // Of multiply_items_of_few_rows.
  template <class T>
  INGOT_INLINE void rows(const TileItem& item, const T (&totals)[kTogether], int count) const {
    const Place place = column(batch(item.batch), item.column);
    INGOT_ROLLED
    for (int i = 0; i < (count < kTogether ? count : kTogether); ++i) {
      element(row(place, item.row + i), pick(totals, i));
    }
  }

  // Of convolve_items: the axes are images, channels, rows, columns.
  template <class T>
  INGOT_INLINE void pixels(const DirectPlace& from, const T (&totals)[kDown], int count) const {
    const Conv& c = a.work.conv;
    const std::int64_t first =
        ((from.image * c.groups * c.outputs + from.output) * c.out_height + from.y) * c.out_width;
    INGOT_ROLLED
    for (int i = 0; i < count; ++i) at(first + i * c.out_width + from.x, pick(totals, i));
  }

  INGOT_INLINE void begin(const TileItem&) const {}

  // Of multiply_items. Row i of each thread's at a time, 16 rows of the tile: they go through shared memory, so that a
  // thread gets neighbours of a row, the lanes of a warp pieces side by side, and the group's code is there once.
  template <class Shape, class T>
  INGOT_INLINE void tile(const TileItem& item, const ThreadPlace<Shape>& place,
                         const T (&totals)[Shape::kThread][Shape::kThread], T* memory) const {
    constexpr int kElements = kPiece<T>, kPieces = Shape::kColumns / kElements;
    constexpr int kRows = Shape::kRows / Shape::kThread;
    static_assert(kAtOnce == kElements && kRows * Shape::kPitch <= 4 * Shape::kSteps * Shape::kPitch);
    const int thread = static_cast<int>(threadIdx.x), own = place.row / Shape::kWarpRows * 4 + thread % 32 / 8;
    const Place begin = batch(item.batch);
    INGOT_ROLLED
    for (int i = 0; i < Shape::kThread; ++i) {
      INGOT_UNROLL
      for (int r = 0; r < Shape::kThread; ++r) {  // registers have no index
        if (r != i) continue;
        INGOT_UNROLL
        for (int j = 0; j < Shape::kThread; j += kElements) {
          Piece<T> piece;
          INGOT_UNROLL
          for (int e = 0; e < kElements; ++e) piece.e[e] = totals[r][j + e];
          store_piece(memory + own * Shape::kPitch + place.column + j * 8, piece);
        }
      }
      __syncthreads();
      const int within = i / kElements * 4 * kElements + i % kElements;
      INGOT_ROLLED
      for (int number = thread; number < kRows * kPieces; number += 256) {
        const int line = number / kPieces, first = number % kPieces * kElements;
        const std::int64_t r = item.row + line / 4 * Shape::kWarpRows + line % 4 * kElements + within;
        const std::int64_t c = item.column + first;
        if (r < a.work.product.num_rows && c < a.work.product.num_columns) {
          piece(row(begin, r), c, load_piece(memory + line * Shape::kPitch + first));
        }
      }
      __syncthreads();
    }
  }

 private:
  INGOT_INLINE Place along(const Place& from, std::int64_t index, int first, int last) const {
    return walk(a.group, from, static_cast<std::uint32_t>(index), first, last);
  }

  template <class T, int n>
  INGOT_INLINE T pick(const T (&from)[n], int index) const {
    T picked = from[0];
    INGOT_UNROLL
    for (int i = 1; i < n; ++i) picked = i == index ? from[i] : picked;
    return picked;
  }

  template <class T>
  INGOT_INLINE void piece(const Place& line, std::int64_t first, const Piece<T>& total) const {
    const std::int64_t left = a.work.product.num_columns - first;
    Inputs x = {};
    Outputs y;
    for (int e = 0; e < kAtOnce; ++e) x.r0[e] = total.e[e];
    const VectorAt<typename Arguments::Group> whole = {a.group, column(line, first)};
    const bool by_vectors = a.group.space.by_vectors != 0;
    if (by_vectors) {
      x.load(whole);
    } else {
      for_each(line, first, left, x, [](auto& of, const auto& at) { of.load(at); });
    }
    INGOT_UNROLL
    for (int e = 0; e < kAtOnce; ++e) Group::compute(x, y, e);
    if (by_vectors) {
      y.store(whole);
    } else {
      for_each(line, first, left, y, [](auto& of, const auto& at) { of.store(at); });
    }
  }

  template <class Elements, class Do>
  INGOT_INLINE void for_each(const Place& line, std::int64_t first, std::int64_t left, Elements& of, Do apply) const {
    INGOT_UNROLL
    for (int e = 0; e < kAtOnce; ++e) {
      if (e < left) apply(of, ElementAt<typename Arguments::Group>{a.group, column(line, first + e), e});
    }
  }
};

}  // namespace ingot::cuda
