// Reductions against a scalar statement of rule 4 of docs/numerics.md: same bits at every level, in any tile ranges.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

template <class T>
using Combine = T (*)(T, T);

// Adjacent pairs level by level; one without a partner passes to the next level as it is.
template <class T>
T combine_pairs(std::vector<T> values, Combine<T> combine) {
  while (values.size() > 1) {
    std::vector<T> next;
    for (std::size_t i = 0; i < values.size(); i += 2) {
      next.push_back(i + 1 < values.size() ? combine(values[i], values[i + 1]) : values[i]);
    }
    values = next;
  }
  return values[0];
}

// Requires: not empty.
template <class T>
T reduce_in_order(const std::vector<T>& x, Combine<T> combine) {
  std::vector<T> blocks;
  for (std::size_t begin = 0; begin < x.size(); begin += 512) {
    std::vector<T> lanes;
    for (std::size_t i = begin; i < std::min(x.size(), begin + 512); ++i) {
      if (i - begin < 16) {
        lanes.push_back(x[i]);
      } else {
        lanes[(i - begin) % 16] = combine(lanes[(i - begin) % 16], x[i]);
      }
    }
    blocks.push_back(combine_pairs(lanes, combine));
  }
  return combine_pairs(blocks, combine);
}

template <class T>
T add(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a + b;
  return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

template <class T>
T multiply(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) return a * b;
  return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
}

// NaN wins, -0 < +0.
template <class T>
T maximum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}

template <class T>
T minimum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    if (a == b) return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}

struct Split {
  Sizes kept, axes;
  std::vector<std::size_t> kept_axes, reduced_axes;
};

Split split_axes(const Sizes& shape, std::uint64_t mask) {
  Split out;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if ((mask >> i & 1) != 0) {
      out.axes.push_back(static_cast<std::int64_t>(i));
      out.reduced_axes.push_back(i);
    } else {
      out.kept.push_back(shape[i]);
      out.kept_axes.push_back(i);
    }
  }
  return out;
}

void unflatten(std::int64_t flat, const Sizes& shape, const std::vector<std::size_t>& axes, Sizes& index) {
  for (std::size_t n = axes.size(); n-- > 0;) {
    index[axes[n]] = flat % shape[axes[n]];
    flat /= shape[axes[n]];
  }
}

// The reduced elements of every output.
template <class T>
std::vector<std::vector<T>> elements(const Tensor<T>& x, const Split& split) {
  std::int64_t reduced = 1;
  for (const std::size_t axis : split.reduced_axes) reduced *= x.shape[axis];
  std::vector<std::vector<T>> out(static_cast<std::size_t>(product(split.kept)));
  Sizes index(x.shape.size());
  for (std::size_t o = 0; o < out.size(); ++o) {
    unflatten(static_cast<std::int64_t>(o), x.shape, split.kept_axes, index);
    for (std::int64_t i = 0; i < reduced; ++i) {
      unflatten(i, x.shape, split.reduced_axes, index);
      out[o].push_back(x.at(index));
    }
  }
  return out;
}

template <class T>
void expect_reduction(const char* op, Combine<T> combine, T empty, Tensor<T>& x, const Split& split, Rng& rng) {
  std::vector<T> expected;
  for (const std::vector<T>& values : elements(x, split)) {
    expected.push_back(values.empty() ? empty : reduce_in_order(values, combine));
  }
  INFO(op);
  expect_everywhere<T>(op, dtype_of<T>(), {x.arg()}, split.kept, expected, {split.axes, {pick(rng, 0, 1)}}, rng);
}

template <class T>
void check_all(Rng& rng, const Sizes& shape, std::uint64_t mask, Walk walk = Walk::kAny) {
  Tensor<T> x = random_tensor<T>(rng, shape, walk);
  const Split split = split_axes(shape, mask);
  std::string text;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += std::to_string(shape[i]) + ":" + std::to_string(x.strides[i]) + ((mask >> i & 1) != 0 ? "r " : " ");
  }
  INFO(text);
  if constexpr (!std::is_same_v<T, std::uint8_t>) {
    expect_reduction<T>("sum", add<T>, 0, x, split, rng);
    expect_reduction<T>("prod", multiply<T>, 1, x, split, rng);
  }
  std::int64_t reduced = 1;
  for (const std::size_t axis : split.reduced_axes) reduced *= shape[axis];
  if (reduced == 0) return;
  expect_reduction<T>("max", maximum<T>, 0, x, split, rng);
  expect_reduction<T>("min", minimum<T>, 0, x, split, rng);
}

Sizes random_shape(Rng& rng) {
  Sizes shape;
  const std::int64_t rank = pick(rng, 0, 4);
  std::int64_t budget = 20000;
  for (std::int64_t i = 0; i < rank; ++i) {
    const std::int64_t sizes[] = {0, 1, 1, 2, 3, 4, 5, 8, 15, 16, 17, 33, 130, 512, 520, 1600};
    const std::int64_t size = sizes[pick(rng, pick(rng, 0, 9) == 0 ? 0 : 1, 15)];
    shape.push_back(size <= budget ? size : 2);
    budget /= std::max<std::int64_t>(shape.back(), 1);
  }
  return shape;
}

template <class T>
std::int64_t argmax(const std::vector<T>& x) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < x.size(); ++i) {
    if (x[best] != x[best]) break;
    if (x[i] != x[i] || x[i] > x[best]) best = i;
  }
  return static_cast<std::int64_t>(best);
}

}  // namespace

TEST_CASE_TEMPLATE("a reduction over any axes and strides has the bits of rule 4", T, float, double, std::int32_t,
                   std::int64_t, std::uint8_t) {
  Rng rng(11);
  for (int i = 0; i < rounds(250); ++i) {
    const Sizes shape = random_shape(rng);
    check_all<T>(rng, shape, rng());
  }
}

TEST_CASE_TEMPLATE("long rows and columns have the bits of rule 4", T, float, double, std::int64_t) {
  Rng rng(12);
  for (const std::int64_t n : {1, 15, 16, 17, 511, 512, 513, 1024, 1537, 3583, 3600, 7777, 512 * 37 + 5}) {
    check_all<T>(rng, {5, n}, 2, Walk::kContiguous);
    check_all<T>(rng, {n, 5}, 1, Walk::kContiguous);
    check_all<T>(rng, {n, 145}, 1, Walk::kContiguous);
    check_all<T>(rng, {3, n, 4}, 3, Walk::kContiguous);
    check_all<T>(rng, {2, 3, n}, 5, Walk::kContiguous);
  }
}

TEST_CASE_TEMPLATE("few outputs of many elements, which threads share, have the bits of rule 4", T, float, double,
                   std::int32_t) {
  Rng rng(16);
  const std::int64_t block = 512;
  for (const std::int64_t n : {64 * block, 65 * block - 3, 16 * 32 * block + 1, 17 * 32 * block}) {
    check_all<T>(rng, {n}, 1, Walk::kContiguous);
  }
  check_all<T>(rng, {3, 90 * block + 7}, 2, Walk::kContiguous);
  check_all<T>(rng, {2, 40 * block, 2}, 5);
  for (const std::int64_t columns : {4, 17, 150}) {
    check_all<T>(rng, {70 * block / columns * 9 + 5, columns}, 1, Walk::kContiguous);
  }
}

TEST_CASE_TEMPLATE("max and min propagate NaN and order zeros by sign", T, float, double) {
  Rng rng(13);
  const T special[] = {0, static_cast<T>(-0.0), std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                       -std::numeric_limits<T>::infinity()};
  for (int i = 0; i < 60; ++i) {
    Tensor<T> x = random_tensor<T>(rng, {pick(rng, 1, 40), pick(rng, 1, 40)}, Walk::kContiguous);
    for (T& value : x.storage) value = special[pick(rng, 0, 6) % (i % 3 == 0 ? 5 : 2)];
    for (std::uint64_t mask = 1; mask < 4; ++mask) {
      expect_reduction<T>("max", maximum<T>, 0, x, split_axes(x.shape, mask), rng);
      expect_reduction<T>("min", minimum<T>, 0, x, split_axes(x.shape, mask), rng);
      expect_reduction<T>("sum", add<T>, 0, x, split_axes(x.shape, mask), rng);
      expect_reduction<T>("prod", multiply<T>, 0, x, split_axes(x.shape, mask), rng);
    }
  }
}

TEST_CASE_TEMPLATE("argmax takes the first NaN, else the first maximum", T, float, double, std::int32_t, std::int64_t,
                   std::uint8_t) {
  Rng rng(14);
  for (int i = 0; i < rounds(300); ++i) {
    Sizes shape = random_shape(rng);
    if (shape.empty()) shape = {7};
    const std::int64_t axis = pick(rng, 0, static_cast<std::int64_t>(shape.size()) - 1);
    if (shape[static_cast<std::size_t>(axis)] == 0) continue;
    Tensor<T> x = random_tensor<T>(rng, shape);
    if (i % 2 == 0) {  // many ties
      for (T& value : x.storage) value = static_cast<T>(pick(rng, 0, 1));
    }
    if constexpr (std::is_floating_point_v<T>) {
      for (T& value : x.storage) {
        if (pick(rng, 0, i % 3 == 0 ? 30 : 3000) == 0) value = std::numeric_limits<T>::quiet_NaN();
        if (value == 0 && pick(rng, 0, 1) == 0) value = -value;
      }
    }
    const Split split = split_axes(shape, std::uint64_t{1} << axis);
    std::vector<std::int64_t> expected;
    for (const std::vector<T>& values : elements(x, split)) expected.push_back(argmax(values));
    expect_everywhere<std::int64_t>("argmax", dtype_of<T>(), {x.arg()}, split.kept, expected, {{axis}, {0}}, rng);
  }
}

TEST_CASE("the sum of negative zeros is negative zero, the sum of nothing is positive zero") {
  Rng rng(15);
  Tensor<float> zeros = contiguous<float>({3, 600});
  std::fill(zeros.storage.begin(), zeros.storage.end(), -0.0F);
  const Sizes axis{1};
  expect_everywhere<float>("sum", DType::kF32, {zeros.arg()}, {3}, {-0.0F, -0.0F, -0.0F}, {axis, {0}}, rng);
  Tensor<float> nothing = contiguous<float>({3, 0});
  expect_everywhere<float>("sum", DType::kF32, {nothing.arg()}, {3}, {0.0F, 0.0F, 0.0F}, {axis, {0}}, rng);
}

}  // namespace ingot::kernel_test
