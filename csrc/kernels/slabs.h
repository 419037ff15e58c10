// A tensor cut along one axis into slabs that do not meet: a run of columns (elements of the last axis) at one position
// of the axes in between, whole along the axis; where the axis is the last one, a single line. Ops that go along an
// axis compute slab by slab, so that the innermost loop runs over neighbours.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kSlabElements = 8192;  // of a tile, at least, where there are several
inline constexpr std::int64_t kSlabColumns = 256;

struct Slabs {
  const TensorArg* out;
  int axis;
  int last;                // the axis of the columns, or -1
  std::int64_t extent;     // along the axis
  std::int64_t columns;    // of the whole
  std::int64_t blocks;     // of columns
  std::int64_t positions;  // of the other axes
  std::int64_t slabs_in_tile;
};

struct Slab {
  std::int64_t index[kKernelMaxRank];  // of the first element
  std::int64_t columns;
};

inline Slabs make_slabs(const TensorArg& out, std::int64_t axis) {
  Slabs s;
  s.out = &out;
  s.axis = static_cast<int>(axis);
  s.last = s.axis == out.rank - 1 ? -1 : out.rank - 1;
  s.extent = out.shape[axis];
  s.columns = s.last < 0 ? 1 : out.shape[s.last];
  s.blocks = ceil_div(s.columns, kSlabColumns);
  s.positions = 1;
  for (int i = 0; i < out.rank; ++i) s.positions *= i == s.axis || i == s.last ? 1 : out.shape[i];
  const std::int64_t elements = larger(s.extent, 1) * larger(smaller(s.columns, kSlabColumns), 1);
  s.slabs_in_tile = larger(kSlabElements / elements, 1);
  return s;
}

inline std::int64_t num_slabs(const Slabs& s) {
  return s.positions * s.blocks;
}

inline std::int64_t slab_tiles(const Slabs& s) {
  return ceil_div(num_slabs(s), s.slabs_in_tile);
}

inline Slab slab_at(const Slabs& s, std::int64_t number) {
  Slab slab;
  const std::int64_t block = number % s.blocks;
  std::int64_t rest = number / s.blocks;
  for (int i = s.out->rank - 1; i >= 0; --i) {
    slab.index[i] = 0;
    if (i == s.axis || i == s.last) continue;
    slab.index[i] = rest % s.out->shape[i];
    rest /= s.out->shape[i];
  }
  if (s.last >= 0) slab.index[s.last] = block * kSlabColumns;
  slab.columns = smaller(s.columns - block * kSlabColumns, kSlabColumns);
  return slab;
}

// Where a slab begins in a tensor whose axes correspond to the result's.
inline std::int64_t slab_offset(const TensorArg& x, const Slab& slab) {
  std::int64_t offset = 0;
  for (int i = 0; i < x.rank; ++i) offset += slab.index[i] * x.strides[i];
  return offset;
}

inline std::int64_t column_stride(const Slabs& s, const TensorArg& x) {
  return s.last < 0 ? 0 : x.strides[s.last];
}

// Calls f(slab) for every slab of the tiles begin .. end-1.
template <class F>
void for_slabs(const Slabs& s, std::int64_t begin, std::int64_t end, const F& f) {
  const std::int64_t stop = smaller(end * s.slabs_in_tile, num_slabs(s));
  for (std::int64_t i = begin * s.slabs_in_tile; i < stop; ++i) f(slab_at(s, i));
}

}  // namespace ingot::INGOT_LEVEL
