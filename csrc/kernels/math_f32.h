// What the functions of float32 that are computed in float32 (math_f32_*.h) are made of. Each is a template over V,
// float or F32, of correctly rounded operations in a fixed order, so that a scalar, a lane and every level give the
// same bits. They are within 1 ULP where the functions of math_*.h on a widened float are within 0.51, and take a
// fourth of the time. Their coefficients are minimax polynomials rounded to float32 one after the other, from the
// lowest power on, each time with a new fit of those that are left.
#pragma once

#include "kernels/math.h"

namespace ingot::INGOT_LEVEL {

inline constexpr float kRoundMagicF32 =
    0x1.8p23f;  // (x + this) - this rounds |x| < 2^22; the integer is in the low bits

// The smaller / larger of x and a limit that is no zero; NaN stays NaN. One instruction where the processor's minimum
// gives its second operand when they are unordered.
template <class V>
INGOT_INLINE V at_most(V x, float limit) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return bit_cast<V>(_mm512_maskz_min_ps(0xffff, bit_cast<__m512>(splat<V>(limit)), bit_cast<__m512>(x)));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 32) {
    return bit_cast<V>(_mm256_min_ps(bit_cast<__m256>(splat<V>(limit)), bit_cast<__m256>(x)));
  }
#endif
  return select<V>(x > limit, splat<V>(limit), x);
}

template <class V>
INGOT_INLINE V at_least(V x, float limit) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return bit_cast<V>(_mm512_maskz_max_ps(0xffff, bit_cast<__m512>(splat<V>(limit)), bit_cast<__m512>(x)));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 32) {
    return bit_cast<V>(_mm256_max_ps(bit_cast<__m256>(splat<V>(limit)), bit_cast<__m256>(x)));
  }
#endif
  return select<V>(x < limit, splat<V>(limit), x);
}

// v * 2^k, rounded once, for k = shifted - kRoundMagicF32, |k| <= 250. Requires: v is no subnormal number.
template <class V>
INGOT_INLINE V times_power_of_two(V v, V shifted) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    return bit_cast<V>(_mm512_maskz_scalef_ps(0xffff, bit_cast<__m512>(v), bit_cast<__m512>(shifted - kRoundMagicF32)));
  }
#endif
  // In two factors, of which only the second can round, into a subnormal.
  const Bits<V> k = to_bits(shifted) - to_bits(splat<V>(kRoundMagicF32));
  const Bits<V> half = ((k + 4096) >> 1) - 2048;
  return v * bit_cast<V>((half + 127) << 23) * bit_cast<V>((k - half + 127) << 23);
}

}  // namespace ingot::INGOT_LEVEL
