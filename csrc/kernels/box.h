// Strided boxes: n-dimensional windows on a target and a source, walked in row-major order. Every movement kernel
// copies boxes; a box's flat range is what a tile range becomes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

struct Box {
  int rank;
  std::int64_t shape[kKernelMaxRank];
  std::int64_t to[kKernelMaxRank];    // strides of the target, in elements
  std::int64_t from[kKernelMaxRank];  // strides of the source
};

// Row-major strides of a contiguous tensor.
inline void contiguous_strides(const std::int64_t* shape, int rank, std::int64_t* strides) {
  std::int64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

inline std::int64_t box_elements(const Box& box) {
  std::int64_t n = 1;
  for (int i = 0; i < box.rank; ++i) n *= box.shape[i];
  return n;
}

// The same walk with as few axes as possible: axes of size 1 go, neighbours that lie end to end on both sides merge.
inline Box collapse(const Box& box) {
  Box out;
  out.rank = 0;
  for (int i = 0; i < box.rank; ++i) {
    if (box.shape[i] == 1) continue;
    const int last = out.rank - 1;
    if (last >= 0 && out.to[last] == box.to[i] * box.shape[i] && out.from[last] == box.from[i] * box.shape[i]) {
      out.shape[last] *= box.shape[i];
      out.to[last] = box.to[i];
      out.from[last] = box.from[i];
    } else {
      out.shape[out.rank] = box.shape[i];
      out.to[out.rank] = box.to[i];
      out.from[out.rank] = box.from[i];
      ++out.rank;
    }
  }
  return out;
}

template <class T>
void copy_line(T* to, std::int64_t to_stride, const T* from, std::int64_t from_stride, std::int64_t n) {
  if (to_stride == 1 && from_stride == 1) {
    __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
  } else if (to_stride == 1 && from_stride == 0) {
    const T value = *from;
    for (std::int64_t i = 0; i < n; ++i) to[i] = value;
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
  }
}

// Copies the elements begin .. end-1, in row-major order, of a collapsed box. Target and source do not overlap.
template <class T>
void copy_box(const Box& box, T* to, const T* from, std::int64_t begin, std::int64_t end) {
  if (begin >= end) return;
  if (box.rank == 0) {
    *to = *from;
    return;
  }
  const int last = box.rank - 1;
  std::int64_t index[kKernelMaxRank];
  std::int64_t rest = begin;
  for (int i = last; i >= 0; --i) {
    index[i] = rest % box.shape[i];
    rest /= box.shape[i];
    to += index[i] * box.to[i];
    from += index[i] * box.from[i];
  }
  while (begin < end) {
    const std::int64_t n = smaller(box.shape[last] - index[last], end - begin);
    copy_line(to, box.to[last], from, box.from[last], n);
    begin += n;
    to -= index[last] * box.to[last];
    from -= index[last] * box.from[last];
    index[last] = 0;
    for (int i = last - 1; i >= 0; --i) {
      to += box.to[i];
      from += box.from[i];
      if (++index[i] < box.shape[i]) break;
      to -= box.shape[i] * box.to[i];
      from -= box.shape[i] * box.from[i];
      index[i] = 0;
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
