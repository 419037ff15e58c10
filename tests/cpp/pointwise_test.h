// What the pointwise tests share: values at which rules break, and calling a tile function of a level on vectors.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "execute/levels.h"

namespace ingot::pointwise_test {

// vector<bool> has no elements to point at.
struct Bool {
  bool value = false;
  Bool() = default;
  Bool(bool v) : value(v) {}
  operator bool() const { return value; }
};

template <class T>
inline constexpr bool kIsFloat = std::is_floating_point_v<T>;

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::kI64;
  return DType::kBool;
}

// Equal bits, or both NaN.
template <class T>
bool same(T a, T b) {
  if constexpr (kIsFloat<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, Bool>) {
    return {false, true};
  } else if constexpr (kIsFloat<T>) {
    std::vector<T> values;
    for (const double x : {0.0,
                           0.25,
                           0.5,
                           0.75,
                           1.0,
                           1.5,
                           2.0,
                           2.5,
                           3.0,
                           3.5,
                           7.0,
                           10.0,
                           0.1,
                           2147483647.0,
                           2147483648.0,
                           4294967296.0,
                           8388607.5,
                           4503599627370495.5,
                           9223372036854775807.0,
                           1e10,
                           1e18,
                           1e19,
                           1e-10,
                           0.49999997,
                           0.49999999999999994}) {
      values.push_back(static_cast<T>(x));
    }
    for (const T x : {Limits::max(), Limits::min(), Limits::denorm_min(), Limits::infinity(), Limits::epsilon()}) {
      values.push_back(x);
    }
    for (const T x : std::vector<T>(values)) values.push_back(-x);
    values.push_back(Limits::quiet_NaN());
    return values;
  } else {
    return {0,
            1,
            -1,
            2,
            -2,
            3,
            -3,
            5,
            -5,
            7,
            -7,
            10,
            31,
            32,
            33,
            46341,
            62,
            63,
            64,
            65,
            100,
            -31,
            -32,
            -64,
            1 << 20,
            Limits::max(),
            Limits::min(),
            Limits::max() - 1,
            Limits::min() + 1,
            Limits::max() / 2,
            Limits::min() / 2};
  }
}

// Random bits: every exponent, NaNs, subnormals.
template <class T>
T random_value(std::mt19937_64& rng) {
  if constexpr (std::is_same_v<T, Bool>) {
    return Bool((rng() & 1) != 0);
  } else {
    const std::uint64_t bits = rng();
    T value;
    std::memcpy(&value, &bits, sizeof(T));
    if ((rng() & 3) != 0) {  // mostly numbers near 1
      value = static_cast<T>(std::uniform_real_distribution<double>(-100, 100)(rng));
    }
    return value;
  }
}

// Runs a tile function over whole vectors, tile by tile.
template <class Out>
std::vector<Out> run_tiles(TileFunction function, const std::vector<const char*>& operands,
                           const std::vector<std::size_t>& sizes, std::size_t n) {
  std::vector<Out> result(n);
  for (std::size_t begin = 0; begin < n; begin += kTileElements) {
    const void* pointers[3] = {};
    for (std::size_t i = 0; i < operands.size(); ++i) pointers[i] = operands[i] + begin * sizes[i];
    function(pointers, result.data() + begin,
             static_cast<std::int64_t>(std::min<std::size_t>(n - begin, kTileElements)));
  }
  return result;
}

inline TileFunction find(const KernelTable& table, const std::string& op, DType dtype, DType result_dtype) {
  const PointwiseKernel* const kernel = find_pointwise(table, op, dtype, result_dtype);
  REQUIRE_MESSAGE(kernel != nullptr, std::string(table.level), " lacks ", op);
  return kernel->function;
}

template <class Out, class... T>
std::vector<Out> run_op(const KernelTable& table, const std::string& op, const std::vector<T>&... operands) {
  const std::vector<const char*> pointers{reinterpret_cast<const char*>(operands.data())...};
  const std::vector<DType> dtypes{dtype_of<T>()...};
  const std::vector<std::size_t> lengths{operands.size()...};
  return run_tiles<Out>(find(table, op, dtypes.back(), dtype_of<Out>()), pointers, {sizeof(T)...}, lengths[0]);
}

}  // namespace ingot::pointwise_test
