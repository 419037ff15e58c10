// exp and tanh. exp: x = k ln2 + r, |r| <= ln2 / 2, then the Taylor polynomial of exp(r) and an exact scaling.
#pragma once

#include "kernels/math.h"

namespace ingot::INGOT_LEVEL {

// (exp(r) - 1 - r) / r^2: 1/2! + r/3! + ... The first omitted term is below 2^-57 (2^-36 for the short one).
inline constexpr double kExpTaylor[] = {1.0 / 2,       1.0 / 6,        1.0 / 24,        1.0 / 120,
                                        1.0 / 720,     1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
                                        1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800};
inline constexpr double kExpTaylorShort[] = {1.0 / 2,   1.0 / 6,    1.0 / 24,    1.0 / 120,
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
  } else {  // two factors, of which only the second can round, into a subnormal
    const Bits<V> half = ((p.k + 4096) >> 1) - 2048;
    return sum * power_of_two<V>(half) * power_of_two<V>(p.k - half);
  }
}

template <bool kShort, class V>
INGOT_INLINE V exp_of(V x) {
  return exp_sum<kShort>(x, splat<V>(0));
}

// tanh(x) = t / (t + 2) with t = exp(2|x|) - 1, and the sign of x.
template <bool kShort, class V>
INGOT_INLINE V tanh_of(V x) {
  V y = magnitude(x) * 2.0;
  y = select<V>(y > 60.0, splat<V>(60.0), y);  // tanh is 1 from 44 on
  const ExpParts<V> p = exp_parts<kShort>(y, splat<V>(0));
  const V scale = power_of_two<V>(p.k);
  const V leading = fma(scale, p.r, scale - 1.0);
  V result;
  if constexpr (kShort) {
    const V t = fma(scale, p.rest, leading);
    result = t / (t + 2.0);
  } else {  // t and t + 2 as sums of two, and one step of refining the quotient
    const Double2<V> t = fast_two_sum(leading, scale * p.rest);
    const Double2<V> d = two_sum(t.high, splat<V>(2.0));
    const V inverse = 1.0 / d.high;
    const V quotient = t.high * inverse;
    const V remainder = fma(-quotient, d.high, t.high) + (t.low - quotient * (d.low + t.low));
    result = fma(remainder, inverse, quotient);
  }
  return flip_sign<V>(result, sign_bit(x));
}

}  // namespace ingot::INGOT_LEVEL
