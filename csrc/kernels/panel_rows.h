// Few rows times a matrix in panels: the panels are read once, four at a time, at the speed of the memory they lie in.
// Lanes run over columns; all sums of a group of panels stay in registers over a block of k.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/gemm.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

// Rows of A; more are as fast in register tiles. 0: none, where it is not worth the code.
template <class T>
inline constexpr int kPanelRows = kSmallCode || sizeof(T) > 4 ? 0
                                  : kVectorBytes == 64        ? 6
                                                              : 3;
inline constexpr std::int64_t kPanelsTogether = 4;                 // eight are slower, measured
inline constexpr std::int64_t kPanelsAhead = 32;                   // steps of k that are fetched ahead of their use ...
inline constexpr std::int64_t kFarPanels = std::int64_t{1} << 20;  // ... where the matrix has more bytes than this

// Columns of panels panel .. panel + panels - 1 of one product.
template <class T>
struct PanelRowsCall {
  const T* a;  // element (i, k) at a[i * a_row + k]
  std::int64_t a_row;
  const T* b;          // the first panel
  std::int64_t panel;  // elements from panel to panel
  T* c;
  std::int64_t c_row;
  std::int64_t rows, columns, k;
  bool far;
};

// kRows x kPanels panels over one block of k; sums start at +0.
template <class T, int kRows, int kPanels, bool kFar>
INGOT_INLINE void fold_panels(const PanelRowsCall<T>& call, const T* a, const T* b, std::int64_t steps,
                              Wide<T> (&sums)[kRows][kPanels * kPanel / kLanes<Wide<T>>]) {
  using V = Wide<T>;
  constexpr int kParts = kPanel / kLanes<V>;  // vectors of a panel
  const std::int64_t panel = call.panel, a_row = call.a_row;
  for (std::int64_t k = 0; k < steps; ++k) {
    V left[kRows];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) left[i] = splat<V>(a[i * a_row]);
#pragma GCC unroll 8
    for (int p = 0; p < kPanels; ++p) {
      if constexpr (kFar) __builtin_prefetch(b + p * panel + kPanelsAhead * kPanel);
#pragma GCC unroll 8
      for (int v = 0; v < kParts; ++v) {
        V right = load<V>(b + p * panel + v * kLanes<V>);
        if constexpr (kRows > 1) keep(right);
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) sums[i][p * kParts + v] = fma(left[i], right, sums[i][p * kParts + v]);
      }
    }
    ++a;
    b += kPanel;
  }
}

// All of k for kPanels panels, written to c, whole panels.
template <class T, int kRows, int kPanels, bool kFar>
void multiply_panels(const PanelRowsCall<T>& call, const T* b, T* c, std::int64_t c_row) {
  using V = Wide<T>;
  constexpr int kVectors = kPanels * kPanel / kLanes<V>;
  V totals[kRows][kVectors];
  for (std::int64_t begin = 0; begin < call.k; begin += kBlock) {
    V sums[kRows][kVectors] = {};
    fold_panels<T, kRows, kPanels, kFar>(call, call.a + begin, b + begin * kPanel, smaller(kBlock, call.k - begin),
                                         sums);
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kVectors; ++v) totals[i][v] = begin == 0 ? sums[i][v] : totals[i][v] + sums[i][v];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    for (int v = 0; v < kVectors; ++v) store(c + i * c_row + v * kLanes<V>, totals[i][v]);
  }
}

// As many panels together as their sums leave room for in the registers.
template <class T, int kRows>
inline constexpr int kPanelsAtOnce = [] {
  constexpr int kSums = kVectorBytes == 64 ? 24 : 12, kParts = kPanel / kLanes<Wide<T>>;
  int panels = static_cast<int>(kPanelsTogether);
  while (panels > 1 && kRows * panels * kParts > kSums) panels /= 2;
  return panels;
}();

// Returns how many columns it did.
template <class T, int kRows, bool kFar>
std::int64_t multiply_whole_panels(const PanelRowsCall<T>& call) {
  constexpr int kMost = kPanelsAtOnce<T, kRows>;
  std::int64_t j = 0;
  for (; j + kMost * kPanel <= call.columns; j += kMost * kPanel) {
    multiply_panels<T, kRows, kMost, kFar>(call, call.b + j / kPanel * call.panel, call.c + j, call.c_row);
  }
  return j;
}

// Many rows are bound by arithmetic: fetching ahead costs them nothing.
template <class T>
std::int64_t multiply_whole_panels(const PanelRowsCall<T>& call) {
  if (call.rows == 1) {
    return call.far ? multiply_whole_panels<T, 1, true>(call) : multiply_whole_panels<T, 1, false>(call);
  }
  if constexpr (kPanelRows<T> >= 3) {
    if (call.rows == 2) return multiply_whole_panels<T, 2, true>(call);
    if (call.rows == 3) return multiply_whole_panels<T, 3, true>(call);
  }
  if constexpr (kPanelRows<T> >= 6) {
    if (call.rows == 4) return multiply_whole_panels<T, 4, true>(call);
    if (call.rows == 5) return multiply_whole_panels<T, 5, true>(call);
    if (call.rows == 6) return multiply_whole_panels<T, 6, true>(call);
  }
  return 0;
}

// Requires: 1 <= rows <= kPanelRows.
template <class T>
void multiply_panel_rows(const PanelRowsCall<T>& call) {
  constexpr std::int64_t kWidth = kLanes<Wide<T>>;
  const std::int64_t step = smaller(kTileColumns<T>, kPanel);
  std::int64_t j = multiply_whole_panels<T>(call);
  for (; j < call.columns; j += step) {  // the last panels, in register tiles
    const T* const b = call.b + j / kPanel * call.panel + j % kPanel;
    const ColumnGroup<T> group{b, kPanel, kWidth, smaller(step, call.columns - j)};
    multiply_group<T>({call.a, call.a_row, call.rows}, group, {call.c + j, call.c_row, 1}, call.k, false);
  }
}

inline constexpr std::int64_t kMostPanelColumns = 1024;  // of a tile: its result stays in the first-level cache

// A tile is some groups of panels, at least 64 KB of the matrix where that are not too many columns.
template <class T>
std::int64_t panel_tile_columns(std::int64_t k) {
  constexpr std::int64_t kGroup = kPanelsTogether * kPanel;
  const std::int64_t bytes = larger(k, 1) * kGroup * static_cast<std::int64_t>(sizeof(T));
  return smaller(kGroup * larger(128 * 1024 / bytes, 1), kMostPanelColumns);
}

}  // namespace ingot::INGOT_LEVEL
