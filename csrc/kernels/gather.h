// Makes a run of elements of a strided or broadcast operand contiguous, so that tile functions see plain arrays.
#pragma once

#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

// An operand with its axes merged where one continues the other; axes of size 1 are gone.
struct GatherSource {
  const char* data;
  std::int32_t rank;
  std::int32_t element_bytes;
  std::int64_t shape[kKernelMaxRank];
  std::int64_t strides[kKernelMaxRank];  // in elements

  bool is_scalar() const { return rank == 0 || (rank == 1 && strides[0] == 0); }
  bool is_contiguous() const { return rank == 0 || (rank == 1 && strides[0] == 1); }
};

inline GatherSource make_source(const TensorArg& x) {
  GatherSource s;
  s.data = x.data;
  s.rank = 0;
  s.element_bytes = element_bytes(x.dtype);
  for (int i = 0; i < x.rank; ++i) {
    if (x.shape[i] == 1) continue;
    if (s.rank > 0 && s.strides[s.rank - 1] == x.strides[i] * x.shape[i]) {
      s.shape[s.rank - 1] *= x.shape[i];
      s.strides[s.rank - 1] = x.strides[i];
    } else {
      s.shape[s.rank] = x.shape[i];
      s.strides[s.rank] = x.strides[i];
      ++s.rank;
    }
  }
  return s;
}

template <class T>
struct Gather {
  // One run along the last axis.
  static void copy_run(const T* from, std::int64_t stride, T* to, std::int64_t n) {
    if (stride == 1) {
      __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(T));
    } else if (stride == 0) {
      const T value = *from;
      for (std::int64_t i = 0; i < n; ++i) to[i] = value;
    } else {
      for (std::int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
    }
  }

  // Elements begin .. begin+n-1 of the row-major order. Requires: they exist.
  static void run(const GatherSource& s, std::int64_t begin, std::int64_t n, char* out) {
    const T* const data = reinterpret_cast<const T*>(s.data);
    T* to = reinterpret_cast<T*>(out);
    if (s.rank == 0) return copy_run(data, 0, to, n);
    const int last = s.rank - 1;
    std::int64_t index[kKernelMaxRank];
    std::int64_t offset = 0;
    std::int64_t rest = begin;
    for (int i = last; i >= 0; --i) {
      index[i] = rest % s.shape[i];
      rest /= s.shape[i];
      offset += index[i] * s.strides[i];
    }
    while (true) {
      const std::int64_t length = smaller(n, s.shape[last] - index[last]);
      copy_run(data + offset, s.strides[last], to, length);
      to += length;
      n -= length;
      if (n == 0) return;
      offset -= index[last] * s.strides[last];
      index[last] = 0;
      for (int i = last - 1; i >= 0; --i) {
        offset += s.strides[i];
        if (++index[i] < s.shape[i]) break;
        offset -= index[i] * s.strides[i];
        index[i] = 0;
      }
    }
  }
};

inline void gather(const GatherSource& source, std::int64_t begin, std::int64_t n, char* out) {
  by_size<Gather>(source.element_bytes)(source, begin, n, out);
}

}  // namespace ingot::INGOT_LEVEL
