// Running sums and products on the device, of lines longer than a tile and than a part, and of more lines
// than a tile has.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

template <class T>
T combine(bool multiply, T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return multiply ? a * b : a + b;
  } else {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    return static_cast<T>(multiply ? x * y : x + y);
  }
}

TEST_CASE_TEMPLATE("long running sums and products fold in order on the device", T, float, double, std::int32_t,
                   std::int64_t) {
  Rng rng(7);
  for (const Sizes& shape : {Sizes{2, 9000}, Sizes{9000, 2}, Sizes{70, 300}, Sizes{5, 200, 9}, Sizes{1, 5000, 1},
                             Sizes{3, 40'000}, Sizes{35'000, 3}, Sizes{1, 100'001}}) {
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const bool multiply = pick(rng, 0, 1) == 1, reverse = pick(rng, 0, 1) == 1;
      Tensor<T> x = random_tensor<T>(rng, shape);
      std::vector<T> expected(static_cast<std::size_t>(product(shape)));
      std::int64_t step = 1;
      for (std::size_t i = axis + 1; i < shape.size(); ++i) step *= shape[i];
      for (std::int64_t at = 0; at < product(shape); ++at) {
        const std::int64_t flat = reverse ? product(shape) - 1 - at : at;
        const std::int64_t place = flat / step % shape[axis], first = reverse ? shape[axis] - 1 : 0;
        T& value = expected[static_cast<std::size_t>(flat)];
        value = x[flat];
        if (place == first) continue;
        value = combine(multiply, expected[static_cast<std::size_t>(reverse ? flat + step : flat - step)], value);
      }
      expect_everywhere<T>(multiply ? "cumulative_prod" : "cumulative_sum", dtype_of<T>(), {x.arg()}, shape, expected,
                           {{static_cast<std::int64_t>(axis)}, {reverse ? 1 : 0}}, rng);
    }
  }
}

}  // namespace
}  // namespace ingot::kernel_test
