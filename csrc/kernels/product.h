// A matmul call in the form the kernels work on: a batch of two-dimensional products with element strides.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

struct Product {
  int batch_rank;
  std::int64_t batch_shape[kKernelMaxRank], a_batch[kKernelMaxRank], b_batch[kKernelMaxRank];
  std::int64_t batch;  // number of products; product i starts at element i * rows * columns of the result
  bool a_shared;       // all products have the same A
  bool turned;         // it is the transposed product
  bool b_panels;       // B is one matrix in panels, [ceil(columns/16)][k][16]; b_step and b_column mean nothing
  std::int64_t rows, columns, k;
  std::int64_t a_row, a_step, b_step, b_column, c_row, c_column;
  const char* a;
  const char* b;
  char* c;
};

// The stride of axis `axis` of a result of rank `rank`, in an operand that may have fewer axes or broadcast this one.
inline std::int64_t batch_stride(const TensorArg& x, int axis, int rank) {
  const int own = axis - (rank - x.rank);
  return own < 0 || x.shape[own] == 1 ? 0 : x.strides[own];
}

// Batch axes that B does not have become rows, as long as the rows of A stay equally far apart.
inline void merge_rows(Product& p) {
  while (p.batch_rank > 0) {
    const int last = p.batch_rank - 1;
    if (p.b_batch[last] != 0 || (p.rows != 1 && p.a_batch[last] != p.rows * p.a_row)) return;
    if (p.rows == 1) p.a_row = p.a_batch[last];
    p.rows *= p.batch_shape[last];
    --p.batch_rank;
  }
}

inline constexpr std::int64_t kMostTurnedColumns = 15;

// Few columns and many rows: the transposed product has the same bits (fma(a, b, c) is fma(b, a, c)) and full vectors.
inline void transpose_if_narrow(Product& p) {
  const bool rows_contiguous = p.a_row == 1 && p.a_step != 1;
  if (p.columns >= p.rows || p.columns > (rows_contiguous ? kMostTurnedColumns : 4)) return;
  for (int i = 0; i < p.batch_rank; ++i) {
    const std::int64_t stride = p.a_batch[i];
    p.a_batch[i] = p.b_batch[i];
    p.b_batch[i] = stride;
  }
  const Product old = p;
  p.turned = true;
  p.rows = old.columns, p.columns = old.rows;
  p.a = old.b, p.b = old.a;
  p.a_row = old.b_column, p.a_step = old.b_step;
  p.b_step = old.a_step, p.b_column = old.a_row;
  p.c_row = old.c_column, p.c_column = old.c_row;
}

inline Product make_product(const KernelCall* call) {
  const TensorArg &a = call->inputs[0], &b = call->inputs[1], &c = call->outputs[0];
  Product p{};
  p.rows = c.shape[c.rank - 2], p.columns = c.shape[c.rank - 1], p.k = a.shape[a.rank - 1];
  p.a_row = a.strides[a.rank - 2], p.a_step = a.strides[a.rank - 1];
  p.b_step = b.strides[b.rank - 2], p.b_column = b.strides[b.rank - 1];
  p.a = a.data, p.b = b.data, p.c = c.data;
  for (int i = 0; i < c.rank - 2; ++i) {
    if (c.shape[i] == 1) continue;
    p.batch_shape[p.batch_rank] = c.shape[i];
    p.a_batch[p.batch_rank] = batch_stride(a, i, c.rank);
    p.b_batch[p.batch_rank] = batch_stride(b, i, c.rank);
    ++p.batch_rank;
  }
  merge_rows(p);
  p.c_row = p.columns, p.c_column = 1;
  p.b_panels = b.panels != 0;
  if (!p.b_panels) transpose_if_narrow(p);
  p.batch = 1, p.a_shared = true;
  for (int i = 0; i < p.batch_rank; ++i) {
    p.batch *= p.batch_shape[i];
    p.a_shared = p.a_shared && p.a_batch[i] == 0;
  }
  return p;
}

inline std::int64_t batch_offset(const Product& p, const std::int64_t* strides, std::int64_t index) {
  std::int64_t offset = 0;
  for (int i = p.batch_rank - 1; i >= 0; --i) {
    offset += index % p.batch_shape[i] * strides[i];
    index /= p.batch_shape[i];
  }
  return offset;
}

}  // namespace ingot::INGOT_LEVEL
