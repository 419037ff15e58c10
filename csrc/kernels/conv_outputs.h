// Convolution with lanes over outputs: rows are pixels (conv_rows.h), columns the output channels of a group, whose
// weights are packed in panels [k][16]. The result is written as it lies, best with its channels side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_rows.h"
#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"
#include "kernels/pack.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kConvShare = 8;                 // tiles that there should be, so that threads share well
inline constexpr std::int64_t kConvNearBytes = 512 * 1024;    // weights that stay near while pixels change
inline constexpr std::int64_t kConvPanelBytes = 1024 * 1024;  // of weights packed at a time
inline constexpr std::int64_t kConvFarBytes = 1024 * 1024;    // weights that are fetched ahead of their use
inline constexpr std::int64_t kConvPatchColumns = 128;        // at least, for a copied patch

// A tile's columns are a multiple of this: whole panels and whole register tiles.
inline std::int64_t column_unit(std::int64_t size) {
  return larger(kTileVectors * kVectorBytes / size, kPanel);
}

// Tiles in this order: groups, blocks of columns, units, blocks of rows, the last one fastest.
struct ConvPlan {
  RowPlan rows;
  std::int64_t columns_per_tile, column_tiles;
};

// Weights lie in panels that begin with the groups.
inline bool has_panels(const Conv& c) {
  return c.panels && (c.groups == 1 || c.outputs % kPanel == 0);
}

inline ConvPlan plan_outputs(const Conv& c, std::int64_t size) {
  ConvPlan p{};
  const std::int64_t line = larger(conv_depth(c), 1) * size;  // weights of an output
  const bool near = c.outputs * line <= kConvNearBytes;
  p.rows = plan_rows(c, size, near ? ceil_div(kConvShare, c.groups) : 1);
  const std::int64_t blocks = larger(c.groups * p.rows.units * p.rows.blocks, 1);
  const std::int64_t wanted = larger(kConvShare / blocks, 1);
  const std::int64_t least = p.rows.mode == RowMode::kPatches ? kConvPatchColumns : 1;
  const std::int64_t fit = larger(kConvPanelBytes / line / column_unit(size), 1) * column_unit(size);
  const std::int64_t most = has_panels(c) ? c.outputs : fit;
  const std::int64_t columns = round_up(larger(ceil_div(c.outputs, wanted), least), column_unit(size));
  p.columns_per_tile = larger(smaller(columns, most), 1);
  p.column_tiles = ceil_div(c.outputs, p.columns_per_tile);
  return p;
}

inline std::int64_t output_tiles(const Conv& c, const ConvPlan& p) {
  return c.groups * p.column_tiles * p.rows.units * p.rows.blocks;
}

// Monotone in the sizes.
inline std::int64_t output_scratch_bytes(const Conv& c, std::int64_t size) {
  const std::int64_t line = conv_depth(c) * size;
  if (has_panels(c)) return row_scratch_bytes(c, size);
  const std::int64_t most = larger(kConvPanelBytes, line * column_unit(size));
  return row_scratch_bytes(c, size) + smaller(round_up(c.outputs, kPanel) * line, most);
}

// Weights of `columns` outputs from `first` of a group on.
template <class T>
[[gnu::cold]] void pack_weights(const Conv& c, const T* w, std::int64_t group, std::int64_t first, std::int64_t columns,
                                T* to) {
  const std::int64_t depth = conv_depth(c);
  for (std::int64_t i = 0; i < round_up(columns, kPanel) * depth && c.panels; ++i) {
    const std::int64_t k = i / kPanel % depth, output = i / kPanel / depth * kPanel + i % kPanel;
    to[i] = output < columns ? w[panel_offset(c, group * c.outputs + first + output, k)] : static_cast<T>(0);
  }
  for (std::int64_t j = 0; j < columns && !c.panels; j += kPanel, to += depth * kPanel) {
    const T* const from = w + (group * c.outputs + first + j) * c.w[0];
    const std::int64_t n = smaller(kPanel, columns - j);
    for (std::int64_t at = 0; at < c.kernel_height * c.kernel_width; ++at) {
      const T* const position = from + at / c.kernel_width * c.w[2] + at % c.kernel_width * c.w[3];
      pack_panel(position, c.w[1], c.w[0], n, c.channels, to + at * c.channels * kPanel);
    }
  }
}

// Where pixels of the result lie, counted over all images.
template <class T>
struct ConvTarget {
  const Conv& c;
  T* out;
  bool even;  // neighbouring pixels lie c.y[3] apart, over rows and images, and outputs lie side by side

  ConvTarget(const Conv& conv, T* to) : c(conv), out(to) {
    const bool rows = c.y[2] == c.y[3] * c.out_width || c.out_height == 1;
    const bool images = c.y[0] == c.y[3] * conv_pixels(c) || c.images == 1;
    even = rows && images && (c.y[1] == 1 || c.groups * c.outputs == 1);
  }

  T* at(std::int64_t pixel, std::int64_t output) const {
    if (even) return out + pixel * c.y[3] + output;
    const std::int64_t image = pixel / conv_pixels(c), y = pixel % conv_pixels(c) / c.out_width;
    return out + image * c.y[0] + y * c.y[2] + pixel % c.out_width * c.y[3] + output * c.y[1];
  }

  [[gnu::cold]] void load_tile(std::int64_t pixel, std::int64_t rows, std::int64_t output, std::int64_t columns,
                               T* tile) const {
    for (std::int64_t i = 0; i < rows; ++i) {
      const T* const from = at(pixel + i, output);
      for (std::int64_t j = 0; j < columns; ++j) tile[i * kTileColumns<T> + j] = from[j * c.y[1]];
      fill_zero(tile + i * kTileColumns<T> + columns, kTileColumns<T> - columns);
    }
  }

  [[gnu::noinline]] void store_tile(const T* tile, std::int64_t pixel, std::int64_t rows, std::int64_t output,
                                    std::int64_t columns) const {
    constexpr std::int64_t kWidth = kLanes<Vector<T>>;
    for (std::int64_t i = 0; i < rows; ++i, tile += kTileColumns<T>) {
      T* const to = at(pixel + i, output);
      std::int64_t j = 0;
      if (c.y[1] == 1) {
        for (; j + kWidth <= columns; j += kWidth) store(to + j, load<Vector<T>>(tile + j));
      }
      for (; j < columns; ++j) to[j * c.y[1]] = tile[j];
    }
  }
};

// The columns that one register tile is wide, for one chunk of k.
template <class T>
struct ColumnPart {
  const T* b;
  std::int64_t output, columns;
  std::int64_t steps;
  bool add;
  const T* next;  // what is needed after all row tiles; null: nothing to fetch
};

template <class T>
void multiply_rows(const Conv& c, const RowPlan& p, const RowBlock<T>& block, std::int64_t first_pixel,
                   const ColumnPart<T>& part, std::int64_t panel_elements, const ConvTarget<T>& to) {
  constexpr std::int64_t kWidth = kLanes<Vector<T>>;
  const int vectors = static_cast<int>(ceil_div(part.columns, kWidth));
  const std::int64_t tiles = ceil_div(block.rows, kTileRows);
  std::int64_t done = 0;
  for_row_tiles(c, p, block, [&](const T* a, std::int64_t pixel, std::int64_t rows) {
    alignas(64) T buffer[kTileRows * kTileColumns<T>];
    pixel += first_pixel;
    MicroCall<T> call{a, p.row, part.b, kPanel, kWidth, nullptr, c.y[3], part.steps, part.add, p.piece, p.gap};
    if (kWidth == kPanel) call.b_vector = panel_elements;
    if (part.next != nullptr) {  // every row tile fetches its share
      call.ahead = part.next + smaller(done++, tiles - 1) * (part.steps / tiles) * kPanel;
      call.ahead_step = larger(kPanel / tiles, 1);
    }
    const bool in_place = to.even && part.columns == vectors * kWidth;
    if (in_place) {
      call.c = to.at(pixel, part.output);
    } else {
      call.c = buffer;
      call.c_row = kTileColumns<T>;
      if (part.add) to.load_tile(pixel, rows, part.output, part.columns, buffer);
    }
    micro_kernel(static_cast<const T*>(nullptr), vectors, static_cast<int>(rows))(call);
    if (!in_place) to.store_tile(buffer, pixel, rows, part.output, part.columns);
  });
}

// One tile: a block of rows times the columns first .. last-1 of the group, whose panels begin at b.
template <class T>
void multiply_block(const Conv& c, const RowPlan& p, const T* x, RowsKey key, std::int64_t first, std::int64_t last,
                    const T* b, const ConvTarget<T>& to, T* scratch, RowsKey& held) {
  const std::int64_t depth = conv_depth(c), panel = depth * kPanel;
  const bool far = c.outputs * depth * static_cast<std::int64_t>(sizeof(T)) > kConvFarBytes;
  for (key.k = 0; key.k < depth; key.k += p.chunk) {
    const std::int64_t steps = smaller(p.chunk, depth - key.k);
    const RowBlock<T> block = take_row_block(c, p, x, key, scratch, held);
    const auto panel_of = [&](std::int64_t column, std::int64_t k) {
      return b + column / kPanel * panel + k * kPanel + column % kPanel;
    };
    for (std::int64_t j = 0; j < last - first; j += kTileColumns<T>) {
      const std::int64_t columns = smaller(kTileColumns<T>, last - first - j),
                         output = key.group * c.outputs + first + j;
      ColumnPart<T> part{panel_of(j, key.k), output, columns, steps, key.k != 0, nullptr};
      const bool is_last = j + columns == last - first;
      if (far && (!is_last || key.k + p.chunk < depth)) {
        part.next = is_last ? panel_of(0, key.k + p.chunk) : panel_of(j + columns, key.k);
      }
      multiply_rows(c, p, block, key.unit * p.unit_pixels, part, panel, to);
    }
  }
}

template <class T>
void run_outputs(const Conv& c, const T* x, const T* w, T* out, std::int64_t begin, std::int64_t end, char* scratch) {
  const ConvPlan p = plan_outputs(c, sizeof(T));
  T* const rows = reinterpret_cast<T*>(scratch);
  T* const panels = reinterpret_cast<T*>(scratch + row_scratch_bytes(c, sizeof(T)));
  const ConvTarget<T> to(c, out);
  const std::int64_t blocks = p.rows.units * p.rows.blocks;
  RowsKey held{-1, -1, -1, -1};
  std::int64_t packed = -1;  // the columns whose panels lie in scratch
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t part = t / blocks, group = part / p.column_tiles;
    const std::int64_t first = part % p.column_tiles * p.columns_per_tile;
    const std::int64_t last = smaller(first + p.columns_per_tile, c.outputs);
    const T* b = panels;
    if (has_panels(c)) {
      b = w + (group * c.outputs + first) * conv_depth(c);
    } else if (part != packed) {
      pack_weights(c, w, group, first, last - first, panels);
      packed = part;
    }
    const RowsKey key{group, t % blocks / p.rows.blocks, t % p.rows.blocks, 0};
    multiply_block(c, p.rows, x, key, first, last, b, to, rows, held);
  }
}

}  // namespace ingot::INGOT_LEVEL
