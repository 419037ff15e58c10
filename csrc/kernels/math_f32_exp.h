// exp, expm1 and exp2 of float32, in float32: x = k ln2 + r, |r| <= ln2 / 2, or x = k + r, |r| <= 1/2, then a
// polynomial in r and an exact scaling.
#pragma once

#include "kernels/math_f32.h"

namespace ingot::INGOT_LEVEL {

// ln2 as a sum of two. x - k * the first is exact: a multiple of 2^-25 below 1/2.
INGOT_TABLE float kLn2F32[] = {0x1.62e43p-1f, -0x1.05c61p-29f};
// (exp(r) - 1 - r) / r^2; error times r^2 / exp(r) 2^-28.
INGOT_TABLE float kExpF32[] = {0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558bp-5f, 0x1.12398ep-7f, 0x1.6a4d6p-10f};

// exp(-inf) = 0, exp(inf) = inf.
template <class V>
INGOT_INLINE V exp_f32(V x) {
  x = at_least(at_most(x, 104.0f), -104.0f);                                     // beyond it every result is inf or 0
  const V shifted = fma(x, splat<V>(0x1.715476p+0f), splat<V>(kRoundMagicF32));  // x / ln2
  const V k = shifted - kRoundMagicF32;
  const V r = fma(k, splat<V>(-kLn2F32[1]), fma(k, splat<V>(-kLn2F32[0]), x));
  const V slope = fma(polynomial(r, kExpF32), r, splat<V>(1));
  return times_power_of_two(fma(slope, r, splat<V>(1)), shifted);
}

// (exp(r) - 1 - r) / r^2; error times r^2 / exp(r) 2^-33.
INGOT_TABLE float kExpm1F32[] = {0x1p-1f,        0x1.555554p-3f,  0x1.5554e8p-5f,
                                 0x1.11130ep-7f, 0x1.6d4ccap-10f, 0x1.9dfc0ap-13f};

// (2^k (1 + r + rest) - 1) with r as a sum of two and the leading sum's error added; halved, because 2^128 is no float.
template <class V>
INGOT_INLINE V expm1_f32(V x) {
  const V bounded = at_least(at_most(x, 88.8f), -18.0f);  // beyond it every result is inf or -1
  const V shifted = fma(bounded, splat<V>(0x1.715476p+0f), splat<V>(kRoundMagicF32));
  const V k = shifted - kRoundMagicF32;
  const V first = fma(k, splat<V>(-kLn2F32[0]), bounded);  // exact
  const V r = fma(k, splat<V>(-kLn2F32[1]), first);
  const V rest = fma(r * r, polynomial(r, kExpm1F32), fma(k, splat<V>(-kLn2F32[1]), first - r));
  const V scale = bit_cast<V>((to_bits(shifted) - to_bits(splat<V>(kRoundMagicF32)) + 126) << 23);  // 2^k / 2
  const V offset = scale - 0.5f;
  const V leading = fma(scale, r, offset);
  const V error = fma(scale, r, offset - leading) + ((scale - offset) - 0.5f);
  const V result = 2.0f * (leading + fma(scale, rest, error));
  return select<V>(magnitude(x) < 0x1p-25f, x, result);  // keeps -0 and subnormals
}

// (2^r - 1) / r; error times r / 2^r 2^-28.
INGOT_TABLE float kExp2F32[] = {0x1.62e43p-1f,  0x1.ebfbdcp-3f,  0x1.c6af7ap-5f,
                                0x1.3b2dd2p-7f, 0x1.5f0946p-10f, 0x1.417a5cp-13f};

// Exact at integers.
template <class V>
INGOT_INLINE V exp2_f32(V x) {
  x = at_least(at_most(x, 151.0f), -151.0f);  // beyond it every result is inf or 0
  const V shifted = x + kRoundMagicF32;
  const V r = x - (shifted - kRoundMagicF32);
  return times_power_of_two(fma(polynomial(r, kExp2F32), r, splat<V>(1)), shifted);
}

}  // namespace ingot::INGOT_LEVEL
