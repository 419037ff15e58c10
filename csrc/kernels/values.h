// What one element of an op is: from ops/pointwise.def a type per row, whose value() is the row's expression on bool,
// int32, int64, float or double; and what else the CPU's tables have: casts of the narrow dtypes, moves of bits.
#pragma once

#include "kernels/narrow.h"
#include "kernels/scalar.h"

namespace ingot::INGOT_LEVEL {

// The row's operands as parameters; the condition of a row of three is bool.
#define INGOT_CHOOSE(a, b, c, choice, ...) choice
#define INGOT_PARAMETERS_1(a) const T a
#define INGOT_PARAMETERS_2(a, b) const T a, const T b
#define INGOT_PARAMETERS_3(c, a, b) const bool c, const T a, const T b
#define INGOT_PARAMETERS(...) \
  INGOT_CHOOSE(__VA_ARGS__, INGOT_PARAMETERS_3, INGOT_PARAMETERS_2, INGOT_PARAMETERS_1, )(__VA_ARGS__)
#define INGOT_ARITY(...) INGOT_CHOOSE(__VA_ARGS__, 3, 2, 1, )

enum Class : unsigned { kBoolClass = 1, kIntClass = 2, kFloatClass = 4, kRealClasses = 6, kAnyClass = 7 };
enum Rule { kSame, kCompare, kSelect, kConvert, kReinterpret };

template <class T>
inline constexpr Class kClassOf = kIsBool<T>    ? kBoolClass
                                  : kIsFloat<T> ? kFloatClass
                                                : kIntClass;
// What a row says beside its value. In generated code of a device every one of these would be a variable of it.
#if defined(__CUDACC_RTC__)
#define INGOT_ROW_FACTS(name, arity, rule, classes)
#else
#define INGOT_ROW_FACTS(name, arity, rule, classes) \
  static constexpr const char* kName = #name;       \
  static constexpr int kArity = arity;              \
  static constexpr Rule kRule = rule;               \
  static constexpr unsigned kClasses = (classes);
#endif

#define POINTWISE(name, operands, rule, classes, traits, expression) \
  struct Row_##name {                                                \
    INGOT_ROW_FACTS(name, INGOT_ARITY operands, rule, classes)       \
    template <class Out, class T>                                    \
    INGOT_INLINE static Out value(INGOT_PARAMETERS operands) {       \
      return static_cast<Out>(expression);                           \
    }                                                                \
  };
#include "ops/pointwise.def"
#undef POINTWISE

// `cast` among bool, int32, int64, float and double, from each of these to every narrow dtype, and from a narrow dtype
// to the one it is computed in. Every other cast is two of these (optimize/legalize.h), of which the first is exact.
// What float16 and bfloat16 are rounded from is a float; a number that a float does not hold is rounded to odd before.
template <class T>
INGOT_INLINE float to_float_or_odd(T a) {
  if constexpr (sizeof(T) == sizeof(float) && kIsFloat<T>) {
    return a;
  } else if constexpr (kIsBool<T>) {
    return convert<float>(a);
  } else {
    return to_odd(a);
  }
}

template <class Out, class T>
struct CastValue {
  INGOT_INLINE static Out value(T a) {
    if constexpr (sizeof(Out) < 4 && !kIsBool<Out>) {  // integers wrap, whatever their sign; floats saturate, in int32
      const std::int32_t wide = convert<std::int32_t>(a);
      if constexpr (kIsFloat<T>) {
        return saturate<Out>(wide);
      } else {
        return wrap<Out>(wide);
      }
    } else {
      return convert<Out>(a);
    }
  }
};
template <class T>
struct CastValue<Float16, T> {
  INGOT_INLINE static Float16 value(T a) { return to_float16(to_float_or_odd(a)); }
};
template <class T>
struct CastValue<BFloat16, T> {
  INGOT_INLINE static BFloat16 value(T a) { return to_bfloat16(to_float_or_odd(a)); }
};
template <>
struct CastValue<float, Float16> {
  INGOT_INLINE static float value(Float16 a) { return from_float16(a); }
};
template <>
struct CastValue<float, BFloat16> {
  INGOT_INLINE static float value(BFloat16 a) { return from_bfloat16(a); }
};

// `bitcast` from T, on bits: a NaN, whose bits differ between levels, becomes the quiet one.
template <class T>
INGOT_INLINE Bits<T> quiet_bits(Bits<T> x) {
  using B = Bits<T>;
  constexpr B kMagnitude = static_cast<B>(static_cast<B>(~B{0}) >> 1);
  constexpr B kQuiet = static_cast<B>(kInfinityBits<T> | kInfinityBits<T> >> 1);
  return (x & kMagnitude) > kInfinityBits<T> ? kQuiet : x;
}

}  // namespace ingot::INGOT_LEVEL
