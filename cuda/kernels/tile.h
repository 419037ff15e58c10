// Products on tiles, for matmul and convolution, in the order of docs/numerics.md: an element is the left fold of fma
// over 256 steps of k from +0 on, the sums of these blocks are added in order.
//
// A block of 256 threads computes a tile of the result. Tiles of A and B, kSteps of k deep, go through registers into
// one of two buffers in shared memory while the other is multiplied: one barrier per kSteps. Lanes of a warp lie 4 x 8;
// each thread has pieces of 16 bytes of rows and columns, so that every load from shared memory is one of 128 bits
// without conflicts, and results are stored 128 bytes side by side. Sums and totals are in registers.
//
//                          of a thread   flops per byte read   registers at most   blocks on a processor
//   128 x 128 x 16  f32       8 x 8              32                   255                    1
//    64 x 64 x 32   f32       4 x 4              16                   128                    2
//    64 x 64 x 16   f32, i32  4 x 4              16                   128                    2
//    64 x 64 x 8    f64, i64  4 x 4               8               128 to 255                 2, 1
//
// With 8 x 8 a step of k is 64 fma for 4 loads of 128 bits: meant to be bound by arithmetic. Of the 1493 instructions
// of that loop, as compiled for sm_90, 1024 are fma; many of the others are in branches for elements that are no pieces
// and for ends of blocks. With 4 x 4 a step is 16 fma for 2 loads; 512 of 908. None of this has been timed.
#pragma once

#include "cuda/kernels/lines.h"

namespace ingot::cuda {

template <class Source>
struct TileProduct {
  Source a, b;
  TensorArg rows, columns, batches;  // of the result; rows.data is its begin
  std::int64_t num_rows, num_columns, num_batches, k;
  std::int64_t part_steps;   // of k, in one part
  std::int64_t num_parts;    // more than one: each goes to a result of its own,
  std::int64_t part_stride;  // so far apart
  bool stores_pieces;
};

template <class T, int kSize, int kStepsOfTile, int kOfThread, int kBlocks>
struct TileShape {
  using Element = T;
  static constexpr int kRows = kSize, kColumns = kSize, kSteps = kStepsOfTile;
  static constexpr int kThread = kOfThread;  // rows and columns of a thread
  static constexpr int kBlocksPerProcessor = kBlocks;
  static constexpr int kPitch = kSize + kPiece<T>;
  static constexpr int kWarpRows = 4 * kThread, kWarpColumns = 8 * kThread;
  static_assert((kRows / kWarpRows) * (kColumns / kWarpColumns) == 8 && kFoldSteps % kSteps == 0);
};

// The tiles that there are for products of a source: large ones for float32 alone.
template <class Source>
struct TileShapes {
  using T = typename Source::Element;
  static constexpr int kSize = sizeof(T);
  static constexpr bool kHasLarge = device::kIsFloat<T> && kSize == 4;
  static constexpr int kSteps = kHasLarge && !Source::kGathers ? 32 : 64 / kSize;  // what fits registers unspilled
  static constexpr int kBlocks = kSize == 4 || (device::kIsFloat<T> && !Source::kGathers) ? 2 : 1;
  using Large = TileShape<T, 128, 16, 8, 1>;
  using Small = TileShape<T, 64, kSteps, 4, kBlocks>;
};

template <class T>
__device__ inline T multiply_add(T a, T b, T c) {
  if constexpr (device::kIsFloat<T>) {
    return device::fma(a, b, c);
  } else {
    return a * b + c;  // unsigned
  }
}

// One of the pieces that work is cut into: a tile of one part of one batch's product.
struct TileItem {
  std::int64_t batch, part, row, column;
};

// Tiles follow each other in columns of 8, which leaves the tiles of A and B of a wave in the second-level cache.
template <class Shape, class Source>
__device__ TileItem find_item(const TileProduct<Source>& p, std::int64_t number) {
  constexpr std::int64_t kTogether = 8;
  const std::int64_t down = (p.num_rows + Shape::kRows - 1) / Shape::kRows;
  const std::int64_t across = (p.num_columns + Shape::kColumns - 1) / Shape::kColumns;
  const std::int64_t plane = number / (down * across), tile = number % (down * across);
  const std::int64_t first = tile / (kTogether * across) * kTogether, within = tile % (kTogether * across);
  const std::int64_t height = down - first < kTogether ? down - first : kTogether;
  return {plane % p.num_batches, plane / p.num_batches, (first + within % height) * Shape::kRows,
          within / height * Shape::kColumns};
}

// Where in a tile a thread's rows and columns lie: piece i of its rows begins at row + 4 * i * kPiece.
template <class Shape>
struct ThreadPlace {
  int row, column;
  __device__ ThreadPlace() {
    constexpr int kAcross = Shape::kColumns / Shape::kWarpColumns, kElements = kPiece<typename Shape::Element>;
    const int warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    row = warp / kAcross * Shape::kWarpRows + lane / 8 * kElements;
    column = warp % kAcross * Shape::kWarpColumns + lane % 8 * kElements;
  }
};

template <class Shape, class T>
__device__ void multiply_tile(const T* a, const T* b, T (&sums)[Shape::kThread][Shape::kThread]) {
  constexpr int kElements = kPiece<T>, kPieces = Shape::kThread / kElements;
  INGOT_UNROLL
  for (int k = 0; k < Shape::kSteps; ++k) {
    Piece<T> left[kPieces], right[kPieces];
    INGOT_UNROLL
    for (int i = 0; i < kPieces; ++i) {
      left[i] = load_piece(a + k * Shape::kPitch + i * 4 * kElements);
      right[i] = load_piece(b + k * Shape::kPitch + i * 8 * kElements);
    }
    INGOT_UNROLL
    for (int i = 0; i < Shape::kThread; ++i) {
      INGOT_UNROLL
      for (int j = 0; j < Shape::kThread; ++j) {
        sums[i][j] =
            multiply_add(left[i / kElements].e[i % kElements], right[j / kElements].e[j % kElements], sums[i][j]);
      }
    }
  }
}

template <class Shape, class T>
__device__ void add_sums(T (&totals)[Shape::kThread][Shape::kThread], T (&sums)[Shape::kThread][Shape::kThread]) {
  INGOT_UNROLL
  for (int i = 0; i < Shape::kThread; ++i) {
    INGOT_UNROLL
    for (int j = 0; j < Shape::kThread; ++j) {
      totals[i][j] = totals[i][j] + sums[i][j];
      sums[i][j] = 0;
    }
  }
}

// What becomes of finished totals is a class of its own, a Finish (that of generated code is in epilogue.h):
//   begin(item)                         before the barrier that a tile begins with
//   tile(item, place, totals, memory)   by all threads of the block; memory: shared, of the tiles
// This one stores them. offsets: in shared memory, of the tile's rows, then of its columns; negative: there is none.
template <class Shape, class Source>
struct StoreTile {
  using T = typename Shape::Element;
  const TileProduct<Source>& p;
  std::int64_t* offsets;

  __device__ void begin(const TileItem& item) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread >= Shape::kRows + Shape::kColumns) return;
    const bool is_row = thread < Shape::kRows;
    const std::int64_t line = is_row ? item.row + thread : item.column + thread - Shape::kRows;
    const bool exists = line < (is_row ? p.num_rows : p.num_columns);
    offsets[thread] = exists ? offset_of(is_row ? p.rows : p.columns, line) : -1;
  }

  __device__ void tile(const TileItem& item, const ThreadPlace<Shape>& place,
                       const T (&totals)[Shape::kThread][Shape::kThread], T*) const {
    constexpr int kElements = kPiece<T>;
    T* const out = reinterpret_cast<T*>(p.rows.data) + offset_of(p.batches, item.batch) + item.part * p.part_stride;
    INGOT_UNROLL
    for (int i = 0; i < Shape::kThread; ++i) {
      const std::int64_t row = offsets[place.row + i / kElements * 4 * kElements + i % kElements];
      if (row < 0) continue;
      INGOT_UNROLL
      for (int j = 0; j < Shape::kThread; j += kElements) {
        const std::int64_t* const columns = offsets + Shape::kRows + place.column + j * 8;
        if (p.stores_pieces) {
          Piece<T> piece;
          INGOT_UNROLL
          for (int e = 0; e < kElements; ++e) piece.e[e] = totals[i][j + e];
          if (columns[0] >= 0) store_piece(out + row + columns[0], piece);
          continue;
        }
        INGOT_UNROLL
        for (int e = 0; e < kElements; ++e) {
          if (columns[e] >= 0) out[row + columns[e]] = totals[i][j + e];
        }
      }
    }
  }
};

// An operand's tiles on their way into one of two buffers in shared memory.
template <class Shape, class Source>
struct CarriedTiles {
  using T = typename Shape::Element;
  static constexpr int kTile = Shape::kSteps * Shape::kPitch;
  static_assert(Shape::kRows == Shape::kColumns);
  const Source& source;
  T* tiles;
  Loader<Source, Shape::kRows, Shape::kSteps> loader = {};

  __device__ __forceinline__ void begin(const typename Source::Line* lines, std::int64_t k, std::int64_t end, T fill) {
    loader.begin(source, lines, k, end, fill);
  }
  __device__ __forceinline__ void fetch() { loader.fetch(source); }
  __device__ __forceinline__ void store(int half) const { loader.store(source, tiles + half * kTile); }
  __device__ __forceinline__ const T* tile(std::int64_t, int half) const { return tiles + half * kTile; }
};

// The totals of steps begin .. end-1, of which there may be none. A, B: as CarriedTiles.
template <class Shape, class A, class B>
__device__ __forceinline__ void fold_tiles(A& a, B& b, const ThreadPlace<Shape>& place, std::int64_t begin,
                                           std::int64_t end,
                                           typename Shape::Element (&totals)[Shape::kThread][Shape::kThread]) {
  using T = typename Shape::Element;
  a.fetch();
  b.fetch();
  a.store(0);
  b.store(0);
  __syncthreads();
  T sums[Shape::kThread][Shape::kThread] = {};
  INGOT_UNROLL
  for (int i = 0; i < Shape::kThread * Shape::kThread; ++i) {
    totals[i / Shape::kThread][i % Shape::kThread] = static_cast<T>(-0.0);  // -0 + x is x
  }
  for (std::int64_t k = begin;;) {
    const int half = static_cast<int>(k / Shape::kSteps % 2);  // a part begins at an even tile
    const bool more = k + Shape::kSteps < end;
    if (more) {
      a.fetch();
      b.fetch();
    }
    multiply_tile<Shape>(a.tile(k, half) + place.row, b.tile(k, half) + place.column, sums);
    if (more) {
      a.store(1 - half);
      b.store(1 - half);
    }
    k += Shape::kSteps;
    if (!more || k % kFoldSteps == 0) add_sums<Shape>(totals, sums);
    __syncthreads();
    if (!more) return;
  }
}

// A block takes every gridDim.x-th item. Shared: 2 tiles of A and of B, and where their lines lie (up to 40 KB).
template <class Shape, class Source, class Finish>
__device__ __forceinline__ void multiply_items(const TileProduct<Source>& p, const std::int64_t num_items,
                                               const Finish& finish) {
  using T = typename Shape::Element;
  constexpr int kLines = Shape::kRows + Shape::kColumns, kTile = Shape::kSteps * Shape::kPitch;
  __shared__ Piece<T> tiles[4 * kTile / kPiece<T>];
  __shared__ typename Source::Line lines[kLines];
  const int thread = static_cast<int>(threadIdx.x);
  const ThreadPlace<Shape> place;
  T* const a = &tiles[0].e[0];
  T* const b = a + 2 * kTile;
  for (std::int64_t number = blockIdx.x; number < num_items; number += gridDim.x) {
    const TileItem item = find_item<Shape>(p, number);
    if (thread < kLines) {
      const bool is_row = thread < Shape::kRows;
      const std::int64_t line = is_row ? item.row + thread : item.column + thread - Shape::kRows;
      const bool exists = line < (is_row ? p.num_rows : p.num_columns);
      lines[thread] = (is_row ? p.a : p.b).line(item.batch, exists ? line : 0);  // what line 0 gives is not stored
    }
    finish.begin(item);
    __syncthreads();
    const std::int64_t begin = item.part * p.part_steps;
    const std::int64_t end = p.k - begin < p.part_steps ? p.k : begin + p.part_steps;
    CarriedTiles<Shape, Source> from_a{p.a, a}, from_b{p.b, b};
    from_a.begin(lines, begin, end, kFillA<T>);
    from_b.begin(lines + Shape::kRows, begin, end, kFillB<T>);
    T totals[Shape::kThread][Shape::kThread];
    fold_tiles(from_a, from_b, place, begin, end, totals);
    finish.tile(item, place, totals, a);
    __syncthreads();  // what is shared is free for the next item
  }
}

// What a kernel of products is given.
template <class Source>
struct TileWork {
  TileProduct<Source> product;
  Guard guard;
  std::int64_t num_items;
};

// Grid: any.
template <class Shape, class Source>
__global__ void __launch_bounds__(256, Shape::kBlocksPerProcessor)
    multiply_tiles(const __grid_constant__ TileWork<Source> work) {
  __shared__ std::int64_t offsets[Shape::kRows + Shape::kColumns];
  if (stopped(work.guard)) return;
  multiply_items<Shape>(work.product, work.num_items, StoreTile<Shape, Source>{work.product, offsets});
}

}  // namespace ingot::cuda
