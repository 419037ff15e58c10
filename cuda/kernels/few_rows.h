// Products of few rows (a decoded token's), bound by reading B once. A block takes 256 steps of k of 32 columns (16 of
// doubles), 32 KB: all of it is asked for at once, 8 pieces of 16 bytes per thread, with B's neighbours side by side,
// whichever way B lies, then waits in shared memory. There a thread folds two rows with one column, 8 rows in all (4 of
// doubles): 4 warps read 1536 times 128 bytes of 32 KB, as long as those take from memory. More rows are more blocks,
// side by side, which find B in the second-level cache. With 128 registers and 41 KB of shared memory two blocks fit a
// processor: 64 KB are under way, where 4.8 TB/s and 700 ns need 25. Sums of blocks of k go to the workspace, where
// add_parts adds them in order.
// In shared memory a line's steps lie side by side and lines an odd number of pieces apart: no conflicts either way.
#pragma once

#include "cuda/kernels/tile.h"

namespace ingot::cuda {

template <class T>
inline constexpr int kFewRows = 32 / static_cast<int>(sizeof(T));  // of a block
inline constexpr int kTogether = 2;                                // of a thread
template <class T>
inline constexpr int kFewRowsColumns = 128 / static_cast<int>(sizeof(T));

// Carries kFoldSteps steps from k on of num_lines <= kLines lines of a source to shared memory; after `steps` of them
// comes `fill`.
template <int kLines, class Source, class T>
__device__ void carry_lines(const Source& source, const typename Source::Line* lines, int num_lines, std::int64_t k,
                            int steps, T fill, T* to) {
  constexpr int kElements = kPiece<T>, kAlong = kFoldSteps / kElements, kPieces = kLines * kAlong / 256;
  constexpr int kPitch = kFoldSteps + kElements;
  Piece<T> pieces[kPieces];
  INGOT_UNROLL
  for (int i = 0; i < kPieces; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * 256;
    const int line = source.along_steps ? at / kAlong : at % kLines;
    const int first = (source.along_steps ? at % kAlong : at / kLines) * kElements;
    if (line >= num_lines) continue;
    const T* const from = source.address(lines[line], source.step_at(k + first));
    if (source.along_steps && source.in_pieces && first + kElements <= steps) {
      pieces[i] = load_piece(from);
      continue;
    }
    INGOT_UNROLL
    for (int e = 0; e < kElements; ++e) pieces[i].e[e] = first + e < steps ? from[e * source.step] : fill;
  }
  INGOT_UNROLL
  for (int i = 0; i < kPieces; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * 256;
    const int line = source.along_steps ? at / kAlong : at % kLines;
    const int step = (source.along_steps ? at % kAlong : at / kLines) * kElements;
    if (line < num_lines) store_piece(to + line * kPitch + step, pieces[i]);
  }
}

// Stores what a thread has computed: at most `count` totals of one column, one below the other from a row on.
template <class T>
struct StoreRows {
  const TileProduct<StridedLines<T>>& p;

  __device__ void rows(const TileItem& at, const T (&totals)[kTogether], int count) const {
    T* const out = reinterpret_cast<T*>(p.rows.data) + offset_of(p.batches, at.batch) + at.part * p.part_stride;
    const std::int64_t to = offset_of(p.columns, at.column);
    INGOT_UNROLL
    for (int i = 0; i < kTogether; ++i) {
      if (i < count) out[to + offset_of(p.rows, at.row + i)] = totals[i];
    }
  }
};

// Shared: 42 KB. Finish: StoreRows, or what generated code does with the totals.
template <class T, class Finish>
__device__ __forceinline__ void multiply_items_of_few_rows(const TileProduct<StridedLines<T>>& p,
                                                           const std::int64_t num_items, const Finish& finish) {
  constexpr int kColumns = kFewRowsColumns<T>, kPitch = kFoldSteps + kPiece<T>, kRows = kFewRows<T>,
                kLines = kRows + kColumns;
  __shared__ Piece<T> elements[kLines * kPitch / kPiece<T>];
  __shared__ typename StridedLines<T>::Line lines[kLines];
  T* const a = &elements[0].e[0];
  T* const b = a + kRows * kPitch;
  const int thread = static_cast<int>(threadIdx.x), row = thread / kColumns * kTogether, column = thread % kColumns;
  const std::int64_t across = (p.num_columns + kColumns - 1) / kColumns, down = (p.num_rows + kRows - 1) / kRows;
  for (std::int64_t number = blockIdx.x; number < num_items; number += gridDim.x) {
    const std::int64_t first_row = number % down * kRows, first = number / down % across * kColumns;
    const std::int64_t batch = number / down / across % p.num_batches, part = number / down / across / p.num_batches;
    const int rows = static_cast<int>(smaller(p.num_rows - first_row, kRows));
    const int columns = static_cast<int>(smaller(p.num_columns - first, kColumns));
    if (thread < kLines) {
      const bool is_row = thread < kRows;
      const int line = is_row ? thread : thread - kRows;
      if (line < (is_row ? rows : columns)) {
        lines[thread] = (is_row ? p.a : p.b).line(batch, line + (is_row ? first_row : first));
      }
    }
    __syncthreads();
    const std::int64_t begin = part * p.part_steps, end = p.k - begin < p.part_steps ? p.k : begin + p.part_steps;
    const bool folds = row < rows && column < columns;
    T totals[kTogether];
    for (T& total : totals) total = static_cast<T>(-0.0);
    for (std::int64_t k = begin; k == begin || k < end; k += kFoldSteps) {
      const int steps = static_cast<int>(smaller(end - k, kFoldSteps));
      carry_lines<kRows>(p.a, lines, rows, k, steps, kFillA<T>, a);
      carry_lines<kColumns>(p.b, lines + kRows, columns, k, steps, kFillB<T>, b);
      __syncthreads();
      T sums[kTogether] = {};
      INGOT_UNROLL_4
      for (int s = 0; s < (folds ? steps : 0); s += kPiece<T>) {
        const Piece<T> right = load_piece(b + column * kPitch + s);
        INGOT_UNROLL
        for (int i = 0; i < kTogether; ++i) {
          const Piece<T> left = load_piece(a + (row + i) * kPitch + s);
          INGOT_UNROLL
          for (int e = 0; e < kPiece<T>; ++e) sums[i] = multiply_add(left.e[e], right.e[e], sums[i]);
        }
      }
      INGOT_UNROLL
      for (int i = 0; i < kTogether; ++i) totals[i] = totals[i] + sums[i];
      __syncthreads();
    }
    if (!folds) continue;
    finish.rows({batch, part, first_row + row, first + column}, totals, rows - row);
  }
}

// Grid: any.
template <class T>
__global__ void __launch_bounds__(256, 2) multiply_few_rows(const __grid_constant__ TileWork<StridedLines<T>> work) {
  if (stopped(work.guard)) return;
  multiply_items_of_few_rows<T>(work.product, work.num_items, StoreRows<T>{work.product});
}

// Where the parts of a result come together; they lie [part][batch][row][column]. Grid: any.
struct PartsSum {
  TensorArg out;  // its axes as batches, rows and columns
  const char* parts;
  std::int64_t num_parts, num_elements;
};

struct StoreSum {
  const PartsSum& s;
  template <class T>
  __device__ void at(std::int64_t i, T total) const {
    reinterpret_cast<T*>(s.out.data)[offset_of(s.out, i)] = total;
  }
};

template <class T, class Finish>
__device__ __forceinline__ void add_all_parts(const PartsSum& s, const Finish& finish) {
  for (std::int64_t i = thread_index(); i < s.num_elements; i += num_threads()) {
    const T* const from = reinterpret_cast<const T*>(s.parts) + i;
    T total = from[0];
    INGOT_UNROLL_8
    for (std::int64_t part = 1; part < s.num_parts; ++part) total = total + from[part * s.num_elements];
    finish.at(i, total);
  }
}

struct SumWork {
  PartsSum sum;
  Guard guard;
};

template <class T>
__global__ void __launch_bounds__(kBlockThreads) add_parts(const __grid_constant__ SumWork work) {
  if (stopped(work.guard)) return;
  add_all_parts<T>(work.sum, StoreSum{work.sum});
}

}  // namespace ingot::cuda
