// Arithmetic on sizes that may come from a file: every overflow is reported, none wraps.
#pragma once

#include <cstdint>
#include <optional>

namespace ingot {

inline std::optional<std::int64_t> checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (__builtin_add_overflow(a, b, &result)) return std::nullopt;
  return result;
}

inline std::optional<std::int64_t> checked_mul(std::int64_t a, std::int64_t b) {
  std::int64_t result;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

// Rounds toward minus infinity. Requires b > 0.
inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && a < 0 ? 1 : 0);
}

// The least multiple of `alignment` that is >= value. Requires alignment > 0 and value >= 0.
inline std::optional<std::int64_t> checked_align_up(std::int64_t value, std::int64_t alignment) {
  const std::optional<std::int64_t> padded = checked_add(value, alignment - 1);
  if (!padded) return std::nullopt;
  return *padded / alignment * alignment;
}

}  // namespace ingot
