// What the double keeps of the objects that it makes for its caller, and whether they make a product.
#pragma once

#include <cstdint>

#include "cuda/blas_library.h"

namespace ingot::cuda::blas {

constexpr std::uint32_t kNoEpilogue = 1;

struct OpaqueHandle {};
struct OpaqueDescription {
  int compute_type, scale_type;
  std::int32_t transposed_a = 0, transposed_b = 0;
  std::uint32_t epilogue = kNoEpilogue;
  const void* bias = nullptr;
};
struct OpaqueLayout {
  int type;
  std::uint64_t rows, columns;
  std::int64_t leading;
  std::int32_t num_batches = 1;
  std::int64_t batch_stride = 0;
};
struct OpaquePreference {
  std::uint64_t workspace_bytes = 0;
  std::uint32_t reductions = 7, alignments[4] = {256, 256, 256, 256};
};

}  // namespace ingot::cuda::blas

namespace cublaslt_on_host {

// "" or what is wrong. Addresses are not looked at.
const char* check_product(ingot::cuda::blas::Description description, ingot::cuda::blas::Layout a,
                          ingot::cuda::blas::Layout b, ingot::cuda::blas::Layout c, ingot::cuda::blas::Layout d);

// What the bias is known to be a multiple of; 0: there is none.
std::uint64_t alignment_of_bias(ingot::cuda::blas::Description description);

}  // namespace cublaslt_on_host
