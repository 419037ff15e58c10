// Products of few rows (a decoded token's), bound by reading B once. A block takes 256 steps of k of 32 columns (16 of
// doubles), 32 KB: all of it is asked for at once, 8 pieces of 16 bytes per thread, with B's neighbours side by side,
// whichever way B lies, then waits in shared memory. There a thread folds one row with one column. With 128 registers
// and 41 KB of shared memory two blocks fit a processor: 64 KB are under way, where 4.8 TB/s and 700 ns need 25. Sums
// of blocks of k go to the workspace, where add_parts adds them in order.
// In shared memory a line's steps lie side by side and lines an odd number of pieces apart: no conflicts either way.
#pragma once

#include "cuda/kernels/tile.h"

namespace ingot::cuda {

template <class T>
inline constexpr int kFewRows = 32 / static_cast<int>(sizeof(T));  // at most
template <class T>
inline constexpr int kFewRowsColumns = 128 / static_cast<int>(sizeof(T));

// Carries kFoldSteps steps of num_lines <= kLines lines of a source to shared memory; steps from `end` on are `fill`.
template <int kLines, class Source, class T>
__device__ void carry_lines(const Source& source, const typename Source::Line* lines, std::int64_t num_lines,
                            std::int64_t k, std::int64_t end, T fill, T* to) {
  constexpr int kElements = kPiece<T>, kAlong = kFoldSteps / kElements, kPieces = kLines * kAlong / 256;
  constexpr int kPitch = kFoldSteps + kElements;
  Piece<T> pieces[kPieces];
  INGOT_UNROLL
  for (int i = 0; i < kPieces; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * 256;
    const int line = source.along_steps ? at / kAlong : at % kLines;
    const std::int64_t first = k + (source.along_steps ? at % kAlong : at / kLines) * kElements;
    if (line >= num_lines) continue;
    const T* const from = source.address(lines[line], source.step_at(first));
    if (source.along_steps && source.in_pieces && first + kElements <= end) {
      pieces[i] = load_piece(from);
      continue;
    }
    INGOT_UNROLL
    for (int e = 0; e < kElements; ++e) pieces[i].e[e] = first + e < end ? from[e * source.step] : fill;
  }
  INGOT_UNROLL
  for (int i = 0; i < kPieces; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * 256;
    const int line = source.along_steps ? at / kAlong : at % kLines;
    const int step = (source.along_steps ? at % kAlong : at / kLines) * kElements;
    if (line < num_lines) store_piece(to + line * kPitch + step, pieces[i]);
  }
}

// Grid: any. Shared: 42 KB.
template <class T>
__global__ void __launch_bounds__(256) multiply_few_rows(const __grid_constant__ TileProduct<StridedLines<T>> p,
                                                         const Guard guard, const std::int64_t num_items) {
  constexpr int kColumns = kFewRowsColumns<T>, kPitch = kFoldSteps + kPiece<T>, kRows = kFewRows<T>,
                kLines = kRows + kColumns;
  __shared__ Piece<T> elements[kLines * kPitch / kPiece<T>];
  __shared__ typename StridedLines<T>::Line lines[kLines];
  if (stopped(guard)) return;
  T* const a = &elements[0].e[0];
  T* const b = a + kRows * kPitch;
  const int thread = static_cast<int>(threadIdx.x), row = thread / kColumns, column = thread % kColumns;
  const std::int64_t across = (p.num_columns + kColumns - 1) / kColumns;
  for (std::int64_t number = blockIdx.x; number < num_items; number += gridDim.x) {
    const std::int64_t first = number % across * kColumns, batch = number / across % p.num_batches;
    const std::int64_t part = number / across / p.num_batches;
    if (thread < kLines) {
      const bool is_row = thread < kRows;
      const std::int64_t line = is_row ? thread : first + thread - kRows;
      if (line < (is_row ? p.num_rows : p.num_columns)) lines[thread] = (is_row ? p.a : p.b).line(batch, line);
    }
    __syncthreads();
    const std::int64_t begin = part * p.part_steps, end = p.k - begin < p.part_steps ? p.k : begin + p.part_steps;
    const bool folds = row < p.num_rows && first + column < p.num_columns;
    T total = static_cast<T>(-0.0);
    for (std::int64_t k = begin; k == begin || k < end; k += kFoldSteps) {
      carry_lines<kRows>(p.a, lines, p.num_rows, k, end, kFillA<T>, a);
      carry_lines<kColumns>(p.b, lines + kRows, p.num_columns - first, k, end, kFillB<T>, b);
      __syncthreads();
      T sum = 0;
      const int steps = folds ? static_cast<int>(end - k < kFoldSteps ? end - k : kFoldSteps) : 0;
      INGOT_UNROLL_8
      for (int s = 0; s < steps; s += kPiece<T>) {
        const Piece<T> left = load_piece(a + row * kPitch + s), right = load_piece(b + column * kPitch + s);
        INGOT_UNROLL
        for (int e = 0; e < kPiece<T>; ++e) sum = multiply_add(left.e[e], right.e[e], sum);
      }
      total = total + sum;
      __syncthreads();
    }
    if (folds) {
      T* const out = reinterpret_cast<T*>(p.rows.data) + offset_of(p.batches, batch) + part * p.part_stride;
      out[offset_of(p.rows, row) + offset_of(p.columns, first + column)] = total;
    }
  }
}

// Where the parts of a result come together; they lie [part][batch][row][column]. Grid: any.
struct PartsSum {
  TensorArg out;  // its axes as batches, rows and columns
  const char* parts;
  std::int64_t num_parts, num_elements;
};

template <class T>
__global__ void __launch_bounds__(kBlockThreads) add_parts(const __grid_constant__ PartsSum s, const Guard guard) {
  if (stopped(guard)) return;
  for (std::int64_t i = thread_index(); i < s.num_elements; i += num_threads()) {
    const T* const from = reinterpret_cast<const T*>(s.parts) + i;
    T total = from[0];
    INGOT_UNROLL_8
    for (std::int64_t part = 1; part < s.num_parts; ++part) total = total + from[part * s.num_elements];
    reinterpret_cast<T*>(s.out.data)[offset_of(s.out, i)] = total;
  }
}

}  // namespace ingot::cuda
