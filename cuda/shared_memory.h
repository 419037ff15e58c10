// Memory of a block whose size is told at launch. Included by kernels and by generated code.
#pragma once

namespace ingot::cuda {

// The memory of the block whose size its launch was told; 16-byte aligned.
template <class T>
__device__ T* dynamic_shared() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char memory[];
  return reinterpret_cast<T*>(memory);
#else
  return reinterpret_cast<T*>(cuda_on_host::dynamic_shared_memory());
#endif
}

}  // namespace ingot::cuda
