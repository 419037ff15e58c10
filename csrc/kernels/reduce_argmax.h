// argmax: the position of the first NaN, else of the first element that no other exceeds (so -0 and +0 are level).
#pragma once

#include <cstdint>

#include "kernels/reduce_axes.h"
#include "kernels/reduce_columns.h"
#include "kernels/reduce_paths.h"

namespace ingot::INGOT_LEVEL {

template <class T>
bool takes_over(T x, T best) {
  if constexpr (kIsFloat<T>) {
    return x > best || (x != x && best == best);
  } else {
    return x > best;
  }
}

template <class T>
std::int64_t argmax_strided(const T* x, std::int64_t stride, std::int64_t n) {
  std::int64_t found = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    if (takes_over(x[i * stride], x[found * stride])) found = i;
  }
  return found;
}

// Contiguous: the maximum with vectors, then the first element that is level with it.
template <class T>
std::int64_t argmax_row(const T* x, std::int64_t n) {
  T best[1];
  reduce_rows<Max, T>(x, 0, 1, n, best);
  if constexpr (kIsFloat<T>) {
    if (best[0] != best[0]) {
      std::int64_t i = 0;
      while (x[i] == x[i]) ++i;
      return i;
    }
  }
  constexpr std::int64_t kStride = 64;
  std::int64_t i = 0;
  for (; i + kStride <= n; i += kStride) {  // whole strides without a branch inside
    int level = 0;
    for (std::int64_t j = 0; j < kStride; ++j) level |= x[i + j] == best[0] ? 1 : 0;
    if (level != 0) break;
  }
  while (x[i] != best[0]) ++i;
  return i;
}

// Columns side by side. best, found: kColumnsAtOnce each.
template <class T>
void argmax_columns(const T* x, std::int64_t stride, std::int64_t n, std::int64_t columns, T* best,
                    std::int64_t* found) {
  for (std::int64_t j = 0; j < columns; ++j) {
    best[j] = x[j];
    found[j] = 0;
  }
  for (std::int64_t i = 1; i < n; ++i) {
    const T* const row = x + i * stride;
    for (std::int64_t j = 0; j < columns; ++j) {
      const bool take = takes_over(row[j], best[j]);
      best[j] = take ? row[j] : best[j];
      found[j] = take ? i : found[j];
    }
  }
}

// Outputs or column tiles begin .. end-1 of a reduction over one axis of n >= 1 elements.
template <class T>
void run_argmax_tiles(const Reduction& r, std::int64_t stride, std::int64_t n, const T* x, std::int64_t* out,
                      std::int64_t begin, std::int64_t end, char* scratch) {
  if (r.path == ReducePath::kColumns) {
    std::int64_t* const found = reinterpret_cast<std::int64_t*>(scratch);
    T* const best = reinterpret_cast<T*>(found + kColumnsAtOnce);
    for (std::int64_t t = begin; t < end; ++t) {
      const ColumnTile tile = column_tile(r, t);
      argmax_columns(x + tile.input, stride, n, tile.columns, best, found);
      for (std::int64_t j = 0; j < tile.columns; ++j) out[tile.output + j * r.column_stride] = found[j];
    }
    return;
  }
  const std::int64_t last = smaller(end * r.outputs_in_tile, r.kept.count);
  for (std::int64_t o = begin * r.outputs_in_tile; o < last; ++o) {
    const T* const from = x + axes_offset(r.kept, o);
    out[o] = stride == 1 ? argmax_row(from, n) : argmax_strided(from, stride, n);
  }
}

}  // namespace ingot::INGOT_LEVEL
