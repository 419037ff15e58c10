// Movement on the device: indexes without division, elements wider than the dtype's, boxes in parts.
#include "cuda/kernels/copy.h"
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

TEST_CASE("a divider divides every number below 2^31") {
  Rng rng(1);
  for (int i = 0; i < 200000; ++i) {
    const std::int64_t divisor = pick(rng, 1, std::int64_t{1} << pick(rng, 0, 30));
    const std::int64_t n = i % 3 == 0 ? std::min((std::int64_t{1} << 31) - 1, divisor * pick(rng, 0, 5) - i % 2)
                                      : pick(rng, 0, (std::int64_t{1} << 31) - 1);
    if (n < 0) continue;
    std::uint32_t quotient = static_cast<std::uint32_t>(n);
    const std::uint32_t remainder = cuda::take_index(cuda::make_divider(divisor), quotient);
    REQUIRE(quotient == n / divisor);
    REQUIRE(remainder == n % divisor);
  }
}

TEST_CASE("a large box is copied in parts that cover it") {
  const std::int64_t many = std::int64_t{3} << 30;
  const device::Box box = {.rank = 2, .shape = {5, many}, .to = {many, 1}, .from = {many, 1}};
  std::int64_t elements = 0, parts = 0;
  CHECK(cuda::in_parts(box, cuda::kFromBegin, [&](const device::Box& part, const std::int64_t* begin) {
          CHECK(device::box_elements(part) <= cuda::kMostOfWalk);
          for (int i = 0; i < 2; ++i) CHECK((begin[i] >= 0 && begin[i] + part.shape[i] <= box.shape[i]));
          elements += device::box_elements(part);
          ++parts;
          return cudaSuccess;
        }) == cudaSuccess);
  CHECK(elements == 5 * many);
  CHECK(parts > 15);
}

TEST_CASE_TEMPLATE("copy, concat and pad keep every bit where elements can be moved as wider ones", T, std::uint8_t,
                   std::int16_t, float, double) {
  Rng rng(2);
  for (int i = 0; i < 60; ++i) {
    const std::int64_t width = pick(rng, 1, 3) * (std::int64_t{1} << pick(rng, 0, 5)), rows = pick(rng, 1, 9);
    const std::int64_t gap = pick(rng, 0, 1) * (std::int64_t{1} << pick(rng, 0, 5));
    const std::int64_t first = pick(rng, 0, 1) * (std::int64_t{1} << pick(rng, 0, 4));
    Tensor<T> x = {{3, rows, width}, {rows * (width + gap), width + gap, 1}, first, {}};
    if (pick(rng, 0, 1) == 0) std::swap(x.strides[0], x.strides[1]);
    if (pick(rng, 0, 1) == 0) std::swap(x.shape[0], x.shape[1]);
    x.storage.resize(static_cast<std::size_t>(first + 9 * 9 * (width + gap) * rows));
    for (T& value : x.storage) value = random_value<T>(rng);
    std::vector<T> expected;
    for (std::int64_t at = 0; at < product(x.shape); ++at) expected.push_back(x[at]);
    expect_everywhere<T>("copy", dtype_of<T>(), {x.arg()}, x.shape, expected, {}, rng);

    Sizes twice = x.shape;
    twice[0] *= 2;
    std::vector<T> both = expected;
    both.insert(both.end(), expected.begin(), expected.end());
    expect_everywhere<T>("concat", dtype_of<T>(), {x.arg(), x.arg()}, twice, both, {{0}}, rng);

    Tensor<T> value = contiguous<T>({});
    value.storage[0] = random_value<T>(rng);
    const std::int64_t low = pick(rng, 0, 4), right = (std::int64_t{1} << pick(rng, 0, 4)) * pick(rng, 0, 1);
    const Sizes shape = {x.shape[0] + low + 1, x.shape[1], width + 2 * right};
    std::vector<T> padded;
    for (std::int64_t at = 0; at < product(shape); ++at) {
      const std::int64_t c = at % shape[2] - right, b = at / shape[2] % shape[1], a = at / shape[2] / shape[1] - low;
      const bool inside = a >= 0 && a < x.shape[0] && c >= 0 && c < width;
      padded.push_back(inside ? x.at({a, b, c}) : value.storage[0]);
    }
    expect_everywhere<T>("pad", dtype_of<T>(), {x.arg(), value.arg()}, shape, padded, {{low, 0, right}, {1, 0, right}},
                         rng);
  }
}

}  // namespace
}  // namespace ingot::kernel_test
