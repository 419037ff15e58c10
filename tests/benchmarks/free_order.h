// Sums in whatever order is fastest: what the kernels of the fixed order are measured against. Plain loops with many
// independent sums in vectors, for one thread; compiled for the processor at hand.
#pragma once

#include <cstdint>

namespace free_order {

float sum(const float* x, std::int64_t n);
float maximum(const float* x, std::int64_t n);
float dot(const float* x, const float* y, std::int64_t n);
// out[i] = a[i, :] . x, a row-major
void times_vector(const float* a, const float* x, std::int64_t rows, std::int64_t k, float* out);
// out[j] = x . b[:, j], b row-major; columns a multiple of 16, or less than 16
void vector_times(const float* x, const float* b, std::int64_t k, std::int64_t columns, float* out);
// out[i] = sum of x[i, :]
void row_sums(const float* x, std::int64_t rows, std::int64_t columns, float* out);
// out[j] = sum of x[:, j]; columns a multiple of 16
void column_sums(const float* x, std::int64_t rows, std::int64_t row, std::int64_t columns, float* out);

}  // namespace free_order
