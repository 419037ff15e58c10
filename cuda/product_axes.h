// The axes of a product of matrices: of its rows, its columns, its batches. What several axes do alike is one.
#pragma once

#include "execute/kernel.h"

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

// The stride of axis `axis` of a result of this rank, in an operand that may have fewer axes or broadcast this one.
inline std::int64_t batch_stride(const TensorArg& x, int axis, int rank) {
  const int own = axis - (rank - x.rank);
  return own < 0 || x.shape[own] == 1 ? 0 : x.strides[own];
}

struct ProductAxes {
  Axes rows, columns, batches;
  std::int64_t k, a_step, b_step;  // strides along k
};

// Of a call of matmul, out[..., m, n] = a[..., m, k] b[..., k, n]. Axes that one operand lacks are rows or columns of
// the product, the rest are its batches, so that a weight is read once for all sequences.
inline ProductAxes axes_of_product(const KernelCall& call) {
  const TensorArg &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
  const int rank = c.rank;
  ProductAxes p{};
  for (int i = 0; i < rank - 2; ++i) {
    const Axis axis{c.shape[i], c.strides[i], batch_stride(a, i, rank), batch_stride(b, i, rank)};
    append(axis.b == 0 ? p.rows : axis.a == 0 ? p.columns : p.batches, axis);
  }
  append(p.rows, {c.shape[rank - 2], c.strides[rank - 2], a.strides[a.rank - 2], 0});
  append(p.columns, {c.shape[rank - 1], c.strides[rank - 1], 0, b.strides[b.rank - 1]});
  p.k = a.shape[a.rank - 1];
  p.a_step = a.strides[a.rank - 1];
  p.b_step = b.strides[b.rank - 2];
  return p;
}

}  // namespace ingot::cuda
