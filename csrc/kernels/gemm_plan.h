// How a product (of a batch) is cut into tiles, by its sizes alone: threads share tiles, and no cut changes a bit.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/micro_kernel.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kChunk = 1024;                // of k, packed at a time; a multiple of kBlock
inline constexpr std::int64_t kShortChunk = kBlock;         // where a panel is used once: it then stays in the L1 cache
inline constexpr std::int64_t kRowBlockBytes = 640 * 1024;  // of copied rows of A: within an L2 cache of 1 MB
inline constexpr std::int64_t kPackColumns = 64;            // packed together: rows of B lie on pages of their own
inline constexpr std::int64_t kNearBytes = 2 * 1024 * 1024;  // of B: what comes fast enough again and again
inline constexpr std::int64_t kMostTileRows = 512, kMostTileColumns = 256;
inline constexpr std::int64_t kRowPadding = 16;  // elements between copied rows: they share no cache set

// How one product (of a batch) is cut into tiles. Pieces are rows x columns of C; columns vary fastest.
struct GemmPlan {
  std::int64_t rows, columns, k;
  std::int64_t batch;
  std::int64_t rows_per_tile, columns_per_tile;
  std::int64_t row_tiles, column_tiles;
  std::int64_t chunk;
};

// The widest tiles of at least `least` columns and at most kMostTileColumns that two or four threads share evenly.
inline std::int64_t share_columns(std::int64_t columns, std::int64_t row_tiles, std::int64_t least) {
  constexpr std::int64_t kThreads = 4;
  std::int64_t best = 0, least_work = 0;  // columns that the busiest thread has
  for (std::int64_t width = kMostTileColumns; width >= least; width -= kPackColumns / 2) {
    const std::int64_t work = ceil_div(ceil_div(columns, width) * row_tiles, kThreads) * width;
    if (best != 0 && work >= least_work) continue;
    best = width;
    least_work = work;
  }
  return best;
}

template <class T>
GemmPlan plan_gemm(std::int64_t batch, std::int64_t rows, std::int64_t columns, std::int64_t k) {
  GemmPlan plan{};
  plan.rows = rows;
  plan.columns = columns;
  plan.k = k;
  plan.batch = batch;
  plan.chunk = smaller(k, rows <= kTileRows ? kShortChunk : kChunk);
  const std::int64_t size = static_cast<std::int64_t>(sizeof(T)), row_bytes = (plan.chunk + kRowPadding) * size;
  // About eight tiles, so that two or four threads share well: at least 8 register tiles of rows, at most 256 columns
  // each. Threads that have all columns of some rows need nothing from each other in a chain of products: so it is
  // where every thread can read all of B again.
  const std::int64_t groups = ceil_div(columns, kPackColumns);
  std::int64_t row_share = larger(ceil_div(rows * batch * groups, 8), 8 * kTileRows);
  if (batch == 1 && k * columns * size <= kNearBytes) row_share = larger(ceil_div(rows, 2), 2 * kTileRows);
  const std::int64_t fit = smaller(kRowBlockBytes / row_bytes, kMostTileRows);
  const std::int64_t most_rows = larger(smaller(smaller(rows, row_share), fit), 1);
  plan.row_tiles = ceil_div(rows, most_rows);
  plan.rows_per_tile = plan.row_tiles == 0 ? 0 : ceil_div(rows, plan.row_tiles);
  const std::int64_t tiles = larger(batch * plan.row_tiles, 1), share = ceil_div(columns * tiles, 8);
  plan.columns_per_tile = kPackColumns;
  if (share > kPackColumns) plan.columns_per_tile = share_columns(columns, tiles, kPackColumns);
  plan.column_tiles = ceil_div(columns, plan.columns_per_tile);
  return plan;
}

inline std::int64_t gemm_tiles(const GemmPlan& plan) {
  return plan.batch * plan.row_tiles * plan.column_tiles;
}

// One thread that computes all of a product reads B once for all rows, and narrow tiles stay in the first-level cache
// for what runs on them. Sets end to the number of that plan's tiles.
template <class T>
GemmPlan plan_alone(GemmPlan plan, std::int64_t& end) {
  const std::int64_t row_bytes = (plan.chunk + kRowPadding) * static_cast<std::int64_t>(sizeof(T));
  if (plan.batch > 1 || plan.rows > smaller(kRowBlockBytes / row_bytes, kMostTileRows)) return plan;
  plan.rows_per_tile = plan.rows;
  plan.row_tiles = 1;
  if (plan.k <= plan.chunk) plan.columns_per_tile = kPackColumns;
  plan.column_tiles = ceil_div(plan.columns, plan.columns_per_tile);
  end = plan.column_tiles;
  return plan;
}

}  // namespace ingot::INGOT_LEVEL
