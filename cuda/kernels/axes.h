// Axes of a product as kernels walk them.
#pragma once

#include "cuda/kernels/device.h"
#include "cuda/kernels/lines.h"
#include "cuda/product_axes.h"
#include "kernels/element.h"

namespace ingot::cuda {

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

// Whether every axis begins pieces at whole pieces: all strides but a last one of 1, which must be of whole pieces.
template <class T>
bool in_pieces(const TensorArg& x, bool last_is_line) {
  for (int i = 0; i < x.rank; ++i) {
    const bool line = last_is_line && i == x.rank - 1;
    if (line ? x.strides[i] != 1 || x.shape[i] % kPiece<T> != 0 : x.strides[i] % kPiece<T> != 0) return false;
  }
  return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
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
