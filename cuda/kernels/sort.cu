// argsort, stable in both directions, along any axis. NaN counts as the largest, -0 equals +0. Keys become unsigned
// integers in the same order (downwards their complements), so that one comparison orders every dtype; items of 32-bit
// keys are one number of 64 bits. Lines of up to 1024 elements are sorted by one kernel, without workspace.
#include <type_traits>

#include "cuda/kernels/sort_items.h"
#include "cuda/status.h"
#include "kernels/element.h"

namespace ingot::cuda {
namespace {

// As unsigned integers in the order of the values.
template <class T>
__device__ device::Bits<T> ordered_bits(T x) {
  using Bits = device::Bits<T>;
  constexpr Bits kSign = static_cast<Bits>(Bits{1} << (sizeof(T) * 8 - 1));
  if constexpr (device::kIsFloat<T>) {
    if (x != x) return static_cast<Bits>(~Bits{0});
    const Bits bits = device::to_bits(x == T{0} ? T{0} : x);
    return static_cast<Bits>((bits & kSign) != 0 ? ~bits : bits | kSign);
  } else if constexpr (static_cast<T>(-1) < T{0}) {
    return static_cast<Bits>(device::to_bits(x) ^ kSign);
  } else {
    return x;
  }
}

template <class T>
struct ValueKeys {
  using Key = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  using Item = std::conditional_t<sizeof(T) == 8, WideItem, NarrowItem>;
  TensorArg x, out;  // without the axis
  std::int64_t stride, out_stride, n;
  bool descending;
  Item* items;  // null: straight to the result

  __device__ Item item(std::int64_t line, std::int64_t i) const {
    const Key key = ordered_bits(reinterpret_cast<const T*>(x.data)[offset_of(x, line) + i * stride]);
    return Item::make(descending ? ~key : key, i);
  }
  __device__ void take(std::int64_t line, std::int64_t i, const Item& item) const {
    if (items != nullptr) {
      items[line * n + i] = item;
    } else {
      put(line, i, item);
    }
  }
  __device__ void put(std::int64_t line, std::int64_t i, const Item& item) const {
    reinterpret_cast<std::int64_t*>(out.data)[offset_of(out, line) + i * out_stride] = item.position();
  }
};

// Grid: any; a thread per element.
template <class T>
__global__ void __launch_bounds__(kBlockThreads)
    write_order(const __grid_constant__ ValueKeys<T> keys, const typename ValueKeys<T>::Item* sorted,
                const std::int64_t num_items, const Guard guard) {
  if (stopped(guard)) return;
  for (std::int64_t at = thread_index(); at < num_items; at += num_threads()) {
    std::int64_t line = at;
    const std::int64_t i = take_axis(line, keys.n);
    keys.put(line, i, sorted[at]);
  }
}

TensorArg without_axis(TensorArg x, std::int64_t axis) {
  x.shape[axis] = 1;
  return x;
}

template <class T>
cudaError_t enqueue(const Enqueue& e) {
  using Item = typename ValueKeys<T>::Item;
  const TensorArg &x = e.call.inputs[0], &out = e.call.outputs[0];
  const std::int64_t elements = num_elements(out), axis = *attr(e.call, 0);
  if (elements == 0) return cudaSuccess;
  const std::int64_t n = out.shape[axis];
  Item* const items = n > kSortTile ? reinterpret_cast<Item*>(e.workspace) : nullptr;
  const ValueKeys<T> keys{without_axis(x, axis),
                          without_axis(out, axis),
                          x.strides[axis],
                          out.strides[axis],
                          n,
                          *attr(e.call, 1) != 0,
                          items};
  const Item* sorted = nullptr;
  const cudaError_t status = sort_lines(e, keys, sort_shape(elements / n, n), items, &sorted);
  if (status != cudaSuccess || items == nullptr) return status;
  return launch(write_order<T>, grid_for(elements), kBlockThreads, 0, e.stream, keys, sorted, elements, e.guard);
}

// -1 for lines whose positions items cannot hold.
template <class T>
std::int64_t workspace_bytes(const KernelCall& call) {
  using Item = typename ValueKeys<T>::Item;
  const std::int64_t n = call.outputs[0].shape[*attr(call, 0)];
  if (sizeof(Item) == sizeof(NarrowItem) && n >= kNarrowPositions) {
    fail(kDeviceOutOfMemory, "argsort: the axis is too long: got %lld elements, expected less than %lld of this dtype",
         static_cast<long long>(n), static_cast<long long>(kNarrowPositions));
    return -1;
  }
  return n > kSortTile ? sort_bytes<Item>(num_elements(call.outputs[0]) / n, n) : 0;
}

const DeviceKernel kKernels[] = {
    {"argsort", device::kF32Type, enqueue<float>, workspace_bytes<float>},
    {"argsort", device::kF64Type, enqueue<double>, workspace_bytes<double>},
    {"argsort", device::kI32Type, enqueue<std::int32_t>, workspace_bytes<std::int32_t>},
    {"argsort", device::kI64Type, enqueue<std::int64_t>, workspace_bytes<std::int64_t>},
    {"argsort", device::kBoolType, enqueue<std::uint8_t>, workspace_bytes<std::uint8_t>},
};

}  // namespace

const DeviceKernelFamily kSortKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
