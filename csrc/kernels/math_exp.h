// exp, exp2, expm1, sinh, cosh and tanh. exp: x = k ln2 + r, |r| <= ln2 / 2, then the Taylor polynomial of exp(r) and
// an exact scaling.
#pragma once

#include "kernels/math.h"

namespace ingot::INGOT_LEVEL {

// (exp(r) - 1 - r) / r^2: 1/2! + r/3! + ... The first omitted term is below 2^-57 (2^-36 for the short one).
INGOT_TABLE double kExpTaylor[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                   1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                   1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
INGOT_TABLE double kExpTaylorShort[] = {1.0 / 2,   1.0 / 6,    1.0 / 24,    1.0 / 120,
                                        1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880};

// exp(x + tail) = 2^k * (1 + r + rest), r + rest being exp(reduced) - 1 with r exact to its last place.
template <class V>
struct ExpParts {
  V r, rest;
  Bits<V> k;
};

// Requires: |x| < 2^20 or NaN, |tail| <= ulp(x).
template <bool kShort, class V>
INGOT_INLINE ExpParts<V> exp_parts(V x, V tail) {
  const V shifted = fma(x, splat<V>(0x1.71547652b82fep+0), splat<V>(kRoundMagic));  // x / ln2
  const V k = shifted - kRoundMagic;
  const V high = fma(k, splat<V>(-kLn2[0]), x);  // exact
  const V low = fma(k, splat<V>(kLn2[1]), -tail);
  const V r = high - low;
  if constexpr (kShort) {
    return {r, r * r * polynomial(r, kExpTaylorShort), rounded_bits(shifted)};
  } else {
    const V correction = (high - r) - low;  // what r lost
    return {r, fma(r * r, polynomial(r, kExpTaylor), correction), rounded_bits(shifted)};
  }
}

// v * 2^k in two factors, of which only the second can round, into a subnormal.
template <class V>
INGOT_INLINE V scale_twice(V v, Bits<V> k) {
  const Bits<V> half = ((k + 4096) >> 1) - 2048;
  return v * power_of_two<V>(half) * power_of_two<V>(k - half);
}

// exp(x + tail) for a tail that is small beside x. exp(-inf) = 0, exp(inf) = inf.
template <bool kShort, class V>
INGOT_INLINE V exp_sum(V x, V tail) {
  constexpr double kLimit = kShort ? 200 : 800;  // beyond it every result is 0 or inf
  x = select<V>(x > kLimit, splat<V>(kLimit), x);
  x = select<V>(x < -kLimit, splat<V>(-kLimit), x);
  const ExpParts<V> p = exp_parts<kShort>(x, tail);
  const V sum = 1.0 + (p.r + p.rest);
  if constexpr (kShort) {
    return sum * power_of_two<V>(p.k);
  } else {
    return scale_twice(sum, p.k);
  }
}

template <bool kShort, class V>
INGOT_INLINE V exp_of(V x) {
  return exp_sum<kShort>(x, splat<V>(0));
}

// tanh(x) = t / (t + 2) with t = exp(2|x|) - 1, and the sign of x. t and t + 2 are sums of two, and the quotient is
// refined in one step. Of float: math_f32_table.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V tanh_of(V x) {
  V y = magnitude(x) * 2.0;
  y = select<V>(y > 60.0, splat<V>(60.0), y);  // tanh is 1 from 44 on
  const ExpParts<V> p = exp_parts<false>(y, splat<V>(0));
  const V scale = power_of_two<V>(p.k);
  const Double2<V> t = fast_two_sum(fma(scale, p.r, scale - 1.0), scale * p.rest);
  const Double2<V> d = two_sum(t.high, splat<V>(2.0));
  const V inverse = 1.0 / d.high;
  const V quotient = t.high * inverse;
  const V remainder = fma(-quotient, d.high, t.high) + (t.low - quotient * (d.low + t.low));
  return flip_sign<V>(fma(remainder, inverse, quotient), sign_bit(x));
}

INGOT_TABLE double kLn2Whole[] = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

// 2^x = 2^k exp((x - k) ln2): exact at integers. Of float: math_f32_exp.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V exp2_of(V x) {
  constexpr double kLimit = 1200;  // beyond it every result is 0 or inf
  x = select<V>(x > kLimit, splat<V>(kLimit), x);
  x = select<V>(x < -kLimit, splat<V>(-kLimit), x);
  const V shifted = x + kRoundMagic;
  const V f = x - (shifted - kRoundMagic);  // exact
  const V r = f * kLn2Whole[0];
  const V low = fma(f, splat<V>(kLn2Whole[0]), -r) + f * kLn2Whole[1];
  const V rest = fma(r * r, polynomial(r, kExpTaylor), low);
  return scale_twice(1.0 + (r + rest), rounded_bits(shifted));
}

// exp(x) - 1 as an unevaluated sum. Requires: |x| <= 60 or NaN.
template <bool kShort, class V>
INGOT_INLINE Double2<V> expm1_parts(V x) {
  const ExpParts<V> p = exp_parts<kShort>(x, splat<V>(0));
  const V scale = power_of_two<V>(p.k);
  return fast_two_sum(fma(scale, p.r, scale - 1.0), scale * p.rest);
}

inline constexpr double kExpm1Limit = 60;  // from here on exp(x) - 1 rounds to exp(x), and to -1 below

template <class V>
INGOT_INLINE V clamp_expm1(V x) {
  x = select<V>(x > kExpm1Limit, splat<V>(kExpm1Limit), x);
  return select<V>(x < -kExpm1Limit, splat<V>(-kExpm1Limit), x);
}

// Of float: math_f32_exp.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V expm1_of(V x) {
  const Double2<V> t = expm1_parts<false>(clamp_expm1(x));
  const V result = select<V>(x > kExpm1Limit, exp_of<false>(x), t.high + t.low);
  return select<V>(x == 0.0, x, result);  // keeps -0
}

// exp(|x|) / 2, which overflows where sinh and cosh do.
template <bool kShort, class V>
INGOT_INLINE V half_exp_of(V ax) {
  const Double2<V> shifted = two_sum(ax, splat<V>(-kLn2Whole[0]));
  const V finite = exp_sum<kShort>(shifted.high, shifted.low - kLn2Whole[1]);
  return select<V>(ax < kInfinity, finite, ax);
}

// sinh(x) = (t + t / (t + 1)) / 2, t = exp(|x|) - 1, and the sign of x.
template <bool kShort, class V>
INGOT_INLINE V sinh_of(V x) {
  const V ax = magnitude(x);
  const Double2<V> t = expm1_parts<kShort>(clamp_expm1(ax));
  V small;
  if constexpr (kShort) {
    small = 0.5 * (t.high + (t.high / (t.high + 1.0) + t.low));
  } else {
    const Double2<V> d = two_sum(splat<V>(1.0), t.high);
    const V quotient = t.high / d.high;
    const V remainder = fma(-quotient, d.high, t.high) + (t.low - quotient * (d.low + t.low));
    const Double2<V> sum = two_sum(t.high, quotient);
    small = 0.5 * (sum.high + (sum.low + (t.low + remainder / d.high)));
  }
  const V result = select<V>(ax < 40.0, small, half_exp_of<kShort>(ax));
  return flip_sign<V>(select<V>(x == 0.0, ax, result), sign_bit(x));
}

template <bool kShort, class V>
INGOT_INLINE V cosh_of(V x) {
  const V ax = magnitude(x);
  const V e = exp_of<kShort>(select<V>(ax < 40.0, ax, splat<V>(40.0)));
  return select<V>(ax < 40.0, 0.5 * e + 0.5 / e, half_exp_of<kShort>(ax));
}

}  // namespace ingot::INGOT_LEVEL
