// atan, atan2, asin, acos. atan: t = x, (x - 1) / (x + 1) or -1 / x, so that |t| <= tan(pi/8), then
// base + t + t^3 P(t^2), base 0, pi/4 or pi/2. P is a fit of tests/tools/fit_coefficients.py.
#pragma once

#include "kernels/math.h"
#include "kernels/math_trig.h"

namespace ingot::INGOT_LEVEL {

// (atan(t) / t - 1) / t^2 in t^2; error times t^2 2^-58, short 2^-38.
INGOT_TABLE double kAtan[] = {-0x1.5555555555555p-2, 0x1.9999999999997p-3, -0x1.24924924920adp-3, 0x1.c71c71c6ddb9cp-4,
                              -0x1.745d173563ab2p-4, 0x1.3b13aea9b6b8dp-4, -0x1.1110cee3bf64ep-4, 0x1.e1d8e942d6a22p-5,
                              -0x1.aebd1ae878fa4p-5, 0x1.829cc4e1e78d4p-5, -0x1.503bca231ad2dp-5, 0x1.f5ed3e270c8a5p-6,
                              -0x1.c80e16e6bcb9dp-7};
INGOT_TABLE double kAtanShort[] = {-0x1.555555550212cp-2, 0x1.999998257f74ap-3,  -0x1.2491c08499a50p-3,
                                   0x1.c6f685c9d8eefp-4,  -0x1.71d3af43fedabp-4, 0x1.2442e9ad7171ap-4,
                                   -0x1.4b36e7e1eb5c2p-5};

// atan(ratio + low) for a ratio in [0, inf], |low| <= ulp(ratio). The short one ignores `low`.
template <bool kShort, class V>
INGOT_INLINE V atan_sum(V ratio, V low) {
  const Mask<V> middle = ratio > 0x1.a827999fcef32p-2, high = ratio > 0x1.3504f333f9de6p+1;  // tan(pi/8), tan(3 pi/8)
  V base = select<V>(middle, splat<V>(kHalfPi[0] / 2), splat<V>(0));
  base = select<V>(high, splat<V>(kHalfPi[0]), base);
  if constexpr (kShort) {
    V top = select<V>(middle, ratio - 1.0, ratio), bottom = select<V>(middle, ratio + 1.0, splat<V>(1));
    top = select<V>(high, splat<V>(-1), top);
    bottom = select<V>(high, ratio, bottom);
    const V t = top / bottom, z = t * t;
    return base + fma(t * z, polynomial(z, kAtanShort), t);
  } else {  // t as a sum of two
    const Double2<V> less = two_sum(ratio, splat<V>(-1)), more = two_sum(ratio, splat<V>(1));
    V top = select<V>(middle, less.high, ratio), top_low = select<V>(middle, less.low + low, low);
    V bottom = select<V>(middle, more.high, splat<V>(1)), bottom_low = select<V>(middle, more.low + low, splat<V>(0));
    top = select<V>(high, splat<V>(-1), top);
    top_low = select<V>(high, splat<V>(0), top_low);
    bottom = select<V>(high, ratio, bottom);
    bottom_low = select<V>(high, low, bottom_low);
    const V t = top / bottom, z = t * t;
    const V t_low = (fma(-t, bottom, top) + (top_low - t * bottom_low)) / bottom;
    V base_low = select<V>(middle, splat<V>(kHalfPi[1] / 2), splat<V>(0));
    base_low = select<V>(high, splat<V>(kHalfPi[1]), base_low);
    base_low = base_low + select<V>(ratio < kInfinity, t_low, splat<V>(0));
    return base + (t + fma(t * z, polynomial(z, kAtan), base_low));
  }
}

// top / bottom as a sum of two, given what the bottom lacks. Where the quotient is no finite number, low is 0.
template <class V>
INGOT_INLINE Double2<V> divide_sum(V top, V top_low, V bottom, V bottom_low) {
  const V quotient = top / bottom;
  const V low = (fma(-quotient, bottom, top) + (top_low - quotient * bottom_low)) / bottom;
  return {quotient, select<V>((magnitude(low) < 1.0) & (quotient < 0x1p500), low, splat<V>(0))};
}

// The square root of a sum of two, as a sum of two.
template <class V>
INGOT_INLINE Double2<V> root_sum(Double2<V> x) {
  const V root = square_root(x.high);
  const V low = (fma(-root, root, x.high) + x.low) / (root + root);
  return {root, select<V>((root > 0.0) & (root < kInfinity), low, splat<V>(0))};
}

template <bool kShort, class V>
INGOT_INLINE V atan_of(V x) {
  return flip_sign<V>(atan_sum<kShort>(magnitude(x), splat<V>(0)), sign_bit(x));
}

// The angle of the point (x, y), in [-pi, pi]. C99: zeros and infinities as limits along both axes.
template <bool kShort, class V>
INGOT_INLINE V atan2_of(V y, V x) {
  const V ax = magnitude(x), ay = magnitude(y);
  V ratio = ay / ax;
  V low = splat<V>(0);
  if constexpr (!kShort) {  // beyond these bounds the remainder is not exact, or does not count
    const Mask<V> plain = (ratio > 0x1p-400) & (ratio < 0x1p400) & (ax > 0x1p-500) & (ax < 0x1p500);
    low = select<V>(plain, fma(-ratio, ax, ay) / ax, low);
  }
  const Mask<V> diagonal = (ax == kInfinity) & (ay == kInfinity);
  ratio = select<V>(diagonal, splat<V>(1), ratio);
  ratio = select<V>(ay == 0.0, splat<V>(0), ratio);
  const V angle = atan_sum<kShort>(ratio, low);
  const V turned = 2 * kHalfPi[0] - (angle - 2 * kHalfPi[1]);
  V result = select<V>(sign_bit(x) != 0, turned, angle);
  result = flip_sign<V>(result, sign_bit(y));
  return select<V>((x != x) | (y != y), splat<V>(kNaN), result);
}

// asin(x) = atan(x / sqrt(1 - x^2)). NaN beyond 1.
template <bool kShort, class V>
INGOT_INLINE V asin_of(V x) {
  const V ax = magnitude(x);
  V result;
  if constexpr (kShort) {
    result = atan_sum<true>(ax / square_root(fma(-ax, ax, splat<V>(1.0))), splat<V>(0));
  } else {
    const Double2<V> square = two_product(ax, ax);
    const Double2<V> rest = fast_two_sum(splat<V>(1.0), -square.high);
    const Double2<V> root = root_sum(Double2<V>{rest.high, rest.low - square.low});
    const Double2<V> ratio = divide_sum(ax, splat<V>(0), root.high, root.low);
    result = atan_sum<false>(ratio.high, ratio.low);
  }
  return flip_sign<V>(select<V>(ax <= 1.0, result, splat<V>(kNaN)), sign_bit(x));
}

// acos(x) = 2 atan(sqrt((1 - x) / (1 + x))). NaN beyond 1.
template <bool kShort, class V>
INGOT_INLINE V acos_of(V x) {
  V result;
  if constexpr (kShort) {
    result = atan_sum<true>(square_root((1.0 - x) / (1.0 + x)), splat<V>(0));
  } else {
    const Double2<V> top = two_sum(splat<V>(1.0), -x), bottom = two_sum(splat<V>(1.0), x);
    const Double2<V> root = root_sum(divide_sum(top.high, top.low, bottom.high, bottom.low));
    result = atan_sum<false>(root.high, root.low);
  }
  return select<V>(magnitude(x) <= 1.0, 2.0 * result, splat<V>(kNaN));
}

}  // namespace ingot::INGOT_LEVEL
