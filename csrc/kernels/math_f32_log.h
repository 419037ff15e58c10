// log and log1p of float32, in float32: x = 2^k m, 3/4 <= m < 3/2, then a polynomial in f = m - 1.
#pragma once

#include "kernels/math_f32.h"

namespace ingot::INGOT_LEVEL {

// x as 2^k m. At 0, inf, NaN and below 0 they are such that k ln2 + log m is the logarithm all the same, or it is
// unspecified and log_limits puts it right.
template <class V>
struct LogPartsF32 {
  V m, k;
};

#if defined(__AVX512F__)
INGOT_INLINE LogPartsF32<F32> log_parts_f32(F32 x) {
  const __m512 m = _mm512_maskz_getmant_ps(0xffff, bit_cast<__m512>(x), _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
  const __m512 k = _mm512_maskz_getexp_ps(0xffff, bit_cast<__m512>(x));
  return {bit_cast<F32>(m), bit_cast<F32>(k) - bit_cast<F32>(_mm512_maskz_getexp_ps(0xffff, m))};
}

INGOT_INLINE F32 log_limits(F32, F32 result) {
  return result;
}
#endif

template <class V>
INGOT_INLINE LogPartsF32<V> log_parts_f32(V x) {
  const Mask<V> tiny = x < 0x1p-126f;
  const V scaled = select<V>(tiny, x * 0x1p24f, x);
  const V bias = select<V>(tiny, splat<V>(0x1p23f + 127 + 24), splat<V>(0x1p23f + 127));
  const Bits<V> b = to_bits(scaled) + 0x00400000;  // 1 - 3/4 in units of the last place of 3/4
  const V m = bit_cast<V>((b & 0x007fffff) + 0x3f400000);
  return {m, bit_cast<V>((b >> 23) | 0x4b000000) - bias};  // the exponent, put into the mantissa of 2^23
}

// log(0) = -inf, log of a negative number is NaN, log(inf) = inf.
template <class V>
INGOT_INLINE V log_limits(V x, V result) {
  result = select<V>(x < kInfinityF32, result, x);  // inf and NaN
  result = select<V>(x < 0.0f, splat<V>(kNaNF32), result);
  return select<V>(x == 0.0f, splat<V>(-kInfinityF32), result);
}

// (log(1 + f) - f) / f^2 on [-1/4, 1/2]; error times f^2 / log(1 + f) 2^-27.6. Of many neighbours of the minimax
// polynomial the one with the least errors of log_f32 and log1p_f32.
INGOT_TABLE float kLogF32[] = {-0x1p-1f,      0x1.5555aap-2f,  -0x1.000052p-2f, 0x1.99699ap-3f, -0x1.54eec6p-3f,
                               0x1.2883ap-3f, -0x1.0d97cap-3f, 0x1.acd3ep-4f,   -0x1.718668p-5f};

// k ln2 + log(1 + f).
template <class V>
INGOT_INLINE V log_sum_f32(V k, V f) {
  return fma(k, splat<V>(0x1.62e43p-1f), fma(f * f, polynomial(f, kLogF32), f));
}

template <class V>
INGOT_INLINE V log_f32(V x) {
  const LogPartsF32<V> p = log_parts_f32(x);
  return log_limits(x, log_sum_f32(p.k, p.m - 1.0f));
}

// log(u + c), u + c = 1 + x: so f = (m - 1) + 2^-k c, which is exact up to 2^23.
template <class V>
INGOT_INLINE V log1p_f32(V x) {
  const V u = x + 1.0f;
  const LogPartsF32<V> p = log_parts_f32(u);
  const V c = times_power_of_two(x - (u - 1.0f), kRoundMagicF32 - p.k);
  V result = log_sum_f32(p.k, c + (p.m - 1.0f));
  result = select<V>(x < kInfinityF32, result, x);
  result = select<V>(x > -1.0f, result, select<V>(x == -1.0f, splat<V>(-kInfinityF32), splat<V>(kNaNF32)));
  return bit_cast<V>(to_bits(result) | sign_bit(x));  // keeps -0
}

}  // namespace ingot::INGOT_LEVEL
