// Kernels that go along one axis, against element-by-element statements: any strides, every level, any tile ranges.
#include <numeric>

#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

Sizes random_shape(Rng& rng) {
  Sizes shape;
  const std::int64_t rank = pick(rng, 1, 4);
  const bool big = pick(rng, 0, 4) == 0;
  for (std::int64_t i = 0; i < rank; ++i) {
    shape.push_back(pick(rng, 0, 15) == 0 ? 0 : pick(rng, 1, big && i + 2 >= rank ? 300 / rank : 6));
  }
  return shape;
}

Sizes unflatten(std::int64_t flat, const Sizes& shape) {
  Sizes index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = flat % shape[i];
    flat /= shape[i];
  }
  return index;
}

std::int64_t flatten(const Sizes& index, const Sizes& shape) {
  std::int64_t flat = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) flat = flat * shape[i] + index[i];
  return flat;
}

// Positions of the first elements of the lines along an axis.
std::vector<Sizes> line_starts(const Sizes& shape, std::size_t axis) {
  std::vector<Sizes> starts;
  for (std::int64_t i = 0; i < product(shape); ++i) {
    Sizes index = unflatten(i, shape);
    if (index[axis] == 0) starts.push_back(std::move(index));
  }
  return starts;
}

template <class T>
void require_equal(const std::vector<T>& expected, const Tensor<T>& got, const std::string& where) {
  REQUIRE(static_cast<std::int64_t>(expected.size()) == product(got.shape));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    REQUIRE_MESSAGE(same_bits(expected[i], got.storage[i]), where, " element ", i);
  }
}

template <class T>
T wrapping(T a, T b, bool multiply) {
  if constexpr (std::is_floating_point_v<T>) {
    return multiply ? a * b : a + b;
  } else {
    using U = std::make_unsigned_t<T>;
    const U x = static_cast<U>(a), y = static_cast<U>(b);
    return static_cast<T>(multiply ? x * y : x + y);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("running sums and products fold in order", T, float, double, std::int32_t, std::int64_t) {
  Rng rng(1);
  for (int round = 0; round < 60; ++round) {
    const Sizes shape = random_shape(rng);
    Tensor<T> x = random_tensor<T>(rng, shape);
    const auto axis = static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(shape.size()) - 1));
    const bool reverse = pick(rng, 0, 1) == 1, multiply = pick(rng, 0, 1) == 1;
    std::vector<T> expected(static_cast<std::size_t>(product(shape)));
    for (Sizes index : line_starts(shape, axis)) {
      T total{};
      for (std::int64_t i = 0; i < shape[axis]; ++i) {
        index[axis] = reverse ? shape[axis] - 1 - i : i;
        total = i == 0 ? x.at(index) : wrapping(total, x.at(index), multiply);
        expected[static_cast<std::size_t>(flatten(index, shape))] = total;
      }
    }
    AttrBuffer attrs{{static_cast<std::int64_t>(axis)}, {reverse ? 1 : 0}};
    run_everywhere<T>(multiply ? "cumulative_prod" : "cumulative_sum", dtype_of<T>(), {x.arg()}, shape, attrs, rng,
                      [&](const std::string& level, const Tensor<T>& out) { require_equal(expected, out, level); });
  }
}

TEST_CASE_TEMPLATE("argsort is stable in both directions and puts NaN above all", T, float, double, std::int32_t,
                   std::uint8_t) {
  Rng rng(2);
  for (int round = 0; round < 60; ++round) {
    const Sizes shape = random_shape(rng);
    Tensor<T> x = random_tensor<T>(rng, shape);
    for (T& value : x.storage) {  // few different values, so that many are equal
      if constexpr (std::is_floating_point_v<T>) {
        constexpr T kValues[] = {
            T(0), -T(0), T(1), -T(2), std::numeric_limits<T>::infinity(), std::numeric_limits<T>::quiet_NaN()};
        value = kValues[pick(rng, 0, 5)];
      } else {
        value = static_cast<T>(pick(rng, 0, 1));
      }
    }
    const auto axis = static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(shape.size()) - 1));
    const bool descending = pick(rng, 0, 1) == 1;
    const auto rank = [](T v) { return std::isnan(static_cast<double>(v)) ? 1e300 : static_cast<double>(v); };
    std::vector<std::int64_t> expected(static_cast<std::size_t>(product(shape)));
    for (Sizes index : line_starts(shape, axis)) {
      std::vector<double> keys;
      for (std::int64_t i = 0; i < shape[axis]; ++i) {
        index[axis] = i;
        keys.push_back(std::isinf(rank(x.at(index))) ? std::copysign(1e200, rank(x.at(index))) : rank(x.at(index)));
      }
      std::vector<std::int64_t> order(keys.size());
      std::iota(order.begin(), order.end(), 0);
      std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        const double p = keys[static_cast<std::size_t>(a)], q = keys[static_cast<std::size_t>(b)];
        return descending ? p > q : p < q;
      });
      for (std::int64_t i = 0; i < shape[axis]; ++i) {
        index[axis] = i;
        expected[static_cast<std::size_t>(flatten(index, shape))] = order[static_cast<std::size_t>(i)];
      }
    }
    AttrBuffer attrs{{static_cast<std::int64_t>(axis)}, {descending ? 1 : 0}};
    run_everywhere<std::int64_t>(
        "argsort", dtype_of<T>(), {x.arg()}, shape, attrs, rng,
        [&](const std::string& level, const Tensor<std::int64_t>& out) { require_equal(expected, out, level); });
  }
}

namespace {

struct Scattering {
  Sizes shape, reach;  // of x, of the indices
  std::size_t axis;
};

Scattering random_scattering(Rng& rng) {
  Scattering s;
  s.shape = random_shape(rng);
  s.axis = static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(s.shape.size()) - 1));
  s.shape[s.axis] = std::max<std::int64_t>(s.shape[s.axis], 1);
  for (std::size_t i = 0; i < s.shape.size(); ++i) {
    s.reach.push_back(i == s.axis ? pick(rng, 0, 9) : pick(rng, 0, 2) == 0 ? pick(rng, 0, s.shape[i]) : s.shape[i]);
  }
  return s;
}

Tensor<std::int64_t> indices_of(Rng& rng, const Scattering& s) {
  Tensor<std::int64_t> indices = random_tensor<std::int64_t>(rng, s.reach);
  const std::int64_t extent = s.shape[s.axis];
  for (std::int64_t& value : indices.storage) value = pick(rng, -extent, extent - 1);
  return indices;
}

// The position in x that element i of the indices means.
Sizes target(const Scattering& s, const Tensor<std::int64_t>& indices, std::int64_t i) {
  Sizes index = unflatten(i, s.reach);
  const std::int64_t at = indices[i];
  index[s.axis] = at < 0 ? at + s.shape[s.axis] : at;
  return index;
}

constexpr std::int64_t kAdd = 'a' | 'd' << 8 | 'd' << 16, kMultiply = 'm' | 'u' << 8, kMin = 'm' | 'i' << 8;

}  // namespace

TEST_CASE_TEMPLATE("take_along_axis reads where the indices say", T, std::uint8_t, std::int16_t, float, double) {
  Rng rng(3);
  for (int round = 0; round < 80; ++round) {
    const Scattering s = random_scattering(rng);
    Tensor<T> x = random_tensor<T>(rng, s.shape);
    Tensor<std::int64_t> indices = indices_of(rng, s);
    std::vector<T> expected;
    for (std::int64_t i = 0; i < product(s.reach); ++i) expected.push_back(x.at(target(s, indices, i)));
    AttrBuffer attrs{{static_cast<std::int64_t>(s.axis)}};
    run_everywhere<T>("take_along_axis", dtype_of<T>(), {x.arg(), indices.arg()}, s.reach, attrs, rng,
                      [&](const std::string& level, const Tensor<T>& out) { require_equal(expected, out, level); });
  }
}

TEST_CASE_TEMPLATE("scatter applies updates in the order of the indices", T, float, std::int32_t, double) {
  Rng rng(4);
  for (int round = 0; round < 120; ++round) {
    const Scattering s = random_scattering(rng);
    Tensor<T> x = random_tensor<T>(rng, s.shape), updates = random_tensor<T>(rng, s.reach);
    Tensor<std::int64_t> indices = indices_of(rng, s);
    const std::int64_t mode = pick(rng, 0, 3);
    std::vector<T> expected;
    for (std::int64_t i = 0; i < product(s.shape); ++i) expected.push_back(x[i]);
    for (std::int64_t i = 0; i < product(s.reach); ++i) {
      T& old = expected[static_cast<std::size_t>(flatten(target(s, indices, i), s.shape))];
      if (mode == 0) old = updates[i];
      if (mode == 1) old = wrapping(old, updates[i], false);
      if (mode == 2) old = wrapping(old, updates[i], true);
      if (mode == 3) old = std::min(old, updates[i]);
    }
    AttrBuffer attrs{{static_cast<std::int64_t>(s.axis)}};
    if (mode != 0) attrs.add({mode == 1 ? kAdd : mode == 2 ? kMultiply : kMin});
    run_everywhere<T>(mode == 0 ? "scatter" : "scatter_reduce", dtype_of<T>(), {x.arg(), updates.arg(), indices.arg()},
                      s.shape, attrs, rng,
                      [&](const std::string& level, const Tensor<T>& out) { require_equal(expected, out, level); });
  }
}

TEST_CASE("the lowest position of an index out of range is reported") {
  Rng rng(5);
  Tensor<float> x = random_tensor<float>(rng, {3, 4, 5});
  Tensor<std::int64_t> indices = contiguous<std::int64_t>({3, 2, 5});
  indices.storage[13] = 4;
  indices.storage[22] = -5;
  AttrBuffer attrs{{1}};
  const auto ignore = [](const std::string&, const Tensor<float>&) {};
  const ErrorWord error =
      run_everywhere<float>("take_along_axis", DType::kF32, {x.arg(), indices.arg()}, {3, 2, 5}, attrs, rng, ignore);
  CHECK(error.set == 1);
  CHECK(error.element == 13);
  CHECK(error.value == 4);
  CHECK(error.extent == 4);
}

}  // namespace ingot::kernel_test
