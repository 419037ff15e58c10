// Packing of panels: [k][16] of outputs, zeros where the operand has fewer than 16 left. Exact copies: no arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"
#include "kernels/turn.h"

namespace ingot::INGOT_LEVEL {

// to[k * 16 + j] = from[j * stride + k] for 16 columns, in registers. Returns how many of the `steps` it did; the
// caller does the rest.
inline std::int64_t transpose_panel(const float* from, std::int64_t stride, float* to, std::int64_t steps) {
  constexpr std::int64_t kSquare = kLanes<F32>;
  std::int64_t k = 0;
  if constexpr (kTurns) {
    for (; k + kSquare <= steps; k += kSquare) {
      for (std::int64_t j = 0; j < kPanel; j += kSquare) {
        float* const line = to + k * kPanel + j;
        turn_square(from + j * stride + k, stride, [&](int i, F32 v) { store(line + i * kPanel, v); });
      }
    }
  }
  return k;
}
inline std::int64_t transpose_panel(const double*, std::int64_t, double*, std::int64_t) {
  return 0;
}

// One panel: to[k * 16 + j] = from[k * step + j * column], j < columns <= 16.
template <class T>
void pack_panel(const T* from, std::int64_t step, std::int64_t column, std::int64_t columns, std::int64_t steps,
                T* to) {
  std::int64_t k = 0;
  if (columns == kPanel && step == 1) k = transpose_panel(from, column, to, steps);
  for (; k < steps; ++k) {
    T* line = to + k * kPanel;
    for (std::int64_t j = 0; j < columns; ++j) line[j] = from[k * step + j * column];
    for (std::int64_t j = columns; j < kPanel; ++j) line[j] = 0;
  }
}

// kPanels panels of 16 neighbouring columns each. All of them row by row: rows of B lie on pages of their own, far
// apart for the processor's own prefetching.
template <int kPanels, class T>
void pack_rows(const T* from, std::int64_t step, std::int64_t steps, T* to, std::int64_t panel) {
  constexpr std::int64_t kAhead = 12;  // rows
  for (std::int64_t k = 0; k < steps; ++k) {
    const T* const row = from + k * step;
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) {
      __builtin_prefetch(row + kAhead * step + p * kPanel);
      __builtin_memcpy(to + p * panel + k * kPanel, row + p * kPanel, kPanel * sizeof(T));
    }
  }
}

// Panels `panel` elements apart: ceil(columns / 16) of them, the last one filled up with zeros.
template <class T>
void pack_panels(const T* from, std::int64_t step, std::int64_t column, std::int64_t columns, std::int64_t steps, T* to,
                 std::int64_t panel) {
  std::int64_t j = 0;
  if (column == 1) {
    for (; j + 4 * kPanel <= columns; j += 4 * kPanel, to += 4 * panel) {
      pack_rows<4>(from + j, step, steps, to, panel);
    }
    for (; j + kPanel <= columns; j += kPanel, to += panel) pack_rows<1>(from + j, step, steps, to, panel);
  }
  for (; j < columns; j += kPanel, to += panel) {
    pack_panel(from + j * column, step, column, smaller(kPanel, columns - j), steps, to);
  }
}

// The first panels that the step after this one multiplies by, null where that is not known.
template <class T>
const T* panels_of_next_step(const KernelCall* call) {
  const KernelCall* const next = call->next;
  if (next == nullptr || next->num_inputs < 2 || next->inputs[1].panels == 0) return nullptr;
  return reinterpret_cast<const T*>(next->inputs[1].data);
}

// One after the other.
template <class T>
void pack_panels(const T* from, std::int64_t step, std::int64_t column, std::int64_t columns, std::int64_t steps,
                 T* to) {
  pack_panels(from, step, column, columns, steps, to, steps * kPanel);
}

}  // namespace ingot::INGOT_LEVEL
