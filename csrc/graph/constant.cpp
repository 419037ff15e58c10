// Checks the bytes of a constant and brings its NaNs into one form.
#include "graph/constant.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/error.h"
#include "graph/graph.h"

namespace ingot {
namespace {

template <class Bits>
void canonicalize(std::span<std::byte> bytes, Bits infinity, Bits quiet) {
  for (std::size_t i = 0; i + sizeof(Bits) <= bytes.size(); i += sizeof(Bits)) {
    Bits bits;
    std::memcpy(&bits, &bytes[i], sizeof(Bits));
    constexpr Bits kMagnitude = static_cast<Bits>(~Bits{0}) >> 1;
    if ((bits & kMagnitude) > infinity) std::memcpy(&bytes[i], &quiet, sizeof(Bits));
  }
}

// The text knows one NaN, so the bytes hold that one.
void canonicalize_nan(DType dtype, std::span<std::byte> bytes) {
  switch (dtype) {
    case DType::kF16:
      return canonicalize<std::uint16_t>(bytes, 0x7c00, 0x7e00);
    case DType::kBF16:
      return canonicalize<std::uint16_t>(bytes, 0x7f80, 0x7fc0);
    case DType::kF32:
      return canonicalize<std::uint32_t>(bytes, 0x7f800000, 0x7fc00000);
    case DType::kF64:
      return canonicalize<std::uint64_t>(bytes, 0x7ff0000000000000, 0x7ff8000000000000);
    default:
      return;
  }
}

// Throws unless a literal of the text can hold these bytes.
void check_constant(const TensorType& type, std::span<const std::byte> bytes) {
  const auto fail_constant = [&](std::string_view message) {
    fail(ErrorCode::kArgument, concat("constant: ", message, ": got ", to_string(type)));
  };
  check_type(ShapeContext{.dims = {}, .guards = nullptr, .op = "constant"}, type);
  if (info(type.dtype).kind == DTypeKind::kComplex) fail_constant("a complex constant must be a param");
  std::int64_t count = 1;
  for (const Size& size : type.shape) {
    if (!size.is_constant()) fail_constant("its sizes must be numbers");
    count *= size.constant();  // below 2^63: check_type
  }
  if (count > kMaxConstantElements) fail_constant("more than 16 elements must be a param");
  if (bytes.size() != static_cast<std::size_t>(count) * size_bytes(type.dtype)) {
    fail_constant(concat(bytes.size(), " bytes do not fit the type"));
  }
  const auto is_bool = [](std::byte b) { return b <= std::byte{1}; };
  if (type.dtype == DType::kBool && !std::all_of(bytes.begin(), bytes.end(), is_bool)) {
    fail_constant("a bool that is neither 0 nor 1");
  }
}

}  // namespace

std::vector<std::byte> canonical_constant(const TensorType& type, std::span<const std::byte> bytes) {
  check_constant(type, bytes);
  std::vector<std::byte> canonical(bytes.begin(), bytes.end());
  canonicalize_nan(type.dtype, canonical);
  return canonical;
}

std::string constant_key(const TensorType& type, std::span<const std::byte> bytes) {
  std::string key = to_string(type);
  return key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace ingot
