// Tile functions of the elementary functions on floats: the templates of math_f32_*.h on vectors of float, those of
// math_*.h on vectors of double. In the latter a float is widened and its result rounded once.
#include "kernels/lanes_f32.h"
#include "kernels/pointwise_rows.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T>
INGOT_INLINE F64 load_wide(const T* from, std::int64_t n) {
  if constexpr (sizeof(T) == 4) {
    return to_f64(n < kLanes64 ? load_first<F32Half>(from, n) : load<F32Half>(from));
  } else {
    return n < kLanes64 ? load_first<F64>(from, n) : load<F64>(from);
  }
}

template <class T>
INGOT_INLINE void store_narrow(T* to, F64 v, std::int64_t n) {
  if constexpr (sizeof(T) == 4) {
    n < kLanes64 ? store_first<F32Half>(to, to_f32(v), n) : store<F32Half>(to, to_f32(v));
  } else {
    n < kLanes64 ? store_first<F64>(to, v, n) : store<F64>(to, v);
  }
}

// One loop with the last, shorter step inside: the function's code is there once.
template <class Function, class T>
void run_lanes(const void* const* operands, void* result, std::int64_t n) {
  constexpr bool kShort = sizeof(T) == 4;
  const T* const a = static_cast<const T*>(operands[0]);
  T* const r = static_cast<T*>(result);
  for (std::int64_t i = 0; i < n; i += kLanes64) {
    store_narrow(r + i, Function::template value<kShort>(load_wide(a + i, n - i)), n - i);
  }
}

template <class Function, class T>
void run_lanes_of_two(const void* const* operands, void* result, std::int64_t n) {
  constexpr bool kShort = sizeof(T) == 4;
  const T* const a = static_cast<const T*>(operands[0]);
  const T* const b = static_cast<const T*>(operands[1]);
  T* const r = static_cast<T*>(result);
  for (std::int64_t i = 0; i < n; i += kLanes64) {
    const F64 first = load_wide(a + i, n - i), second = load_wide(b + i, n - i);
    store_narrow(r + i, Function::template value<kShort>(first, second), n - i);
  }
}

template <class Function>
constexpr void add_function(PointwiseList& list, const char* op) {
  list.add(op, kF32Type, kF32Type, run_lanes<Function, float>);
  list.add(op, kF64Type, kF64Type, run_lanes<Function, double>);
}

// A function with a float32 version.
template <class Function, class FunctionF32>
constexpr void add_function(PointwiseList& list, const char* op) {
  list.add(op, kF32Type, kF32Type, run_lanes_f32<FunctionF32>);
  list.add(op, kF64Type, kF64Type, run_lanes<Function, double>);
}

template <class Function>
constexpr void add_function_of_two(PointwiseList& list, const char* op) {
  list.add(op, kF32Type, kF32Type, run_lanes_of_two<Function, float>);
  list.add(op, kF64Type, kF64Type, run_lanes_of_two<Function, double>);
}

// name##_of as a type, to be a template argument.
#define INGOT_FUNCTION(name)               \
  struct name##_function {                 \
    template <bool kShort>                 \
    INGOT_INLINE static F64 value(F64 x) { \
      return name##_of<kShort>(x);         \
    }                                      \
  };
INGOT_FUNCTION(acos)
INGOT_FUNCTION(acosh)
INGOT_FUNCTION(asin)
INGOT_FUNCTION(asinh)
INGOT_FUNCTION(atan)
INGOT_FUNCTION(atanh)
INGOT_FUNCTION(cos)
INGOT_FUNCTION(cosh)
INGOT_FUNCTION(erf)
INGOT_FUNCTION(erfc)
INGOT_FUNCTION(exp)
INGOT_FUNCTION(exp2)
INGOT_FUNCTION(expm1)
INGOT_FUNCTION(log)
INGOT_FUNCTION(log10)
INGOT_FUNCTION(log1p)
INGOT_FUNCTION(log2)
INGOT_FUNCTION(sin)
INGOT_FUNCTION(sinh)
INGOT_FUNCTION(tan)
INGOT_FUNCTION(tanh)
#undef INGOT_FUNCTION

#define INGOT_FUNCTION_F32(name)                                   \
  struct name##_function_f32 {                                     \
    INGOT_INLINE static F32 value(F32 x) { return name##_f32(x); } \
  };
INGOT_FUNCTION_F32(cos)
INGOT_FUNCTION_F32(erf)
INGOT_FUNCTION_F32(exp)
INGOT_FUNCTION_F32(exp2)
INGOT_FUNCTION_F32(expm1)
INGOT_FUNCTION_F32(log)
INGOT_FUNCTION_F32(log1p)
INGOT_FUNCTION_F32(sin)
INGOT_FUNCTION_F32(tanh)
#undef INGOT_FUNCTION_F32

#define INGOT_FUNCTION_OF_TWO(name)               \
  struct name##_function {                        \
    template <bool kShort>                        \
    INGOT_INLINE static F64 value(F64 a, F64 b) { \
      return name##_of<kShort>(a, b);             \
    }                                             \
  };
INGOT_FUNCTION_OF_TWO(atan2)
INGOT_FUNCTION_OF_TWO(pow)
#undef INGOT_FUNCTION_OF_TWO

constexpr PointwiseList make_list() {
  PointwiseList list;
  if constexpr (kSmallCode) return list;  // element by element, with the other rows
  add_function<acos_function>(list, "acos");
  add_function<acosh_function>(list, "acosh");
  add_function<asin_function>(list, "asin");
  add_function<asinh_function>(list, "asinh");
  add_function<atan_function>(list, "atan");
  add_function<atanh_function>(list, "atanh");
  add_function<cos_function, cos_function_f32>(list, "cos");
  add_function<cosh_function>(list, "cosh");
  add_function<erf_function, erf_function_f32>(list, "erf");
  add_function<erfc_function>(list, "erfc");
  add_function<exp_function, exp_function_f32>(list, "exp");
  add_function<exp2_function, exp2_function_f32>(list, "exp2");
  add_function<expm1_function, expm1_function_f32>(list, "expm1");
  add_function<log_function, log_function_f32>(list, "log");
  add_function<log10_function>(list, "log10");
  add_function<log1p_function, log1p_function_f32>(list, "log1p");
  add_function<log2_function>(list, "log2");
  add_function<sin_function, sin_function_f32>(list, "sin");
  add_function<sinh_function>(list, "sinh");
  add_function<tan_function>(list, "tan");
  add_function<tanh_function, tanh_function_f32>(list, "tanh");
  add_function_of_two<atan2_function>(list, "atan2");
  add_function_of_two<pow_function>(list, "pow");
  return list;
}

constexpr PointwiseEntries<make_list> kEntries;

}  // namespace

extern constinit const PointwiseFamily math_functions = kEntries.family();

}  // namespace ingot::INGOT_LEVEL
