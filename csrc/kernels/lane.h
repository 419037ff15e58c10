// What one element needs, whichever type it is: the integers of its bits, choosing, comparing, correctly rounded steps.
// Templates over V are for a scalar or a vector of simd.h alike. Compiled by a C++ compiler for a level, by nvcc and by
// NVRTC for a device, where INGOT_LEVEL is `device` and every function is the device's.
// Integers wrap: `plus`, `minus`, `times` and `negated` say so, because a device's compiler takes overflow of signed
// operators for impossible and draws conclusions from it.
#pragma once

#include <cstddef>
#include <cstdint>

// INGOT_DEVICE: before a function that need not be inlined. INGOT_TABLE: an array that functions read. INGOT_BUILTIN: a
// function of C's math library that is exact or correctly rounded, by the name that C gives it.
#if defined(__CUDACC__)
#define INGOT_DEVICE __device__
#define INGOT_INLINE __device__ __forceinline__
#define INGOT_NOINLINE inline __device__ __noinline__
#define INGOT_TABLE [[maybe_unused]] static __device__ constexpr
#define INGOT_UNROLL _Pragma("unroll")
#define INGOT_BUILTIN(name) ::name
#else
#define INGOT_DEVICE
#define INGOT_INLINE [[gnu::always_inline]] inline
#define INGOT_NOINLINE [[gnu::noinline]] inline
#define INGOT_TABLE inline constexpr
#define INGOT_UNROLL _Pragma("GCC unroll 32")
#define INGOT_BUILTIN(name) __builtin_##name
#endif

namespace ingot::INGOT_LEVEL {

inline constexpr double kInfinity = __builtin_bit_cast(double, std::uint64_t{0x7ff0000000000000});
inline constexpr double kNaN = __builtin_bit_cast(double, std::uint64_t{0x7ff8000000000000});
inline constexpr float kInfinityF32 = __builtin_bit_cast(float, std::uint32_t{0x7f800000});
inline constexpr float kNaNF32 = __builtin_bit_cast(float, std::uint32_t{0x7fc00000});

template <class T>
inline constexpr bool kIsFloat = false;
template <>
inline constexpr bool kIsFloat<float> = true;
template <>
inline constexpr bool kIsFloat<double> = true;
template <class T>
inline constexpr bool kIsBool = false;
template <>
inline constexpr bool kIsBool<bool> = true;

// What a vector or scalar type consists of: its element, the integers of its bits, the result of comparing it.
template <class V>
struct VectorTraits;

#define INGOT_VECTOR_TRAITS(V, ElementType, BitsType, MaskType, num_lanes) \
  template <>                                                              \
  struct VectorTraits<V> {                                                 \
    using Element = ElementType;                                           \
    using Bits = BitsType;                                                 \
    using Mask = MaskType;                                                 \
    static constexpr int kLanes = num_lanes;                               \
  };
INGOT_VECTOR_TRAITS(bool, bool, std::uint8_t, bool, 1)
INGOT_VECTOR_TRAITS(float, float, std::uint32_t, bool, 1)
INGOT_VECTOR_TRAITS(double, double, std::uint64_t, bool, 1)
INGOT_VECTOR_TRAITS(std::int32_t, std::int32_t, std::uint32_t, bool, 1)
INGOT_VECTOR_TRAITS(std::int64_t, std::int64_t, std::uint64_t, bool, 1)
INGOT_VECTOR_TRAITS(std::int8_t, std::int8_t, std::uint8_t, bool, 1)
INGOT_VECTOR_TRAITS(std::int16_t, std::int16_t, std::uint16_t, bool, 1)
INGOT_VECTOR_TRAITS(std::uint8_t, std::uint8_t, std::uint8_t, bool, 1)
INGOT_VECTOR_TRAITS(std::uint16_t, std::uint16_t, std::uint16_t, bool, 1)
INGOT_VECTOR_TRAITS(std::uint32_t, std::uint32_t, std::uint32_t, bool, 1)
INGOT_VECTOR_TRAITS(std::uint64_t, std::uint64_t, std::uint64_t, bool, 1)

template <class V>
using Element = typename VectorTraits<V>::Element;
template <class V>
using Bits = typename VectorTraits<V>::Bits;
template <class V>
using Mask = typename VectorTraits<V>::Mask;
template <class V>
inline constexpr int kLanes = VectorTraits<V>::kLanes;

// Infinity as bits; of integers, which have no NaN, the largest bits.
template <class T>
inline constexpr Bits<T> kInfinityBits = static_cast<Bits<T>>(~Bits<T>{0});
template <>
inline constexpr std::uint32_t kInfinityBits<float> = 0x7f800000;
template <>
inline constexpr std::uint64_t kInfinityBits<double> = 0x7ff0000000000000;

// Elements in memory. A bool is read as a byte and compared, which gcc turns into vector code; a load of bool it does
// not.
template <class T>
struct Storage {
  using Type = T;
};
template <>
struct Storage<bool> {
  using Type = std::uint8_t;
};

template <class T>
INGOT_INLINE T value_of(typename Storage<T>::Type stored) {
  if constexpr (kIsBool<T>) {
    return stored != 0;
  } else {
    return stored;
  }
}

template <class T>
INGOT_INLINE typename Storage<T>::Type stored_of(T x) {
  if constexpr (kIsBool<T>) {
    return x ? 1 : 0;
  } else {
    return x;
  }
}

template <class V>
INGOT_INLINE V splat(Element<V> x) {
  return x - V{};  // x - 0 is x, -0 too: one broadcast (a loop over the lanes becomes one insertion per lane)
}

// Bits as they are.
template <class To, class From>
INGOT_INLINE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
#if defined(__CUDACC__)
  return __builtin_bit_cast(To, from);
#else
  To to;
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
#endif
}

template <class V>
INGOT_INLINE Bits<V> to_bits(V v) {
  return bit_cast<Bits<V>>(v);
}

template <class V>
INGOT_INLINE V select(Mask<V> mask, V if_true, V if_false) {
  return mask ? if_true : if_false;
}

INGOT_INLINE bool any(bool mask) {
  return mask;
}

// a + b, a - b, a * b and -a; of integers modulo 2^width.
template <class T>
INGOT_INLINE T plus(T a, T b) {
  if constexpr (kIsFloat<T>) {
    return a + b;
  } else {
    return static_cast<T>(static_cast<Bits<T>>(a) + static_cast<Bits<T>>(b));
  }
}
template <class T>
INGOT_INLINE T minus(T a, T b) {
  if constexpr (kIsFloat<T>) {
    return a - b;
  } else {
    return static_cast<T>(static_cast<Bits<T>>(a) - static_cast<Bits<T>>(b));
  }
}
template <class T>
INGOT_INLINE T times(T a, T b) {
  if constexpr (kIsFloat<T>) {
    return a * b;
  } else {
    return static_cast<T>(static_cast<Bits<T>>(a) * static_cast<Bits<T>>(b));
  }
}
template <class T>
INGOT_INLINE T negated(T a) {
  if constexpr (kIsFloat<T>) {
    return -a;
  } else {
    return static_cast<T>(Bits<T>{0} - static_cast<Bits<T>>(a));
  }
}

// a*b + c, rounded once.
INGOT_INLINE float fma(float a, float b, float c) {
  return INGOT_BUILTIN(fmaf)(a, b, c);
}
INGOT_INLINE double fma(double a, double b, double c) {
  return INGOT_BUILTIN(fma)(a, b, c);
}

// The upper half of a * b.
INGOT_INLINE std::uint64_t multiply_high(std::uint64_t a, std::uint64_t b) {
#if defined(__CUDACC__)
  return __umul64hi(a, b);
#else
  __extension__ typedef unsigned __int128 Uint128;
  return static_cast<std::uint64_t>(static_cast<Uint128>(a) * b >> 64);
#endif
}

// Requires: x != 0.
INGOT_INLINE int count_leading_zeros(std::uint64_t x) {
#if defined(__CUDACC__)
  return __clzll(static_cast<long long>(x));
#else
  return __builtin_clzll(x);
#endif
}

// Clears the sign bit, of a NaN too.
template <class V>
INGOT_INLINE V magnitude(V x) {
  return bit_cast<V>((to_bits(x) << 1) >> 1);
}

template <class V>
INGOT_INLINE Bits<V> sign_bit(V x) {
  constexpr int kShift = static_cast<int>(sizeof(Element<V>)) * 8 - 1;
  return (to_bits(x) >> kShift) << kShift;
}

// x with its sign bit flipped where `sign` has one set.
template <class V>
INGOT_INLINE V flip_sign(V x, Bits<V> sign) {
  return bit_cast<V>(to_bits(x) ^ sign);
}

// The larger / smaller; NaN if either is NaN; -0 < +0. Floats only.
template <class V>
INGOT_INLINE V maximum(V a, V b) {
  const V larger = select<V>(a < b, b, a);                                            // a where unordered
  const V ordered = select<V>(a == b, bit_cast<V>(to_bits(a) & to_bits(b)), larger);  // equal bits, or zeros: +0 wins
  return select<V>(b != b, b, ordered);
}

template <class V>
INGOT_INLINE V minimum(V a, V b) {
  const V smaller = select<V>(b < a, b, a);
  const V ordered = select<V>(a == b, bit_cast<V>(to_bits(a) | to_bits(b)), smaller);  // zeros: -0 wins
  return select<V>(b != b, b, ordered);
}

// Correctly rounded; NaN below 0.
INGOT_INLINE double square_root(double x) {
  return INGOT_BUILTIN(sqrt)(x);
}

// To the nearest integer, ties to even; the sign of x stays on a zero. Assumes round-to-nearest, as every thread sets.
template <class V>
INGOT_INLINE V round_even(V x) {
  // Adding 2^(precision-1) leaves no fraction bits; larger numbers (and inf, NaN) are integers already.
  const V ax = magnitude(x);
  const V big = splat<V>(static_cast<Element<V>>(sizeof(Element<V>) == 4 ? 0x1p23 : 0x1p52));
  const V rounded = bit_cast<V>(to_bits((ax + big) - big) | sign_bit(x));
  return select<V>(ax < big, rounded, x);
}

}  // namespace ingot::INGOT_LEVEL
