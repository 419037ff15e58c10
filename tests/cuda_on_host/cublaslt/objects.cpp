#include "objects.h"

#include <algorithm>

namespace cublaslt_on_host {

namespace blas = ingot::cuda::blas;

const char* check_product(blas::Description description, blas::Layout a, blas::Layout b, blas::Layout c,
                          blas::Layout d) {
  const auto type = d->type;
  const bool is_double = type == blas::kF64;
  const bool computes = is_double ? description->compute_type == blas::kComputeF64
                                  : description->compute_type == blas::kComputeF32 ||
                                        (description->compute_type == blas::kComputeTf32 && type == blas::kF32);
  if (!computes) return "a compute type that does not go with the matrices";
  if (description->scale_type != (is_double ? blas::kF64 : blas::kF32)) return "a scale type";
  if (a->type != type || b->type != type || c->type != type) return "matrices of several types";
  const bool ta = description->transposed_a != 0, tb = description->transposed_b != 0;
  const std::uint64_t k = ta ? a->rows : a->columns;
  if ((ta ? a->columns : a->rows) != d->rows || (tb ? b->rows : b->columns) != d->columns ||
      (tb ? b->columns : b->rows) != k)
    return "sizes that do not fit together";
  const bool adds = description->epilogue == 4;
  if (!adds && description->epilogue != blas::kNoEpilogue) return "an epilogue";
  if (adds != (description->bias != nullptr)) return "a bias without its epilogue, or that without a bias";
  if (adds && d->type != blas::kF32) return "a bias of another dtype than float32";
  if (c->rows != d->rows || c->columns != d->columns || c->leading != d->leading) return "another C than D";
  for (blas::Layout layout : {a, b, d}) {
    if (layout->rows == 0 || layout->columns == 0) return "a matrix without elements";
    if (layout->leading < static_cast<std::int64_t>(layout->rows)) return "a leading dimension below the rows";
    if (layout->num_batches != d->num_batches || layout->num_batches < 1) return "numbers of batches";
  }
  return "";
}

std::uint64_t alignment_of_bias(blas::Description description) {
  const auto address = reinterpret_cast<std::uintptr_t>(description->bias);
  return std::min<std::uint64_t>(address & (~address + 1), 256);
}

}  // namespace cublaslt_on_host
