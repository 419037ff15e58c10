// Pixels as the rows of a product: row i of A is the patch of an output pixel, in the order of k. How rows come about:
//   in place  one kernel position and channels side by side: the image itself
//   bands     rows of the image are copied with their padding, channels last; a patch is one piece per kernel row, and
//             neighbouring pixels lie a fixed distance apart
//   patches   every patch is copied
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"

namespace ingot::INGOT_LEVEL {

enum class RowMode { kInPlace, kBands, kPatches };

inline constexpr std::int64_t kConvBandBytes = 256 * 1024;  // of a band, but for one kernel's height of rows
inline constexpr std::int64_t kConvMostBandBytes = 1024 * 1024;
inline constexpr std::int64_t kConvPatchBytes = 460 * 1024;
inline constexpr std::int64_t kConvChunk = 1024;     // of k, copied at a time as patches; a multiple of kBlock
inline constexpr std::int64_t kConvRowPadding = 16;  // elements between patches: they share no cache set
inline constexpr std::int64_t kFewPixels = 8;        // in a row: as patches, whose tiles do not end with the row

// A patch as it lies in a band.
struct BandShape {
  std::int64_t height;  // of the dilated kernel
  std::int64_t pitch;   // elements from row to row
};

inline BandShape band_shape(const Conv& c) {
  const std::int64_t columns = larger(c.out_width - 1, 0) * c.stride_x + (c.kernel_width - 1) * c.dilation_x + 1;
  return {(c.kernel_height - 1) * c.dilation_y + 1, columns * c.channels};
}

// Rows that lie a multiple of 4096 bytes apart share one set of the first-level cache.
inline bool shares_cache_set(std::int64_t bytes) {
  return bytes % 4096 == 0;
}

inline RowMode choose_rows(const Conv& c, std::int64_t size) {
  const bool together = c.x[1] == 1 || c.channels == 1;
  const bool even = c.x[2] == c.x[3] * c.width || c.height == 1;
  if (is_pointwise(c) && together && even && !shares_cache_set(c.x[3] * size)) return RowMode::kInPlace;
  const BandShape band = band_shape(c);
  const bool dense = c.kernel_height * c.kernel_width > 1 && c.stride_y <= c.kernel_height &&
                     c.stride_x <= c.kernel_width && (c.dilation_x == 1 || c.kernel_width == 1);
  const bool fits = band.height * band.pitch * size <= kConvMostBandBytes;
  const bool bands = dense && fits && c.out_width >= kFewPixels && !shares_cache_set(c.stride_x * c.channels * size);
  return bands ? RowMode::kBands : RowMode::kPatches;
}

// How the pixels of one group are cut: into units of consecutive pixels, these into blocks.
struct RowPlan {
  RowMode mode;
  std::int64_t units, unit_pixels;
  std::int64_t blocks;      // per unit
  std::int64_t block_rows;  // the most of a block: pixels, or rows of the result where the mode is kBands
  std::int64_t chunk;       // of k at a time
  std::int64_t row, piece, gap;
};

// size: bytes of an element. share: blocks that there should be at least, together.
inline RowPlan plan_rows(const Conv& c, std::int64_t size, std::int64_t share) {
  RowPlan p{};
  p.mode = choose_rows(c, size);
  p.chunk = p.piece = conv_depth(c);
  p.row = c.x[3];
  p.units = p.mode == RowMode::kPatches || c.x[0] == c.x[2] * c.height ? 1 : c.images;
  if (p.mode == RowMode::kBands) p.units = c.images;
  p.unit_pixels = p.units == c.images ? conv_pixels(c) : c.images * conv_pixels(c);
  std::int64_t rows = p.unit_pixels, most = rows;
  if (p.mode == RowMode::kBands) {
    const BandShape band = band_shape(c);
    p.row = c.stride_x * c.channels;
    p.piece = c.kernel_width * c.channels;
    p.gap = c.dilation_y * band.pitch - p.piece;
    rows = c.out_height;
    most = (kConvBandBytes / (band.pitch * size) - band.height) / c.stride_y + 1;
  } else if (p.mode == RowMode::kPatches) {
    p.chunk = p.piece = smaller(p.chunk, kConvChunk);
    p.row = p.chunk + kConvRowPadding;
    most = kConvPatchBytes / (p.row * size);
  } else {
    most = kConvPatchBytes / (larger(p.chunk, 1) * size);
  }
  const std::int64_t at_least = p.mode == RowMode::kBands ? 1 : 2 * kTileRows;
  most = smaller(most, larger(ceil_div(rows * p.units, share), at_least));
  p.blocks = ceil_div(rows, larger(most, 1));
  // Two or four threads share an even number of blocks best. A band only gets smaller: it has a place.
  const bool odd = p.mode != RowMode::kPatches && p.blocks > 1 && p.blocks * p.units % 2 == 1;
  if (odd && p.mode == RowMode::kBands) p.blocks += p.blocks < rows ? 1 : 0;
  if (odd && p.mode == RowMode::kInPlace && share > 1) p.blocks += p.blocks + 1 == share ? 1 : -1;
  p.block_rows = p.blocks == 0 ? 0 : ceil_div(rows, p.blocks);
  return p;
}

// Enough for every plan with at most these sizes; monotone in them.
inline std::int64_t row_scratch_bytes(const Conv& c, std::int64_t size) {
  const BandShape band = band_shape(c);
  const std::int64_t whole = (larger(c.out_height - 1, 0) * c.stride_y + band.height) * band.pitch * size;
  const std::int64_t patch = (smaller(conv_depth(c), kConvChunk) + kConvRowPadding) * size;
  const std::int64_t patches = smaller(c.images * conv_pixels(c) * patch, kConvPatchBytes);
  return round_up(larger(smaller(whole, kConvMostBandBytes), patches), 64);
}

// Channels of one pixel.
template <class T>
[[gnu::noinline]] void copy_channels(const Conv& c, const T* from, std::int64_t first, std::int64_t count, T* to) {
  if (c.x[1] == 1) {
    __builtin_memcpy(to, from + first, static_cast<std::size_t>(count) * sizeof(T));
  } else {
    for (std::int64_t i = 0; i < count; ++i) to[i] = from[(first + i) * c.x[1]];
  }
}

template <class T>
[[gnu::noinline]] void fill_zero(T* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = 0;
}

// Pixels whose channels lie apart, into pixels whose channels lie side by side. kFixed: the channels, if not 0.
template <class T, int kFixed>
void interleave(const Conv& c, const T* from, std::int64_t columns, T* to) {
  const std::int64_t channels = kFixed > 0 ? kFixed : c.channels, step = c.x[3], distance = c.x[1];
  for (std::int64_t i = 0; i < columns; ++i, from += step, to += channels) {
#pragma GCC unroll 4
    for (std::int64_t channel = 0; channel < channels; ++channel) to[channel] = from[channel * distance];
  }
}

// Blocks of pixels, so that what is read stays in the cache.
template <class T>
[[gnu::noinline]] void interleave_channels(const Conv& c, const T* from, std::int64_t columns, T* to) {
  constexpr std::int64_t kTogether = 16;
  if (c.channels == 3) return interleave<T, 3>(c, from, columns, to);
  if (c.channels <= 4) return interleave<T, 0>(c, from, columns, to);
  for (std::int64_t first = 0; first < columns; first += kTogether) {
    const std::int64_t last = smaller(first + kTogether, columns);
    for (std::int64_t channel = 0; channel < c.channels; ++channel) {
      const T* const line = from + channel * c.x[1];
      for (std::int64_t i = first; i < last; ++i) to[i * c.channels + channel] = line[i * c.x[3]];
    }
  }
}

// Input row y (any integer) with its padding. image: channel 0 of the group.
template <class T>
void copy_band_row(const Conv& c, std::int64_t pitch, const T* image, std::int64_t y, T* to) {
  if (y < 0 || y >= c.height) return fill_zero(to, pitch);
  const Span valid = inside(-c.left, 1, c.width, pitch / larger(c.channels, 1));
  if (valid.begin >= valid.end) return fill_zero(to, pitch);
  fill_zero(to, valid.begin * c.channels);
  const T* const from = image + y * c.x[2] + (valid.begin - c.left) * c.x[3];
  const std::int64_t columns = valid.end - valid.begin;
  T* const first = to + valid.begin * c.channels;
  if (c.x[1] == 1 && c.x[3] == c.channels) {
    __builtin_memcpy(first, from, static_cast<std::size_t>(columns * c.channels) * sizeof(T));
  } else if (c.x[1] == 1) {
    for (std::int64_t i = 0; i < columns; ++i)
      copy_channels(c, from + i * c.x[3], 0, c.channels, first + i * c.channels);
  } else {
    interleave_channels(c, from, columns, first);
  }
  fill_zero(to + valid.end * c.channels, pitch - valid.end * c.channels);
}

// Steps k .. k+steps-1 of the patch of a pixel, counted over all images.
template <class T>
void copy_patch(const Conv& c, const T* x, std::int64_t pixel, std::int64_t k, std::int64_t steps, T* to) {
  const std::int64_t pixels = conv_pixels(c), image = pixel / pixels, at = pixel % pixels;
  const std::int64_t top = at / c.out_width * c.stride_y - c.top, left = at % c.out_width * c.stride_x - c.left;
  x += image * c.x[0];
  while (steps > 0) {
    const std::int64_t position = k / c.channels, channel = k % c.channels;
    const std::int64_t n = smaller(c.channels - channel, steps);
    const std::int64_t row = top + position / c.kernel_width * c.dilation_y;
    const std::int64_t column = left + position % c.kernel_width * c.dilation_x;
    if (row < 0 || row >= c.height || column < 0 || column >= c.width) {
      fill_zero(to, n);
    } else {
      copy_channels(c, x + row * c.x[2] + column * c.x[3], channel, n, to);
    }
    to += n;
    k += n;
    steps -= n;
  }
}

// What lies in scratch; or, in place, `count` blocks that follow each other.
struct RowsKey {
  std::int64_t group, unit, block, k, count;
};
inline bool same_rows(const RowsKey& a, const RowsKey& b) {
  return a.group == b.group && a.unit == b.unit && a.block == b.block && a.k == b.k;
}

// Rows of one block, for one chunk of k.
template <class T>
struct RowBlock {
  const T* a;                // of its first pixel
  std::int64_t first, rows;  // pixels of the unit
};

template <class T>
RowBlock<T> take_row_block(const Conv& c, const RowPlan& p, const T* x, const RowsKey& key, T* scratch, RowsKey& held) {
  const T* const group = x + key.group * c.channels * c.x[1];
  const std::int64_t all = p.mode == RowMode::kBands ? c.out_height : p.unit_pixels;
  const std::int64_t begin = all * key.block / p.blocks, end = all * (key.block + key.count) / p.blocks;
  if (p.mode == RowMode::kInPlace) return {group + key.unit * c.x[0] + begin * c.x[3], begin, end - begin};
  const bool copied = same_rows(key, held);
  held = key;
  if (p.mode == RowMode::kPatches) {
    const std::int64_t steps = smaller(p.chunk, conv_depth(c) - key.k);
    for (std::int64_t i = begin; i < end && !copied; ++i) {
      copy_patch(c, group, i, key.k, steps, scratch + (i - begin) * p.row);
    }
    return {scratch, begin, end - begin};
  }
  const BandShape band = band_shape(c);
  const std::int64_t rows = (end - begin - 1) * c.stride_y + band.height;
  for (std::int64_t r = 0; r < rows && !copied; ++r) {
    copy_band_row(c, band.pitch, group + key.unit * c.x[0], begin * c.stride_y + r - c.top, scratch + r * band.pitch);
  }
  return {scratch, begin * c.out_width, (end - begin) * c.out_width};
}

// A block's register tiles of nearly equal height, in order of their pixels; the rows of each lie p.row apart.
template <class T>
struct RowTile {
  const T* a;
  std::int64_t first, rows;  // pixels of the block
};

template <class T>
struct RowTiles {
  const RowBlock<T>& block;
  std::int64_t row, pitch;
  std::int64_t line, in_line;  // pixels at even distances, and how many tiles they make
  std::int64_t least, more;    // pixels of a tile, and how many of a line's first tiles have one more
  std::int64_t count;

  RowTiles(const Conv& c, const RowPlan& p, const RowBlock<T>& rows) : block(rows), row(p.row) {
    const bool bands = p.mode == RowMode::kBands;
    pitch = bands ? c.stride_y * band_shape(c).pitch : 0;
    line = larger(bands ? c.out_width : rows.rows, 1);
    in_line = ceil_div(line, kTileRows);
    least = line / in_line, more = line % in_line;
    count = rows.rows / line * in_line;
  }

  RowTile<T> at(std::int64_t i) const {
    const std::int64_t y = count == in_line ? 0 : i / in_line, t = i - y * in_line;
    const std::int64_t first = t * least + smaller(t, more);
    return {block.a + y * pitch + first * row, y * line + first, least + (t < more ? 1 : 0)};
  }
  std::int64_t end(std::int64_t i) const {  // the pixel behind tile i
    const RowTile<T> tile = at(i);
    return tile.first + tile.rows;
  }
};

}  // namespace ingot::INGOT_LEVEL
