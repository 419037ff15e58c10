// Squares of floats turned in registers: as many rows as a vector has lanes become its columns.
#pragma once

#include <cstdint>

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

// Where turn_square is there.
inline constexpr bool kTurns = kVectorBytes >= 32;

#if defined(__AVX512F__)
// The maskz forms, because gcc 12 warns of its own undefined() in the others.
INGOT_INLINE __m512 two_halves(const float* low, const float* high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low)), _mm256_loadu_ps(high), 1);
}

// Eight columns of 16 rows from two rows each, rows i and i + 4 (i < 4), then i + 4 and i + 8.
template <class Take>
INGOT_INLINE void turn_half(__m512 (&r)[8], int first, const Take& take) {
  __m512 t[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm512_maskz_unpacklo_ps(0xffff, r[i], r[i + 1]);
    t[i + 1] = _mm512_maskz_unpackhi_ps(0xffff, r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {  // four rows of each 128-bit quarter become columns
    r[i] = _mm512_maskz_shuffle_ps(0xffff, t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_maskz_shuffle_ps(0xffff, t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_maskz_shuffle_ps(0xffff, t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_maskz_shuffle_ps(0xffff, t[i + 1], t[i + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    take(first + i, bit_cast<F32>(_mm512_maskz_shuffle_f32x4(0xffff, r[i], r[i + 4], 0x88)));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    take(first + 4 + i, bit_cast<F32>(_mm512_maskz_shuffle_f32x4(0xffff, r[i], r[i + 4], 0xdd)));
  }
}

// take(k, v) for k = 0, 1, ...: lane j of v is from[j * stride + k]. Half of the work of moving is done by the loads,
// which put two rows into a register. Both halves of a line are read together: rows may share a set of the cache.
template <class Take>
INGOT_INLINE void turn_square(const float* from, std::int64_t stride, const Take& take) {
  __m512 left[8], right[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const float* const low = from + (i / 4 * 8 + i % 4) * stride;
    left[i] = two_halves(low, low + 4 * stride);
    right[i] = two_halves(low + 8, low + 4 * stride + 8);
  }
  turn_half(left, 0, take);
  turn_half(right, 8, take);
}
#elif defined(__AVX2__)
INGOT_INLINE __m256 two_halves(const float* low, const float* high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}

template <class Take>
INGOT_INLINE void turn_half(const float* from, std::int64_t stride, int first, const Take& take) {
  __m256 r[4], t[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) r[i] = two_halves(from + i * stride, from + (i + 4) * stride);
  for (int i = 0; i < 4; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  take(first, bit_cast<F32>(_mm256_shuffle_ps(t[0], t[2], 0x44)));
  take(first + 1, bit_cast<F32>(_mm256_shuffle_ps(t[0], t[2], 0xee)));
  take(first + 2, bit_cast<F32>(_mm256_shuffle_ps(t[1], t[3], 0x44)));
  take(first + 3, bit_cast<F32>(_mm256_shuffle_ps(t[1], t[3], 0xee)));
}

// take(k, v) for k = 0, 1, ...: lane j of v is from[j * stride + k].
template <class Take>
INGOT_INLINE void turn_square(const float* from, std::int64_t stride, const Take& take) {
  turn_half(from, stride, 0, take);
  turn_half(from + 4, stride, 4, take);
}
#else
template <class Take>
void turn_square(const float*, std::int64_t, const Take&) {}
#endif

}  // namespace ingot::INGOT_LEVEL
