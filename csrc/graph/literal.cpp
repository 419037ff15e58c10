// Elements to text and back: see literal.h.
#include "graph/literal.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace ingot {

namespace {

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <class T>
bool store(T value, std::byte* bytes) {
  std::memcpy(bytes, &value, sizeof value);
  return true;
}

float widen_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = bits >> 10 & 31u, fraction = bits & 0x3ffu;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | fraction << 13);
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

// Rounds to nearest, ties to even. Requires a value that is not NaN.
std::uint16_t narrow_to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000u);
  const float magnitude = std::fabs(value);
  if (magnitude >= 65520.0f) return sign | 0x7c00u;
  if (magnitude < 0x1p-14f) {  // subnormal: a multiple of 2^-24; nearbyint rounds ties to even
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::nearbyint(std::ldexp(magnitude, 24))));
  }
  const std::uint32_t payload = (bits & 0x7fffffffu) - (112u << 23);
  const std::uint32_t rounded = payload + 0xfffu + (payload >> 13 & 1u);
  return static_cast<std::uint16_t>(sign | (rounded >> 13));
}

// Rounds to nearest, ties to even. Requires a value that is not NaN.
std::uint16_t narrow_to_bfloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

template <class T>
void append_number(std::string& out, T value) {
  char buffer[40];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end.ptr);
}

template <class T>
void append_floating(std::string& out, T value) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  const std::size_t start = out.size();
  append_number(out, value);
  if (out.find_first_of(".ein", start) == std::string::npos) out += ".0";
}

template <class T>
bool parse_integer(std::string_view token, std::byte* bytes) {
  T value{};
  const char* end = token.data() + token.size();
  const std::from_chars_result result = std::from_chars(token.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return false;
  return store(value, bytes);
}

std::size_t skip_digits(std::string_view token, std::size_t i) {
  while (i < token.size() && token[i] >= '0' && token[i] <= '9') ++i;
  return i;
}

// -?digits[.digits][e[+-]digits]
bool is_decimal(std::string_view token) {
  std::size_t i = token.starts_with('-') ? 1 : 0;
  std::size_t end = skip_digits(token, i);
  if (end == i) return false;
  if (end < token.size() && token[end] == '.') {
    i = end + 1;
    end = skip_digits(token, i);
    if (end == i) return false;
  }
  if (end < token.size() && (token[end] == 'e' || token[end] == 'E')) {
    i = end + 1;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) ++i;
    end = skip_digits(token, i);
    if (end == i) return false;
  }
  return end == token.size();
}

// A decimal that rounds to infinity, or to zero though it is not, does not fit.
template <class T>
bool parse_floating(std::string_view token, T& value) {
  if (token == "inf" || token == "-inf" || token == "nan") {
    value = token == "nan" ? std::numeric_limits<T>::quiet_NaN() : std::numeric_limits<T>::infinity();
    if (token[0] == '-') value = -value;
    return true;
  }
  if (!is_decimal(token)) return false;
  const char* end = token.data() + token.size();
  const std::from_chars_result result = std::from_chars(token.data(), end, value);
  return result.ec == std::errc() && result.ptr == end && std::isfinite(value);
}

bool parse_half(std::string_view token, DType dtype, std::byte* bytes) {
  float value = 0;
  if (!parse_floating(token, value)) return false;
  const bool is_half = dtype == DType::kF16;
  if (std::isnan(value)) return store<std::uint16_t>(is_half ? 0x7e00 : 0x7fc0, bytes);
  const std::uint16_t bits = is_half ? narrow_to_half(value) : narrow_to_bfloat(value);
  const std::uint16_t infinity = is_half ? 0x7c00 : 0x7f80;
  if ((bits & 0x7fffu) == infinity && !std::isinf(value)) return false;
  return store(bits, bytes);
}

}  // namespace

void append_float(std::string& out, double value) {
  append_floating(out, value);
}

void append_element(std::string& out, DType dtype, const std::byte* bytes) {
  switch (dtype) {
    case DType::kBool:
      out += bytes[0] != std::byte{0} ? "true" : "false";
      return;
    case DType::kI8:
      return append_number(out, static_cast<int>(load<std::int8_t>(bytes)));
    case DType::kI16:
      return append_number(out, load<std::int16_t>(bytes));
    case DType::kI32:
      return append_number(out, load<std::int32_t>(bytes));
    case DType::kI64:
      return append_number(out, load<std::int64_t>(bytes));
    case DType::kU8:
      return append_number(out, static_cast<unsigned>(load<std::uint8_t>(bytes)));
    case DType::kU16:
      return append_number(out, load<std::uint16_t>(bytes));
    case DType::kU32:
      return append_number(out, load<std::uint32_t>(bytes));
    case DType::kU64:
      return append_number(out, load<std::uint64_t>(bytes));
    case DType::kF16:
      return append_floating(out, widen_half(load<std::uint16_t>(bytes)));
    case DType::kBF16:
      return append_floating(out, std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(bytes)) << 16));
    case DType::kF32:
      return append_floating(out, load<float>(bytes));
    case DType::kF64:
      return append_floating(out, load<double>(bytes));
    case DType::kC64:
    case DType::kC128:
      break;
  }
  INGOT_CHECK(!"complex dtypes have no literals");
}

bool parse_float(std::string_view token, double& value) {
  return parse_floating(token, value);
}

bool parse_element(std::string_view token, DType dtype, std::byte* bytes) {
  switch (dtype) {
    case DType::kBool:
      if (token != "true" && token != "false") return false;
      return store<std::uint8_t>(token == "true" ? 1 : 0, bytes);
    case DType::kI8:
      return parse_integer<std::int8_t>(token, bytes);
    case DType::kI16:
      return parse_integer<std::int16_t>(token, bytes);
    case DType::kI32:
      return parse_integer<std::int32_t>(token, bytes);
    case DType::kI64:
      return parse_integer<std::int64_t>(token, bytes);
    case DType::kU8:
      return parse_integer<std::uint8_t>(token, bytes);
    case DType::kU16:
      return parse_integer<std::uint16_t>(token, bytes);
    case DType::kU32:
      return parse_integer<std::uint32_t>(token, bytes);
    case DType::kU64:
      return parse_integer<std::uint64_t>(token, bytes);
    case DType::kF16:
    case DType::kBF16:
      return parse_half(token, dtype, bytes);
    case DType::kF32: {
      float value = 0;
      return parse_floating(token, value) && store(value, bytes);
    }
    case DType::kF64: {
      double value = 0;
      return parse_floating(token, value) && store(value, bytes);
    }
    case DType::kC64:
    case DType::kC128:
      return false;
  }
  return false;
}

}  // namespace ingot
