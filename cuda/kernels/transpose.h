// Copying a view whose last axis is not the one that lies together in memory, by square tiles through shared memory:
// a warp reads along the one axis and writes along the other.
#pragma once

#include "cuda/kernels/walk.h"

namespace ingot::cuda {

inline constexpr std::int64_t kShortestTransposed = 16;  // of both axes: less is faster element by element

struct TransposeWalk {
  BoxWalk outer;                    // the other axes
  Divider tiles_along, tiles_down;  // per position of these
  std::int64_t along, down;         // sizes of the axis that lies together in the source, and of the last one
  std::int64_t to_stride;           // of the former in the target
  std::int64_t from_stride;         // of the latter in the source
};

// The axis that lies together in the source of a collapsed box; -1: this is no transposition.
inline int find_transposed(const Box& box) {
  const int last = box.rank - 1;
  if (box.rank < 2 || box.to[last] != 1 || box.from[last] == 1 || box.shape[last] < kShortestTransposed) return -1;
  for (int i = 0; i < last; ++i) {
    if (box.from[i] == 1 && box.shape[i] >= kShortestTransposed) return i;
  }
  return -1;
}

// Grid: one block of 256 threads per tile of kTile x kTile elements.
template <class T, int kTile>
__global__ void transpose_tiles(T* to, const T* from, const __grid_constant__ TransposeWalk walk,
                                std::uint32_t num_tiles, Guard guard) {
  if (stopped(guard)) return;
  __shared__ T tile[kTile][kTile + 1];  // one more: the elements of a column lie in different banks
  const int x = static_cast<int>(threadIdx.x) % kTile, y = static_cast<int>(threadIdx.x) / kTile;
  constexpr int kStep = kBlockThreads / kTile;
  for (std::uint32_t at = blockIdx.x; at < num_tiles; at += gridDim.x) {
    std::uint32_t rest = at;
    const std::int64_t along = std::int64_t{take_index(walk.tiles_along, rest)} * kTile;
    const std::int64_t down = std::int64_t{take_index(walk.tiles_down, rest)} * kTile;
    std::int64_t target, source;
    locate(walk.outer, rest, target, source);
    for (int i = y; i < kTile; i += kStep) {
      if (along + x < walk.along && down + i < walk.down) {
        tile[i][x] = from[source + (down + i) * walk.from_stride + along + x];
      }
    }
    __syncthreads();
    for (int i = y; i < kTile; i += kStep) {
      if (along + i < walk.along && down + x < walk.down) {
        to[target + (along + i) * walk.to_stride + down + x] = tile[x][i];
      }
    }
    __syncthreads();
  }
}

template <class T>
cudaError_t enqueue_transpose(const Box& box, int axis, T* to, const T* from, const Enqueue& enqueue) {
  constexpr int kTile = sizeof(T) < 4 ? 64 : 32;  // rows of at least two sectors of 32 bytes
  const int last = box.rank - 1;
  Box outer = {};
  for (int i = 0; i < last; ++i) {
    if (i == axis) continue;
    outer.shape[outer.rank] = box.shape[i];
    outer.to[outer.rank] = box.to[i];
    outer.from[outer.rank++] = box.from[i];
  }
  const std::int64_t along = (box.shape[axis] + kTile - 1) / kTile, down = (box.shape[last] + kTile - 1) / kTile;
  const TransposeWalk walk = {make_walk(outer), make_divider(along), make_divider(down), box.shape[axis],
                              box.shape[last],  box.to[axis],        box.from[last]};
  const std::int64_t num_tiles = along * down * box_elements(outer);
  return launch(transpose_tiles<T, kTile>, grid_for(num_tiles, 1), kBlockThreads, 0, enqueue.stream, to, from, walk,
                static_cast<std::uint32_t>(num_tiles), enqueue.guard);
}

}  // namespace ingot::cuda
