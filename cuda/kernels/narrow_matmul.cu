// matmul on float16 and bfloat16: what float32 gives of them in the order of docs/numerics.md, rounded once. Such
// products are cuBLASLt's (cuda/blas.h); this kernel is for what it does not take, and simple. One thread an element of
// the result, so bound by reads from caches.
#include "cuda/kernels/device.h"
#include "cuda/kernels/tile.h"
#include "cuda/product_axes.h"
#include "kernels/element.h"

namespace ingot::cuda {
namespace {

using device::BFloat16;
using device::Float16;

__device__ float widen(Float16 x) {
  return device::from_float16(x);
}
__device__ float widen(BFloat16 x) {
  return device::from_bfloat16(x);
}
__device__ void narrow(float x, Float16* to) {
  *to = device::to_float16(x);
}
__device__ void narrow(float x, BFloat16* to) {
  *to = device::to_bfloat16(x);
}

// a and b have the axes of the result, beside which they have steps along k.
template <class T>
__global__ void multiply_narrow(const __grid_constant__ TensorArg out, const __grid_constant__ TensorArg a,
                                const __grid_constant__ TensorArg b, std::int64_t k, std::int64_t a_step,
                                std::int64_t b_step, std::int64_t n, Guard guard) {
  if (stopped(guard)) return;
  for (std::int64_t i = thread_index(); i < n; i += num_threads()) {
    const T* const x = reinterpret_cast<const T*>(a.data) + offset_of(a, i);
    const T* const y = reinterpret_cast<const T*>(b.data) + offset_of(b, i);
    float total = 0;
    for (std::int64_t begin = 0; begin < k; begin += kFoldSteps) {
      const std::int64_t end = smaller(k, begin + kFoldSteps);
      float sum = 0;
      for (std::int64_t j = begin; j < end; ++j) sum = device::fma(widen(x[j * a_step]), widen(y[j * b_step]), sum);
      total = begin == 0 ? sum : total + sum;
    }
    narrow(total, reinterpret_cast<T*>(out.data) + offset_of(out, i));
  }
}

// The operand as one that every element of the result looks into.
TensorArg spread(const TensorArg& x, const TensorArg& out, int own_axis) {
  TensorArg to = out;
  to.data = x.data;
  for (int axis = 0; axis < out.rank - 2; ++axis) to.strides[axis] = batch_stride(x, axis, out.rank);
  to.strides[out.rank - 2] = own_axis == 0 ? x.strides[x.rank - 2] : 0;
  to.strides[out.rank - 1] = own_axis == 1 ? x.strides[x.rank - 1] : 0;
  return to;
}

template <class T>
cudaError_t enqueue(const Enqueue& e) {
  const TensorArg &a = e.call.inputs[0], &b = e.call.inputs[1], &out = e.call.outputs[0];
  const std::int64_t n = num_elements(out);
  if (n == 0) return cudaSuccess;
  return launch(multiply_narrow<T>, grid_for(n), kBlockThreads, 0, e.stream, out, spread(a, out, 0), spread(b, out, 1),
                a.shape[a.rank - 1], a.strides[a.rank - 1], b.strides[b.rank - 2], n, e.guard);
}

const DeviceKernel kKernels[] = {
    {"matmul", device::kF16Type, enqueue<Float16>, nullptr},
    {"matmul", device::kBF16Type, enqueue<BFloat16>, nullptr},
};

}  // namespace

const DeviceKernelFamily kNarrowMatmulKernels = {kKernels, 2};

}  // namespace ingot::cuda
