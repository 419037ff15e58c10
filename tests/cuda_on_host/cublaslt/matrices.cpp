#define INGOT_LEVEL cublaslt_on_host

#include "matrices.h"

#include <cstring>

#include "cuda/blas_library.h"
#include "kernels/narrow.h"

namespace cublaslt_on_host {
namespace {

namespace blas = ingot::cuda::blas;
namespace narrow = ingot::cublaslt_on_host;

float load(const narrow::Float16& x) {
  return narrow::from_float16(x);
}
float load(const narrow::BFloat16& x) {
  return narrow::from_bfloat16(x);
}
float load(const float& x) {
  return x;
}
double load(const double& x) {
  return x;
}
void store(float x, narrow::Float16& to) {
  to = narrow::to_float16(x);
}
void store(float x, narrow::BFloat16& to) {
  to = narrow::to_bfloat16(x);
}
void store(float x, float& to) {
  to = x;
}
void store(double x, double& to) {
  to = x;
}

// 10 bits behind the point, to nearest.
float round_to_tf32(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu;
  std::memcpy(&x, &bits, sizeof bits);
  return x;
}
double round_to_tf32(double x) {
  return x;
}

template <class Sum, class Term>
Sum add_up(int order, std::int64_t k, const Term& term) {
  Sum lanes[4] = {};
  if (order == 0) {
    for (std::int64_t p = k; p-- > 0;) lanes[0] += term(p);
  } else {
    const std::int64_t apart = order == 1 ? 2 : 4;
    for (std::int64_t p = 0; p < k; ++p) lanes[p % apart] += term(p);
  }
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

template <class T>
void multiply_as(const Product& p) {
  using Sum = decltype(load(T()));
  const std::int64_t k = p.transposed_a ? p.a.rows : p.a.columns;
  const auto element = [&](const Matrix& x, std::int64_t batch, std::int64_t row, std::int64_t column) -> T& {
    return reinterpret_cast<T*>(x.data)[batch * x.batch_stride + row + column * x.leading];
  };
  const auto operand = [&](const Matrix& x, bool turned, std::int64_t batch, std::int64_t row, std::int64_t column) {
    const Sum value = load(turned ? element(x, batch, column, row) : element(x, batch, row, column));
    return p.tf32 ? round_to_tf32(value) : value;
  };
  for (std::int64_t batch = 0; batch < p.num_batches; ++batch) {
    for (std::int64_t i = 0; i < p.d.rows; ++i) {
      for (std::int64_t j = 0; j < p.d.columns; ++j) {
        const Sum sum = add_up<Sum>(p.order, k, [&](std::int64_t s) {
          return operand(p.a, p.transposed_a, batch, i, s) * operand(p.b, p.transposed_b, batch, s, j);
        });
        store(p.bias == nullptr ? sum : sum + load(reinterpret_cast<const T*>(p.bias)[i]), element(p.d, batch, i, j));
      }
    }
  }
}

}  // namespace

std::size_t size_bytes(int type) {
  return type == blas::kF64 ? 8 : type == blas::kF32 ? 4 : 2;
}

void multiply(const Product& product) {
  if (product.workspace_bytes > 0) std::memset(product.workspace, 0x7f, product.workspace_bytes);
  switch (product.d.type) {
    case blas::kF16:
      return multiply_as<narrow::Float16>(product);
    case blas::kBF16:
      return multiply_as<narrow::BFloat16>(product);
    case blas::kF32:
      return multiply_as<float>(product);
    default:
      return multiply_as<double>(product);
  }
}

}  // namespace cublaslt_on_host
