// Sorts lines of items: a key and the position it comes from, ordered by the key and then by the position, so that
// equal keys keep their order. Tiles of 1024 are sorted in shared memory by a bitonic network (K. Batcher, 1968); runs
// of them are merged, two by two, through two buffers. A tile of a merge finds its part of both runs by bisection (O.
// Green, R. McColl and D. Bader, "GPU Merge Path", 2012), so that all blocks have equal work: a pass is bound by
// memory.
#pragma once

#include "cuda/kernels/device.h"
#include "cuda/kernels/positions.h"

namespace ingot::cuda {

inline constexpr int kSortTile = 1024;

inline constexpr std::int64_t kNarrowPositions = 0xffffffff;

// Positions below kNarrowPositions, keys of 32 bits.
struct NarrowItem {
  std::uint64_t bits;
  __device__ static NarrowItem make(std::uint32_t key, std::int64_t position) {
    return {static_cast<std::uint64_t>(key) << 32 | static_cast<std::uint32_t>(position)};
  }
  __device__ static NarrowItem last() { return {~std::uint64_t{0}}; }  // behind all others
  __device__ std::int64_t key() const { return static_cast<std::int64_t>(bits >> 32); }
  __device__ std::int64_t position() const { return static_cast<std::uint32_t>(bits); }
  __device__ bool operator<(const NarrowItem& other) const { return bits < other.bits; }
};

struct alignas(16) WideItem {
  std::uint64_t bits, at;
  __device__ static WideItem make(std::uint64_t key, std::int64_t position) {
    return {key, static_cast<std::uint64_t>(position)};
  }
  __device__ static WideItem last() { return {~std::uint64_t{0}, ~std::uint64_t{0}}; }
  __device__ std::int64_t position() const { return static_cast<std::int64_t>(at); }
  __device__ bool operator<(const WideItem& other) const {
    return bits != other.bits ? bits < other.bits : at < other.at;
  }
};

// Lines of n >= 1 items, which lie one after the other.
struct SortShape {
  std::int64_t num_lines, n;
  int tile;  // items that are sorted together: kSortTile, or the power of 2 that holds a line

  std::int64_t tiles_in_line() const { return (n + tile - 1) / tile; }
  std::int64_t num_tiles() const { return num_lines * tiles_in_line(); }
};

inline SortShape sort_shape(std::int64_t num_lines, std::int64_t n) {
  int tile = 1;
  while (tile < kSortTile && tile < n) tile *= 2;
  return {num_lines, n, tile};
}

// Bytes of workspace: a buffer of items, two where they are merged.
template <class Item>
std::int64_t sort_bytes(std::int64_t num_lines, std::int64_t n) {
  return num_lines * n * static_cast<std::int64_t>(sizeof(Item)) * (n > kSortTile ? 2 : 1);
}

// Sorts the runs of `tile` items that shared memory consists of.
template <class Item>
__device__ void sort_shared(Item* items, int tile) {
  INGOT_ROLLED
  for (int size = 2; size <= tile; size *= 2) {
    INGOT_ROLLED
    for (int stride = size / 2; stride > 0; stride /= 2) {
      for (int pair = static_cast<int>(threadIdx.x); pair < kSortTile / 2; pair += 256) {
        const int i = 2 * pair - (pair & (stride - 1)), j = i + stride;
        const bool upward = size == tile || (i & size) == 0;
        const Item a = items[i], b = items[j];
        if ((b < a) == upward) items[i] = b, items[j] = a;
      }
      __syncthreads();
    }
  }
}

// keys: Item item(line, i), what is to be sorted; void take(line, i, item) gets item i of a sorted tile.
// Grid: any; a block takes every gridDim.x-th lot of kSortTile items, one tile or several.
template <class Keys>
__global__ void __launch_bounds__(256)
    sort_tiles(const __grid_constant__ Keys keys, const SortShape shape, const Guard guard) {
  using Item = typename Keys::Item;
  __shared__ Item items[kSortTile];
  if (stopped(guard)) return;
  const std::int64_t tiles_in_lot = kSortTile / shape.tile, tiles_in_line = (shape.n + shape.tile - 1) / shape.tile;
  const std::int64_t num_tiles = shape.num_lines * tiles_in_line;
  for (std::int64_t lot = blockIdx.x; lot * tiles_in_lot < num_tiles; lot += gridDim.x) {
    for (int at = static_cast<int>(threadIdx.x); at < kSortTile; at += 256) {
      std::int64_t line = lot * tiles_in_lot + at / shape.tile;
      const std::int64_t i = take_axis(line, tiles_in_line) * shape.tile + at % shape.tile;
      items[at] = line < shape.num_lines && i < shape.n ? keys.item(line, i) : Item::last();
    }
    __syncthreads();
    sort_shared(items, shape.tile);
    for (int at = static_cast<int>(threadIdx.x); at < kSortTile; at += 256) {
      std::int64_t line = lot * tiles_in_lot + at / shape.tile;
      const std::int64_t i = take_axis(line, tiles_in_line) * shape.tile + at % shape.tile;
      if (line < shape.num_lines && i < shape.n) keys.take(line, i, items[at]);
    }
    __syncthreads();
  }
}

// How many of the first `count` items of the merge of a and b come from a.
template <class Item>
__device__ std::int64_t split_merge(const Item* a, std::int64_t num_a, const Item* b, std::int64_t num_b,
                                    std::int64_t count) {
  std::int64_t low = count > num_b ? count - num_b : 0, high = count < num_a ? count : num_a;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (a[middle] < b[count - 1 - middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Merges runs of `width` items. Grid: any; a block takes every gridDim.x-th tile of kSortTile items.
template <class Item>
__global__ void __launch_bounds__(256)
    merge_runs(const Item* from, Item* to, const SortShape shape, const std::int64_t width, const Guard guard) {
  constexpr int kPerThread = kSortTile / 256;
  __shared__ Item items[kSortTile];
  __shared__ std::int64_t splits[2];
  if (stopped(guard)) return;
  const std::int64_t tiles_in_line = (shape.n + kSortTile - 1) / kSortTile;
  const int thread = static_cast<int>(threadIdx.x);
  for (std::int64_t tile = blockIdx.x; tile < shape.num_lines * tiles_in_line; tile += gridDim.x) {
    std::int64_t line = tile;
    const std::int64_t begin = take_axis(line, tiles_in_line) * kSortTile, pair = begin / (2 * width) * (2 * width);
    const Item* const a = from + line * shape.n + pair;
    const std::int64_t num_a = smaller(width, shape.n - pair), num_b = smaller(width, shape.n - pair - num_a);
    const Item* const b = a + num_a;
    const std::int64_t count = smaller(kSortTile, shape.n - begin);
    if (thread < 2) splits[thread] = split_merge(a, num_a, b, num_b, begin - pair + thread * count);
    __syncthreads();
    const int from_a = static_cast<int>(splits[1] - splits[0]), from_b = static_cast<int>(count) - from_a;
    const Item* const first_b = b + (begin - pair - splits[0]);
    for (int at = thread; at < count; at += 256) {
      items[at] = at < from_a ? a[splits[0] + at] : first_b[at - from_a];
    }
    __syncthreads();
    const Item* const own_b = items + from_a;
    const int first = static_cast<int>(smaller(thread * kPerThread, count));
    int i = static_cast<int>(split_merge(items, from_a, own_b, from_b, first)), j = first - i;
    for (int at = first; at < first + kPerThread && at < count; ++at) {
      const bool takes_a = j >= from_b || (i < from_a && items[i] < own_b[j]);
      to[line * shape.n + begin + at] = takes_a ? items[i++] : own_b[j++];
    }
    __syncthreads();
  }
}

// Sorts what `keys` gives; take() must put items where `items` has them unless a line is one tile. Returns in `sorted`
// the buffer that has the lines then.
template <class Keys>
cudaError_t sort_lines(const Enqueue& e, const Keys& keys, const SortShape& shape, typename Keys::Item* items,
                       const typename Keys::Item** sorted) {
  using Item = typename Keys::Item;
  const std::int64_t lots = (shape.num_tiles() * shape.tile + kSortTile - 1) / kSortTile;
  cudaError_t status = launch(sort_tiles<Keys>, grid_for(lots, 1), 256, 0, e.stream, keys, shape, e.guard);
  Item* other = items + shape.num_lines * shape.n;
  for (std::int64_t width = kSortTile; width < shape.n && status == cudaSuccess; width *= 2) {
    const Item* const from = items;
    status =
        launch(merge_runs<Item>, grid_for(shape.num_tiles(), 1), 256, 0, e.stream, from, other, shape, width, e.guard);
    Item* const swap = items;
    items = other, other = swap;
  }
  *sorted = items;
  return status;
}

}  // namespace ingot::cuda
