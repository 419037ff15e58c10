// Tensors in the runner's own memory: filled from files, with zeros or with random numbers; summed up; compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "program.h"

namespace ingot::tools {

struct Tensor {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  bool columns_first = false;        // Fortran order: the first axis is the contiguous one
  std::shared_ptr<std::byte> bytes;  // 64-byte aligned
  std::size_t size_bytes = 0;

  ArrayRef ref() const;
  std::string type() const;  // "f32[8,64]"
};

// Uninitialised. Throws Error (ShapeError when the size overflows, std::bad_alloc when there is no memory).
Tensor make_tensor(DType dtype, std::vector<std::int64_t> shape);
void fill_zeros(Tensor& tensor);
// Floats uniform in [-1, 1), integers 0 to 9, bools either way. The same numbers for the same seed, stream and shape.
void fill_random(Tensor& tensor, std::uint64_t seed, std::uint64_t stream);

// Of real numbers; of complex ones, of the absolute value. NaN is counted and left out of the others.
struct Statistics {
  std::int64_t count = 0, num_nan = 0;
  double min = 0, max = 0, mean = 0;  // meaningful where count > num_nan
};
Statistics summarize(const Tensor& tensor);

// Largest absolute difference of two tensors of one type; infinite where only one element is NaN. Requires row-major
// tensors, or both columns first.
double largest_difference(const Tensor& a, const Tensor& b);

}  // namespace ingot::tools
