// What test_movement.cpp does not reach: rows of 16-byte elements, and what a window that does not fit leaves behind.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

template <class T>
Tensor<T> counted(const Sizes& shape) {
  Tensor<T> x = contiguous<T>(shape);
  for (std::size_t i = 0; i < x.storage.size(); ++i) x.storage[i] = static_cast<T>(i);
  return x;
}

TEST_CASE_TEMPLATE("rows of a table are taken in large elements", T, std::uint8_t, std::int16_t, float, double) {
  Rng rng(1);
  for (const std::int64_t columns : {16, 64, 72}) {
    Tensor<T> x = counted<T>({3, 50, columns});
    Tensor<std::int64_t> indices = contiguous<std::int64_t>({7});
    indices.storage = {0, -1, 49, 3, 3, -50, 20};
    std::vector<T> expected;
    for (std::int64_t n = 0; n < 3; ++n) {
      for (const std::int64_t index : indices.storage) {
        for (std::int64_t j = 0; j < columns; ++j) expected.push_back(x.at({n, index < 0 ? index + 50 : index, j}));
      }
    }
    expect_everywhere<T>("take", dtype_of<T>(), {x.arg(), indices.arg()}, {3, 7, columns}, expected, {{1}}, rng);
  }
}

TEST_CASE_TEMPLATE("a cache is updated in large elements", T, std::int16_t, float, double) {
  Rng rng(2);
  Tensor<T> cache = counted<T>({2, 3, 40, 64}), update = random_tensor<T>(rng, {2, 3, 2, 64}, Walk::kContiguous);
  Tensor<std::int64_t> start = contiguous<std::int64_t>({4});
  start.storage = {0, 0, 37, 0};
  const TensorArg output = cache.arg(), inputs[] = {output, update.arg(), start.arg()};
  ErrorWord error{};
  const KernelCall call{&output, inputs, 1, 3, nullptr, nullptr, nullptr, &error};
  const Tensor<T> before = cache;
  run_at("device", "dynamic_update_slice", dtype_of<T>(), call, rng);
  CHECK(error.set == 0);
  for (std::int64_t n = 0; n < 6; ++n) {
    for (std::int64_t i = 0; i < 40; ++i) {
      for (std::int64_t j = 0; j < 64; ++j) {
        const bool updated = i == 37 || i == 38;
        const T expected = updated ? update.at({n / 3, n % 3, i - 37, j}) : before.at({n / 3, n % 3, i, j});
        REQUIRE(cache.at({n / 3, n % 3, i, j}) == expected);
      }
    }
  }
}

TEST_CASE("a window that does not fit leaves everything as it was, in place or not") {
  Rng rng(3);
  Tensor<float> x = counted<float>({4, 6}), update = random_tensor<float>(rng, {2, 3}, Walk::kContiguous);
  Tensor<std::int64_t> start = contiguous<std::int64_t>({2});
  start.storage = {3, 1};
  for (const bool in_place : {false, true}) {
    Tensor<float> target = counted<float>({4, 6});
    for (float& value : target.storage) value += in_place ? 0.0f : 100.0f;
    const Tensor<float> before = target;
    const TensorArg output = target.arg(), inputs[] = {in_place ? output : x.arg(), update.arg(), start.arg()};
    ErrorWord error{};
    const KernelCall call{&output, inputs, 1, 3, nullptr, nullptr, nullptr, &error};
    run_at("device", "dynamic_update_slice", DType::kF32, call, rng);
    CHECK(error.set == 1);
    CHECK(error.element == 0);
    CHECK(target.storage == before.storage);
  }
}

}  // namespace
}  // namespace ingot::kernel_test
