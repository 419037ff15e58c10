// take, dynamic_slice, dynamic_update_slice: what moves, and where to, is known on the device only. Elements are as
// large as alignment allows, up to 16 bytes, as in copies. An index out of range is reported, the lowest position in
// the index operand first, and nothing is read or written for it. All are bound by memory.
#include "cuda/kernels/copy.h"
#include "cuda/kernels/indices.h"

namespace ingot::cuda {
namespace {

// For every position of the axes before the axis (outer) and every index, a piece of the axes after it (inner).
struct Taking {
  TensorArg indices;
  TensorArg outer, inner;       // of x
  std::int64_t stride, extent;  // of the axis
  std::int64_t num_outer, num_indices, num_inner;
  bool copies;  // else the result is empty and indices are checked alone
};

// Grid: any; a thread per element.
template <class T>
__global__ void __launch_bounds__(kBlockThreads)
    take_elements(T* to, const T* from, const __grid_constant__ Taking t, const Guard guard) {
  if (stopped(guard)) return;
  const std::int64_t n = t.num_outer * t.num_indices * t.num_inner;
  for (std::int64_t i = thread_index(); i < n; i += num_threads()) {
    std::int64_t outer = i;
    const std::int64_t inner = take_axis(outer, t.num_inner), element = take_axis(outer, t.num_indices);
    const std::int64_t value = index_at(t.indices, offset_of(t.indices, element));
    const std::int64_t at = resolve(value, t.extent);
    if (at < 0) {
      if (inner == 0 && outer == 0) report(guard, element, value, t.extent);
    } else if (t.copies) {
      to[i] = from[offset_of(t.outer, outer) + at * t.stride + offset_of(t.inner, inner)];
    }
  }
}

Taking make_take(const KernelCall& call) {
  const TensorArg& x = call.inputs[0];
  const int axis = static_cast<int>(*attr(call, 0));
  Taking t{};
  t.indices = call.inputs[1];
  t.stride = x.strides[axis];
  t.extent = x.shape[axis];
  Box outer{}, inner{};
  for (int i = 0; i < x.rank; ++i) {
    if (i == axis) continue;
    Box& box = i < axis ? outer : inner;
    box.shape[box.rank] = x.shape[i];
    box.from[box.rank++] = x.strides[i];
  }
  const auto as_tensor = [](Box box) {
    device::contiguous_strides(box.shape, box.rank, box.to);
    box = device::collapse(box);
    TensorArg tensor{};
    tensor.rank = box.rank;
    for (int i = 0; i < box.rank; ++i) tensor.shape[i] = box.shape[i], tensor.strides[i] = box.from[i];
    return tensor;
  };
  t.outer = as_tensor(outer), t.inner = as_tensor(inner);
  t.num_outer = num_elements(t.outer), t.num_indices = num_elements(t.indices), t.num_inner = num_elements(t.inner);
  t.copies = t.num_outer * t.num_inner > 0;
  if (!t.copies) t.num_outer = t.num_inner = 1;
  return t;
}

// Elements of `bytes` instead of `element`. Requires: pieces lie together and everything is a multiple of them.
void widen_pieces(Taking& t, std::int64_t element, std::int64_t bytes) {
  const std::int64_t ratio = bytes / element;
  if (ratio == 1) return;
  t.stride /= ratio;
  for (int i = 0; i < t.outer.rank; ++i) t.outer.strides[i] /= ratio;
  t.inner.shape[0] /= ratio;
  t.num_inner /= ratio;
}

struct TakeElements {
  const Enqueue& enqueue;
  const Taking& taking;

  template <class T>
  cudaError_t run() const {
    const std::int64_t n = taking.num_outer * taking.num_indices * taking.num_inner;
    return launch(take_elements<T>, grid_for(n), kBlockThreads, 0, enqueue.stream,
                  reinterpret_cast<T*>(enqueue.call.outputs[0].data),
                  reinterpret_cast<const T*>(enqueue.call.inputs[0].data), taking, enqueue.guard);
  }
};

cudaError_t enqueue_take(const Enqueue& enqueue) {
  const TensorArg &x = enqueue.call.inputs[0], &out = enqueue.call.outputs[0];
  Taking t = make_take(enqueue.call);
  if (t.num_indices == 0) return cudaSuccess;
  const std::int64_t element = device::element_bytes(x.dtype);
  Granule granule;
  const bool together = t.copies && t.inner.rank == 1 && t.inner.strides[0] == 1;
  if (together) {
    granule.divide(out.data);
    granule.divide(x.data);
    granule.divide(t.num_inner * element);
    granule.divide(t.stride * element);
    for (int i = 0; i < t.outer.rank; ++i) granule.divide(t.outer.strides[i] * element);
  }
  const std::int64_t bytes = together ? larger(granule.bytes, element) : element;
  widen_pieces(t, element, bytes);
  return with_element(bytes, together && granule.bytes >= 16, TakeElements{enqueue, t});
}

// A window whose begin is an operand, on one side of a copy.
struct Window {
  TensorArg start;
  std::int32_t rank;
  std::int64_t shape[kKernelMaxRank], window[kKernelMaxRank];  // of the tensor it lies in, and its own
  std::int64_t strides[kKernelMaxRank];                        // of the tensor; all 0: the copy does not move with it
  bool in_target;
};

// Where the window begins. False, after reporting the index, where it does not fit.
__device__ bool find_window(const Window& w, const Guard& guard, bool reports, std::int64_t& begin) {
  bool fits = true;
  begin = 0;
  for (int i = 0; i < w.rank; ++i) {
    const std::int64_t value = index_at(w.start, i * w.start.strides[0]);
    const std::int64_t at = value < 0 ? value + w.shape[i] : value;
    if (at >= 0 && at <= w.shape[i] - w.window[i]) {
      begin += at * w.strides[i];
      continue;
    }
    if (reports && fits) report(guard, i, value, w.shape[i]);
    fits = false;
  }
  return fits;
}

// As copy_elements, from or to a window. Whether it fits is checked before anything is written.
template <class T>
__global__ void __launch_bounds__(kBlockThreads)
    move_window(T* to, const T* from, const __grid_constant__ BoxWalk walk, const std::uint32_t n,
                const __grid_constant__ Window window, const Guard guard) {
  __shared__ std::int64_t begin;
  __shared__ bool fits;
  if (stopped(guard)) return;
  if (threadIdx.x == 0) fits = find_window(window, guard, blockIdx.x == 0, begin);
  __syncthreads();
  if (!fits) return;
  copy_walk(window.in_target ? to + begin : to, window.in_target ? from : from + begin, walk, n);
}

struct MoveWindow {
  const Enqueue& enqueue;
  Box box;
  Window window;
  char* to;
  const char* from;

  template <class T>
  cudaError_t run() const {
    const auto launch_part = [&](const Box& part, const std::int64_t* begin) {
      T* target = reinterpret_cast<T*>(to);
      const T* source = reinterpret_cast<const T*>(from);
      for (int i = 0; i < part.rank; ++i) {
        target += begin[i] * part.to[i];
        source += begin[i] * part.from[i];
      }
      const std::int64_t n = box_elements(part);
      return launch(move_window<T>, grid_for(n, kBlockThreads * kPerThread), kBlockThreads, 0, enqueue.stream, target,
                    source, n == 0 ? BoxWalk{} : make_walk(part), static_cast<std::uint32_t>(n), window, enqueue.guard);
    };
    // The start is checked where nothing moves, too.
    return box_elements(box) == 0 ? launch_part(box, kFromBegin) : in_parts(box, kFromBegin, launch_part);
  }
};

cudaError_t enqueue_window(const Enqueue& enqueue, Box box, Window window, char* to, const char* from, int element) {
  box = device::collapse(box);
  Granule granule = granule_of(box, element, to, from);
  const bool together = lies_together(box);
  for (int i = 0; i < window.rank && together; ++i) {
    if (window.shape[i] != window.window[i]) granule.divide(window.strides[i] * element);  // else it begins at 0
  }
  const bool empty = box_elements(box) == 0;
  const std::int64_t bytes = empty ? element : larger(granule.bytes, element);
  for (std::int64_t& stride : window.strides) stride /= bytes / element;
  return with_element(bytes, together && !empty && granule.bytes >= 16,
                      MoveWindow{enqueue, widen(box, element, bytes), window, to, from});
}

// The window's copy: its shape, and how the two sides lie.
Box make_box(const TensorArg& shape, const TensorArg& to, const TensorArg& from) {
  Box box = {.rank = shape.rank, .shape = {}, .to = {}, .from = {}};
  for (int i = 0; i < shape.rank; ++i) {
    box.shape[i] = shape.shape[i];
    box.to[i] = to.strides[i];
    box.from[i] = from.strides[i];
  }
  return box;
}

Window make_window(const TensorArg& start, const TensorArg& x, const TensorArg& window, bool in_target) {
  Window w = {.start = start, .rank = x.rank, .shape = {}, .window = {}, .strides = {}, .in_target = in_target};
  for (int i = 0; i < x.rank; ++i) {
    w.shape[i] = x.shape[i];
    w.window[i] = window.shape[i];
    w.strides[i] = x.strides[i];
  }
  return w;
}

cudaError_t enqueue_dynamic_slice(const Enqueue& enqueue) {
  const TensorArg &x = enqueue.call.inputs[0], &out = enqueue.call.outputs[0];
  return enqueue_window(enqueue, make_box(out, out, x), make_window(enqueue.call.inputs[1], x, out, false), out.data,
                        x.data, device::element_bytes(x.dtype));
}

// In place where the result already holds the operand.
cudaError_t enqueue_dynamic_update_slice(const Enqueue& enqueue) {
  const TensorArg &x = enqueue.call.inputs[0], &update = enqueue.call.inputs[1], &out = enqueue.call.outputs[0];
  const int element = device::element_bytes(x.dtype);
  const Window window = make_window(enqueue.call.inputs[2], out, update, true);
  if (out.data != x.data && num_elements(out) > 0) {
    Window still = window;  // so that the operand is not copied either where the window does not fit
    for (std::int64_t& stride : still.strides) stride = 0;
    const cudaError_t status = enqueue_window(enqueue, make_box(out, out, x), still, out.data, x.data, element);
    if (status != cudaSuccess) return status;
  }
  return enqueue_window(enqueue, make_box(update, out, update), window, out.data, update.data, element);
}

const DeviceKernel kKernels[] = {
    {"take", -1, enqueue_take, nullptr},
    {"dynamic_slice", -1, enqueue_dynamic_slice, nullptr},
    {"dynamic_update_slice", -1, enqueue_dynamic_update_slice, nullptr},
};

}  // namespace

const DeviceKernelFamily kIndexingKernels = {kKernels, 3};

}  // namespace ingot::cuda
