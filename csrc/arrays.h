// Borrowed arrays of callers: contiguity, extent in memory, copies into memory of our own. Part of program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "program.h"

namespace ingot {

// Memory of our own, 64-byte aligned, not initialised. Empty when num_bytes is 0.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  // Throws LimitError when the system has not that much.
  explicit AlignedBuffer(std::int64_t num_bytes);

  char* data() const { return data_.get(); }
  std::int64_t size_bytes() const { return size_bytes_; }

 private:
  struct Free {
    void operator()(char* data) const;
  };
  std::unique_ptr<char, Free> data_;
  std::int64_t size_bytes_ = 0;
};

std::int64_t num_elements(const ArrayRef& array);
bool is_contiguous(const ArrayRef& array);  // row-major; axes of one element and empty arrays may have any strides
bool is_aligned(const ArrayRef& array);     // to its element's size
bool is_clean(const ArrayRef& array);       // not bool, or every byte 0 or 1; requires a contiguous array
bool is_clean(const char* bools, std::int64_t count);

// Every byte that an element occupies: [begin, end); equal when the array is empty.
struct Extent {
  std::uintptr_t begin = 0, end = 0;
};
Extent extent(const ArrayRef& array);

// Copies into row-major memory; bools become 0 or 1. Any strides, any alignment.
void copy_array(const ArrayRef& array, char* destination);

// Requires constant sizes. Throws DTypeError, ShapeError, ArgumentError (null data), beginning with `who`.
void check_matches(const std::string& who, const ArrayRef& array, const TensorType& type);

std::string type_string(const ArrayRef& array);  // "f32[7,784]"

}  // namespace ingot
