// A call of matmul as cuBLASLt takes it: matrices that lie column by column, a leading dimension, one strided batch;
// what batches there are besides become several products. Plain arithmetic on sizes and strides.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "cuda/product_axes.h"

namespace ingot::cuda {

// All that decides about the algorithm. d[m, n] = op(a)[m, k] op(b)[k, n], each column by column; an operand that is
// transposed lies as [k, m] or [n, k].
struct BlasShape {
  std::int32_t dtype;  // DType of all three
  std::int32_t tf32;
  std::int32_t transposed_a, transposed_b;
  std::int32_t has_bias;  // a vector of m elements is added to every column of d
  std::int64_t m, n, k;
  std::int64_t leading_a, leading_b, leading_d;
  std::int64_t num_batches;
  std::int64_t batch_a, batch_b, batch_d;              // elements from one to the next; 0: the same one
  std::int32_t alignment_a, alignment_b, alignment_d;  // bytes, of every matrix's first element
  std::int64_t workspace_bytes;

  friend auto operator<=>(const BlasShape&, const BlasShape&) = default;
};

struct BlasProduct {
  BlasShape shape;
  const TensorArg *a, *b;  // the call's inputs, the second one first where the result lies row by row
  Axes loops;              // products, one for each of their elements; a and b are those above
};

// False where no such matrices lie there: elements neither along rows nor along columns side by side, or overlapping.
// has_bias: the result's last axis has to be the rows of d.
// Requires: the result has elements, k >= 1. Leaves dtype, tf32, alignments and workspace_bytes to the caller.
bool make_blas_product(const KernelCall& call, bool has_bias, BlasProduct* product);

// Whether make_blas_product takes an operand whose last two axes lie so; sizes and strides not known stand as 0.
bool may_be_matrix(const TensorArg& x);

std::string to_text(const BlasShape& shape);

}  // namespace ingot::cuda
