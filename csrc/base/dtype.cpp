// The table of element types and the look-ups in it.
#include "base/dtype.h"

#include <array>

#include "base/error.h"

namespace ingot {
namespace {

constexpr std::array<DTypeInfo, 15> kDTypes = {{
    {DType::kBool, "bool", "bool", "BOOL", 1, DTypeKind::kBool},
    {DType::kI8, "i8", "int8", "I8", 1, DTypeKind::kSigned},
    {DType::kI16, "i16", "int16", "I16", 2, DTypeKind::kSigned},
    {DType::kI32, "i32", "int32", "I32", 4, DTypeKind::kSigned},
    {DType::kI64, "i64", "int64", "I64", 8, DTypeKind::kSigned},
    {DType::kU8, "u8", "uint8", "U8", 1, DTypeKind::kUnsigned},
    {DType::kU16, "u16", "uint16", "U16", 2, DTypeKind::kUnsigned},
    {DType::kU32, "u32", "uint32", "U32", 4, DTypeKind::kUnsigned},
    {DType::kU64, "u64", "uint64", "U64", 8, DTypeKind::kUnsigned},
    {DType::kF16, "f16", "float16", "F16", 2, DTypeKind::kFloat},
    {DType::kBF16, "bf16", "bfloat16", "BF16", 2, DTypeKind::kFloat},
    {DType::kF32, "f32", "float32", "F32", 4, DTypeKind::kFloat},
    {DType::kF64, "f64", "float64", "F64", 8, DTypeKind::kFloat},
    {DType::kC64, "c64", "complex64", "C64", 8, DTypeKind::kComplex},
    {DType::kC128, "c128", "complex128", "", 16, DTypeKind::kComplex},
}};

std::optional<DType> find(std::string_view wanted, std::string_view DTypeInfo::* column) {
  if (wanted.empty()) return std::nullopt;
  for (const DTypeInfo& row : kDTypes) {
    if (row.*column == wanted) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace

std::span<const DTypeInfo> dtype_table() {
  return kDTypes;
}

const DTypeInfo& info(DType dtype) {
  const std::size_t index = static_cast<std::size_t>(dtype);
  INGOT_CHECK(index < kDTypes.size());
  return kDTypes[index];
}

std::optional<DType> dtype_from_name(std::string_view name) {
  return find(name, &DTypeInfo::name);
}

std::optional<DType> dtype_from_python_name(std::string_view name) {
  return find(name, &DTypeInfo::python_name);
}

std::optional<DType> dtype_from_file_name(std::string_view name) {
  return find(name, &DTypeInfo::file_name);
}

DTypeClasses class_of(DType dtype) {
  switch (info(dtype).kind) {
    case DTypeKind::kBool:
      return kBoolClass;
    case DTypeKind::kSigned:
    case DTypeKind::kUnsigned:
      return kIntClass;
    case DTypeKind::kFloat:
      return kFloatClass;
    case DTypeKind::kComplex:
      return kComplexClass;
  }
  return 0;
}

}  // namespace ingot
