// The functions that ops/pointwise.def names, for one element of bool, int32, int64, float or double. Exactly these
// semantics hold at every level; docs/numerics.md states them. They are written without branches on float data, so that
// the loops over them become vector code. The functions of math_*.h are here for one element; math.cpp has them in
// lanes.
#pragma once

#include "kernels/math_atan.h"
#include "kernels/math_erf.h"
#include "kernels/math_exp.h"
#include "kernels/math_f32_exp.h"
#include "kernels/math_f32_log.h"
#include "kernels/math_f32_table.h"
#include "kernels/math_f32_trig.h"
#include "kernels/math_log.h"
#include "kernels/math_trig.h"

namespace ingot::INGOT_LEVEL {

// A function of double as a function of T: a float is computed in double and rounded once.
#define INGOT_MATH_1(name)                                                    \
  template <class T>                                                          \
  INGOT_INLINE T name(T a) {                                                  \
    constexpr bool kShort = sizeof(T) == 4;                                   \
    return static_cast<T>(name##_of<kShort, double>(static_cast<double>(a))); \
  }
INGOT_MATH_1(acos)
INGOT_MATH_1(acosh)
INGOT_MATH_1(asin)
INGOT_MATH_1(asinh)
INGOT_MATH_1(atan)
INGOT_MATH_1(atanh)
INGOT_MATH_1(cosh)
INGOT_MATH_1(erfc)
INGOT_MATH_1(log10)
INGOT_MATH_1(log2)
INGOT_MATH_1(sinh)
INGOT_MATH_1(tan)
#undef INGOT_MATH_1

// A function whose float32 version is computed in float32.
#define INGOT_MATH_F32(name)              \
  template <class T>                      \
  INGOT_INLINE T name(T a) {              \
    if constexpr (sizeof(T) == 4) {       \
      return name##_f32(a);               \
    } else {                              \
      return name##_of<false, double>(a); \
    }                                     \
  }
INGOT_MATH_F32(cos)
INGOT_MATH_F32(erf)
INGOT_MATH_F32(exp)
INGOT_MATH_F32(exp2)
INGOT_MATH_F32(expm1)
INGOT_MATH_F32(log)
INGOT_MATH_F32(log1p)
INGOT_MATH_F32(sin)
INGOT_MATH_F32(tanh)
#undef INGOT_MATH_F32

template <class T>
INGOT_INLINE T atan2(T a, T b) {
  constexpr bool kShort = sizeof(T) == 4;
  return static_cast<T>(atan2_of<kShort, double>(static_cast<double>(a), static_cast<double>(b)));
}

template <class T>
INGOT_INLINE T ceil(T a) {
  if constexpr (sizeof(T) == 4) return INGOT_BUILTIN(ceilf)(a);
  return static_cast<T>(INGOT_BUILTIN(ceil)(a));
}

template <class T>
INGOT_INLINE T floor(T a) {
  if constexpr (sizeof(T) == 4) return INGOT_BUILTIN(floorf)(a);
  return static_cast<T>(INGOT_BUILTIN(floor)(a));
}

template <class T>
INGOT_INLINE T trunc(T a) {
  if constexpr (sizeof(T) == 4) return INGOT_BUILTIN(truncf)(a);
  return static_cast<T>(INGOT_BUILTIN(trunc)(a));
}

template <class T>
INGOT_INLINE T round(T a) {  // half to even
  return round_even(a);
}

template <class T>
INGOT_INLINE T sqrt(T a) {
  if constexpr (sizeof(T) == 4) return INGOT_BUILTIN(sqrtf)(a);
  return static_cast<T>(INGOT_BUILTIN(sqrt)(a));
}

template <class T>
INGOT_INLINE T rsqrt(T a) {
  return static_cast<T>(1.0 / INGOT_BUILTIN(sqrt)(static_cast<double>(a)));
}

template <class T>
INGOT_INLINE T absolute(T a) {
  if constexpr (kIsFloat<T>) {
    return magnitude(a);
  } else {
    return a < 0 ? negated(a) : a;  // the least integer stays
  }
}

template <class T>
INGOT_INLINE T sign(T a) {  // of NaN: NaN; of a zero: +0
  const T sign_of_number = static_cast<T>((a > 0) - (a < 0));
  return a != a ? a : sign_of_number;
}

template <class T>
INGOT_INLINE T bit_not(T a) {
  if constexpr (kIsBool<T>) {
    return !a;
  } else {
    return ~a;
  }
}

template <class T>
INGOT_INLINE T shift_left(T a, T b) {
  constexpr T kWidth = sizeof(T) * 8;
  const bool inside = b >= 0 && b < kWidth;
  const T shifted = static_cast<T>(static_cast<Bits<T>>(a) << (b & (kWidth - 1)));
  return inside ? shifted : T{0};
}

template <class T>
INGOT_INLINE T shift_right(T a, T b) {  // beyond the width only the sign is left: 0 or -1
  constexpr T kWidth = sizeof(T) * 8;
  const bool inside = b >= 0 && b < kWidth;
  return static_cast<T>(a >> (inside ? b : kWidth - 1));
}

// For integers the larger and smaller; for bool: or, and. Floats have theirs in simd.h.
template <class T>
  requires(!kIsFloat<T> && sizeof(T) <= 8)
INGOT_INLINE T maximum(T a, T b) {
  return a < b ? b : a;
}

template <class T>
  requires(!kIsFloat<T> && sizeof(T) <= 8)
INGOT_INLINE T minimum(T a, T b) {
  return b < a ? b : a;
}

// Truncates; saturates; NaN gives 0. To bool: is not 0. Integers to integers wrap.
template <class Out, class T>
INGOT_INLINE Out convert(T a) {
  if constexpr (kIsBool<Out>) {
    return a != T{0};
  } else if constexpr (kIsFloat<T> && !kIsFloat<Out>) {
    constexpr int kBits = sizeof(Out) * 8;
    constexpr T kLimit = static_cast<T>(kBits == 32 ? 0x1p31 : 0x1p63);
    constexpr Out kLeast = static_cast<Out>(Bits<Out>{1} << (kBits - 1));
    const bool inside = a >= -kLimit && a < kLimit;
    const Out converted = static_cast<Out>(inside ? a : T{0});
    const Out saturated = a < T{0} ? kLeast : static_cast<Out>(~kLeast);
    return inside || a != a ? converted : saturated;
  } else {
    return static_cast<Out>(a);
  }
}

template <class T>
INGOT_INLINE T copy_sign(T magnitude_of, T sign_of) {
  return bit_cast<T>(to_bits(magnitude(magnitude_of)) | sign_bit(sign_of));
}

// The next number after a in the direction of b, as bits of an IEEE format whose infinity is kInfinityBits; b where
// they are equal, NaN where either is.
template <class B, B kInfinityBits>
INGOT_INLINE B next_bits(B a, B b) {
  constexpr B kSign = static_cast<B>(B{1} << (sizeof(B) * 8 - 1));
  const B ma = static_cast<B>(a & ~kSign), mb = static_cast<B>(b & ~kSign);
  if (ma > kInfinityBits || mb > kInfinityBits) return static_cast<B>(kInfinityBits | kInfinityBits >> 1);
  if (a == b || (ma | mb) == 0) return b;
  if (ma == 0) return static_cast<B>((b & kSign) | 1);  // the least subnormal
  const bool inward = ((a ^ b) & kSign) != 0 || mb < ma;
  return static_cast<B>(inward ? a - 1 : a + 1);
}

template <class T>
INGOT_INLINE T next_after(T a, T b) {
  return bit_cast<T>(next_bits<Bits<T>, kInfinityBits<T>>(to_bits(a), to_bits(b)));
}

template <class T>
INGOT_INLINE T modulo_of_truncation(T a, T b) {  // C's fmod: exact
  if constexpr (sizeof(T) == 4) return INGOT_BUILTIN(fmodf)(a, b);
  return static_cast<T>(INGOT_BUILTIN(fmod)(a, b));
}

// Python's %: the sign of b. Integers: x % 0 = 0. Floats as NumPy: x % 0.0 is NaN, -1 % inf is inf, a zero has b's
// sign.
template <class T>
INGOT_INLINE T remainder(T a, T b) {
  if constexpr (kIsFloat<T>) {
    const T r = modulo_of_truncation(a, b);
    if (b == 0) return r;
    if (r == 0) return copy_sign(T{0}, b);
    return (b < 0) != (r < 0) ? r + b : r;
  } else {
    if (b == 0 || b == -1) return 0;  // the least integer % -1 traps on x86
    const T r = static_cast<T>(a % b);
    return r != 0 && (r < 0) != (b < 0) ? static_cast<T>(r + b) : r;
  }
}

// Python's //. Integers: x // 0 = 0, the least integer // -1 wraps to itself. Floats as NumPy: the quotient of what the
// remainder leaves, made integral; x // 0.0 is x / 0.0.
template <class T>
INGOT_INLINE T floor_divide(T a, T b) {
  if constexpr (kIsFloat<T>) {
    if (b == 0) return a / b;
    const T r = modulo_of_truncation(a, b);
    T quotient = (a - r) / b;
    if (r != 0 && (b < 0) != (r < 0)) quotient -= 1;
    if (quotient == 0) return copy_sign(T{0}, a / b);
    const T below = floor(quotient);
    return quotient - below > static_cast<T>(0.5) ? below + 1 : below;
  } else {
    if (b == 0) return 0;
    if (b == -1) return negated(a);
    const T quotient = static_cast<T>(a / b);
    return static_cast<T>(quotient - (a % b != 0 && (a < 0) != (b < 0)));
  }
}

// Integers wrap; to a negative exponent: 1 for 1, 1 or -1 for -1, else 0 (the truncated value, and 0 for 0). 0^0 = 1.
template <class T>
INGOT_INLINE T pow(T a, T b) {
  if constexpr (kIsFloat<T>) {
    constexpr bool kShort = sizeof(T) == 4;
    return static_cast<T>(pow_of<kShort, double>(static_cast<double>(a), static_cast<double>(b)));
  } else {
    if (b < 0) {
      if (a == -1) return (b & 1) != 0 ? T{-1} : T{1};
      return a == 1 ? T{1} : T{0};
    }
    T result = 1;
    for (; b != 0; b >>= 1) {
      if ((b & 1) != 0) result = times(result, a);
      a = times(a, a);
    }
    return result;
  }
}

}  // namespace ingot::INGOT_LEVEL
