// Kernels that move or make data: copy, concat, pad, arange, size. Movement knows element sizes only: it takes every
// dtype and keeps every bit. All are bound by memory, and read and write each byte once.
#include "cuda/kernels/copy.h"

namespace ingot::cuda {
namespace {

// An element of the padded tensor: the operand's where it lies inside, else the value, as often as it fits into T.
struct PadWalk {
  std::int32_t rank;
  Divider sizes[kKernelMaxRank];
  std::uint32_t low[kKernelMaxRank], inside[kKernelMaxRank];
  std::int64_t to[kKernelMaxRank], from[kKernelMaxRank];
};

template <class T>
__device__ T repeat_value(const char* value, int size) {
  T repeated;
  char* const bytes = reinterpret_cast<char*>(&repeated);
  for (int i = 0; i < static_cast<int>(sizeof(T)); ++i) bytes[i] = value[i % size];
  return repeated;
}

template <class T>
__global__ void pad_elements(T* to, const T* from, const char* value, int value_bytes,
                             const __grid_constant__ PadWalk walk, std::uint32_t n, Guard guard) {
  if (stopped(guard)) return;
  const T outside = repeat_value<T>(value, value_bytes);
  for (std::uint32_t at = blockIdx.x * kBlockThreads + threadIdx.x; at < n; at += gridDim.x * kBlockThreads) {
    std::uint32_t rest = at;
    std::int64_t target = 0, source = 0;
    bool inside = true;
    INGOT_ROLLED
    for (int i = walk.rank - 1; i >= 0; --i) {
      const std::uint32_t index = i == 0 ? rest : take_index(walk.sizes[i], rest), own = index - walk.low[i];
      target += index * walk.to[i];
      source += own * walk.from[i];
      inside = inside && own < walk.inside[i];  // below low it is a large number
    }
    to[target] = inside ? from[source] : outside;
  }
}

template <class T>
__global__ void count_up(T* to, std::int64_t stride, std::int64_t n, Guard guard) {
  if (stopped(guard)) return;
  INGOT_ROLLED
  for (std::int64_t i = thread_index(); i < n; i += num_threads()) to[i * stride] = static_cast<T>(i);
}

template <class T>
__global__ void write_number(T* to, std::int64_t number, Guard guard) {
  if (!stopped(guard)) *to = static_cast<T>(number);
}

cudaError_t enqueue_copy(const Enqueue& enqueue) {
  const TensorArg& out = enqueue.call.outputs[0];
  return copy_into(enqueue, out.data, out.strides, enqueue.call.inputs[0]);
}

cudaError_t enqueue_concat(const Enqueue& enqueue) {
  const TensorArg& out = enqueue.call.outputs[0];
  const std::int64_t axis = attr(enqueue.call, 0)[0], bytes = device::element_bytes(out.dtype);
  char* to = out.data;
  for (int i = 0; i < enqueue.call.num_inputs; ++i) {
    const TensorArg& x = enqueue.call.inputs[i];
    const cudaError_t status = copy_into(enqueue, to, out.strides, x);
    if (status != cudaSuccess) return status;
    to += x.shape[axis] * out.strides[axis] * bytes;
  }
  return cudaSuccess;
}

// The operand in the padded tensor, axis by axis. An axis that is not padded is one with the axis before it where both
// sides lie end to end.
struct PadBox {
  Box box;  // the padded tensor and, at the same index, the operand: beyond its ends where it is padded
  std::int64_t low[kKernelMaxRank], inside[kKernelMaxRank];
};

PadBox make_pad(const TensorArg& out, const TensorArg& x, const std::int64_t* low) {
  PadBox pad = {};
  Box& box = pad.box;
  for (int i = 0; i < out.rank; ++i) {
    const bool padded = out.shape[i] != x.shape[i];
    const int last = box.rank - 1;
    if (!padded && out.shape[i] == 1) continue;
    if (!padded && last >= 0 && box.to[last] == out.strides[i] * out.shape[i] &&
        box.from[last] == x.strides[i] * x.shape[i]) {
      box.shape[last] *= out.shape[i];
      pad.low[last] *= out.shape[i];
      pad.inside[last] *= out.shape[i];
      box.to[last] = out.strides[i];
      box.from[last] = x.strides[i];
      continue;
    }
    box.shape[box.rank] = out.shape[i];
    box.to[box.rank] = out.strides[i];
    box.from[box.rank] = x.strides[i];
    pad.low[box.rank] = low[i];
    pad.inside[box.rank++] = x.shape[i];
  }
  return pad;
}

struct PadElements {
  const Enqueue& enqueue;
  PadBox pad;
  const TensorArg &out, &x, &value;

  template <class T>
  cudaError_t run() const {
    return in_parts(pad.box, kFromBegin, [&](const Box& part, const std::int64_t* begin) {
      PadWalk walk = {.rank = part.rank, .sizes = {}, .low = {}, .inside = {}, .to = {}, .from = {}};
      std::int64_t first = 0;
      for (int i = 0; i < part.rank; ++i) {
        walk.sizes[i] = make_divider(part.shape[i]);
        walk.low[i] = static_cast<std::uint32_t>(pad.low[i] - begin[i]);
        walk.inside[i] = static_cast<std::uint32_t>(pad.inside[i]);
        walk.to[i] = part.to[i];
        walk.from[i] = part.from[i];
        first += begin[i] * part.to[i];
      }
      const std::int64_t n = box_elements(part);
      return launch(pad_elements<T>, grid_for(n), kBlockThreads, 0, enqueue.stream,
                    reinterpret_cast<T*>(out.data) + first, reinterpret_cast<const T*>(x.data), value.data,
                    device::element_bytes(x.dtype), walk, static_cast<std::uint32_t>(n), enqueue.guard);
    });
  }
};

// The operand lies at `low` in a tensor of the value.
cudaError_t enqueue_pad(const Enqueue& enqueue) {
  const TensorArg &out = enqueue.call.outputs[0], &x = enqueue.call.inputs[0];
  PadBox pad = make_pad(out, x, attr(enqueue.call, 0));
  const int bytes = device::element_bytes(x.dtype), last = pad.box.rank - 1;
  Granule granule = granule_of(pad.box, bytes, out.data, x.data);
  const bool together = lies_together(pad.box);
  if (together) {
    granule.divide(pad.low[last] * bytes);
    granule.divide(pad.inside[last] * bytes);
  }
  const bool aligned = granule.bytes >= 16 && together;
  const std::int64_t wide = larger(granule.bytes, bytes);
  pad.box = widen(pad.box, bytes, wide);
  if (wide > bytes) {
    pad.low[last] /= wide / bytes;
    pad.inside[last] /= wide / bytes;
  }
  return with_element(wide, aligned, PadElements{enqueue, pad, out, x, enqueue.call.inputs[1]});
}

// 0, 1, 2, ...
template <class T>
cudaError_t enqueue_arange(const Enqueue& enqueue) {
  const TensorArg& out = enqueue.call.outputs[0];
  const std::int64_t n = num_elements(out);
  if (n == 0) return cudaSuccess;
  return launch(count_up<T>, grid_for(n), kBlockThreads, 0, enqueue.stream, reinterpret_cast<T*>(out.data),
                out.strides[0], n, enqueue.guard);
}

template <class T>
cudaError_t enqueue_size(const Enqueue& enqueue) {
  return launch(write_number<T>, 1, 1, 0, enqueue.stream, reinterpret_cast<T*>(enqueue.call.outputs[0].data),
                attr(enqueue.call, 0)[0], enqueue.guard);
}

constexpr DeviceKernel kKernels[] = {
    {"copy", -1, enqueue_copy, nullptr},
    {"concat", -1, enqueue_concat, nullptr},
    {"pad", -1, enqueue_pad, nullptr},
    {"arange", device::kF32Type, enqueue_arange<float>, nullptr},
    {"arange", device::kF64Type, enqueue_arange<double>, nullptr},
    {"arange", device::kI32Type, enqueue_arange<std::int32_t>, nullptr},
    {"arange", device::kI64Type, enqueue_arange<std::int64_t>, nullptr},
    {"size", device::kF32Type, enqueue_size<float>, nullptr},
    {"size", device::kF64Type, enqueue_size<double>, nullptr},
    {"size", device::kI32Type, enqueue_size<std::int32_t>, nullptr},
    {"size", device::kI64Type, enqueue_size<std::int64_t>, nullptr},
};

}  // namespace

cudaError_t copy_into(const Enqueue& enqueue, char* to, const std::int64_t* strides, const TensorArg& x) {
  Box box = {.rank = x.rank, .shape = {}, .to = {}, .from = {}};
  for (int i = 0; i < x.rank; ++i) {
    box.shape[i] = x.shape[i];
    box.to[i] = strides[i];
    box.from[i] = x.strides[i];
  }
  if (box_elements(box) == 0) return cudaSuccess;
  box = device::collapse(box);
  const int bytes = device::element_bytes(x.dtype);
  const Granule granule = granule_of(box, bytes, to, x.data);
  const bool aligned = granule.bytes >= 16 && lies_together(box);
  const std::int64_t wide = larger(granule.bytes, bytes);
  return with_element(wide, aligned, CopyBox{enqueue, widen(box, bytes, wide), to, x.data});
}

extern const DeviceKernelFamily kMovementKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
