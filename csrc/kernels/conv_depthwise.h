// Convolution with one channel per group, one output each, and lanes over channels, which lie side by side: a register
// holds a pixel's channels, several pixels are folded at once, weights come as panels [position][16]. Pixels whose
// window meets the padding are computed alone, with the operand 0 where it does.
#pragma once

#include <cstdint>

#include "kernels/conv_result.h"
#include "kernels/conv_rows.h"
#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"
#include "kernels/pack.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kDepthwiseBytes = 24 * 1024;    // input of a row of the result: stays in the first cache
inline constexpr std::int64_t kDepthwiseImage = 1024 * 1024;  // a larger one is read pixel by pixel, all channels
inline constexpr std::int64_t kDepthwiseShare = 8;            // tiles that there should be
inline constexpr std::int64_t kDepthwiseCopied = 8;           // rows of the result at a time whose input is copied
inline constexpr int kDepthwisePixels = kSmallCode ? 1 : 8;   // folded at once
inline constexpr int kSlidingColumns = 3;                     // of the windows that have code for what neighbours share
template <class T>
inline constexpr bool kSlides = sizeof(T) == 4 && !kSmallCode;  // and the elements

inline bool is_depthwise(const Conv& c) {
  return c.channels == 1 && c.kernel_height * c.kernel_width <= kBlock;
}

// Tiles: images, blocks of rows of the result, blocks of channels, the last ones fastest: a thread has the rows that it
// has of the steps around.
struct DepthwisePlan {
  std::int64_t channels, channel_blocks;  // in a block: whole panels
  std::int64_t rows, row_blocks;
  bool copies;  // the channels of a pixel do not lie side by side
};

inline DepthwisePlan plan_depthwise(const Conv& c, std::int64_t size) {
  DepthwisePlan p;
  const std::int64_t line = larger(c.kernel_height * c.width * size, 1);  // bytes of a channel in a row's input
  const bool streams = c.x[1] == 1 && c.height * c.width * c.groups * size > kDepthwiseImage;
  const std::int64_t most = streams ? c.groups : smaller(larger(kDepthwiseBytes / line, 1), c.groups);
  p.copies = c.x[1] != 1;
  p.channels = smaller(round_up(most, kPanel), pass_columns(size));
  p.channel_blocks = ceil_div(c.groups, p.channels);
  std::int64_t wanted = ceil_div(kDepthwiseShare, larger(c.images * p.channel_blocks, 1));
  if (wanted > 1) wanted = round_up(wanted, 2);  // threads share blocks of nearly equal height
  p.rows = larger(ceil_div(c.out_height, wanted), 1);
  if (p.copies) p.rows = smaller(p.rows, kDepthwiseCopied);
  p.row_blocks = ceil_div(c.out_height, p.rows);
  return p;
}

inline std::int64_t depthwise_tiles(const Conv& c, std::int64_t size) {
  const DepthwisePlan p = plan_depthwise(c, size);
  return c.images * p.channel_blocks * p.row_blocks;
}

inline std::int64_t depthwise_input_rows(const Conv& c, std::int64_t rows) {
  return larger(rows - 1, 0) * c.stride_y + (c.kernel_height - 1) * c.dilation_y + 1;
}

// Panels of the weights, then the copied input. Monotone in the sizes.
inline std::int64_t depthwise_panel_bytes(const Conv& c, std::int64_t size) {
  return c.panels ? 0 : round_up(c.kernel_height * c.kernel_width * round_up(c.groups, kPanel) * size, 64);
}
inline std::int64_t depthwise_scratch_bytes(const Conv& c, std::int64_t size) {
  if (c.x[1] == 1) return depthwise_panel_bytes(c, size);
  const std::int64_t row = kDepthwiseBytes / c.kernel_height + 2 * kPanel * c.width * size;
  return depthwise_panel_bytes(c, size) + depthwise_input_rows(c, smaller(c.out_height, kDepthwiseCopied)) * row;
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
  using V = Wide<T>;
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
  bool slides;  // windows are kSlidingColumns wide and move on by one of their columns, and none has padding
};

// kPixels pixels from `first` on, all channels.
template <class T, int kPixels>
void fold_pixels(const ChannelRow<T>& row, std::int64_t first) {
  constexpr std::int64_t kWidth = kLanes<Wide<T>>;
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

// kPixels pixels of a row that slides, from `first` on: a column is loaded once for all windows that it is in.
template <class T, int kPixels>
void slide_pixels(const ChannelRow<T>& row, std::int64_t first) {
  using V = Wide<T>;
  constexpr std::int64_t kWidth = kLanes<V>;
  const std::int64_t whole = row.channels / kWidth * kWidth;
  for (std::int64_t c = 0; c < whole; c += kWidth) {
    const T* panel = row.panels + c / kPanel * row.positions.count * kPanel + c % kPanel;
    V sums[kPixels] = {};
    for (std::int64_t k = 0; k < row.positions.count; k += kSlidingColumns) {
      V weights[kSlidingColumns];
#pragma GCC unroll 4
      for (int s = 0; s < kSlidingColumns; ++s, panel += kPanel) weights[s] = load<V>(panel);
      const T* from = row.x + row.positions.at[k].offset + first * row.step + c;
#pragma GCC unroll 16
      for (int i = 0; i < kPixels + kSlidingColumns - 1; ++i, from += row.step) {
        V x = load<V>(from);
        keep(x);
#pragma GCC unroll 4
        for (int s = 0; s < kSlidingColumns; ++s) {
          if (i >= s && i - s < kPixels) sums[i - s] = fma(x, weights[s], sums[i - s]);
        }
      }
    }
    T* const out = row.out + first * row.out_step + c;
#pragma GCC unroll 8
    for (int i = 0; i < kPixels; ++i) store(out + i * row.out_step, sums[i]);
  }
  if (whole == row.channels) return;
  ChannelRow<T> rest = row;
  rest.x += whole, rest.out += whole, rest.channels -= whole;
  rest.panels += whole / kPanel * row.positions.count * kPanel + whole % kPanel;
  for (int i = 0; i < kPixels; ++i) fold_pixels<T, 1>(rest, first + i);
}

// The window of a pixel in column `column` (any of those whose window lies inside: -1), in input rows from `top` on.
// Offsets count from the input at row `top` and the pixel's first column, padding or not.
[[gnu::noinline]] inline void set_positions(const Conv& c, std::int64_t top, std::int64_t column, Positions& to) {
  WindowPosition* at = to.at;
  for (std::int64_t r = 0; r < c.kernel_height; ++r) {
    const std::int64_t y = r * c.dilation_y;
    const bool outside = top + y < 0 || top + y >= c.height;
    for (std::int64_t s = 0; s < c.kernel_width; ++s, ++at) {
      const std::int64_t shift = s * c.dilation_x, x = column * c.stride_x - c.left + shift;
      *at = {y * c.x[2] + shift * c.x[3], outside || (column >= 0 && (x < 0 || x >= c.width))};
    }
  }
  to.count = at - to.at;
}

template <class T>
void fold_inner_pixels(const ChannelRow<T>& row, std::int64_t i, std::int64_t end) {
  constexpr int kMost = kDepthwisePixels, kHalf = kMost / 2;
  if constexpr (kSlides<T>) {
    if (row.slides && i + kHalf <= end) {  // the last ones with some that are computed again, rather than a few alone
      const std::int64_t begin = i;
      for (; i + kHalf < end && begin + kMost <= end; i += kMost) {
        slide_pixels<T, kMost>(row, smaller(i, end - kMost));
      }
      if (i + kHalf / 2 < end) slide_pixels<T, kHalf>(row, smaller(i, end - kHalf)), i += kHalf;
    }
  }
  for (; i + kMost <= end; i += kMost) fold_pixels<T, kMost>(row, i);
  if constexpr (kMost > 1) {
    if (i + 4 <= end) fold_pixels<T, 4>(row, i), i += 4;
    if (i + 2 <= end) fold_pixels<T, 2>(row, i), i += 2;
    if (i < end) fold_pixels<T, 1>(row, i);
  }
}

// Some rows of an image of the result, and some of its channels: x is the input of row 0, channel `channel`.
template <class T>
struct ChannelBlock {
  const T* x;
  const T* panels;
  std::int64_t image, channel, channels;
  std::int64_t first, last;  // rows
};

template <class T>
class RowFolder {
 public:
  RowFolder(const Conv& conv, const ChannelBlock<T>& channels) : c(conv), block(channels) {
    const std::int64_t reach_x = (c.kernel_width - 1) * c.dilation_x, reach_y = (c.kernel_height - 1) * c.dilation_y;
    const Span columns = inside(-c.left, c.stride_x, c.width - reach_x, c.out_width);
    inner_y = inside(-c.top, c.stride_y, c.height - reach_y, c.out_height);
    begin = smaller(columns.begin, c.out_width);
    end = larger(columns.end, begin);
  }

  // Pixels first .. last-1 of row y, pixel 0 of which would lie at `out`.
  void run(std::int64_t y, std::int64_t first, std::int64_t last, T* out, std::int64_t out_step) {
    const std::int64_t top = y * c.stride_y - c.top;
    const bool is_inner = y >= inner_y.begin && y < inner_y.end;
    if (!is_inner || !known) set_positions(c, top, -1, inner);
    known = is_inner;
    const T* const from = block.x + top * c.x[2] - c.left * c.x[3];
    const bool slides = is_inner && c.kernel_width == kSlidingColumns && c.dilation_x == c.stride_x;
    const ChannelRow<T> row{inner, from, block.panels, out, block.channels, c.stride_x * c.x[3], out_step, slides};
    fold_inner_pixels(row, larger(begin, first), smaller(end, last));
    for (std::int64_t i = first; i < last; ++i) {
      if (i >= begin && i < end) i = end;
      if (i >= last) break;
      Border& border = borders[i < begin ? 0 : 1];
      if (!is_inner || border.column != i) set_positions(c, top, i, border.positions);
      border.column = is_inner ? i : -1;
      const ChannelRow<T> edge{border.positions, from, block.panels, out, block.channels, row.step, out_step, false};
      fold_pixels<T, 1>(edge, i);
    }
  }

 private:
  const Conv& c;
  const ChannelBlock<T>& block;
  Span inner_y;
  std::int64_t begin, end;  // columns whose window lies inside
  // The positions of a pixel at the left or right edge.
  struct Border {
    Positions positions;
    std::int64_t column = -1;  // they are of this column of rows whose window lies inside
  };

  Positions inner;
  Border borders[2];
  bool known = false;  // inner holds the positions of rows whose window lies inside
};

// Piece by piece: several narrow rows, or a part of a wide one.
template <class T>
void fold_rows(const Conv& c, const ChannelBlock<T>& block, const ConvResult<T>& result) {
  RowFolder<T> folder(c, block);
  const std::int64_t together = larger(kConvFinishRows / c.out_width, 1);
  for (std::int64_t y = block.first; y < block.last; y += together) {
    const std::int64_t rows = smaller(together, block.last - y);
    for (std::int64_t x = 0; x < c.out_width; x += kConvMostRows) {
      const std::int64_t columns = smaller(kConvMostRows, c.out_width - x);
      const std::int64_t pixel = (block.image * c.out_height + y) * c.out_width + x;
      const ConvPiece<T> piece = result.begin(pixel, rows * columns, block.channel, block.channels);
      for (std::int64_t i = 0; i < rows; ++i) {
        folder.run(y + i, x, x + columns, piece.c + (i * columns - x) * piece.row, piece.row);
      }
      result.finish(piece);
    }
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

// The input rows of a block, channels side by side. from: channel `block.channel` of the image.
template <class T>
[[gnu::noinline]] void copy_input(const Conv& c, const T* from, const ChannelBlock<T>& block, T* to) {
  const std::int64_t top = block.first * c.stride_y - c.top;
  Conv part = c;
  part.channels = block.channels;
  for (std::int64_t i = 0; i < depthwise_input_rows(c, block.last - block.first); ++i) {
    if (top + i < 0 || top + i >= c.height) continue;
    interleave_channels(part, from + (top + i) * c.x[2], c.width, to + i * c.width * block.channels);
  }
}

template <class T>
void run_depthwise(const Conv& c, const T* x, const T* w, const ConvResult<T>& result, std::int64_t begin,
                   std::int64_t end, char* scratch) {
  T* const panels = reinterpret_cast<T*>(scratch);
  if (!c.panels) pack_positions(c, w, panels);
  T* const copy = reinterpret_cast<T*>(scratch + depthwise_panel_bytes(c, sizeof(T)));
  const DepthwisePlan p = plan_depthwise(c, sizeof(T));
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t channel = t % p.channel_blocks * p.channels;
    const std::int64_t row = t / p.channel_blocks % p.row_blocks;
    const std::int64_t image = t / p.row_blocks / p.channel_blocks;
    ChannelBlock<T> block{x + image * c.x[0] + channel * c.x[1],
                          (c.panels ? w : panels) + channel * conv_depth(c),
                          image,
                          channel,
                          smaller(p.channels, c.groups - channel),
                          c.out_height * row / p.row_blocks,
                          c.out_height * (row + 1) / p.row_blocks};
    if (!p.copies) {
      fold_rows(c, block, result);
      continue;
    }
    copy_input(c, block.x, block, copy);
    const std::int64_t strides[] = {0, 1, c.width * block.channels, block.channels};
    Conv copied = c;
    copied.x = strides;
    block.x = copy - (block.first * c.stride_y - c.top) * strides[2];
    fold_rows(copied, block, result);
  }
}

}  // namespace ingot::INGOT_LEVEL
