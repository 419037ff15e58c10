// Lines of elements along one axis, some of them at once in shared memory: all threads of a block load and store, so
// that memory is read and written in whole lines however the axis lies.
#pragma once

#include "cuda/kernels/copy.h"

namespace ingot::cuda {

inline constexpr int kTileShift = 12, kTileElements = 1 << kTileShift, kMostLines = 32;  // of a tile
inline constexpr int kPieceShift = 4;  // 16 elements of a line: as many as there are for each thread
static_assert(kTileElements >> kPieceShift == static_cast<int>(kBlockThreads));

// Lines of one launch: where they begin on both sides, and their steps.
struct Lines {
  BoxWalk begins;
  std::uint32_t count;
  std::int64_t extent, to_step, from_step;
  std::int32_t shift;  // a tile has 2^shift lines of 2^(kTileShift-shift) elements
  bool side_by_side;   // neighboring lines are closer than neighboring elements of a line
};

// Element `at` of a tile as a line and a place on it, in the order in which memory is walked.
__device__ __forceinline__ void take_apart(const Lines& lines, int at, int& line, int& place) {
  const int inner = lines.side_by_side ? lines.shift : kTileShift - lines.shift;
  const int low = at & ((1 << inner) - 1), high = at >> inner;
  line = lines.side_by_side ? low : high;
  place = lines.side_by_side ? high : low;
}

template <class T>
struct LineTile {
  T elements[kTileElements + (kTileElements >> kPieceShift) + kMostLines];
  std::int64_t to_begins[kMostLines], from_begins[kMostLines];

  // One more behind each piece and each line: neither neighboring lines nor neighboring pieces begin in one bank.
  __device__ __forceinline__ T& at(const Lines& lines, int line, int place) {
    const int length = kTileElements >> lines.shift, pitch = length + (length >> kPieceShift) + 1;
    return elements[line * pitch + place + (place >> kPieceShift)];
  }

  // Finds lines `first` and the num_lines - 1 behind it. All threads.
  __device__ void find(const Lines& lines, std::uint32_t first, int num_lines) {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < num_lines)
      locate(lines.begins, first + static_cast<unsigned>(thread), to_begins[thread], from_begins[thread]);
    __syncthreads();
  }

  // Places begin .. begin + places of their lines. All threads; the tile is whole when they are through.
  __device__ void load(const T* from, const Lines& lines, int num_lines, std::int64_t begin, int places) {
    INGOT_BY_FOUR
    for (int i = static_cast<int>(threadIdx.x); i < kTileElements; i += static_cast<int>(kBlockThreads)) {
      int line, place;
      take_apart(lines, i, line, place);
      if (line >= num_lines || place >= places) continue;
      at(lines, line, place) = from[from_begins[line] + (begin + place) * lines.from_step];
    }
    __syncthreads();
  }

  __device__ void store(T* to, const Lines& lines, int num_lines, std::int64_t begin, int places) {
    __syncthreads();
    INGOT_ROLLED
    for (int i = static_cast<int>(threadIdx.x); i < kTileElements; i += static_cast<int>(kBlockThreads)) {
      int line, place;
      take_apart(lines, i, line, place);
      if (line >= num_lines || place >= places) continue;
      to[to_begins[line] + (begin + place) * lines.to_step] = at(lines, line, place);
    }
    __syncthreads();
  }
};

// All axes but one; the one that makes neighboring lines last.
inline Box other_axes(const TensorArg& out, const TensorArg& x, int axis) {
  Box box = {};
  for (int i = 0; i < out.rank; ++i) {
    if (i == axis) continue;
    box.shape[box.rank] = out.shape[i];
    box.to[box.rank] = out.strides[i];
    box.from[box.rank++] = x.strides[i];
  }
  return device::collapse(box);
}

}  // namespace ingot::cuda
