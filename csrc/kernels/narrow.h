// The narrow dtypes, one element: float16, bfloat16 and integers of 8 and 16 bits. They are stored and moved as they
// are and computed in float and int32, which hold them exactly; the way back rounds (to nearest, ties to even,
// subnormals kept), wraps or saturates once. Without branches on data, so that loops over these functions become vector
// code.
#pragma once

#include "kernels/scalar.h"

namespace ingot::INGOT_LEVEL {

struct Float16 {
  std::uint16_t bits;  // 1 sign, 5 exponent and 10 fraction bits
};
struct BFloat16 {
  std::uint16_t bits;  // the upper half of a float
};
INGOT_VECTOR_TRAITS(Float16, Float16, std::uint16_t, bool, 1)
INGOT_VECTOR_TRAITS(BFloat16, BFloat16, std::uint16_t, bool, 1)
template <>
inline constexpr std::uint16_t kInfinityBits<Float16> = 0x7c00;
template <>
inline constexpr std::uint16_t kInfinityBits<BFloat16> = 0x7f80;

// As the top of a float a float16's exponent is too small by 112, which one exact multiplication repairs, for
// subnormals too.
INGOT_INLINE float from_float16(Float16 x) {
  const std::uint32_t sign = (std::uint32_t{x.bits} & 0x8000u) << 16;
  const std::uint32_t rest = (std::uint32_t{x.bits} & 0x7fffu) << 13;
  const std::uint32_t finite = to_bits(bit_cast<float>(rest) * 0x1p112f);
  return bit_cast<float>(sign | (rest >= 0x0f800000u ? rest | 0x7f800000u : finite));
}

INGOT_INLINE float from_bfloat16(BFloat16 x) {
  return bit_cast<float>(std::uint32_t{x.bits} << 16);
}

INGOT_INLINE Float16 to_float16(float x) {
  const std::uint32_t bits = to_bits(x) & 0x7fffffffu;
  const std::uint32_t sign = (to_bits(x) >> 16) & 0x8000u;
  // Below 2^-14 the unit is 2^-24, as of a float between 1/2 and 1: adding 1/2 rounds there.
  const std::uint32_t small = to_bits(bit_cast<float>(bits) + 0.5f) - to_bits(0.5f);
  const std::uint32_t rounded = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
  const std::uint32_t normal = rounded < 0x7c00u ? rounded : 0x7c00u;
  const std::uint32_t number = bits < 0x38800000u ? small : normal;
  return {static_cast<std::uint16_t>(sign | (bits > 0x7f800000u ? 0x7e00u : number))};
}

INGOT_INLINE BFloat16 to_bfloat16(float x) {
  const std::uint32_t bits = to_bits(x);
  const std::uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  return {static_cast<std::uint16_t>(x != x ? 0x7fc0u : rounded)};
}

// To float, rounded to odd: what is not exact becomes the neighbor whose last bit is 1, which lies on no tie of a
// narrower format, so that rounding it again is rounding once (Boldo and Melquiond, IEEE Transactions on Computers 57).
INGOT_INLINE float to_odd_float(double x) {
  const float near = static_cast<float>(x);
  const double back = static_cast<double>(near);
  const std::uint32_t away = magnitude(back) > magnitude(x) ? 1u : 0u;
  return bit_cast<float>((to_bits(near) - away) | (back != x ? 1u : 0u));
}

template <class T>
INGOT_INLINE float to_odd(T x) {
  if constexpr (sizeof(T) == 8 && !kIsFloat<T>) {
    // From 2^52 on one bit stands for the last 16: far below the last bit of a float, and a double holds the rest.
    constexpr T kLast = 0xffff, kShort = T{1} << 52;
    const T shortened = (x & ~kLast) | ((x & kLast) != 0 ? kLast + 1 : 0);
    return to_odd_float(static_cast<double>(x > -kShort && x < kShort ? x : shortened));
  } else {
    return to_odd_float(static_cast<double>(x));
  }
}

template <class Out, class T = std::int32_t>
INGOT_INLINE Out wrap(T x) {
  return static_cast<Out>(x);
}

template <class Narrow>
INGOT_INLINE Narrow saturate(std::int32_t x) {
  constexpr std::int32_t kBits = sizeof(Narrow) * 8;
  constexpr std::int32_t kLeast = static_cast<Narrow>(-1) > 0 ? 0 : -(1 << (kBits - 1));
  constexpr std::int32_t kMost = kLeast + (1 << kBits) - 1;
  return static_cast<Narrow>(minimum(maximum(x, kLeast), kMost));
}

}  // namespace ingot::INGOT_LEVEL
