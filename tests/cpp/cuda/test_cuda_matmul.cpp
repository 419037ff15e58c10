// Products large enough for every kernel of matmul on a device with 4 processors: tiles of 128 and of 64, whole and in
// parts of k, few rows and few columns. test_matmul.cpp has small ones, of any strides.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

template <class T>
T fold(const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, std::int64_t k) {
  T total = 0;
  for (std::int64_t begin = 0; begin < k; begin += 256) {
    T sum = 0;
    for (std::int64_t i = begin; i < std::min(k, begin + 256); ++i) sum = std::fma(a[i * a_step], b[i * b_step], sum);
    total = begin == 0 ? sum : total + sum;
  }
  return total;
}

template <class T>
void check_product(std::int64_t m, std::int64_t n, std::int64_t k, bool turned_a, bool turned_b) {
  Rng rng(static_cast<std::uint64_t>(m + n + k));
  Tensor<T> a = random_tensor<T>(rng, {m, k}, Walk::kContiguous), b = random_tensor<T>(rng, {k, n}, Walk::kContiguous);
  if (turned_a) a.strides = {1, m};
  if (turned_b) b.strides = {1, k};
  std::vector<T> expected(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      expected[static_cast<std::size_t>(i * n + j)] =
          fold(a.storage.data() + i * a.strides[0], a.strides[1], b.storage.data() + j * b.strides[1], b.strides[0], k);
    }
  }
  INFO("m " << m << " n " << n << " k " << k);
  expect_everywhere<T>("matmul", dtype_of<T>(), {a.arg(), b.arg()}, {m, n}, expected, {}, rng);
}

}  // namespace

TEST_CASE_TEMPLATE("products of every size on a device have the bits of rule 3", T, float, double) {
  for (const auto& [m, n, k] :
       {std::array{256, 260, 40}, std::array{250, 259, 41}, std::array{256, 128, 1280}, std::array{251, 127, 1285},
        std::array{64, 64, 512}, std::array{130, 70, 700}, std::array{5, 300, 1030}, std::array{400, 3, 770},
        std::array{19, 70, 300}, std::array{90, 33, 64}}) {
    for (int way = 0; way < 4; ++way) check_product<T>(m, n, k, (way & 1) != 0, (way & 2) != 0);
  }
}

TEST_CASE("a batch that only one operand has lies side by side with its rows or columns") {
  Rng rng(1);
  const std::int64_t batch = 3, m = 40, n = 36, k = 300;
  Tensor<float> many = random_tensor<float>(rng, {batch, m, k}, Walk::kContiguous);
  Tensor<float> one = random_tensor<float>(rng, {k, n}, Walk::kContiguous);
  std::vector<float> rows(static_cast<std::size_t>(batch * m * n)), columns(rows.size());
  Tensor<float> one_turned = one, many_turned = many;
  one_turned.shape = {n, k}, one_turned.strides = {1, n};
  many_turned.shape = {batch, k, m}, many_turned.strides = {m * k, 1, k};
  for (std::int64_t i = 0; i < batch * m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const float value = fold(many.storage.data() + i * k, 1, one.storage.data() + j, n, k);
      rows[static_cast<std::size_t>(i * n + j)] = value;
      columns[static_cast<std::size_t>((i / m * n + j) * m + i % m)] = value;
    }
  }
  expect_everywhere<float>("matmul", DType::kF32, {many.arg(), one.arg()}, {batch, m, n}, rows, {}, rng);
  expect_everywhere<float>("matmul", DType::kF32, {one_turned.arg(), many_turned.arg()}, {batch, n, m}, columns, {},
                           rng);
}

}  // namespace ingot::kernel_test
