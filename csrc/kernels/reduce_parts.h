// Few outputs of many elements: threads share the blocks of docs/numerics.md rule 4. A part is a power of two of
// blocks, so that its result is one node of the tree, and the parts' results are combined as blocks' results are.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_paths.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kEnoughTiles = 8;  // to share: these are not cut
inline constexpr std::int64_t kPartTiles = 32;   // the most tiles of a reduction that is cut
inline constexpr std::int64_t kMostTileValues = kColumnsAtOnce;

// Tile t of the cut reduction is part t % parts of tile t / parts of the whole one.
struct ReduceParts {
  std::int64_t count;   // 1: not cut
  std::int64_t blocks;  // of a part
  std::int64_t values;  // that a tile leaves behind

  BlockRange range(const Reduction& r, std::int64_t part) const {
    const std::int64_t first = part * blocks;
    return {first, smaller(blocks * kReduceBlock, r.reduced.count - first * kReduceBlock)};
  }
};

inline ReduceParts cut_into_parts(const Reduction& r) {
  const bool columns = r.path == ReducePath::kColumns;
  const std::int64_t values = columns ? r.tile_columns : r.outputs_in_tile;
  const std::int64_t all = ceil_div(r.reduced.count, kReduceBlock);
  if (r.tiles >= kEnoughTiles || r.tiles == 0 || values > kMostTileValues) return {1, all, values};
  const std::int64_t wide = columns ? values : smaller(values, r.kept.count);
  const std::int64_t most = smaller(kReduceLanes, kPartTiles / r.tiles);
  const std::int64_t least = larger(ceil_div(all, most), kTileReads / (kReduceBlock * wide));
  std::int64_t blocks = 1;
  while (blocks < least) blocks *= 2;
  if (blocks >= all) return {1, all, values};
  return {ceil_div(all, blocks), blocks, values};
}

}  // namespace ingot::INGOT_LEVEL
