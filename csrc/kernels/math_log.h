// log, log2, log10, log1p, the inverse hyperbolic functions, and pow. log: x = 2^k m, sqrt(1/2) <= m < sqrt(2), log m =
// 2 atanh(s), s = (m-1) / (m+1), by the series of atanh. pow: exp(y log x), the logarithm and its product with y
// carried as sums of two doubles.
#pragma once

#include "kernels/math.h"
#include "kernels/math_exp.h"

namespace ingot::INGOT_LEVEL {

// 2 atanh(s) = 2s + s^3 (2/3 + 2/5 s^2 + ...), s^2 <= 0.0295. First omitted term relative to 2s: 2^-60, short 2^-39.
INGOT_TABLE double kAtanh[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13,
                               2.0 / 15, 2.0 / 17, 2.0 / 19, 2.0 / 21, 2.0 / 23};
INGOT_TABLE double kAtanhShort[] = {2.0 / 3, 2.0 / 5, 2.0 / 7, 2.0 / 9, 2.0 / 11, 2.0 / 13, 2.0 / 15};
INGOT_TABLE double kAtanhTail[] = {2.0 / 7,  2.0 / 9,  2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17,
                                   2.0 / 19, 2.0 / 21, 2.0 / 23, 2.0 / 25, 2.0 / 27};  // from 2/7 on; 2^-75
INGOT_TABLE double kTwoThirds[] = {2.0 / 3, 0x1.5555555555555p-55};                    // as sums of two
INGOT_TABLE double kTwo[] = {2.0, 0.0};
INGOT_TABLE double kTwoFifths[] = {2.0 / 5, -0x1.999999999999ap-56};

template <class V>
struct LogParts {
  V m, k;
};

// Requires: x > 0, finite; any other x gives unspecified numbers.
template <bool kShort, class V>
INGOT_INLINE LogParts<V> log_parts(V x) {
  constexpr std::uint64_t kRootHalf = 0x3fe6a09e667f3bcd;  // bits of sqrt(1/2)
  V bias = splat<V>(0x1p52 + 1023);
  if constexpr (!kShort) {  // a float is never subnormal as a double
    const Mask<V> tiny = x < 0x1p-1022;
    x = select<V>(tiny, x * 0x1p54, x);
    bias = select<V>(tiny, splat<V>(0x1p52 + 1023 + 54), bias);
  }
  const Bits<V> b = to_bits(x) + (0x3ff0000000000000 - kRootHalf);
  const V m = bit_cast<V>((b & 0x000fffffffffffff) + kRootHalf);
  return {m, bit_cast<V>((b >> 52) | 0x4330000000000000) - bias};  // the exponent, put into the mantissa of 2^52
}

// log(0) = -inf, log of a negative number is NaN, log(inf) = inf.
template <bool kShort, class V>
INGOT_INLINE V log_of(V x) {
  const LogParts<V> p = log_parts<kShort>(x);
  const V f = p.m - 1.0;  // exact
  const V s = f / (2.0 + f);
  const V z = s * s;
  V result;
  if constexpr (kShort) {
    const V log_m = fma(s * z, polynomial(z, kAtanhShort), s + s);
    result = fma(p.k, splat<V>(kLn2[0]), fma(p.k, splat<V>(kLn2[1]), log_m));
  } else {  // log m = f - (h - s (h + z P)), h = f^2 / 2: the rounding error of s does not count (Sun's fdlibm)
    const V h = 0.5 * f * f;
    const V inner = fma(s, h + z * polynomial(z, kAtanh), p.k * kLn2[1]);
    result = fma(p.k, splat<V>(kLn2[0]), -((h - inner) - f));
  }
  result = select<V>(x < kInfinity, result, x);  // inf and NaN
  result = select<V>(x < 0.0, splat<V>(kNaN), result);
  return select<V>(x == 0.0, splat<V>(-kInfinity), result);
}

// constant + b, where |constant| >= |b|.
template <class V>
INGOT_INLINE Double2<V> add2(const double (&constant)[2], Double2<V> b) {
  const Double2<V> sum = fast_two_sum(splat<V>(constant[0]), b.high);
  return {sum.high, sum.low + (b.low + constant[1])};
}

// log(x) with a relative error below 2^-66. Requires: x > 0, finite; any other x gives unspecified numbers.
template <class V>
INGOT_INLINE Double2<V> log_of_2(V x) {
  const LogParts<V> p = log_parts<false>(x);
  const V f = p.m - 1.0;
  const Double2<V> d = two_sum(splat<V>(2.0), f);
  const V quotient = f / d.high;
  const V remainder = fma(-quotient, d.high, f) - quotient * d.low;
  const Double2<V> s{quotient, remainder / d.high};
  const Double2<V> z = multiply2(s, s);
  // log m = s (2 + z (2/3 + z (2/5 + z tail)))
  const V tail = polynomial(z.high, kAtanhTail);
  Double2<V> sum = add2(kTwoFifths, multiply2(z, Double2<V>{tail, splat<V>(0)}));
  sum = add2(kTwoThirds, multiply2(z, sum));
  sum = add2(kTwo, multiply2(z, sum));
  const Double2<V> log_m = multiply2(s, sum);
  const Double2<V> total = two_sum(p.k * kLn2[0], log_m.high);  // the product is exact
  return fast_two_sum(total.high, total.low + fma(p.k, splat<V>(kLn2[1]), log_m.low));
}

INGOT_TABLE double kLog2E[] = {0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56};
INGOT_TABLE double kLog10E[] = {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57};

// log(x) times a constant that is a sum of two.
template <bool kShort, class V>
INGOT_INLINE V scaled_log_of(V x, const double (&factor)[2]) {
  if constexpr (kShort) {
    return log_of<true>(x) * factor[0];
  } else {
    const Double2<V> product = multiply2(log_of_2(x), Double2<V>{splat<V>(factor[0]), splat<V>(factor[1])});
    V result = select<V>(x < kInfinity, product.high, x);
    result = select<V>(x < 0.0, splat<V>(kNaN), result);
    return select<V>(x == 0.0, splat<V>(-kInfinity), result);
  }
}

template <bool kShort, class V>
INGOT_INLINE V log2_of(V x) {
  return scaled_log_of<kShort>(x, kLog2E);
}

template <bool kShort, class V>
INGOT_INLINE V log10_of(V x) {
  return scaled_log_of<kShort>(x, kLog10E);
}

// log(1 + x + tail) = log(u) + c / u, where u + c = 1 + x + tail is a sum of two.
template <bool kShort, class V>
INGOT_INLINE V log1p_sum(V x, V tail) {
  const Double2<V> u = two_sum(splat<V>(1.0), x);
  const V correction = (u.low + tail) / u.high;
  V result;
  if constexpr (kShort) {
    result = log_of<true>(u.high) + correction;
  } else {
    const Double2<V> log_u = log_of_2(u.high);
    result = log_u.high + (log_u.low + correction);
  }
  result = select<V>(x < kInfinity, result, x);
  result = select<V>(x < -1.0, splat<V>(kNaN), result);
  return select<V>(x == -1.0, splat<V>(-kInfinity), result);
}

// Of float: math_f32_log.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V log1p_of(V x) {
  return select<V>(magnitude(x) < 0x1p-54, x, log1p_sum<false>(x, splat<V>(0)));  // keeps -0
}

// log(2 x) for x from 2^28 on, where x^2 + 1 rounds to x^2.
template <bool kShort, class V>
INGOT_INLINE V log_of_double(V x) {
  if constexpr (kShort) {
    return log_of<true>(x) + kLn2Whole[0];
  } else {
    const Double2<V> log_x = log_of_2(x);
    const Double2<V> sum = two_sum(log_x.high, splat<V>(kLn2Whole[0]));
    return select<V>(x < kInfinity, sum.high + (sum.low + (log_x.low + kLn2Whole[1])), x);
  }
}

// asinh(x) = log1p(|x| + x^2 / (1 + sqrt(x^2 + 1))), and the sign of x.
template <bool kShort, class V>
INGOT_INLINE V asinh_of(V x) {
  const V ax = magnitude(x);
  const V bounded = select<V>(ax < 0x1p28, ax, splat<V>(0x1p28));
  const V square = bounded * bounded;
  const Double2<V> sum = fast_two_sum(bounded, square / (1.0 + square_root(square + 1.0)));
  const Double2<V> swapped = two_sum(sum.high, sum.low);
  V result = log1p_sum<kShort>(swapped.high, swapped.low);
  result = select<V>(ax < 0x1p28, result, log_of_double<kShort>(ax));
  result = select<V>(ax < 0x1p-30, ax, result);
  return flip_sign<V>(select<V>(x == x, result, ax), sign_bit(x));
}

// acosh(x) = log1p(t + sqrt(2 t + t^2)), t = x - 1. NaN below 1.
template <bool kShort, class V>
INGOT_INLINE V acosh_of(V x) {
  const V t = select<V>(x < 0x1p28, x, splat<V>(0x1p28)) - 1.0;
  const Double2<V> sum = two_sum(square_root(fma(t, t, t + t)), t);
  const V result = select<V>(x < 0x1p28, log1p_sum<kShort>(sum.high, sum.low), log_of_double<kShort>(x));
  return select<V>(x >= 1.0, result, splat<V>(kNaN));
}

// atanh(x) = log1p(2 |x| / (1 - |x|)) / 2, and the sign of x. NaN beyond 1.
template <bool kShort, class V>
INGOT_INLINE V atanh_of(V x) {
  const V ax = magnitude(x);
  const Double2<V> d = two_sum(splat<V>(1.0), -ax);
  const V quotient = (ax + ax) / d.high;
  const V remainder = fma(-quotient, d.high, ax + ax) - quotient * d.low;
  const V tail = select<V>(ax < 1.0, remainder / d.high, splat<V>(0));
  V result = 0.5 * log1p_sum<kShort>(quotient, tail);
  result = select<V>(ax < 0x1p-30, ax, result);
  result = select<V>(ax <= 1.0, result, splat<V>(kNaN));
  return flip_sign<V>(result, sign_bit(x));
}

// |x|^y for 0 < |x| < inf; at 0 and inf the limits.
template <bool kShort, class V>
INGOT_INLINE V pow_of_magnitude(V ax, V y) {
  if constexpr (kShort) {
    return exp_of<true>(y * log_of<true>(ax));
  } else {
    const Double2<V> log2 = log_of_2(ax);
    V log_x = select<V>(ax < kInfinity, log2.high, ax);
    log_x = select<V>(ax == 0.0, splat<V>(-kInfinity), log_x);
    const V product = y * log_x;
    const V tail = fma(y, log2.high, -product) + y * log2.low;
    // Beyond 800 exp is 0 or inf whatever the tail says, which may be NaN there.
    return exp_sum<false>(product, select<V>(magnitude(product) < 800.0, tail, splat<V>(0)));
  }
}

// C99: pow(x, 0) = pow(1, y) = 1 even for NaN; a negative finite x to a fraction is NaN; pow(-1, +-inf) = 1.
template <bool kShort, class V>
INGOT_INLINE V pow_of(V x, V y) {
  const V ax = magnitude(x);
  const V ay = magnitude(y);
  const V half = y * 0.5;
  const Mask<V> integer = round_even(y) == y;
  const Mask<V> odd = integer & (round_even(half) != half);
  V result = pow_of_magnitude<kShort>(ax, y);
  result = select<V>((ax == 1.0) & (ay == kInfinity), splat<V>(1), result);
  const V signed_result = select<V>(odd, flip_sign<V>(result, sign_bit(x)), result);
  result = select<V>((x < 0.0) & (ax < kInfinity) & (round_even(y) != y), splat<V>(kNaN), signed_result);
  result = select<V>((x != x) | (y != y), splat<V>(kNaN), result);
  return select<V>((y == 0.0) | (x == 1.0), splat<V>(1), result);
}

}  // namespace ingot::INGOT_LEVEL
