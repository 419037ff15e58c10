// take_along_axis, scatter and scatter_reduce: indices along one axis, element by element. Equal indices are applied
// one after the other, in their order along the axis, so that no thread's timing changes a bit.
//
// Scattering goes one of two ways. By lines: a thread per line of indices, one index after the other, about 0.6 us
// each (a read, then a change of memory far away); fine where there are as many lines as a device has threads, or few
// indices. By order: the lines of indices are sorted by their targets (sort_items.h), once for all lines that share
// them; then a thread per index finds whether it is the first of its target, and applies all that follow with it.
#include "cuda/kernels/copy.h"
#include "cuda/kernels/indices.h"
#include "cuda/kernels/sort_items.h"

namespace ingot::cuda {
namespace {

// Copies along the axis. Grid: any; a thread per element.
struct Along {
  TensorArg x, indices, out;  // x in the result's shape, without the axis
  std::int64_t stride, extent;
};

template <class T>
__global__ void __launch_bounds__(kBlockThreads)
    take_along(const __grid_constant__ Along a, const std::int64_t elements, const Guard guard) {
  if (stopped(guard)) return;
  for (std::int64_t i = thread_index(); i < elements; i += num_threads()) {
    const std::int64_t value = index_at(a.indices, offset_of(a.indices, i)), at = resolve(value, a.extent);
    if (at < 0) {
      report(guard, i, value, a.extent);
    } else {
      const T* const from = reinterpret_cast<const T*>(a.x.data) + offset_of(a.x, i);
      reinterpret_cast<T*>(a.out.data)[offset_of(a.out, i)] = from[at * a.stride];
    }
  }
}

struct TakeAlong {
  const Enqueue& enqueue;
  const Along& along;

  template <class T>
  cudaError_t run() const {
    const std::int64_t n = num_elements(along.out);
    return launch(take_along<T>, grid_for(n), kBlockThreads, 0, enqueue.stream, along, n, enqueue.guard);
  }
};

cudaError_t enqueue_take_along(const Enqueue& enqueue) {
  const TensorArg &x = enqueue.call.inputs[0], &out = enqueue.call.outputs[0];
  const int axis = static_cast<int>(*attr(enqueue.call, 0));
  if (num_elements(out) == 0) return cudaSuccess;
  const Along along{in_shape_of(x, out, axis), enqueue.call.inputs[1], out, x.strides[axis], x.shape[axis]};
  return with_element(device::element_bytes(x.dtype), false, TakeAlong{enqueue, along});
}

enum Reduction : std::int32_t { kReplace, kAdd, kMultiply, kMin, kMax };

// Indices, updates and result all have the shape of the indices here, in which they are counted; the result moves along
// the axis by targets only. Lines are counted without the axis.
struct Scattering {
  TensorArg indices, updates, out;
  std::int64_t index_stride, update_stride, out_stride;  // of the axis
  std::int64_t n, extent;                                // of indices and targets along the axis
  std::int64_t inner;                                    // elements behind the axis
  std::int64_t num_lines;
  Reduction reduction;
};

template <class T>
struct Replace {
  using Element = T;
  __device__ static T apply(Reduction, T, T update) { return update; }
};

template <class T>
struct Reduce {
  using Element = T;
  __device__ static T apply(Reduction reduction, T old, T update) {
    switch (reduction) {
      case kAdd:
        return device::plus(old, update);
      case kMultiply:
        return device::times(old, update);
      case kMin:
        return device::minimum(old, update);
      default:
        return device::maximum(old, update);
    }
  }
};

// The flat position of index i of a line.
__device__ std::int64_t position_in(const Scattering& s, std::int64_t line, std::int64_t i) {
  const std::int64_t inner = take_axis(line, s.inner);
  return (line * s.n + i) * s.inner + inner;
}

// Grid: any; a thread per line.
template <class Op>
__global__ void __launch_bounds__(kBlockThreads)
    scatter_lines(const __grid_constant__ Scattering s, const Guard guard) {
  using T = typename Op::Element;
  if (stopped(guard)) return;
  for (std::int64_t line = thread_index(); line < s.num_lines; line += num_threads()) {
    const std::int64_t first = position_in(s, line, 0), index = offset_of(s.indices, first);
    const T* const updates = reinterpret_cast<const T*>(s.updates.data) + offset_of(s.updates, first);
    T* const out = reinterpret_cast<T*>(s.out.data) + offset_of(s.out, first);
    for (std::int64_t i = 0; i < s.n; ++i) {
      const std::int64_t value = index_at(s.indices, index + i * s.index_stride), at = resolve(value, s.extent);
      if (at < 0) {
        report(guard, first + i * s.inner, value, s.extent);
      } else {
        T* const to = out + at * s.out_stride;
        *to = Op::apply(s.reduction, *to, updates[i * s.update_stride]);
      }
    }
  }
}

// Targets of indices, sorted. Lines of which all share their indices are one; one out of range is behind all others.
struct TargetKeys {
  using Item = NarrowItem;
  TensorArg indices;    // of the lines that differ, without the axis
  TensorArg positions;  // their flat positions among all indices
  std::int64_t stride, position_stride;
  std::int64_t n, extent;
  Guard guard;
  Item* items;

  __device__ Item item(std::int64_t line, std::int64_t i) const {
    const std::int64_t value = index_at(indices, offset_of(indices, line) + i * stride), at = resolve(value, extent);
    if (at < 0) report(guard, offset_of(positions, line) + i * position_stride, value, extent);
    return Item::make(at < 0 ? ~std::uint32_t{0} : static_cast<std::uint32_t>(at), i);
  }
  __device__ void take(std::int64_t line, std::int64_t i, const Item& item) const { items[line * n + i] = item; }
};

// slots: where item s of the line at hand lies among the sorted items, counted in the shape of the indices with s along
// the axis. Grid: any; a thread per index.
template <class Op>
__global__ void __launch_bounds__(kBlockThreads)
    scatter_sorted(const __grid_constant__ Scattering s, const __grid_constant__ TensorArg slots,
                   const NarrowItem* items, const Guard guard) {
  using T = typename Op::Element;
  if (stopped(guard)) return;
  for (std::int64_t flat = thread_index(); flat < s.num_lines * s.n; flat += num_threads()) {
    std::int64_t outer = flat / s.inner;
    const std::int64_t slot = take_axis(outer, s.n), first = flat - slot * s.inner;
    const NarrowItem* const item = items + offset_of(slots, flat);
    const std::int64_t target = item->key();
    if (target >= s.extent || (slot > 0 && item[-1].key() == target)) continue;
    T* const to = reinterpret_cast<T*>(s.out.data) + offset_of(s.out, first) + target * s.out_stride;
    const T* const updates = reinterpret_cast<const T*>(s.updates.data) + offset_of(s.updates, first);
    T value = *to;
    for (std::int64_t i = 0; slot + i < s.n && item[i].key() == target; ++i) {
      value = Op::apply(s.reduction, value, updates[item[i].position() * s.update_stride]);
    }
    *to = value;
  }
}

// The indices of lines that differ: an axis along which they are broadcast has one.
TensorArg differing(const TensorArg& indices, int axis) {
  TensorArg lines = indices;
  for (int i = 0; i < lines.rank; ++i) {
    if (i == axis || lines.strides[i] == 0) lines.shape[i] = lines.shape[i] == 0 ? 0 : 1;
  }
  return lines;
}

TensorArg row_major(TensorArg x) {
  device::contiguous_strides(x.shape, x.rank, x.strides);
  return x;
}

// Nanoseconds, roughly: see above. A pass of sorting moves 16 bytes per item at 2 TB/s.
bool goes_by_order(const Scattering& s, std::int64_t sorted_lines, std::int64_t processors) {
  if (s.extent >= std::int64_t{0xffffffff} || s.n >= std::int64_t{0xffffffff}) return false;
  double passes = 1;
  for (std::int64_t n = kSortTile; n < s.n; n *= 2) passes += 1;
  const double n = static_cast<double>(s.n), waves = static_cast<double>(s.num_lines / (processors * 2048) + 1);
  const double sorting = passes * (3000 + n * static_cast<double>(sorted_lines) * 0.008);
  return sorting + 6000 + n * static_cast<double>(s.num_lines) * 0.02 < n * waves * 600;
}

Scattering make_scattering(const KernelCall& call, Reduction reduction) {
  const TensorArg &updates = call.inputs[1], &indices = call.inputs[2], &out = call.outputs[0];
  const int axis = static_cast<int>(*attr(call, 0));
  Scattering s{.indices = indices,
               .updates = in_shape_of(updates, indices, -1),
               .out = in_shape_of(out, indices, axis),
               .index_stride = indices.strides[axis],
               .update_stride = updates.strides[axis],
               .out_stride = out.strides[axis],
               .n = indices.shape[axis],
               .extent = out.shape[axis],
               .inner = 1,
               .num_lines = 0,
               .reduction = reduction};
  for (int i = axis + 1; i < indices.rank; ++i) s.inner *= indices.shape[i];
  s.num_lines = num_elements(indices) / s.n;
  return s;
}

template <class Op>
cudaError_t scatter_by_order(const Enqueue& e, const Scattering& s, int axis) {
  const TensorArg lines = differing(s.indices, axis);
  TargetKeys keys{.indices = lines,
                  .positions = lines,
                  .stride = s.index_stride,
                  .position_stride = s.inner,
                  .n = s.n,
                  .extent = s.extent,
                  .guard = e.guard,
                  .items = reinterpret_cast<NarrowItem*>(e.workspace)};
  TensorArg slots = row_major(lines);  // counts the lines that differ
  const TensorArg all = row_major(s.indices);
  for (int i = 0; i < slots.rank; ++i) {
    slots.strides[i] = i == axis ? 1 : lines.shape[i] == 1 ? 0 : slots.strides[i] * s.n;
    slots.shape[i] = s.indices.shape[i];
    keys.positions.strides[i] = all.strides[i];
  }
  const NarrowItem* sorted = nullptr;
  const cudaError_t status = sort_lines(e, keys, sort_shape(num_elements(lines), s.n), keys.items, &sorted);
  if (status != cudaSuccess) return status;
  return launch(scatter_sorted<Op>, grid_for(s.num_lines * s.n), kBlockThreads, 0, e.stream, s, slots, sorted, e.guard);
}

// The result holds operand 0 already, or gets it.
template <class Op>
cudaError_t scatter(const Enqueue& e, Reduction reduction) {
  const TensorArg &x = e.call.inputs[0], &indices = e.call.inputs[2], &out = e.call.outputs[0];
  if (x.data != out.data) {
    const cudaError_t status = copy_into(e, out.data, out.strides, x);
    if (status != cudaSuccess) return status;
  }
  if (num_elements(indices) == 0) return cudaSuccess;
  const int axis = static_cast<int>(*attr(e.call, 0));
  const Scattering s = make_scattering(e.call, reduction);
  if (goes_by_order(s, num_elements(differing(indices, axis)), e.num_processors))
    return scatter_by_order<Op>(e, s, axis);
  return launch(scatter_lines<Op>, grid_for(s.num_lines), kBlockThreads, 0, e.stream, s, e.guard);
}

struct ScatterElements {
  const Enqueue& enqueue;

  template <class T>
  cudaError_t run() const {
    return scatter<Replace<T>>(enqueue, kReplace);
  }
};

cudaError_t enqueue_scatter(const Enqueue& enqueue) {
  return with_element(device::element_bytes(enqueue.call.inputs[0].dtype), false, ScatterElements{enqueue});
}

template <class T>
cudaError_t enqueue_reduce(const Enqueue& enqueue) {
  const std::int64_t name = *attr(enqueue.call, 1);  // "add", "multiply", "min", "max", the first letter lowest
  const char first = static_cast<char>(name & 0xff), second = static_cast<char>(name >> 8 & 0xff);
  return scatter<Reduce<T>>(enqueue, first == 'a' ? kAdd : second == 'u' ? kMultiply : second == 'i' ? kMin : kMax);
}

std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg& indices = call.inputs[2];
  const int axis = static_cast<int>(*attr(call, 0));
  return sort_bytes<NarrowItem>(num_elements(differing(indices, axis)), indices.shape[axis]);
}

const DeviceKernel kKernels[] = {
    {"take_along_axis", -1, enqueue_take_along, nullptr},
    {"scatter", -1, enqueue_scatter, workspace_bytes},
    {"scatter_reduce", device::kF32Type, enqueue_reduce<float>, workspace_bytes},
    {"scatter_reduce", device::kF64Type, enqueue_reduce<double>, workspace_bytes},
    {"scatter_reduce", device::kI32Type, enqueue_reduce<std::int32_t>, workspace_bytes},
    {"scatter_reduce", device::kI64Type, enqueue_reduce<std::int64_t>, workspace_bytes},
};

}  // namespace

const DeviceKernelFamily kScatterKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
