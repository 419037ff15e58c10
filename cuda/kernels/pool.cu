// max_pool2d and avg_pool2d over x[n, c, h, w], any strides, into a result whose axes lie in any order. Maximum: NaN
// propagates, -0 < +0, padding never wins; a window without any element gives the lowest value. Average: a left fold
// from the first element in the order (row, column), divided by the count; padding counts as zeros in both, or is
// absent from both. A thread computes an element of the result; those of a warp lie side by side in it. Windows overlap
// in the first-level cache: bound by memory.
#include "cuda/kernels/device.h"
#include "cuda/kernels/positions.h"
#include "kernels/element.h"

namespace ingot::cuda {
namespace {

struct Pool {
  TensorArg x, out;
  std::int64_t height, width, stride_y, stride_x, top, left, dilation_y, dilation_x;  // of the window
  bool counts_padding;
};

struct MaxOf {
  static constexpr bool kIsMean = false;
  template <class T>
  __device__ static T identity() {
    if constexpr (device::kIsFloat<T>) {
      return static_cast<T>(-device::kInfinity);
    } else {
      return static_cast<T>(-1) > 0 ? T{0} : static_cast<T>(std::uint64_t{1} << (sizeof(T) * 8 - 1));
    }
  }
  template <class T>
  __device__ static T apply(T a, T b) {
    if constexpr (device::kIsFloat<T>) {
      return device::maximum(a, b);
    } else {
      return a < b ? b : a;
    }
  }
};

struct MeanOf {
  static constexpr bool kIsMean = true;
  template <class T>
  __device__ static T identity() {
    return static_cast<T>(-0.0);  // -0 + x is x
  }
  template <class T>
  __device__ static T apply(T a, T b) {
    return a + b;
  }
};

// An element of the result, counted with channels fastest where they lie side by side.
struct PoolPlace {
  std::int64_t image, channel, y, x;
  __device__ PoolPlace(const TensorArg& out, std::int64_t i) {
    const bool channels_last = out.strides[1] == 1;
    if (channels_last) channel = take_axis(i, out.shape[1]);
    x = take_axis(i, out.shape[3]);
    y = take_axis(i, out.shape[2]);
    if (!channels_last) channel = take_axis(i, out.shape[1]);
    image = i;
  }
};

// The positions of a window's axis that lie in a tensor's, where the first one lies at `at`.
struct Inside {
  std::int64_t begin, end;
  __device__ Inside(std::int64_t at, std::int64_t dilation, std::int64_t count, std::int64_t size) {
    begin = at < 0 ? -at : 0, end = size - at;
    if (dilation != 1) {
      begin = (begin + dilation - 1) / dilation;
      end = end > 0 ? (end + dilation - 1) / dilation : 0;
    }
    end = smaller(end, count);
  }
  __device__ std::int64_t size() const { return larger(end - begin, 0); }
};

// Zeros that count change a sum only from -0 to +0, wherever they stand in its order: one at the end does for all.
template <class Op, class T>
__device__ T pool_one(const Pool& p, const PoolPlace& at) {
  const std::int64_t* const s = p.x.strides;
  const std::int64_t y = at.y * p.stride_y - p.top, x = at.x * p.stride_x - p.left;
  const Inside rows(y, p.dilation_y, p.height, p.x.shape[2]), columns(x, p.dilation_x, p.width, p.x.shape[3]);
  const T* const plane = reinterpret_cast<const T*>(p.x.data) + at.image * s[0] + at.channel * s[1];
  T result = Op::template identity<T>();
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const T* const row = plane + (y + r * p.dilation_y) * s[2] + x * s[3];
    for (std::int64_t c = columns.begin; c < columns.end; ++c) {
      result = Op::apply(result, row[c * p.dilation_x * s[3]]);
    }
  }
  if constexpr (Op::kIsMean) {
    std::int64_t count = rows.size() * columns.size();
    if (p.counts_padding && count < p.height * p.width) {
      result = result + T{0};
      count = p.height * p.width;
    }
    result = result / static_cast<T>(count);
  }
  return result;
}

// Grid: any; a thread per element.
template <class Op, class T>
__global__ void __launch_bounds__(kBlockThreads)
    pool(const __grid_constant__ Pool p, const Guard guard, const std::int64_t elements) {
  if (stopped(guard)) return;
  for (std::int64_t i = thread_index(); i < elements; i += num_threads()) {
    const PoolPlace at(p.out, i);
    const std::int64_t* const s = p.out.strides;
    T* const to = reinterpret_cast<T*>(p.out.data) + at.image * s[0] + at.channel * s[1] + at.y * s[2] + at.x * s[3];
    *to = pool_one<Op, T>(p, at);
  }
}

template <class Op, class T>
cudaError_t enqueue(const Enqueue& e) {
  const std::int64_t *kernel = attr(e.call, 0), *stride = attr(e.call, 1), *padding = attr(e.call, 2);
  const std::int64_t elements = num_elements(e.call.outputs[0]);
  if (elements == 0) return cudaSuccess;
  Pool p{e.call.inputs[0], e.call.outputs[0], kernel[0], kernel[1], stride[0], stride[1],
         padding[0],       padding[1],        1,         1,         false};
  const std::int64_t* const last = attr(e.call, 3);  // dilation, or whether padding counts
  if (Op::kIsMean) {
    p.counts_padding = *last != 0;
  } else {
    p.dilation_y = last[0], p.dilation_x = last[1];
  }
  return launch(pool<Op, T>, grid_for(elements), kBlockThreads, 0, e.stream, p, e.guard, elements);
}

const DeviceKernel kKernels[] = {
    {"max_pool2d", device::kF32Type, enqueue<MaxOf, float>, nullptr},
    {"max_pool2d", device::kF64Type, enqueue<MaxOf, double>, nullptr},
    {"max_pool2d", device::kI32Type, enqueue<MaxOf, std::int32_t>, nullptr},
    {"max_pool2d", device::kI64Type, enqueue<MaxOf, std::int64_t>, nullptr},
    {"max_pool2d", device::kI8Type, enqueue<MaxOf, std::int8_t>, nullptr},
    {"max_pool2d", device::kI16Type, enqueue<MaxOf, std::int16_t>, nullptr},
    {"max_pool2d", device::kU8Type, enqueue<MaxOf, std::uint8_t>, nullptr},
    {"max_pool2d", device::kU16Type, enqueue<MaxOf, std::uint16_t>, nullptr},
    {"avg_pool2d", device::kF32Type, enqueue<MeanOf, float>, nullptr},
    {"avg_pool2d", device::kF64Type, enqueue<MeanOf, double>, nullptr},
};

}  // namespace

const DeviceKernelFamily kPoolKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
