#include "free_order.h"

namespace free_order {
namespace {

constexpr int kLanes = 16, kSums = 8;
typedef float V __attribute__((vector_size(kLanes * sizeof(float))));

V load(const float* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

// The first n lanes, the others 0.
V load_first(const float* from, std::int64_t n) {
  float lanes[kLanes] = {};
  __builtin_memcpy(lanes, from, static_cast<std::size_t>(n) * sizeof(float));
  return load(lanes);
}

V splat(float x) {
  return x - V{};
}

float total(V v) {
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
}

// Folds f(first element) of n elements, a vector at a time, into eight sums; add(sum, value).
template <class Load, class Add>
V fold(std::int64_t n, V start, const Load& value, const Add& add) {
  V sums[kSums];
  for (V& sum : sums) sum = start;
  std::int64_t i = 0;
  for (; i + kSums * kLanes <= n; i += kSums * kLanes) {
#pragma GCC unroll 8
    for (int s = 0; s < kSums; ++s) add(sums[s], i + s * kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) add(sums[0], i);
  for (int s = 1; s < kSums; ++s) sums[0] = value(sums[0], sums[s]);
  return sums[0];
}

V plus(V a, V b) {
  return a + b;
}
V larger(V a, V b) {
  return a < b ? b : a;
}

// kRows rows of x, k elements each, one sum for each row.
template <int kRows>
void dot_rows(const float* a, std::int64_t row, const float* x, std::int64_t k, float* out) {
  V sums[kRows][2] = {};
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= k; i += 2 * kLanes) {
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      sums[r][0] += load(a + r * row + i) * load(x + i);
      sums[r][1] += load(a + r * row + i + kLanes) * load(x + i + kLanes);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    out[r] = total(sums[r][0] + sums[r][1]);
    for (std::int64_t j = i; j < k; ++j) out[r] += a[r * row + j] * x[j];
  }
}

// Few columns: eight rows at a time have a sum of their own.
void narrow_vector_times(const float* x, const float* b, std::int64_t k, std::int64_t columns, float* out) {
  V sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums + kLanes <= k; i += kSums) {  // whole vectors are read: what follows a row is not used
#pragma GCC unroll 8
    for (int s = 0; s < kSums; ++s) sums[s] += splat(x[i + s]) * load(b + (i + s) * columns);
  }
  for (; i < k; ++i) sums[0] += splat(x[i]) * load_first(b + i * columns, columns);
  for (int s = 1; s < kSums; ++s) sums[0] += sums[s];
  for (std::int64_t j = 0; j < columns; ++j) out[j] = sums[0][j];
}

// kVectors vectors of columns; eight sums in all.
template <int kVectors>
void columns_times(const float* x, const float* b, std::int64_t k, std::int64_t row, float* out) {
  constexpr int kSteps = kSums / kVectors;
  V sums[kSteps][kVectors] = {};
  std::int64_t i = 0;
  for (; i + kSteps <= k; i += kSteps) {
#pragma GCC unroll 8
    for (int s = 0; s < kSteps; ++s) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[s][v] += splat(x[i + s]) * load(b + (i + s) * row + v * kLanes);
    }
  }
  for (; i < k; ++i) {
    for (int v = 0; v < kVectors; ++v) sums[0][v] += splat(x[i]) * load(b + i * row + v * kLanes);
  }
  for (int v = 0; v < kVectors; ++v) {
    for (int s = 1; s < kSteps; ++s) sums[0][v] += sums[s][v];
    __builtin_memcpy(out + v * kLanes, &sums[0][v], sizeof(V));
  }
}

template <int kVectors>
void sum_columns(const float* x, std::int64_t rows, std::int64_t row, float* out) {
  constexpr int kSteps = kSums / kVectors;
  V sums[kSteps][kVectors] = {};
  std::int64_t i = 0;
  for (; i + kSteps <= rows; i += kSteps) {
#pragma GCC unroll 8
    for (int s = 0; s < kSteps; ++s) {
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[s][v] += load(x + (i + s) * row + v * kLanes);
    }
  }
  for (; i < rows; ++i) {
    for (int v = 0; v < kVectors; ++v) sums[0][v] += load(x + i * row + v * kLanes);
  }
  for (int v = 0; v < kVectors; ++v) {
    for (int s = 1; s < kSteps; ++s) sums[0][v] += sums[s][v];
    __builtin_memcpy(out + v * kLanes, &sums[0][v], sizeof(V));
  }
}

// Wide rows are read one after the other, eight at a time; the sums lie in the first-level cache.
void sum_wide_columns(const float* x, std::int64_t rows, std::int64_t row, std::int64_t columns, float* out) {
  for (std::int64_t j = 0; j < columns; ++j) out[j] = 0;
  std::int64_t i = 0;
  for (; i + kSums <= rows; i += kSums) {
    for (std::int64_t j = 0; j < columns; j += kLanes) {
      V sum = load(out + j);
#pragma GCC unroll 8
      for (int s = 0; s < kSums; ++s) sum += load(x + (i + s) * row + j);
      __builtin_memcpy(out + j, &sum, sizeof(V));
    }
  }
  for (; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) out[j] += x[i * row + j];
  }
}

}  // namespace

float sum(const float* x, std::int64_t n) {
  float out = total(fold(n, V{}, plus, [&](V& sum, std::int64_t i) { sum += load(x + i); }));
  for (std::int64_t i = n / kLanes * kLanes; i < n; ++i) out += x[i];
  return out;
}

float maximum(const float* x, std::int64_t n) {
  const V most = fold(n, splat(x[0]), larger, [&](V& best, std::int64_t i) { best = larger(best, load(x + i)); });
  float out = most[0];
  for (int i = 1; i < kLanes; ++i) out = most[i] > out ? most[i] : out;
  for (std::int64_t i = n / kLanes * kLanes; i < n; ++i) out = x[i] > out ? x[i] : out;
  return out;
}

float dot(const float* x, const float* y, std::int64_t n) {
  float out = total(fold(n, V{}, plus, [&](V& sum, std::int64_t i) { sum += load(x + i) * load(y + i); }));
  for (std::int64_t i = n / kLanes * kLanes; i < n; ++i) out += x[i] * y[i];
  return out;
}

void times_vector(const float* a, const float* x, std::int64_t rows, std::int64_t k, float* out) {
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) dot_rows<4>(a + i * k, k, x, k, out + i);
  for (; i < rows; ++i) dot_rows<1>(a + i * k, k, x, k, out + i);
}

void vector_times(const float* x, const float* b, std::int64_t k, std::int64_t columns, float* out) {
  if (columns < kLanes) return narrow_vector_times(x, b, k, columns, out);
  std::int64_t j = 0;
  for (; j + 4 * kLanes <= columns; j += 4 * kLanes) columns_times<4>(x, b + j, k, columns, out + j);
  for (; j < columns; j += kLanes) columns_times<1>(x, b + j, k, columns, out + j);
}

void row_sums(const float* x, std::int64_t rows, std::int64_t columns, float* out) {
  if (columns >= 2 * kSums * kLanes) {
    for (std::int64_t i = 0; i < rows; ++i) out[i] = sum(x + i * columns, columns);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    V lanes = {};
    std::int64_t j = 0;
    for (; j + kLanes <= columns; j += kLanes) lanes += load(x + i * columns + j);
    out[i] = total(lanes);
    for (; j < columns; ++j) out[i] += x[i * columns + j];
  }
}

void column_sums(const float* x, std::int64_t rows, std::int64_t row, std::int64_t columns, float* out) {
  if (columns > 8 * kLanes) return sum_wide_columns(x, rows, row, columns, out);
  std::int64_t j = 0;
  for (; j + 4 * kLanes <= columns; j += 4 * kLanes) sum_columns<4>(x + j, rows, row, out + j);
  for (; j < columns; j += kLanes) sum_columns<1>(x + j, rows, row, out + j);
}

}  // namespace free_order
