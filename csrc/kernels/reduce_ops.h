// The reductions as binary operations with an exact identity: identity op x is x, bit for bit. So an absent partner of
// docs/numerics.md rule 4 and a lane padded with identities are the same thing.
#pragma once

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kReduceBlock = 512;  // part of the numerics contract
inline constexpr int kReduceLanes = 16;            // part of the numerics contract

template <class T>
INGOT_DEVICE constexpr T lowest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(-kInfinity);
  } else if constexpr (sizeof(T) == 1) {
    return 0;
  } else {
    return static_cast<T>(static_cast<T>(1) << (sizeof(T) * 8 - 1));
  }
}

template <class T>
INGOT_DEVICE constexpr T highest() {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(kInfinity);
  } else if constexpr (sizeof(T) == 1) {
    return 1;  // bool
  } else {
    return static_cast<T>(~lowest<T>());
  }
}

struct Sum {
  template <class T>
  INGOT_DEVICE static constexpr T identity() {
    return static_cast<T>(-0.0);  // -0 + x is x; +0 + -0 is not
  }
  template <class T>
  INGOT_DEVICE static constexpr T empty() {
    return 0;
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    if constexpr (kLanes<V> == 1) {
      return plus(a, b);
    } else {
      return a + b;
    }
  }
};

struct Prod {
  template <class T>
  INGOT_DEVICE static constexpr T identity() {
    return 1;
  }
  template <class T>
  INGOT_DEVICE static constexpr T empty() {
    return 1;
  }
  template <class V>
  INGOT_INLINE static V apply(V a, V b) {
    if constexpr (kLanes<V> == 1) {
      return times(a, b);
    } else {
      return a * b;
    }
  }
};

struct Max {
  template <class T>
  INGOT_DEVICE static constexpr T identity() {
    return lowest<T>();
  }
  template <class T>
  INGOT_DEVICE static constexpr T empty() {
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
  INGOT_DEVICE static constexpr T identity() {
    return highest<T>();
  }
  template <class T>
  INGOT_DEVICE static constexpr T empty() {
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

inline constexpr int kTreeLevels = 56;  // of blocks: more than any count of elements needs

}  // namespace ingot::INGOT_LEVEL
