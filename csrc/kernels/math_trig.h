// sin, cos and tan. x = n pi/2 + r, |r| <= pi/4, r as a sum of two doubles, then Taylor polynomials.
// Up to 2^20 n pi/2 is subtracted in three parts of pi/2; beyond, reduce_large multiplies by the bits of 2/pi that
// matter (Payne and Hanek), lane by lane.
#pragma once

#include "kernels/math.h"
#include "kernels/math_trig_large.h"

namespace ingot::INGOT_LEVEL {

inline constexpr double kLargeAngle = 0x1p20;

// sin(r) = r + r^3 S(r^2), cos(r) = 1 - r^2/2 + r^4 C(r^2). First omitted terms: 2^-63 and 2^-58, short 2^-36 and
// 2^-41.
INGOT_TABLE double kSinTaylor[] = {-1.0 / 6,
                                   1.0 / 120,
                                   -1.0 / 5040,
                                   1.0 / 362880,
                                   -1.0 / 39916800,
                                   1.0 / 6227020800.0,
                                   -1.0 / 1307674368000.0,
                                   1.0 / 355687428096000.0};
INGOT_TABLE double kCosTaylor[] = {1.0 / 24,        -1.0 / 720,           1.0 / 40320,           -1.0 / 3628800,
                                   1.0 / 479001600, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
INGOT_TABLE double kSinTaylorShort[] = {-1.0 / 6, 1.0 / 120, -1.0 / 5040, 1.0 / 362880, -1.0 / 39916800};
INGOT_TABLE double kCosTaylorShort[] = {1.0 / 24, -1.0 / 720, 1.0 / 40320, -1.0 / 3628800, 1.0 / 479001600};

template <class V>
struct Angle {
  V high, low;
  Bits<V> quadrant;  // its two low bits count
};

INGOT_INLINE Angle<double> reduce_large_lanes(double x, Angle<double> angle) {
  reduce_large(x, &angle.high, &angle.low, &angle.quadrant);
  return angle;
}

#if !defined(__CUDACC__)
template <class V>
INGOT_NOINLINE Angle<V> reduce_large_lanes(V x, Angle<V> angle) {
  double xs[kLanes<V>], highs[kLanes<V>], lows[kLanes<V>];
  std::uint64_t quadrants[kLanes<V>];
  __builtin_memcpy(xs, &x, sizeof(V));
  __builtin_memcpy(highs, &angle.high, sizeof(V));
  __builtin_memcpy(lows, &angle.low, sizeof(V));
  __builtin_memcpy(quadrants, &angle.quadrant, sizeof(V));
  for (int i = 0; i < kLanes<V>; ++i) {
    if (!(__builtin_fabs(xs[i]) < kLargeAngle)) reduce_large(xs[i], &highs[i], &lows[i], &quadrants[i]);
  }
  __builtin_memcpy(&angle.high, highs, sizeof(V));
  __builtin_memcpy(&angle.low, lows, sizeof(V));
  __builtin_memcpy(&angle.quadrant, quadrants, sizeof(V));
  return angle;
}
#endif

template <bool kShort, class V>
INGOT_INLINE Angle<V> reduce_angle(V x) {
  const V shifted = fma(x, splat<V>(0x1.45f306dc9c883p-1), splat<V>(kRoundMagic));  // x * 2/pi
  const V n = shifted - kRoundMagic;
  Angle<V> angle;
  angle.quadrant = rounded_bits(shifted);
  if constexpr (kShort) {  // |r| >= 2^-31 for every float but 0, so its relative error is below 2^-50
    angle.high = fma(n, splat<V>(-kHalfPi[1]), fma(n, splat<V>(-kHalfPi[0]), x));
    angle.low = splat<V>(0);
  } else {  // x - p.high is exact, and so are both sums: only the products with the third part and the lows round
    const Double2<V> p = two_product(n, splat<V>(kHalfPi[0]));
    const Double2<V> q = two_product(n, splat<V>(kHalfPi[1]));
    const Double2<V> first = two_sum(x - p.high, -p.low);
    const Double2<V> second = two_sum(first.high, -q.high);
    const V low = (first.low + second.low) - fma(n, splat<V>(kHalfPi[2]), q.low);
    const Double2<V> r = fast_two_sum(second.high, low);
    angle.high = r.high;
    angle.low = r.low;
  }
  if (any(magnitude(x) >= kLargeAngle)) angle = reduce_large_lanes(x, angle);
  return angle;
}

// Sine and cosine of a reduced angle, as unevaluated sums.
template <class V>
struct SineCosine {
  Double2<V> sine, cosine;
};

template <bool kShort, class V>
INGOT_INLINE SineCosine<V> sine_cosine(const Angle<V>& angle) {
  const V r = angle.high;
  const V z = r * r;
  if constexpr (kShort) {
    return {{r, r * z * polynomial(z, kSinTaylorShort)},
            {fma(z, splat<V>(-0.5), splat<V>(1.0)), z * z * polynomial(z, kCosTaylorShort)}};
  } else {
    const V correction = fma(angle.low, fma(z, splat<V>(-0.5), splat<V>(1.0)), r * z * polynomial(z, kSinTaylor));
    const V half = 0.5 * z;
    const V w = 1.0 - half;
    return {{r, correction}, {w, ((1.0 - w) - half) + fma(z * z, polynomial(z, kCosTaylor), -(r * angle.low))}};
  }
}

// tan(x): sine / cosine, in odd quadrants -cosine / sine, with one step of refining the quotient.
template <bool kShort, class V>
INGOT_INLINE V tan_of(V x) {
  const Angle<V> angle = reduce_angle<kShort>(x);
  const SineCosine<V> p = sine_cosine<kShort>(angle);
  const Mask<V> odd = (angle.quadrant & 1) != 0;
  const Double2<V> sine = fast_two_sum(p.sine.high, p.sine.low), cosine = fast_two_sum(p.cosine.high, p.cosine.low);
  const V top = select<V>(odd, -cosine.high, sine.high), top_low = select<V>(odd, -cosine.low, sine.low);
  const V bottom = select<V>(odd, sine.high, cosine.high), bottom_low = select<V>(odd, sine.low, cosine.low);
  const V quotient = top / bottom;
  const V remainder = fma(-quotient, bottom, top) + (top_low - quotient * bottom_low);
  return select<V>(magnitude(x) < 0x1p-30, x, quotient + remainder / bottom);  // keeps -0
}

// sin(x + quadrants * pi/2).
template <bool kShort, class V>
INGOT_INLINE V sin_shifted(V x, std::uint64_t quadrants) {
  const Angle<V> angle = reduce_angle<kShort>(x);
  const SineCosine<V> p = sine_cosine<kShort>(angle);
  const Bits<V> quadrant = angle.quadrant + quadrants;
  const Mask<V> odd = (quadrant & 1) != 0;
  const V result = select<V>(odd, p.cosine.high + p.cosine.low, p.sine.high + p.sine.low);
  return flip_sign<V>(result, (quadrant & 2) << 62);
}

// Of float: math_f32_trig.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V sin_of(V x) {
  return select<V>(magnitude(x) < 0x1p-30, x, sin_shifted<false>(x, 0));  // keeps -0
}

template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V cos_of(V x) {
  return sin_shifted<false>(x, 1);
}

}  // namespace ingot::INGOT_LEVEL
