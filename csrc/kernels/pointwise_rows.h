// Tile functions of the rows of ops/pointwise.def.
#pragma once

#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/values.h"

namespace ingot::INGOT_LEVEL {

template <class T>
inline constexpr std::int32_t kDTypeOf = kIsBool<T>       ? kBoolType
                                         : kIsFloat<T>    ? (sizeof(T) == 4 ? kF32Type : kF64Type)
                                         : sizeof(T) == 4 ? kI32Type
                                                          : kI64Type;

// Rows whose functions of floats are computed in lanes (pointwise_math.cpp), because no compiler vectorises them.
template <class Row>
inline constexpr bool kInLanes = false;
#define INGOT_IN_LANES(name) \
  template <>                \
  inline constexpr bool kInLanes<Row_##name> = !kSmallCode;
INGOT_IN_LANES(acos)
INGOT_IN_LANES(acosh)
INGOT_IN_LANES(asin)
INGOT_IN_LANES(asinh)
INGOT_IN_LANES(atan)
INGOT_IN_LANES(atan2)
INGOT_IN_LANES(atanh)
INGOT_IN_LANES(cos)
INGOT_IN_LANES(cosh)
INGOT_IN_LANES(erf)
INGOT_IN_LANES(erfc)
INGOT_IN_LANES(exp)
INGOT_IN_LANES(exp2)
INGOT_IN_LANES(expm1)
INGOT_IN_LANES(log)
INGOT_IN_LANES(log10)
INGOT_IN_LANES(log1p)
INGOT_IN_LANES(log2)
INGOT_IN_LANES(pow)
INGOT_IN_LANES(sin)
INGOT_IN_LANES(sinh)
INGOT_IN_LANES(tan)
INGOT_IN_LANES(tanh)
#undef INGOT_IN_LANES

#if defined(__clang__)
#define INGOT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INGOT_INDEPENDENT _Pragma("GCC ivdep")
#endif

// Element by element. The result may be an operand, which the pragma allows: element i is read before it is written.
template <class Row, class Out, class T>
void run_tile(const void* const* operands, void* result, std::int64_t n) {
  using Stored = typename Storage<T>::Type;
  using StoredOut = typename Storage<Out>::Type;
  StoredOut* const r = static_cast<StoredOut*>(result);
  if constexpr (Row::kArity == 1) {
    const Stored* const a = static_cast<const Stored*>(operands[0]);
    INGOT_INDEPENDENT
    for (std::int64_t i = 0; i < n; ++i) r[i] = StoredOut{Row::template value<Out, T>(value_of<T>(a[i]))};
  } else if constexpr (Row::kArity == 2) {
    const Stored* const a = static_cast<const Stored*>(operands[0]);
    const Stored* const b = static_cast<const Stored*>(operands[1]);
    INGOT_INDEPENDENT
    for (std::int64_t i = 0; i < n; ++i) {
      r[i] = StoredOut{Row::template value<Out, T>(value_of<T>(a[i]), value_of<T>(b[i]))};
    }
  } else {
    const std::uint8_t* const c = static_cast<const std::uint8_t*>(operands[0]);
    const Stored* const a = static_cast<const Stored*>(operands[1]);
    const Stored* const b = static_cast<const Stored*>(operands[2]);
    INGOT_INDEPENDENT
    for (std::int64_t i = 0; i < n; ++i) {
      r[i] = StoredOut{Row::template value<Out, T>(c[i] != 0, value_of<T>(a[i]), value_of<T>(b[i]))};
    }
  }
}

// Of two operands, where operand kScalar is one element.
template <class Row, class T, int kScalar>
void run_tile_with_scalar(const void* const* operands, void* result, std::int64_t n) {
  T* const r = static_cast<T*>(result);
  const T* const x = static_cast<const T*>(operands[1 - kScalar]);
  const T one = *static_cast<const T*>(operands[kScalar]);
  INGOT_INDEPENDENT
  for (std::int64_t i = 0; i < n; ++i) {
    r[i] = kScalar == 0 ? Row::template value<T, T>(one, x[i]) : Row::template value<T, T>(x[i], one);
  }
}

// A family under construction, at compile time.
struct PointwiseList {
  PointwiseKernel entries[256] = {};
  std::int32_t size = 0;

  constexpr void add(const char* op, std::int32_t dtype, std::int32_t result_dtype, TileFunction function) {
    entries[size++] = {op, dtype, result_dtype, function};
  }
};

// What `make` lists, and no room for more: this is what lies in the object file.
template <PointwiseList (*make)()>
struct PointwiseEntries {
  PointwiseKernel entries[make().size];

  constexpr PointwiseEntries() : entries() {
    const PointwiseList list = make();
    for (std::int32_t i = 0; i < list.size; ++i) entries[i] = list.entries[i];
  }
  constexpr PointwiseFamily family() const { return {entries, make().size}; }
};

}  // namespace ingot::INGOT_LEVEL
