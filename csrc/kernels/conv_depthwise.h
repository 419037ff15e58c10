// Convolution with one channel per group, one output each, and lanes over channels, which lie side by side: a register
// holds a pixel's channels, several pixels are folded at once, weights come as panels [position][16]. Pixels whose
// window meets the padding are computed alone, with the operand 0 where it does.
#pragma once

#include <cstdint>

#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"
#include "kernels/pack.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kDepthwiseElements = 16384;    // of the result in a tile, about
inline constexpr int kDepthwisePixels = kSmallCode ? 1 : 8;  // folded at once

inline bool is_depthwise(const Conv& c) {
  return c.channels == 1 && c.kernel_height * c.kernel_width <= kBlock;
}

template <class T>
bool has_channel_lanes(const Conv& c) {
  return c.outputs == 1 && c.groups >= kLanes<Vector<T>> && c.x[1] == 1 && c.y[1] == 1;
}

inline std::int64_t depthwise_rows(const Conv& c) {  // of the result, in a tile
  return larger(kDepthwiseElements / larger(c.out_width * c.groups, 1), 1);
}

inline std::int64_t depthwise_tiles(const Conv& c) {
  return c.images * ceil_div(c.out_height, depthwise_rows(c));
}

template <class T>
std::int64_t depthwise_scratch_bytes(const Conv& c) {
  return c.kernel_height * c.kernel_width * round_up(c.groups, kPanel) * static_cast<std::int64_t>(sizeof(T));
}

// A kernel position, seen from a pixel.
struct WindowPosition {
  std::int64_t offset;  // of its input
  bool padding;
};

// The positions of a row of pixels.
struct Positions {
  WindowPosition at[kBlock];
  std::int64_t count;
};

// kPixels pixels `step` apart, kVectors vectors of channels from x and out on. valid: channels, where less than all.
template <class T, int kPixels, int kVectors>
void fold_channels(const Positions& positions, const T* x, std::int64_t step, const T* panel, T* out,
                   std::int64_t out_step) {
  using V = Vector<T>;
  constexpr std::int64_t kWidth = kLanes<V>;
  const std::int64_t panel_elements = positions.count * kPanel;
  V sums[kPixels][kVectors] = {};
  for (std::int64_t k = 0; k < positions.count; ++k, panel += kPanel) {
    const T* const from = x + positions.at[k].offset;
    V weights[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      weights[v] = load<V>(panel + v * kWidth / kPanel * panel_elements + v * kWidth % kPanel);
    if (positions.at[k].padding) {
#pragma GCC unroll 8
      for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) sums[i][v] = fma(V{}, weights[v], sums[i][v]);
      }
      continue;
    }
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v)
        sums[i][v] = fma(load<V>(from + i * step + v * kWidth), weights[v], sums[i][v]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < kPixels; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(out + i * out_step + v * kWidth, sums[i][v]);
  }
}

// The channels that fill no vector, one pixel.
template <class T>
[[gnu::cold]] void fold_last_channels(const Positions& positions, const T* x, const T* panel, T* out,
                                      std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    T sum = 0;
    for (std::int64_t k = 0; k < positions.count; ++k) {
      const T value = positions.at[k].padding ? static_cast<T>(0) : x[positions.at[k].offset + i];
      sum = fma(value, panel[k * kPanel + i], sum);
    }
    out[i] = sum;
  }
}

// A row of the result: where its pixel 0 reads and writes.
template <class T>
struct ChannelRow {
  const Positions& positions;
  const T* x;
  const T* panels;
  T* out;
  std::int64_t channels, step, out_step;
};

// kPixels pixels from `first` on, all channels.
template <class T, int kPixels>
void fold_pixels(const ChannelRow<T>& row, std::int64_t first) {
  constexpr std::int64_t kWidth = kLanes<Vector<T>>;
  const std::int64_t panel = row.positions.count * kPanel;
  const T* const x = row.x + first * row.step;
  T* const out = row.out + first * row.out_step;
  std::int64_t c = 0;
  if constexpr (kPixels == 1) {  // several vectors instead
    constexpr int kVectors = kSmallCode ? 1 : 4;
    for (; c + kVectors * kWidth <= row.channels; c += kVectors * kWidth) {
      fold_channels<T, 1, kVectors>(row.positions, x + c, row.step, row.panels + c / kPanel * panel + c % kPanel,
                                    out + c, row.out_step);
    }
  }
  for (; c + kWidth <= row.channels; c += kWidth) {
    fold_channels<T, kPixels, 1>(row.positions, x + c, row.step, row.panels + c / kPanel * panel + c % kPanel, out + c,
                                 row.out_step);
  }
  for (int i = 0; i < kPixels && c < row.channels; ++i) {
    fold_last_channels(row.positions, x + i * row.step + c, row.panels + c / kPanel * panel + c % kPanel,
                       out + i * row.out_step + c, row.channels - c);
  }
}

// The window of pixel column `column` in input rows from `top` on; offsets count from the input of that pixel.
[[gnu::noinline]] inline void set_positions(const Conv& c, std::int64_t top, std::int64_t column, bool inside_columns,
                                            Positions& to) {
  to.count = c.kernel_height * c.kernel_width;
  for (std::int64_t k = 0; k < to.count; ++k) {
    const std::int64_t y = top + k / c.kernel_width * c.dilation_y, shift = k % c.kernel_width * c.dilation_x - c.left;
    const std::int64_t x = column * c.stride_x + shift;
    to.at[k].offset = y * c.x[2] + shift * c.x[3];
    to.at[k].padding = y < 0 || y >= c.height || (!inside_columns && (x < 0 || x >= c.width));
  }
}

template <class T>
void fold_row(const Conv& c, ChannelRow<T> row, std::int64_t top, Positions& positions) {
  const std::int64_t reach = (c.kernel_width - 1) * c.dilation_x;
  // Columns whose whole window lies inside.
  const std::int64_t begin = smaller(ceil_div(c.left, c.stride_x), c.out_width);
  const std::int64_t room = c.width - 1 - reach + c.left;
  const std::int64_t end = room < 0 ? begin : larger(smaller(room / c.stride_x + 1, c.out_width), begin);
  for (std::int64_t i = 0; i < c.out_width; ++i) {
    if (i == begin) i = end;
    if (i >= c.out_width) break;
    set_positions(c, top, i, false, positions);
    fold_pixels<T, 1>(row, i);
  }
  set_positions(c, top, 0, true, positions);
  std::int64_t i = begin;
  for (; i + kDepthwisePixels <= end; i += kDepthwisePixels) fold_pixels<T, kDepthwisePixels>(row, i);
  if constexpr (kDepthwisePixels > 1) {
    if (i + 4 <= end) fold_pixels<T, 4>(row, i), i += 4;
    if (i + 2 <= end) fold_pixels<T, 2>(row, i), i += 2;
    if (i < end) fold_pixels<T, 1>(row, i);
  }
}

template <class T>
[[gnu::cold]] void pack_positions(const Conv& c, const T* w, T* to) {
  const std::int64_t count = c.kernel_height * c.kernel_width;
  for (std::int64_t first = 0; first < c.groups; first += kPanel, to += count * kPanel) {
    const std::int64_t n = smaller(kPanel, c.groups - first);
    for (std::int64_t k = 0; k < count; ++k) {
      const T* const from = w + first * c.w[0] + k / c.kernel_width * c.w[2] + k % c.kernel_width * c.w[3];
      for (std::int64_t j = 0; j < kPanel; ++j) to[k * kPanel + j] = j < n ? from[j * c.w[0]] : static_cast<T>(0);
    }
  }
}

template <class T>
void run_depthwise(const Conv& c, const T* x, const T* w, T* out, std::int64_t begin, std::int64_t end, T* scratch) {
  if (!c.panels) pack_positions(c, w, scratch);
  const T* const panels = c.panels ? w : scratch;
  const std::int64_t rows = depthwise_rows(c), tiles = ceil_div(c.out_height, rows);
  Positions positions;
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t image = t / tiles, first = t % tiles * rows;
    for (std::int64_t y = first; y < smaller(first + rows, c.out_height); ++y) {
      fold_row<T>(c,
                  {positions, x + image * c.x[0], panels, out + image * c.y[0] + y * c.y[2], c.groups,
                   c.stride_x * c.x[3], c.y[3]},
                  y * c.stride_y - c.top, positions);
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
