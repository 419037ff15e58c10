// Convolution with lanes over outputs: rows are pixels (conv_rows.h), columns the output channels of a group, whose
// weights are packed in panels [k][16]. The result is written as it lies, best with its channels side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_result.h"
#include "kernels/conv_rows.h"
#include "kernels/conv_window.h"
#include "kernels/micro_kernel.h"
#include "kernels/pack.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kConvShare = 8;                 // tiles that there should be, so that threads share well
inline constexpr std::int64_t kConvNearBytes = 512 * 1024;    // weights that stay near while pixels change
inline constexpr std::int64_t kConvPanelBytes = 1024 * 1024;  // of weights packed at a time
inline constexpr std::int64_t kConvPatchColumns = 128;        // at least, for a copied patch
inline constexpr std::int64_t kConvRowTiles = 7;              // of a block, at least, that reads all weights

// A tile's columns are a multiple of this: whole panels and whole register tiles.
inline std::int64_t column_unit(std::int64_t size) {
  return larger(kTileVectors * kVectorBytes / size, kPanel);
}

// Tiles are blocks of rows times blocks of columns of a group. Columns vary fastest where rows are copied and columns
// are not, so that a thread copies its rows once, and where there are many rows; else blocks of rows do, so that
// columns stay near.
struct ConvPlan {
  RowPlan rows;
  std::int64_t columns_per_tile, column_tiles;
  bool columns_fastest;
};

struct ConvTile {
  std::int64_t group, columns, unit, block;
};

inline ConvTile tile_at(const ConvPlan& p, std::int64_t t) {
  const std::int64_t blocks = p.rows.units * p.rows.blocks, group = t / (blocks * p.column_tiles);
  const std::int64_t block = p.columns_fastest ? t / p.column_tiles % blocks : t % blocks;
  const std::int64_t columns = p.columns_fastest ? t % p.column_tiles : t / blocks % p.column_tiles;
  return {group, columns, block / p.rows.blocks, block % p.rows.blocks};
}

// Weights lie in panels that begin with the groups.
inline bool has_panels(const Conv& c) {
  return c.panels && (c.groups == 1 || c.outputs % kPanel == 0);
}

inline ConvPlan plan_outputs(const Conv& c, std::int64_t size) {
  ConvPlan p{};
  const std::int64_t line = larger(conv_depth(c), 1) * size;  // weights of an output
  const bool near = c.outputs * line <= kConvNearBytes;
  p.rows = plan_rows(c, size, near ? ceil_div(kConvShare, c.groups) : 2);
  // Threads that have rows of the steps around need little from each other, but all weights: for many pixels.
  const bool many = p.rows.units * p.rows.blocks > 1 && p.rows.unit_pixels >= kConvRowTiles * kTileRows * p.rows.blocks;
  const bool by_rows = !near && many && has_panels(c);
  if (!near && !by_rows) p.rows = plan_rows(c, size, 1);
  const std::int64_t blocks = larger(c.groups * p.rows.units * p.rows.blocks, 1);
  const std::int64_t wanted = larger(kConvShare / blocks, 1);
  const std::int64_t least = p.rows.mode == RowMode::kPatches ? kConvPatchColumns : 1;
  const std::int64_t fit = larger(kConvPanelBytes / line / column_unit(size), 1) * column_unit(size);
  const std::int64_t most = has_panels(c) ? c.outputs : fit;
  const std::int64_t columns = round_up(larger(ceil_div(c.outputs, wanted), least), column_unit(size));
  p.columns_per_tile = larger(smaller(columns, most), 1);
  if (p.rows.chunk < conv_depth(c)) p.columns_per_tile = smaller(p.columns_per_tile, pass_columns(size));
  p.column_tiles = ceil_div(c.outputs, p.columns_per_tile);
  p.columns_fastest = by_rows || (p.rows.mode == RowMode::kPatches && has_panels(c));
  if (blocks == 1 && p.column_tiles % 2 == 1 && p.rows.mode == RowMode::kInPlace) p.rows = plan_rows(c, size, 2);
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

// The columns that one register tile is wide, for one chunk of k.
template <class T>
struct ColumnPart {
  const T* b;
  std::int64_t panel;  // elements between two panels
  std::int64_t columns, steps;
  bool add;
  const T* next;  // what is needed after all row tiles; null: nothing to fetch
};

// Row tiles begin .. end-1 times one part of the columns, from column `column` of the piece on; whole vectors are
// written. chain: null, or what runs on each tile.
template <class T>
void multiply_rows(const RowPlan& p, const RowTiles<T>& tiles, std::int64_t begin, std::int64_t end,
                   const ColumnPart<T>& part, const ConvPiece<T>& piece, std::int64_t column,
                   const MovingChain* chain) {
  constexpr std::int64_t kWidth = kLanes<Wide<T>>;
  const int vectors = static_cast<int>(ceil_div(part.columns, kWidth));
  const std::int64_t share = end - begin, from = tiles.at(begin).first;
  alignas(64) T buffer[kTileRows * kTileColumns<T>];  // of a tile that a chain runs on: in the first-level cache
  for (std::int64_t i = begin; i < end; ++i) {
    const RowTile<T> tile = tiles.at(i);
    const std::int64_t row = tile.first - from;
    MicroCall<T> call{tile.a,    p.row,      part.b,   kPanel,  kWidth, piece.c + row * piece.row + column,
                      piece.row, part.steps, part.add, p.piece, p.gap};
    if (kWidth == kPanel) call.b_vector = part.panel;
    if (part.next != nullptr) {  // every row tile fetches its share
      call.ahead = part.next + (i - begin) * (part.steps / share) * kPanel;
      call.ahead_step = larger(kPanel / share, 1);
    }
    const MicroKernel<T> kernel = micro_kernel(static_cast<const T*>(nullptr), vectors, static_cast<int>(tile.rows));
    if constexpr (sizeof(T) == sizeof(float)) {
      if (chain != nullptr) {
        if (!part.add) call.c = buffer, call.c_row = kTileColumns<T>;
        fetch_chain_at(*chain, tile.rows, part.columns, piece.pixel + row, piece.output + column);
        kernel(call);
        run_chain_at(*chain, {call.c, call.c_row, tile.rows, part.columns}, piece.pixel + row, piece.output + column);
        continue;
      }
    }
    kernel(call);
  }
}

// One tile's columns: first .. last-1 of a group of channels, whose panels begin at b.
template <class T>
struct TileColumns {
  const T* b;
  std::int64_t group, first, last;
};

template <class T>
class OutputLanes {
 public:
  // after: the panels of the next step, or null.
  OutputLanes(const Conv& c, const T* x, const ConvResult<T>& result, T* scratch, const T* after)
      : c_(c),
        plan_(plan_outputs(c, sizeof(T))),
        x_(x),
        result_(result),
        scratch_(scratch),
        after_(after),
        depth_(conv_depth(c)) {}

  const ConvPlan& plan() const { return plan_; }

  // A block of rows times some columns, as many at a time as stay near.
  void run(const RowsKey& key, const TileColumns<T>& columns) {
    const std::int64_t line = depth_ * static_cast<std::int64_t>(sizeof(T)), unit = column_unit(sizeof(T));
    const std::int64_t fit = larger(kConvNearBytes / line / unit, 1) * unit;
    const bool chunked = plan_.rows.chunk < depth_;
    const std::int64_t pass = chunked ? pass_columns(sizeof(T)) : smaller(fit, pass_columns(sizeof(T)));
    for (std::int64_t j = columns.first; j < columns.last; j += pass) {
      run_pass(key, columns, j, smaller(j + pass, columns.last));
    }
  }

 private:
  void run_pass(RowsKey key, const TileColumns<T>& columns, std::int64_t first, std::int64_t last) {
    const RowPlan& p = plan_.rows;
    for (key.k = 0; key.k < depth_; key.k += p.chunk) {
      const RowBlock<T> block = take_row_block(c_, p, x_, key, scratch_, held_);
      const RowTiles<T> tiles(c_, p, block);
      const std::int64_t together = p.chunk < depth_ ? tiles.count : larger(kConvFinishRows / kTileRows, 1);
      for (std::int64_t i = 0; i < tiles.count; i += together) {
        const std::int64_t end = smaller(i + together, tiles.count), row = tiles.at(i).first;
        const std::int64_t pixel = key.unit * p.unit_pixels + block.first + row, rows = tiles.end(end - 1) - row;
        const std::int64_t output = columns.group * c_.outputs + first;
        const ConvPiece<T> piece = result_.begin(pixel, rows, output, last - first);
        multiply_columns(key, columns, first, last, tiles, i, end, piece);
        if (key.k + p.chunk >= depth_ && result_.chain() == nullptr) result_.finish(piece);
      }
    }
  }

  const T* panel_at(const TileColumns<T>& columns, std::int64_t column, std::int64_t k) const {
    const std::int64_t at = column - columns.first;
    return columns.b + at / kPanel * depth_ * kPanel + k * kPanel + at % kPanel;
  }

  // What is multiplied next: the first rows with column `after` on, or the next chunk, or the columns of the next pass
  // or tile, which follow in the panels; the last rows and columns are followed by the next step. Null: the first rows
  // have fetched it.
  const T* panels_after(const RowsKey& key, const TileColumns<T>& columns, std::int64_t first, std::int64_t last,
                        std::int64_t after, bool first_rows, bool last_rows) const {
    const std::int64_t k = key.k + plan_.rows.chunk;
    if (after == c_.outputs && k >= depth_) return last_rows ? after_ : nullptr;
    if (!first_rows) return nullptr;
    if (after < last) return panel_at(columns, after, key.k);
    if (k < depth_) return panel_at(columns, first, k);
    return has_panels(c_) ? panel_at(columns, after, 0) : nullptr;
  }

  void multiply_columns(const RowsKey& key, const TileColumns<T>& columns, std::int64_t first, std::int64_t last,
                        const RowTiles<T>& tiles, std::int64_t begin, std::int64_t end, const ConvPiece<T>& piece) {
    const RowPlan& p = plan_.rows;
    for (std::int64_t j = first; j < last; j += kTileColumns<T>) {
      ColumnPart<T> part{panel_at(columns, j, key.k),      depth_ * kPanel, smaller(kTileColumns<T>, last - j),
                         smaller(p.chunk, depth_ - key.k), key.k != 0,      nullptr};
      const std::int64_t after = j + part.columns;
      part.next = panels_after(key, columns, first, last, after, begin == 0, end == tiles.count);
      const MovingChain* const chain = key.k + p.chunk >= depth_ ? result_.chain() : nullptr;
      multiply_rows(p, tiles, begin, end, part, piece, j - first, chain);
    }
  }

  const Conv& c_;
  ConvPlan plan_;
  const T* x_;
  const ConvResult<T>& result_;
  T* scratch_;
  const T* after_;
  std::int64_t depth_;
  RowsKey held_{-1, -1, -1, -1, 0};
};

// How many of the tiles from `tile` on are computed as one: columns side by side, of rows that are copied for all of
// them, or blocks of rows that follow each other in place.
inline std::int64_t count_joined(const Conv& c, const ConvPlan& p, const ConvTile& tile, std::int64_t size) {
  if (p.columns_fastest) return p.column_tiles - tile.columns;
  if (p.rows.mode != RowMode::kInPlace) return 1;
  const std::int64_t block_bytes = larger(p.rows.block_rows * conv_depth(c), 1) * size;
  return smaller(p.rows.blocks - tile.block, larger(kConvPatchBytes / block_bytes, 1));
}

template <class T>
void run_outputs(const Conv& c, const T* x, const T* w, const ConvResult<T>& result, std::int64_t begin,
                 std::int64_t end, char* scratch, const T* after) {
  OutputLanes<T> lanes(c, x, result, reinterpret_cast<T*>(scratch), after);
  const ConvPlan& p = lanes.plan();
  T* const panels = reinterpret_cast<T*>(scratch + row_scratch_bytes(c, sizeof(T)));
  std::int64_t packed = -1;  // the columns whose panels lie in scratch
  for (std::int64_t t = begin; t < end;) {
    const ConvTile tile = tile_at(p, t);
    const std::int64_t count = smaller(end - t, count_joined(c, p, tile, sizeof(T)));
    const std::int64_t first = tile.columns * p.columns_per_tile, wide = p.columns_fastest ? count : 1;
    TileColumns<T> columns{panels, tile.group, first, smaller(first + wide * p.columns_per_tile, c.outputs)};
    const std::int64_t part = tile.group * p.column_tiles + tile.columns;
    if (has_panels(c)) {
      columns.b = w + (tile.group * c.outputs + first) * conv_depth(c);
    } else if (part != packed) {
      pack_weights(c, w, tile.group, first, columns.last - first, panels);
      packed = part;
    }
    lanes.run({tile.group, tile.unit, tile.block, 0, p.columns_fastest ? 1 : count}, columns);
    t += count;
  }
}

}  // namespace ingot::INGOT_LEVEL
