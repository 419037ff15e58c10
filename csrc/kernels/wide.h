// The vector that goes with an element type, bytes for bool among them.
#pragma once

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

typedef std::uint8_t U8 __attribute__((vector_size(16)));
template <>
struct VectorTraits<U8> {
  using Element = std::uint8_t;
  using Bits = U8;
  using Mask = U8;
  static constexpr int kLanes = 16;
};

template <class T>
struct WideOf;
template <>
struct WideOf<float> {
  using type = F32;
};
template <>
struct WideOf<double> {
  using type = F64;
};
template <>
struct WideOf<std::int32_t> {
  using type = I32;
};
template <>
struct WideOf<std::int64_t> {
  using type = I64;
};
template <>
struct WideOf<std::uint8_t> {
  using type = U8;
};
template <class T>
using Wide = typename WideOf<T>::type;

}  // namespace ingot::INGOT_LEVEL
