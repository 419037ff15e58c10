#include "arrays.h"

#include <cstring>
#include <new>

#include "base/error.h"

namespace ingot {

namespace {

constexpr std::align_val_t kAlignment{64};

std::int64_t element_bytes(const ArrayRef& array) {
  return static_cast<std::int64_t>(size_bytes(array.dtype));
}

void copy_elements(const char* source, std::int64_t stride, char* destination, std::int64_t count, std::size_t bytes) {
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(destination, source, bytes);
    source += stride;
    destination += bytes;
  }
}

// Copies one row of the last axis; the element's size is a constant in each loop.
void copy_row(const char* source, std::int64_t stride, char* destination, std::int64_t count, std::size_t bytes) {
  if (stride == static_cast<std::int64_t>(bytes)) {
    std::memcpy(destination, source, static_cast<std::size_t>(count) * bytes);
    return;
  }
  switch (bytes) {
    case 1:
      return copy_elements(source, stride, destination, count, 1);
    case 2:
      return copy_elements(source, stride, destination, count, 2);
    case 4:
      return copy_elements(source, stride, destination, count, 4);
    case 8:
      return copy_elements(source, stride, destination, count, 8);
    default:
      return copy_elements(source, stride, destination, count, bytes);
  }
}

// Copies the axes from `axis` on; returns where the next element goes.
char* copy_axes(const ArrayRef& array, int axis, const char* source, char* destination) {
  const std::int64_t count = array.shape[axis], stride = array.strides[axis];
  if (axis == array.rank - 1) {
    copy_row(source, stride, destination, count, size_bytes(array.dtype));
    return destination + count * element_bytes(array);
  }
  for (std::int64_t i = 0; i < count; ++i) destination = copy_axes(array, axis + 1, source + i * stride, destination);
  return destination;
}

}  // namespace

void AlignedBuffer::Free::operator()(char* data) const {
  ::operator delete(data, kAlignment);
}

AlignedBuffer::AlignedBuffer(std::int64_t num_bytes) : size_bytes_(num_bytes) {
  if (num_bytes == 0) return;
  data_.reset(static_cast<char*>(::operator new(static_cast<std::size_t>(num_bytes), kAlignment, std::nothrow)));
  if (data_ == nullptr) fail(ErrorCode::kLimit, concat("memory: the system does not give ", num_bytes, " bytes"));
}

std::int64_t num_elements(const ArrayRef& array) {
  std::int64_t count = 1;
  for (int axis = 0; axis < array.rank; ++axis) count *= array.shape[axis];
  return count;
}

bool is_contiguous(const ArrayRef& array) {
  if (num_elements(array) == 0) return true;
  std::int64_t expected = element_bytes(array);
  for (int axis = array.rank - 1; axis >= 0; --axis) {
    if (array.shape[axis] == 1) continue;
    if (array.strides[axis] != expected) return false;
    expected *= array.shape[axis];
  }
  return true;
}

bool is_aligned(const ArrayRef& array) {
  // A complex number is a pair: its parts need the alignment.
  const std::size_t bytes = size_bytes(array.dtype);
  const std::size_t alignment = info(array.dtype).kind == DTypeKind::kComplex ? bytes / 2 : bytes;
  return reinterpret_cast<std::uintptr_t>(array.data) % alignment == 0;
}

bool is_clean(const char* bools, std::int64_t count) {
  unsigned char seen = 0;
  for (std::int64_t i = 0; i < count; ++i) seen |= static_cast<unsigned char>(bools[i]);
  return seen <= 1;
}

bool is_clean(const ArrayRef& array) {
  return array.dtype != DType::kBool || is_clean(static_cast<const char*>(array.data), num_elements(array));
}

Extent extent(const ArrayRef& array) {
  const auto begin = reinterpret_cast<std::uintptr_t>(array.data);
  Extent result = {begin, begin};
  if (num_elements(array) == 0) return result;
  for (int axis = 0; axis < array.rank; ++axis) {
    const auto reach =
        static_cast<std::uintptr_t>(array.strides[axis]) * static_cast<std::uintptr_t>(array.shape[axis] - 1);
    (array.strides[axis] < 0 ? result.begin : result.end) += reach;
  }
  result.end += size_bytes(array.dtype);
  return result;
}

void copy_array(const ArrayRef& array, char* destination) {
  const std::int64_t count = num_elements(array);
  if (count == 0) return;
  const char* source = static_cast<const char*>(array.data);
  if (array.rank == 0) {
    std::memcpy(destination, source, size_bytes(array.dtype));
  } else {
    copy_axes(array, 0, source, destination);
  }
  if (array.dtype != DType::kBool) return;
  for (std::int64_t i = 0; i < count; ++i) destination[i] = destination[i] != 0 ? 1 : 0;
}

void check_matches(const std::string& who, const ArrayRef& array, const TensorType& type) {
  if (array.dtype != type.dtype)
    fail(ErrorCode::kDType, concat(who, ": got ", name(array.dtype), ", expected ", name(type.dtype)));
  bool same = array.rank == static_cast<int>(type.shape.size());
  if (!same) fail(ErrorCode::kShape, concat(who, ": got rank ", array.rank, ", expected ", to_string(type)));
  for (int axis = 0; axis < array.rank; ++axis)
    same = same && array.shape[axis] == type.shape[static_cast<std::size_t>(axis)].constant();
  if (!same) fail(ErrorCode::kShape, concat(who, ": got ", type_string(array), ", expected ", to_string(type)));
  if (array.data == nullptr && num_elements(array) != 0) fail(ErrorCode::kArgument, concat(who, ": its data is null"));
}

std::string type_string(const ArrayRef& array) {
  TensorType type = {.dtype = array.dtype, .shape = {}};
  for (int axis = 0; axis < array.rank; ++axis) type.shape.emplace_back(array.shape[axis]);
  return to_string(type);
}

}  // namespace ingot
