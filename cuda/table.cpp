// All kernels of the device.
#include <cstring>

#include "cuda/kernel.h"

namespace ingot::cuda {
namespace {

constexpr const DeviceKernelFamily* kFamilies[] = {
    &kAbortKernels,       //
    &kAttentionKernels,   //
    &kConvKernels,        //
    &kCumulativeKernels,  //
    &kIndexingKernels,    //
    &kMatmulKernels,      //
    &kMovementKernels,    //
    &kNarrowMatmulKernels,
    &kPointwiseKernels,  //
    &kPoolKernels,       //
    &kRandomKernels,     //
    &kReduceKernels,     //
    &kScatterKernels,    //
    &kSortKernels,       //
};

}  // namespace

const DeviceKernel* find_device_kernel(const char* op, std::int32_t dtype) {
  for (const DeviceKernelFamily* family : kFamilies) {
    for (int i = 0; i < family->num_kernels; ++i) {
      const DeviceKernel& kernel = family->kernels[i];
      if ((kernel.dtype < 0 || kernel.dtype == dtype) && std::strcmp(kernel.op, op) == 0) return &kernel;
    }
  }
  return nullptr;
}

}  // namespace ingot::cuda
