// Packing of panels: [k][16] of outputs, zeros where the operand has fewer than 16 left. Exact copies: no arithmetic.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/element.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

// to[k * 16 + j] = from[j * stride + k] for 16 columns and kSteps steps of k, a register transpose.
// Returns how many of the `steps` it did; the caller does the rest.
#if defined(__AVX512F__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // gcc 12 sees the undefined operand inside its own intrinsics
INGOT_INLINE void transpose_16x16(const float* from, std::int64_t stride, float* to) {
  __m512 r[16], t[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_loadu_ps(from + i * stride);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {  // rows i .. i+3 of each 128-bit quarter become columns
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {  // the 4x4 quarters are transposed among themselves
    const __m512 low = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88), high = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
    const __m512 low2 = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
    const __m512 high2 = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    _mm512_storeu_ps(to + 16 * i, _mm512_shuffle_f32x4(low, low2, 0x88));
    _mm512_storeu_ps(to + 16 * (i + 4), _mm512_shuffle_f32x4(high, high2, 0x88));
    _mm512_storeu_ps(to + 16 * (i + 8), _mm512_shuffle_f32x4(low, low2, 0xdd));
    _mm512_storeu_ps(to + 16 * (i + 12), _mm512_shuffle_f32x4(high, high2, 0xdd));
  }
}

inline std::int64_t transpose_panel(const float* from, std::int64_t stride, float* to, std::int64_t steps) {
  std::int64_t k = 0;
  for (; k + 16 <= steps; k += 16) transpose_16x16(from + k, stride, to + k * kPanel);
  return k;
}
#pragma GCC diagnostic pop
#elif defined(__AVX2__)
INGOT_INLINE void transpose_8x8(const float* from, std::int64_t stride, float* to) {
  __m256 r[8], t[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_loadu_ps(from + i * stride);
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 4; ++i) {
    _mm256_storeu_ps(to + 16 * i, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    _mm256_storeu_ps(to + 16 * (i + 4), _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
}

inline std::int64_t transpose_panel(const float* from, std::int64_t stride, float* to, std::int64_t steps) {
  std::int64_t k = 0;
  for (; k + 8 <= steps; k += 8) {
    transpose_8x8(from + k, stride, to + k * kPanel);
    transpose_8x8(from + k + 8 * stride, stride, to + k * kPanel + 8);
  }
  return k;
}
#else
inline std::int64_t transpose_panel(const float*, std::int64_t, float*, std::int64_t) {
  return 0;
}
#endif
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

// One after the other.
template <class T>
void pack_panels(const T* from, std::int64_t step, std::int64_t column, std::int64_t columns, std::int64_t steps,
                 T* to) {
  pack_panels(from, step, column, columns, steps, to, steps * kPanel);
}

}  // namespace ingot::INGOT_LEVEL
