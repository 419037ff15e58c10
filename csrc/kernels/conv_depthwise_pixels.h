// Convolution with one channel per group and lanes over pixels, for an image whose rows lie together. A band of the
// channel is copied into scratch with its padding, columns sorted by their remainder modulo the stride, so that every
// kernel position reads vectors of neighbouring output pixels.
#pragma once

#include <cstdint>

#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kBandBytes = 32 * 1024;  // of padded rows, beside those that the kernel's height adds

// The padded rows of a channel: [row][remainder][position].
template <class T>
struct Band {
  std::int64_t positions;  // per remainder, with a vector to spare
  std::int64_t row;        // elements of a padded row
  std::int64_t height;     // of the dilated kernel
  std::int64_t out_rows;   // of a tile
  std::int64_t bands;      // per channel
};

template <class T>
Band<T> plan_band(const Conv& c) {
  Band<T> b;
  const std::int64_t width = (c.out_width - 1) * c.stride_x + (c.kernel_width - 1) * c.dilation_x + 1;
  b.positions = ceil_div(larger(width, 1), c.stride_x) + kLanes<Wide<T>>;
  b.row = b.positions * c.stride_x;
  b.height = (c.kernel_height - 1) * c.dilation_y + 1;
  const std::int64_t row_bytes = b.row * static_cast<std::int64_t>(sizeof(T));
  b.out_rows = larger(smaller(c.out_height, kBandBytes / (c.stride_y * row_bytes)), 1);
  b.bands = ceil_div(c.out_height, b.out_rows);
  return b;
}

// Scratch: a whole channel, or the most that a band of limited bytes takes: monotone in the sizes.
template <class T>
std::int64_t depthwise_pixel_scratch_bytes(const Conv& c) {
  const Band<T> b = plan_band<T>(c);
  const std::int64_t row_bytes = b.row * static_cast<std::int64_t>(sizeof(T));
  const std::int64_t whole = (larger(c.out_height - 1, 0) * c.stride_y + b.height) * row_bytes;
  return smaller(whole, kBandBytes + b.height * row_bytes);
}

template <class T>
std::int64_t depthwise_pixel_tiles(const Conv& c) {
  return c.out_width == 0 ? 0 : c.images * c.groups * c.outputs * plan_band<T>(c).bands;
}

// Input row `y` (any integer) into a padded row.
template <class T>
void copy_padded_row(const Conv& c, const Band<T>& b, const T* channel, std::int64_t y, T* to) {
  for (std::int64_t i = 0; i < b.row; ++i) to[i] = 0;
  if (y < 0 || y >= c.height) return;
  const T* const from = channel + y * c.x[2];
  for (std::int64_t remainder = 0; remainder < c.stride_x; ++remainder) {
    const Span valid = inside(remainder - c.left, c.stride_x, c.width, b.positions);
    T* const line = to + remainder * b.positions;
    const std::int64_t step = c.stride_x * c.x[3], first = (remainder - c.left) * c.x[3];
    if (step == 1) {
      for (std::int64_t i = valid.begin; i < valid.end; ++i) line[i] = from[first + i];
    } else {
      for (std::int64_t i = valid.begin; i < valid.end; ++i) line[i] = from[first + i * step];
    }
  }
}

template <class T>
struct Tap {
  T weight;
  std::int64_t offset;  // in the band, from the first pixel of an output row
};

// One row of the result, `step` apart. The last vector may run into the rows after it, which are computed later: `room`
// counts the elements of the tile from here on.
template <class T>
void depthwise_row(const Tap<T>* taps, std::int64_t num_taps, const T* band, std::int64_t width, T* out,
                   std::int64_t step, std::int64_t room) {
  using V = Wide<T>;
  constexpr std::int64_t kWidth = kLanes<V>;
  for (std::int64_t x = 0; x < width; x += kWidth) {
    V sum{};
    for (std::int64_t t = 0; t < num_taps; ++t) {
      sum = fma(splat<V>(taps[t].weight), load<V>(band + taps[t].offset + x), sum);
    }
    if (step != 1) {
      for (std::int64_t i = 0; i < smaller(kWidth, width - x); ++i) out[(x + i) * step] = sum[i];
    } else if (x + kWidth <= room) {
      store(out + x, sum);
    } else {
      store_first(out + x, sum, width - x);
    }
  }
}

template <class T>
void run_depthwise_pixels(const Conv& c, const T* x, const T* w, T* out, std::int64_t begin, std::int64_t end,
                          T* scratch) {
  const Band<T> b = plan_band<T>(c);
  const std::int64_t all_outputs = c.groups * c.outputs, num_taps = c.kernel_height * c.kernel_width;
  Tap<T> taps[kBlock];
  std::int64_t copied = -1;  // the band that lies in scratch
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t output = t % all_outputs, band = t / all_outputs % b.bands, image = t / all_outputs / b.bands;
    const std::int64_t first = band * b.out_rows, rows = smaller(b.out_rows, c.out_height - first);
    const std::int64_t group = output / c.outputs, key = (image * b.bands + band) * c.groups + group;
    if (key != copied) {
      const T* const channel = x + image * c.x[0] + group * c.x[1];
      for (std::int64_t r = 0; r < (rows - 1) * c.stride_y + b.height; ++r) {
        copy_padded_row(c, b, channel, first * c.stride_y + r - c.top, scratch + r * b.row);
      }
      copied = key;
    }
    for (std::int64_t k = 0; k < num_taps; ++k) {
      const std::int64_t r = k / c.kernel_width, s = k % c.kernel_width, column = s * c.dilation_x;
      taps[k].weight = w[c.panels ? panel_offset(c, output, k) : output * c.w[0] + r * c.w[2] + s * c.w[3]];
      taps[k].offset = r * c.dilation_y * b.row + column % c.stride_x * b.positions + column / c.stride_x;
    }
    T* const target = out + image * c.y[0] + output * c.y[1] + first * c.y[2];
    for (std::int64_t y = 0; y < rows; ++y) {
      const std::int64_t room = c.y[2] == c.out_width ? (rows - y) * c.out_width : c.out_width;
      depthwise_row(taps, num_taps, scratch + y * c.stride_y * b.row, c.out_width, target + y * c.y[2], c.y[3], room);
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
