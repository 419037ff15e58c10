// conv2d and pooling against scalar statements of docs/numerics.md: same bits at every level, in any tile ranges.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

struct Window {
  Sizes kernel, stride, padding, dilation;
};

Window random_window(Rng& rng) {
  Window w{{pick(rng, 1, 4), pick(rng, 1, 4)}, {pick(rng, 1, 3), pick(rng, 1, 3)}, {0, 0, 0, 0}, {1, 1}};
  if (pick(rng, 0, 3) == 0) w.kernel = {1, 1};
  if (pick(rng, 0, 1) == 0) w.stride = {1, 1};
  if (pick(rng, 0, 1) == 0) w.dilation = {pick(rng, 1, 3), pick(rng, 1, 3)};
  for (std::size_t i = 0; i < 4 && pick(rng, 0, 2) != 0; ++i) {
    w.padding[i] = pick(rng, 0, (w.kernel[i % 2] - 1) * w.dilation[i % 2]);
  }
  return w;
}

// Often channels last, else row-major or anything.
std::vector<std::size_t> random_order(Rng& rng) {
  std::vector<std::size_t> order{0, 2, 3, 1};
  if (pick(rng, 0, 2) == 0) std::shuffle(order.begin(), order.end(), rng);
  if (pick(rng, 0, 3) == 0) order = {0, 1, 2, 3};
  return order;
}

// An image whose channels lie side by side, or as random_tensor has it.
template <class T>
Tensor<T> random_image(Rng& rng, const Sizes& shape, Walk walk) {
  Tensor<T> x = random_tensor<T>(rng, shape, walk);
  if (pick(rng, 0, 1) == 0) return x;
  x = ordered<T>(shape, {0, 2, 3, 1});
  for (T& value : x.storage) value = random_value<T>(rng);
  return x;
}

// Size of the result along an axis; at least 0.
std::int64_t result_size(std::int64_t size, const Window& w, std::size_t axis) {
  const std::int64_t room = size + w.padding[axis] + w.padding[axis + 2] - (w.kernel[axis] - 1) * w.dilation[axis] - 1;
  return room < 0 ? 0 : room / w.stride[axis] + 1;
}

// The element at kernel position (r, s) of the window of (y, x); null in the padding.
template <class T>
const T* element(const Tensor<T>& x, const Window& w, Sizes at, std::int64_t r, std::int64_t s) {
  at[2] = at[2] * w.stride[0] + r * w.dilation[0] - w.padding[0];
  at[3] = at[3] * w.stride[1] + s * w.dilation[1] - w.padding[1];
  const bool inside = at[2] >= 0 && at[2] < x.shape[2] && at[3] >= 0 && at[3] < x.shape[3];
  return inside ? &x.at(at) : nullptr;
}

Sizes unflatten(std::int64_t flat, const Sizes& shape) {
  Sizes index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    index[i] = flat % shape[i];
    flat /= shape[i];
  }
  return index;
}

// Rule 3 with k = (kernel row, kernel column, channel of the group) and 0 for padding.
template <class T>
T convolve(const Tensor<T>& x, const Tensor<T>& weights, const Window& w, const Sizes& at, std::int64_t groups) {
  const std::int64_t channels = weights.shape[1], group = at[1] / (weights.shape[0] / groups);
  T total = 0, sum = 0;
  std::int64_t k = 0;
  for (std::int64_t r = 0; r < w.kernel[0]; ++r) {
    for (std::int64_t s = 0; s < w.kernel[1]; ++s) {
      for (std::int64_t c = 0; c < channels; ++c, ++k) {
        if (k % 256 == 0 && k != 0) {
          total = k == 256 ? sum : total + sum;
          sum = 0;
        }
        const T* const value = element(x, w, {at[0], group * channels + c, at[2], at[3]}, r, s);
        sum = std::fma(value == nullptr ? static_cast<T>(0) : *value, weights.at({at[1], c, r, s}), sum);
      }
    }
  }
  return k <= 256 ? sum : total + sum;
}

template <class T>
void check_conv(Rng& rng, Tensor<T> x, Tensor<T> weights, const Window& w, std::int64_t groups) {
  const Sizes shape{x.shape[0], weights.shape[0], result_size(x.shape[2], w, 0), result_size(x.shape[3], w, 1)};
  std::vector<T> expected;
  for (std::int64_t i = 0; i < product(shape); ++i) {
    expected.push_back(convolve(x, weights, w, unflatten(i, shape), groups));
  }
  INFO("x " << x.shape[0] << "," << x.shape[1] << "," << x.shape[2] << "," << x.shape[3] << " w " << weights.shape[0]
            << "," << weights.shape[1] << "," << weights.shape[2] << "," << weights.shape[3] << " stride "
            << w.stride[0] << "," << w.stride[1] << " padding " << w.padding[0] << "," << w.padding[1] << ","
            << w.padding[2] << "," << w.padding[3] << " dilation " << w.dilation[0] << "," << w.dilation[1]);
  expect_everywhere<T>("conv2d", dtype_of<T>(), {x.arg(), weights.arg()}, shape, expected,
                       {w.stride, w.padding, w.dilation, {groups}}, rng, random_order(rng));
  if (product(weights.shape) == 0 || pick(rng, 0, 1) == 0) return;
  Tensor<T> panels = in_panels(weights, {0, 2, 3, 1});
  expect_everywhere<T>("conv2d", dtype_of<T>(), {x.arg(), panel_arg(panels, weights)}, shape, expected,
                       {w.stride, w.padding, w.dilation, {groups}}, rng, random_order(rng));
}

template <class T>
void check_random(Rng& rng, std::int64_t groups, std::int64_t channels, std::int64_t outputs, std::int64_t size) {
  const Window w = random_window(rng);
  const std::int64_t images = pick(rng, 0, 12) == 0 ? 0 : pick(rng, 1, 2);
  const Walk walk = pick(rng, 0, 1) == 0 ? Walk::kContiguous : Walk::kAny;
  check_conv<T>(rng, random_image<T>(rng, {images, groups * channels, pick(rng, 1, size), pick(rng, 1, size)}, walk),
                random_tensor<T>(rng, {groups * outputs, channels, w.kernel[0], w.kernel[1]}, walk), w, groups);
}

}  // namespace

TEST_CASE_TEMPLATE("conv2d has the bits of rule 3 at any stride, padding, dilation and groups", T, float, double) {
  Rng rng(31);
  for (int i = 0; i < rounds(150); ++i) check_random<T>(rng, pick(rng, 1, 3), pick(rng, 1, 6), pick(rng, 1, 20), 14);
  for (int i = 0; i < rounds(100); ++i) check_random<T>(rng, pick(rng, 1, 2), pick(rng, 1, 9), pick(rng, 6, 70), 30);
}

TEST_CASE_TEMPLATE("conv2d over many blocks of k has the bits of rule 3", T, float, double) {
  Rng rng(32);
  for (const std::int64_t channels : {28, 29, 64, 130}) {
    const Window w{{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}};
    for (const std::int64_t width : {7, 17}) {
      check_conv<T>(rng, random_image<T>(rng, {1, channels, 6, width}, Walk::kContiguous),
                    random_tensor<T>(rng, {18, channels, 3, 3}, Walk::kContiguous), w, 1);
    }
  }
  const Window one{{1, 1}, {1, 1}, {0, 0, 0, 0}, {1, 1}};
  for (const std::int64_t channels : {300, 1024, 1100}) {
    for (const std::int64_t outputs : {40, 300}) {
      check_conv<T>(rng, random_image<T>(rng, {2, channels, 5, 4}, Walk::kContiguous),
                    random_tensor<T>(rng, {outputs, channels, 1, 1}, Walk::kContiguous), one, 1);
    }
  }
}

TEST_CASE_TEMPLATE("depthwise conv2d has the bits of rule 3", T, float, double) {
  Rng rng(33);
  for (int i = 0; i < rounds(100); ++i) check_random<T>(rng, pick(rng, 1, 5), 1, pick(rng, 1, 2), 40);
  for (int i = 0; i < rounds(100); ++i) check_random<T>(rng, pick(rng, 4, 90), 1, 1, 24);
  const Window w{{3, 3}, {2, 2}, {1, 1, 1, 1}, {1, 1}};  // several bands
  check_conv<T>(rng, random_tensor<T>(rng, {1, 2, 200, 150}, Walk::kContiguous),
                random_tensor<T>(rng, {2, 1, 3, 3}, Walk::kContiguous), w, 2);
}

TEST_CASE_TEMPLATE("windows that share columns with their neighbours' have the bits of rule 3", T, float, double) {
  Rng rng(37);
  for (std::int64_t width = 1; width <= 22; ++width) {
    for (const std::int64_t step : {1, 2}) {  // windows move on by one of their columns, whatever lies between these
      const std::int64_t channels = width % 2 == 0 ? 16 * pick(rng, 1, 3) : pick(rng, 9, 40), edge = pick(rng, 0, 2);
      const Window w{{pick(rng, 1, 3), 3}, {1, step}, {0, edge * step, pick(rng, 0, 1), edge}, {1, step}};
      check_conv<T>(rng, random_image<T>(rng, {1, channels, 4, (width + 1) * step}, Walk::kContiguous),
                    random_tensor<T>(rng, {channels, 1, w.kernel[0], 3}, Walk::kContiguous), w, channels);
    }
  }
}

TEST_CASE("padding of conv2d contributes the operand 0, so that infinite weights give NaN there") {
  Rng rng(34);
  Tensor<float> x = random_tensor<float>(rng, {1, 2, 5, 5}, Walk::kContiguous);
  Tensor<float> weights = random_tensor<float>(rng, {3, 2, 3, 3}, Walk::kContiguous);
  weights.storage[0] = std::numeric_limits<float>::infinity();
  check_conv<float>(rng, x, weights, {{3, 3}, {1, 1}, {1, 1, 1, 1}, {1, 1}}, 1);
}

TEST_CASE_TEMPLATE("max_pool2d propagates NaN and padding never wins", T, float, double, std::int32_t, std::int64_t) {
  Rng rng(35);
  for (int i = 0; i < rounds(120); ++i) {
    const Window w = random_window(rng);
    const std::int64_t channels = i % 3 == 0 ? 8 * pick(rng, 1, 10) : pick(rng, 1, i % 3 == 1 ? 40 : 3);
    Tensor<T> x = random_image<T>(rng, {pick(rng, 0, 2), channels, pick(rng, 1, 40), pick(rng, 1, 40)}, Walk::kAny);
    if constexpr (std::is_floating_point_v<T>) {
      for (T& value : x.storage) {
        const std::int64_t special = pick(rng, 0, 40);
        if (special == 0) value = std::numeric_limits<T>::quiet_NaN();
        if (special == 1) value = -std::numeric_limits<T>::infinity();
        if (special > 30) value = static_cast<T>(special % 2 == 0 ? 0.0 : -0.0);
      }
    }
    const Sizes shape{x.shape[0], x.shape[1], result_size(x.shape[2], w, 0), result_size(x.shape[3], w, 1)};
    std::vector<T> expected;
    for (std::int64_t e = 0; e < product(shape); ++e) {
      T best = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::min();
      bool is_nan = false;
      for (std::int64_t k = 0; k < w.kernel[0] * w.kernel[1]; ++k) {
        const T* const value = element(x, w, unflatten(e, shape), k / w.kernel[1], k % w.kernel[1]);
        if (value == nullptr) continue;
        is_nan = is_nan || *value != *value;
        const bool zero_wins = *value == best && std::signbit(static_cast<double>(best));
        if (*value > best || zero_wins) best = *value;
      }
      expected.push_back(is_nan ? std::numeric_limits<T>::quiet_NaN() : best);
    }
    expect_everywhere<T>("max_pool2d", dtype_of<T>(), {x.arg()}, shape, expected,
                         {w.kernel, w.stride, w.padding, w.dilation}, rng, random_order(rng));
  }
}

TEST_CASE_TEMPLATE("avg_pool2d folds its window from the first element in row and column order", T, float, double) {
  Rng rng(36);
  for (int i = 0; i < rounds(120); ++i) {
    Window w = random_window(rng);
    w.dilation = {1, 1};
    for (std::size_t p = 0; p < 4; ++p) w.padding[p] = std::min(w.padding[p], w.kernel[p % 2] - 1);
    const bool count_padding = pick(rng, 0, 1) == 0;
    Tensor<T> x = random_image<T>(
        rng, {pick(rng, 0, 2), pick(rng, 1, pick(rng, 1, 3) == 1 ? 40 : 3), pick(rng, 1, 40), pick(rng, 1, 40)},
        Walk::kAny);
    const Sizes shape{x.shape[0], x.shape[1], result_size(x.shape[2], w, 0), result_size(x.shape[3], w, 1)};
    std::vector<T> expected;
    for (std::int64_t e = 0; e < product(shape); ++e) {
      T sum = 0;
      int count = 0;
      for (std::int64_t k = 0; k < w.kernel[0] * w.kernel[1]; ++k) {
        const T* const value = element(x, w, unflatten(e, shape), k / w.kernel[1], k % w.kernel[1]);
        if (value == nullptr && !count_padding) continue;
        const T operand = value == nullptr ? 0 : *value;
        sum = count++ == 0 ? operand : sum + operand;
      }
      expected.push_back(sum / static_cast<T>(count));
    }
    expect_everywhere<T>("avg_pool2d", dtype_of<T>(), {x.arg()}, shape, expected,
                         {w.kernel, w.stride, w.padding, {count_padding ? 1 : 0}}, rng, random_order(rng));
  }
}

TEST_CASE("scratch of conv2d grows with the image") {
  Rng rng(37);
  for (const KernelTable* table : available_levels()) {
    const Kernel* kernel = find_kernel(*table, "conv2d", DType::kF32);
    REQUIRE(kernel != nullptr);
    for (int i = 0; i < 1000; ++i) {
      const Window w{{3, 3}, {pick(rng, 1, 3), pick(rng, 1, 3)}, {1, 1, 1, 1}, {1, 1}};
      const std::int64_t channels = pick(rng, 1, 3);
      AttrBuffer attrs{w.stride, w.padding, w.dilation, {1}};
      Sizes image{pick(rng, 1, 2), channels, pick(rng, 1, 300), pick(rng, 1, 300)};
      std::int64_t bytes[2];
      for (int turn = 0; turn < 2; ++turn) {
        TensorArg args[3]{};
        const Sizes shapes[] = {
            image, {4, channels, 3, 3}, {image[0], 4, result_size(image[2], w, 0), result_size(image[3], w, 1)}};
        for (int a = 0; a < 3; ++a) std::copy(shapes[a].begin(), shapes[a].end(), args[a].shape);
        for (TensorArg& arg : args) arg.rank = 4;
        const KernelCall call{&args[2], args, 1, 2, attrs.values.data(), attrs.begin.data(), nullptr, nullptr};
        bytes[turn] = kernel->scratch_bytes(&call);
        image[0] += pick(rng, 0, 1);
        image[2] += pick(rng, 0, 1) == 0 ? 0 : pick(rng, 0, 200);
        image[3] += pick(rng, 0, 1) == 0 ? 0 : pick(rng, 0, 200);
      }
      CHECK(bytes[0] <= bytes[1]);
    }
  }
}

}  // namespace ingot::kernel_test
