// Copying a view whose last axis is not the one that lies together in memory, a transposition: by blocks of 16x16
// through a buffer, so that whole cache lines are read and written even where lines of a block share one cache set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/box.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kTransposeBlock = 16;

// Strips of 16 positions of the axis that lies together, over the whole last axis.
struct Transpose {
  Box outer;            // the other axes
  int axis;             // of the box: stride 1 in the source; -1: the box is no transposition
  std::int64_t strips;  // per position of the other axes
  std::int64_t strips_in_tile;
};

inline Transpose find_transpose(const Box& box, std::int64_t tile_elements) {
  Transpose t{};
  t.axis = -1;
  const int last = box.rank - 1;
  if (box.rank < 2 || box.to[last] != 1 || box.from[last] == 1 || box.shape[last] < kTransposeBlock) return t;
  for (int i = 0; i < last; ++i) {
    if (box.from[i] == 1 && box.shape[i] >= kTransposeBlock) t.axis = i;
  }
  if (t.axis < 0) return t;
  for (int i = 0; i < last; ++i) {
    if (i == t.axis) continue;
    t.outer.shape[t.outer.rank] = box.shape[i];
    t.outer.to[t.outer.rank] = box.to[i];
    t.outer.from[t.outer.rank++] = box.from[i];
  }
  t.strips = ceil_div(box.shape[t.axis], kTransposeBlock);
  t.strips_in_tile = larger(tile_elements / (kTransposeBlock * box.shape[last]), 1);
  return t;
}

inline std::int64_t transpose_tiles(const Transpose& t) {
  return ceil_div(box_elements(t.outer) * t.strips, t.strips_in_tile);
}

// to[i * to_stride + j] = from[j * from_stride + i], i < rows <= 16, j < columns <= 16.
template <class T>
void transpose_block(T* to, std::int64_t to_stride, const T* from, std::int64_t from_stride, std::int64_t rows,
                     std::int64_t columns) {
  T buffer[kTransposeBlock * kTransposeBlock];
  if (rows == kTransposeBlock && columns == kTransposeBlock) {
    for (std::int64_t j = 0; j < kTransposeBlock; ++j) {
      for (std::int64_t i = 0; i < kTransposeBlock; ++i) buffer[i * kTransposeBlock + j] = from[j * from_stride + i];
    }
    for (std::int64_t i = 0; i < kTransposeBlock; ++i) {
      __builtin_memcpy(to + i * to_stride, buffer + i * kTransposeBlock, kTransposeBlock * sizeof(T));
    }
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) to[i * to_stride + j] = from[j * from_stride + i];
  }
}

// Tiles begin .. end-1.
template <class T>
void copy_transposed(const Transpose& t, const Box& box, T* to, const T* from, std::int64_t begin, std::int64_t end) {
  const int last = box.rank - 1;
  const std::int64_t stop = smaller(end * t.strips_in_tile, box_elements(t.outer) * t.strips);
  for (std::int64_t s = begin * t.strips_in_tile; s < stop; ++s) {
    const std::int64_t first = s % t.strips * kTransposeBlock;
    T* target = to + first * box.to[t.axis];
    const T* source = from + first;
    std::int64_t rest = s / t.strips;
    for (int i = t.outer.rank - 1; i >= 0; --i) {
      target += rest % t.outer.shape[i] * t.outer.to[i];
      source += rest % t.outer.shape[i] * t.outer.from[i];
      rest /= t.outer.shape[i];
    }
    const std::int64_t rows = smaller(kTransposeBlock, box.shape[t.axis] - first);
    for (std::int64_t j = 0; j < box.shape[last]; j += kTransposeBlock) {
      transpose_block(target + j, box.to[t.axis], source + j * box.from[last], box.from[last], rows,
                      smaller(kTransposeBlock, box.shape[last] - j));
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
