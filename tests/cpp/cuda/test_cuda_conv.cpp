// Convolutions large enough for every kernel of conv2d on a device with 4 processors. test_conv.cpp has small ones, of
// any strides.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

struct Shapes {
  std::int64_t images, groups, channels, outputs, height, width, kernel, stride, padding, dilation;
};

std::int64_t out_size(std::int64_t size, const Shapes& s) {
  return (size + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride + 1;
}

template <class T>
T convolve(const Shapes& s, const Tensor<T>& x, const Tensor<T>& w, const Sizes& at) {
  T total = 0, sum = 0;
  std::int64_t folded = 0, k = 0;
  const std::int64_t depth = s.kernel * s.kernel * s.channels, first = at[1] / s.outputs * s.channels;
  for (std::int64_t r = 0; r < s.kernel; ++r) {
    for (std::int64_t c = 0; c < s.kernel; ++c) {
      const std::int64_t row = at[2] * s.stride + r * s.dilation - s.padding;
      const std::int64_t column = at[3] * s.stride + c * s.dilation - s.padding;
      const bool inside = row >= 0 && row < s.height && column >= 0 && column < s.width;
      for (std::int64_t channel = 0; channel < s.channels; ++channel) {
        const T value = inside ? x.at({at[0], first + channel, row, column}) : T{0};
        sum = std::fma(value, w.at({at[1], channel, r, c}), sum);
        if (++k % 256 != 0 && k != depth) continue;
        total = folded++ == 0 ? sum : total + sum;
        sum = 0;
      }
    }
  }
  return total;
}

// Channels last, or the rows of channels as usual.
template <class T>
void check_conv(const Shapes& s, bool last) {
  Rng rng(static_cast<std::uint64_t>(s.outputs));
  const std::vector<std::size_t> order =
      last ? std::vector<std::size_t>{0, 2, 3, 1} : std::vector<std::size_t>{0, 1, 2, 3};
  Tensor<T> x = ordered<T>({s.images, s.groups * s.channels, s.height, s.width}, order);
  Tensor<T> w = ordered<T>({s.groups * s.outputs, s.channels, s.kernel, s.kernel}, order);
  for (T& value : x.storage) value = random_value<T>(rng);
  for (T& value : w.storage) value = random_value<T>(rng);
  const Sizes shape = {s.images, s.groups * s.outputs, out_size(s.height, s), out_size(s.width, s)};
  std::vector<T> expected(static_cast<std::size_t>(product(shape)));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    Sizes at(4);
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = 4; axis-- > 0; rest /= shape[axis]) at[axis] = rest % shape[axis];
    expected[i] = convolve(s, x, w, at);
  }
  INFO("outputs " << s.outputs << " channels " << s.channels << " last " << last);
  expect_everywhere<T>(
      "conv2d", dtype_of<T>(), {x.arg(), w.arg()}, shape, expected,
      {{s.stride, s.stride}, {s.padding, s.padding, s.padding, s.padding}, {s.dilation, s.dilation}, {s.groups}}, rng,
      last ? order : std::vector<std::size_t>{});
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions of every size on a device have the bits of rule 3", T, float, double) {
  for (const bool last : {false, true}) {
    check_conv<T>({.images = 2,
                   .groups = 1,
                   .channels = 8,
                   .outputs = 132,
                   .height = 12,
                   .width = 12,
                   .kernel = 3,
                   .stride = 1,
                   .padding = 1,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 1,
                   .groups = 2,
                   .channels = 6,
                   .outputs = 9,
                   .height = 17,
                   .width = 15,
                   .kernel = 3,
                   .stride = 2,
                   .padding = 2,
                   .dilation = 2},
                  last);
    check_conv<T>({.images = 1,
                   .groups = 1,
                   .channels = 60,
                   .outputs = 20,
                   .height = 7,
                   .width = 8,
                   .kernel = 3,
                   .stride = 1,
                   .padding = 1,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 3,
                   .groups = 1,
                   .channels = 36,
                   .outputs = 40,
                   .height = 6,
                   .width = 6,
                   .kernel = 1,
                   .stride = 1,
                   .padding = 0,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 3,
                   .groups = 2,
                   .channels = 4,
                   .outputs = 10,
                   .height = 7,
                   .width = 5,
                   .kernel = 1,
                   .stride = 2,
                   .padding = 0,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 2,
                   .groups = 1,
                   .channels = 3,
                   .outputs = 8,
                   .height = 5,
                   .width = 5,
                   .kernel = 1,
                   .stride = 1,
                   .padding = 1,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 2,
                   .groups = 7,
                   .channels = 1,
                   .outputs = 1,
                   .height = 9,
                   .width = 11,
                   .kernel = 5,
                   .stride = 1,
                   .padding = 2,
                   .dilation = 1},
                  last);
    check_conv<T>({.images = 1,
                   .groups = 1,
                   .channels = 130,
                   .outputs = 3,
                   .height = 4,
                   .width = 5,
                   .kernel = 2,
                   .stride = 1,
                   .padding = 1,
                   .dilation = 1},
                  last);
  }
}

TEST_CASE("a window far larger than its image is convolved, too") {
  const std::int64_t far = std::int64_t{1} << 33;
  check_conv<float>({.images = 1,
                     .groups = 1,
                     .channels = 2,
                     .outputs = 9,
                     .height = 3,
                     .width = 3,
                     .kernel = 2,
                     .stride = far,
                     .padding = far / 2,
                     .dilation = far},
                    false);
}

}  // namespace ingot::kernel_test
