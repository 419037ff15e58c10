// The reductions as binary operations with an exact identity: identity op x is x, bit for bit. So an absent partner of
// docs/numerics.md rule 4 and a lane padded with identities are the same thing.
#pragma once

#include <cstdint>

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kReduceBlock = 512;  // part of the numerics contract
inline constexpr int kReduceLanes = 16;            // part of the numerics contract

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

template <class T>
constexpr T lowest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(-__builtin_inf());
  } else if constexpr (sizeof(T) == 1) {
    return 0;
  } else {
    return static_cast<T>(static_cast<T>(1) << (sizeof(T) * 8 - 1));
  }
}

template <class T>
constexpr T highest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(__builtin_inf());
  } else if constexpr (sizeof(T) == 1) {
    return 1;  // bool
  } else {
    return static_cast<T>(~lowest<T>());
  }
}

struct Sum {
  template <class T>
  static constexpr T identity() {
    return static_cast<T>(-0.0);  // -0 + x is x; +0 + -0 is not
  }
  template <class T>
  static constexpr T empty() {
    return 0;
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    return a + b;
  }
};

struct Prod {
  template <class T>
  static constexpr T identity() {
    return 1;
  }
  template <class T>
  static constexpr T empty() {
    return 1;
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    return a * b;
  }
};

struct Max {
  template <class T>
  static constexpr T identity() {
    return lowest<T>();
  }
  template <class T>
  static constexpr T empty() {
    return lowest<T>();
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    if constexpr (kIsFloat<Element<V>>) {
      return maximum(a, b);
    } else {
      return a < b ? b : a;
    }
  }
  INGOT_INLINE static std::uint8_t apply(std::uint8_t a, std::uint8_t b) { return a < b ? b : a; }
};

struct Min {
  template <class T>
  static constexpr T identity() {
    return highest<T>();
  }
  template <class T>
  static constexpr T empty() {
    return highest<T>();
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    if constexpr (kIsFloat<Element<V>>) {
      return minimum(a, b);
    } else {
      return b < a ? b : a;
    }
  }
  INGOT_INLINE static std::uint8_t apply(std::uint8_t a, std::uint8_t b) { return b < a ? b : a; }
};

}  // namespace ingot::INGOT_LEVEL
