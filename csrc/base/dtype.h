// The element types: their names in text, in NumPy and in safetensors, and their sizes. One table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ingot {

enum class DType : std::uint8_t {
  kBool,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF16,
  kBF16,
  kF32,
  kF64,
  kC64,
  kC128,
};

enum class DTypeKind : std::uint8_t { kBool, kSigned, kUnsigned, kFloat, kComplex };

struct DTypeInfo {
  DType dtype;
  std::string_view name;         // in module text: "f32"
  std::string_view python_name;  // in Python and NumPy: "float32"
  std::string_view file_name;    // in safetensors: "F32"; empty where safetensors has none
  std::uint8_t size_bytes;
  DTypeKind kind;
};

std::span<const DTypeInfo> dtype_table();  // in the order of the enum
const DTypeInfo& info(DType dtype);
inline std::size_t size_bytes(DType dtype) {
  return info(dtype).size_bytes;
}
inline std::string_view name(DType dtype) {
  return info(dtype).name;
}
std::optional<DType> dtype_from_name(std::string_view name);         // "f32"
std::optional<DType> dtype_from_python_name(std::string_view name);  // "float32"
std::optional<DType> dtype_from_file_name(std::string_view name);    // "F32"

// Classes of dtypes, as a bit set, for the dtype rules of the op table.
using DTypeClasses = std::uint8_t;
inline constexpr DTypeClasses kBoolClass = 1, kIntClass = 2, kFloatClass = 4, kComplexClass = 8;
inline constexpr DTypeClasses kRealClasses = kIntClass | kFloatClass;
inline constexpr DTypeClasses kAnyClass = 15;
DTypeClasses class_of(DType dtype);

}  // namespace ingot
