// Tile functions of exp, log, tanh, erf, sin, cos and pow on floats: the templates of math_*.h on vectors of double.
// A float is widened and its result rounded once.
#include "kernels/pointwise_rows.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T>
INGOT_INLINE F64 load_wide(const T* from) {
  if constexpr (sizeof(T) == 4) {
    return to_f64(load<F32Half>(from));
  } else {
    return load<F64>(from);
  }
}

template <class T>
INGOT_INLINE F64 load_wide_first(const T* from, std::int64_t n) {
  if constexpr (sizeof(T) == 4) {
    return to_f64(load_first<F32Half>(from, n));
  } else {
    return load_first<F64>(from, n);
  }
}

template <class T>
INGOT_INLINE void store_narrow(T* to, F64 v) {
  if constexpr (sizeof(T) == 4) {
    store<F32Half>(to, to_f32(v));
  } else {
    store<F64>(to, v);
  }
}

template <class T>
INGOT_INLINE void store_narrow_first(T* to, F64 v, std::int64_t n) {
  if constexpr (sizeof(T) == 4) {
    store_first<F32Half>(to, to_f32(v), n);
  } else {
    store_first<F64>(to, v, n);
  }
}

template <class Function, class T>
void run_lanes(const void* const* operands, void* result, std::int64_t n) {
  constexpr bool kShort = sizeof(T) == 4;
  const T* const a = static_cast<const T*>(operands[0]);
  T* const r = static_cast<T*>(result);
  std::int64_t i = 0;
  for (; i + kLanes64 <= n; i += kLanes64) store_narrow(r + i, Function::template value<kShort>(load_wide(a + i)));
  if (i < n) store_narrow_first(r + i, Function::template value<kShort>(load_wide_first(a + i, n - i)), n - i);
}

template <class T>
void run_pow(const void* const* operands, void* result, std::int64_t n) {
  constexpr bool kShort = sizeof(T) == 4;
  const T* const a = static_cast<const T*>(operands[0]);
  const T* const b = static_cast<const T*>(operands[1]);
  T* const r = static_cast<T*>(result);
  std::int64_t i = 0;
  for (; i + kLanes64 <= n; i += kLanes64) store_narrow(r + i, pow_of<kShort>(load_wide(a + i), load_wide(b + i)));
  if (i < n) {
    const F64 base = load_wide_first(a + i, n - i);
    const F64 exponent = load_wide_first(b + i, n - i);
    store_narrow_first(r + i, pow_of<kShort>(base, exponent), n - i);
  }
}

template <class Function>
constexpr void add_function(PointwiseList& list, const char* op) {
  list.add(op, kF32Type, kF32Type, run_lanes<Function, float>);
  list.add(op, kF64Type, kF64Type, run_lanes<Function, double>);
}

// name##_of as a type, to be a template argument.
#define INGOT_FUNCTION(name)               \
  struct name##_function {                 \
    template <bool kShort>                 \
    INGOT_INLINE static F64 value(F64 x) { \
      return name##_of<kShort>(x);         \
    }                                      \
  };
INGOT_FUNCTION(cos)
INGOT_FUNCTION(erf)
INGOT_FUNCTION(exp)
INGOT_FUNCTION(log)
INGOT_FUNCTION(sin)
INGOT_FUNCTION(tanh)
#undef INGOT_FUNCTION

constexpr PointwiseList make_list() {
  PointwiseList list;
  add_function<cos_function>(list, "cos");
  add_function<erf_function>(list, "erf");
  add_function<exp_function>(list, "exp");
  add_function<log_function>(list, "log");
  add_function<sin_function>(list, "sin");
  add_function<tanh_function>(list, "tanh");
  list.add("pow", kF32Type, kF32Type, run_pow<float>);
  list.add("pow", kF64Type, kF64Type, run_pow<double>);
  return list;
}

constexpr PointwiseEntries<make_list> kEntries;

}  // namespace

extern constinit const PointwiseFamily math_functions = kEntries.family();

}  // namespace ingot::INGOT_LEVEL
