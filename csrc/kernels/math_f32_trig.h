// sin and cos of float32, in float32 up to 2^16: |x| = n pi/2 + r, |r| <= pi/4, r as a sum of two, then polynomials.
// Lanes beyond are computed in double; what a lane gives does not depend on the others.
#pragma once

#include "kernels/math_f32.h"
#include "kernels/math_trig.h"

namespace ingot::INGOT_LEVEL {

inline constexpr float kLargeAngleF32 = 0x1p16f;
INGOT_TABLE float kHalfPiF32[] = {0x1.921fb4p+0f, 0x1.4442dp-24f, 0x1.84698ap-48f};  // truncated; to 2^-73
// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2 / 2) / r^4 in r^2 on [0, pi/4]; errors 2^-28 of the sine, 2^-33.
INGOT_TABLE float kSinF32[] = {-0x1.555546p-3f, 0x1.110774p-7f, -0x1.9951f8p-13f};
INGOT_TABLE float kCosF32[] = {0x1.55554ap-5f, -0x1.6c0c1ap-10f, 0x1.99e0ecp-16f};

template <class V>
struct AngleF32 {
  V high, low;
  Bits<V> quadrant;  // its two low bits count
};

// Requires: 0 <= x < 2^16. An infinity or NaN gives NaN.
template <class V>
INGOT_INLINE AngleF32<V> reduce_angle_f32(V x) {
  const V shifted = fma(x, splat<V>(0x1.45f306p-1f), splat<V>(kRoundMagicF32));  // x * 2/pi
  const V n = shifted - kRoundMagicF32;
  const V first = fma(n, splat<V>(-kHalfPiF32[0]), x);
  // n times the second part, to a multiple of 2^-24: so all differences are exact, but the one with the third part.
  const V second = fma(n, splat<V>(kHalfPiF32[1]), splat<V>(0x1.8p-1f)) - 0x1.8p-1f;
  const V low = fma(n, splat<V>(-kHalfPiF32[1]), second);
  return {first - second, fma(n, splat<V>(-kHalfPiF32[2]), low), to_bits(shifted)};
}

// sin(x + quadrants * pi/2) in double.
INGOT_INLINE float sin_shifted_wide(float x, std::uint32_t quadrants) {
  return static_cast<float>(sin_shifted<true>(static_cast<double>(x), quadrants));
}

#if !defined(__CUDACC__)
INGOT_NOINLINE F32 sin_shifted_wide(F32 x, std::uint32_t quadrants) {
  float values[kLanes32];
  store<F32>(values, x);
  for (int i = 0; i < kLanes32; i += kLanes64) {
    const F64 wide = to_f64(load<F32Half>(values + i));
    store<F32Half>(values + i, to_f32(sin_shifted<true>(wide, quadrants)));
  }
  return load<F32>(values);
}
#endif

// sin(x + quadrants * pi/2) for x >= 0.
template <class V>
INGOT_INLINE V sin_shifted_f32(V x, std::uint32_t quadrants) {
  const AngleF32<V> angle = reduce_angle_f32(x);
  const V r = angle.high;
  const V z = r * r;
  // Both are a large part and a small one, which is rounded and to which the rest of r is added.
  const V sine = fma(r * z, polynomial(z, kSinF32), angle.low);
  const V z_low = fma(r, r, -z);
  const V correction = fma(r, angle.low, 0.5f * z_low);
  const V cosine = fma(z, fma(z, polynomial(z, kCosF32), splat<V>(-0.5f)), -correction);
  const Bits<V> quadrant = angle.quadrant + quadrants;
  const Mask<V> odd = (quadrant & 1) != 0;
  const V small = select<V>(odd, splat<V>(1), r) + select<V>(odd, cosine, sine);
  V result = flip_sign<V>(small, (quadrant & 2) << 30);
  const Mask<V> large = x >= kLargeAngleF32;
  if (any(large)) result = select<V>(large, sin_shifted_wide(x, quadrants), result);
  return result;
}

template <class V>
INGOT_INLINE V sin_f32(V x) {
  return flip_sign<V>(sin_shifted_f32(magnitude(x), 0), sign_bit(x));  // keeps -0
}

template <class V>
INGOT_INLINE V cos_f32(V x) {
  return sin_shifted_f32(magnitude(x), 1);
}

}  // namespace ingot::INGOT_LEVEL
