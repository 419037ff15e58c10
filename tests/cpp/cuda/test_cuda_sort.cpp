// Lines longer than a tile: argsort that merges, and scatter by sorted indices. test_along_axis.cpp has short ones.
#include <numeric>

#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

constexpr std::int64_t kAdd = 'a' | 'd' << 8 | 'd' << 16, kMultiply = 'm' | 'u' << 8, kMin = 'm' | 'i' << 8;

template <class T>
void check_order(const Sizes& shape, std::int64_t axis, bool descending, std::int64_t num_values, Rng& rng) {
  Tensor<T> x = contiguous<T>(shape);
  for (T& value : x.storage) {
    const std::int64_t drawn = pick(rng, 0, num_values);
    value = drawn == 0 ? std::numeric_limits<T>::quiet_NaN() : static_cast<T>(drawn % 2 == 0 ? drawn : -drawn);
  }
  const std::int64_t n = shape[static_cast<std::size_t>(axis)];
  std::int64_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) inner *= shape[i];
  std::vector<std::int64_t> expected(x.storage.size());
  for (std::int64_t line = 0; line < product(shape) / n; ++line) {
    const std::int64_t first = line / inner * n * inner + line % inner;
    std::vector<std::int64_t> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
      const T a = x[first + i * inner], b = x[first + j * inner];
      const bool a_nan = a != a, b_nan = b != b;
      if (a_nan || b_nan) return descending ? a_nan && !b_nan : b_nan && !a_nan;
      return descending ? b < a : a < b;
    });
    for (std::int64_t i = 0; i < n; ++i)
      expected[static_cast<std::size_t>(first + i * inner)] = order[static_cast<std::size_t>(i)];
  }
  INFO("n " << n << " descending " << descending);
  expect_everywhere<std::int64_t>("argsort", dtype_of<T>(), {x.arg()}, shape, expected, {{axis}, {descending ? 1 : 0}},
                                  rng);
}

}  // namespace

TEST_CASE_TEMPLATE("long lines are sorted, stable, NaN above all", T, float, double) {
  Rng rng(1);
  for (const bool descending : {false, true}) {
    for (const std::int64_t n : {1023, 1024, 1025, 2048, 3000, 9000}) check_order<T>({2, n}, 1, descending, 500, rng);
    check_order<T>({2, 1500, 3}, 1, descending, 20, rng);
    check_order<T>({5000}, 0, descending, 1000000, rng);
  }
}

TEST_CASE_TEMPLATE("many indices are scattered in their order", T, float, double, std::int32_t, std::int64_t) {
  Rng rng(2);
  for (const auto& [n, columns, extent, shared] :
       {std::tuple{3000, 1, 50, false}, std::tuple{1100, 6, 3, true}, std::tuple{500, 5, 700, false},
        std::tuple{1024, 3, 1, true}, std::tuple{4100, 2, 100000, false}}) {
    Tensor<T> x = random_tensor<T>(rng, {2, extent, columns}, Walk::kContiguous);
    Tensor<T> updates = random_tensor<T>(rng, {2, n, columns}, Walk::kContiguous);
    Tensor<std::int64_t> indices = contiguous<std::int64_t>({2, n, columns});
    for (std::int64_t& index : indices.storage) index = pick(rng, -extent, extent - 1);
    if (shared) indices.strides = {n, 1, 0};
    for (const std::int64_t mode : {std::int64_t{0}, kAdd, kMultiply, kMin}) {
      std::vector<T> expected = x.storage;
      for (std::int64_t i = 0; i < product(updates.shape); ++i) {
        const Sizes at = {i / (n * columns), i / columns % n, i % columns};
        const std::int64_t index = indices.at(at), target = index < 0 ? index + extent : index;
        T& old = expected[static_cast<std::size_t>((at[0] * extent + target) * columns + at[2])];
        if (mode == 0) old = updates[i];
        if (mode == kMin) old = std::min(old, updates[i]);
        if constexpr (std::is_floating_point_v<T>) {
          if (mode == kAdd) old = old + updates[i];
          if (mode == kMultiply) old = old * updates[i];
        } else {
          using U = std::make_unsigned_t<T>;
          if (mode == kAdd) old = static_cast<T>(static_cast<U>(old) + static_cast<U>(updates[i]));
          if (mode == kMultiply) old = static_cast<T>(static_cast<U>(old) * static_cast<U>(updates[i]));
        }
      }
      AttrBuffer attrs{{1}};
      if (mode != 0) attrs.add({mode});
      INFO("n " << n << " columns " << columns << " mode " << mode);
      expect_everywhere<T>(mode == 0 ? "scatter" : "scatter_reduce", dtype_of<T>(),
                           {x.arg(), updates.arg(), indices.arg()}, x.shape, expected, attrs, rng);
    }
  }
}

TEST_CASE("of many indices out of range the first is reported") {
  Rng rng(3);
  const std::int64_t n = 3000;
  for (const bool shared : {false, true}) {
    Tensor<float> x = contiguous<float>({40, 4}), updates = contiguous<float>({n, 4});
    Tensor<std::int64_t> indices = contiguous<std::int64_t>({n, 4});
    if (shared) indices.strides = {1, 0};
    for (std::int64_t i = 0; i < n * 4; ++i) indices.storage[static_cast<std::size_t>(i)] = i < 1000 ? i % 40 : 40 + i;
    AttrBuffer attrs{{0}};
    const auto ignore = [](const std::string&, const Tensor<float>&) {};
    const ErrorWord error = run_everywhere<float>("scatter", DType::kF32, {x.arg(), updates.arg(), indices.arg()},
                                                  {40, 4}, attrs, rng, ignore);
    CHECK(error.set == 1);
    CHECK(error.element == (shared ? 4000 : 1000));
    CHECK(error.value == 1040);
    CHECK(error.extent == 40);
  }
}

}  // namespace ingot::kernel_test
