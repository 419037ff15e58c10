// Axes of a product: of its rows, its columns, its batches.
#pragma once

#include "cuda/kernels/lines.h"

namespace ingot::cuda {

// An axis of the result beside what it is in an operand (of batches: in both).
struct Axis {
  std::int64_t size, out, a, b;
};

struct Axes {
  int rank;
  Axis axes[kKernelMaxRank];
};

// Puts an axis behind the others; one that continues the last becomes part of it.
inline void append(Axes& to, const Axis& axis) {
  if (axis.size == 1) return;
  if (to.rank > 0) {
    Axis& last = to.axes[to.rank - 1];
    if (last.out == axis.size * axis.out && last.a == axis.size * axis.a && last.b == axis.size * axis.b) {
      last = {last.size * axis.size, axis.out, axis.a, axis.b};
      return;
    }
  }
  to.axes[to.rank++] = axis;
}

inline TensorArg as_tensor(const Axes& from, char* data, std::int64_t Axis::* stride) {
  TensorArg x{};
  x.data = data;
  x.rank = from.rank;
  for (int i = 0; i < from.rank; ++i) {
    x.shape[i] = from.axes[i].size;
    x.strides[i] = from.axes[i].*stride;
  }
  return x;
}

template <class T>
StridedLines<T> make_lines(const TensorArg& lines, const TensorArg& batches, std::int64_t step, std::int64_t k) {
  const std::int64_t line = lines.rank == 0 ? 0 : distance(lines.strides[lines.rank - 1]);
  const bool along = lines.rank == 0 || line == 0 || (k > 1 && distance(step) <= line);
  TensorArg beginnings = batches;
  beginnings.data = lines.data;
  const bool aligned = in_pieces<T>(beginnings, false);
  const bool pieces =
      along ? step == 1 && in_pieces<T>(lines, false) : step % kPiece<T> == 0 && in_pieces<T>(lines, true);
  return {lines, batches, step, along, aligned && pieces};
}

}  // namespace ingot::cuda
