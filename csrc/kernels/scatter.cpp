// take_along_axis, scatter and scatter_reduce: indices along one axis, element by element. Negative indices count from
// the end; one out of range is reported by its position in the index operand and nothing is read or written for it.
// Slabs never share a target, and equal indices are applied in their order along the axis, so threads change nothing.
#include "execute/kernel.h"
#include "kernels/families.h"
#include "kernels/scalar.h"
#include "kernels/slabs.h"

namespace ingot::INGOT_LEVEL {
namespace {

// The slab's part of the index operand, which may be smaller than the result along the other axes.
struct Indices {
  const TensorArg* indices;
  std::int64_t count;    // along the axis
  std::int64_t columns;  // that it reaches
  std::int64_t offset, step, column_step;
  std::int64_t flat, flat_step;  // position of the first, and how it grows along the axis (columns: by 1)
};

Indices find_indices(const Slabs& slabs, const Slab& slab, const TensorArg& indices) {
  Indices found{};
  found.indices = &indices;
  found.count = indices.shape[slabs.axis];
  found.columns = slab.columns;
  if (slabs.last >= 0) {
    found.columns = larger(smaller(indices.shape[slabs.last] - slab.index[slabs.last], slab.columns), 0);
  }
  std::int64_t flat_stride = 1;
  for (int i = indices.rank - 1; i >= 0; --i) {
    if (i == slabs.axis) found.flat_step = flat_stride;
    if (i != slabs.axis && i != slabs.last && slab.index[i] >= indices.shape[i]) found.columns = 0;
    found.flat += slab.index[i] * flat_stride;
    found.offset += slab.index[i] * indices.strides[i];
    flat_stride *= indices.shape[i];
  }
  found.step = indices.strides[slabs.axis];
  found.column_step = column_stride(slabs, indices);
  return found;
}

// The position that index (i, j) means, or -1 after reporting it.
std::int64_t resolve(const KernelCall* call, const Indices& from, std::int64_t i, std::int64_t j, std::int64_t extent) {
  const std::int64_t value = load_index(*from.indices, from.offset + i * from.step + j * from.column_step);
  const std::int64_t at = value < 0 ? value + extent : value;
  if (at >= 0 && at < extent) return at;
  report(call->error, from.flat + i * from.flat_step + j, value, extent);
  return -1;
}

std::int64_t tiles(const KernelCall* call) {
  return slab_tiles(make_slabs(call->outputs[0], attr_int(call, 0)));
}

std::int64_t take_cost(const KernelCall* call) {
  return num_elements(call->outputs[0]) + 10;
}

template <class T>
struct TakeAlong {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const TensorArg &x = call->inputs[0], &out = call->outputs[0];
    const Slabs slabs = make_slabs(out, attr_int(call, 0));
    const std::int64_t extent = x.shape[slabs.axis], stride = x.strides[slabs.axis];
    const std::int64_t x_column = column_stride(slabs, x);
    for_slabs(slabs, begin, end, [&](const Slab& slab) {
      const Indices indices = find_indices(slabs, slab, call->inputs[1]);
      const T* const from = reinterpret_cast<const T*>(x.data) + slab_offset(x, slab);
      T* to = reinterpret_cast<T*>(out.data) + slab_offset(out, slab);
      for (std::int64_t i = 0; i < indices.count; ++i, to += out.strides[slabs.axis]) {
        for (std::int64_t j = 0; j < slab.columns; ++j) {
          const std::int64_t at = resolve(call, indices, i, j, extent);
          if (at >= 0) to[j] = from[j * x_column + at * stride];
        }
      }
    });
  }
};

void run_take_along(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<TakeAlong>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

std::int64_t scatter_cost(const KernelCall* call) {
  const bool copies = call->outputs[0].data != call->inputs[0].data;
  return num_elements(call->inputs[2]) * 2 + (copies ? num_elements(call->outputs[0]) / 2 : 0) + 10;
}

template <class T>
struct Set {
  static T apply(T, T update) { return update; }
};
template <class T>
struct Add {
  static T apply(T old, T update) { return old + update; }
};
template <class T>
struct Multiply {
  static T apply(T old, T update) { return old * update; }
};
template <class T>
struct Min {
  static T apply(T old, T update) { return minimum(old, update); }
};
template <class T>
struct Max {
  static T apply(T old, T update) { return maximum(old, update); }
};

template <class Op, class T>
void scatter(const KernelCall* call, std::int64_t begin, std::int64_t end) {
  const TensorArg &x = call->inputs[0], &updates = call->inputs[1], &out = call->outputs[0];
  const Slabs slabs = make_slabs(out, attr_int(call, 0));
  const bool in_place = out.data == x.data;
  const std::int64_t stride = out.strides[slabs.axis], x_column = column_stride(slabs, x);
  const std::int64_t update_step = updates.strides[slabs.axis], update_column = column_stride(slabs, updates);
  for_slabs(slabs, begin, end, [&](const Slab& slab) {
    T* const to = reinterpret_cast<T*>(out.data) + slab_offset(out, slab);
    const T* const from = reinterpret_cast<const T*>(x.data) + slab_offset(x, slab);
    for (std::int64_t i = 0; !in_place && i < slabs.extent; ++i) {
      for (std::int64_t j = 0; j < slab.columns; ++j) {
        to[i * stride + j] = from[i * x.strides[slabs.axis] + j * x_column];
      }
    }
    const Indices indices = find_indices(slabs, slab, call->inputs[2]);
    const T* update = reinterpret_cast<const T*>(updates.data) + slab_offset(updates, slab);
    for (std::int64_t i = 0; i < indices.count; ++i, update += update_step) {
      for (std::int64_t j = 0; j < indices.columns; ++j) {
        const std::int64_t at = resolve(call, indices, i, j, slabs.extent);
        if (at >= 0) to[at * stride + j] = Op::apply(to[at * stride + j], update[j * update_column]);
      }
    }
  });
}

template <class T>
struct SetElements {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    scatter<Set<T>, T>(call, begin, end);
  }
};

void run_scatter(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<SetElements>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

template <class T>
void run_reduce(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  switch (static_cast<char>(attr_int(call, 1) & 0xff)) {  // the first letter of the attribute
    case 'a':
      return scatter<Add<T>, T>(call, begin, end);
    case 'm':
      break;
    default:
      return;
  }
  switch (static_cast<char>((attr_int(call, 1) >> 8) & 0xff)) {
    case 'u':
      return scatter<Multiply<T>, T>(call, begin, end);
    case 'i':
      return scatter<Min<T>, T>(call, begin, end);
    default:
      return scatter<Max<T>, T>(call, begin, end);
  }
}

}  // namespace

extern constinit const Kernel scatter_kernels[] = {
    {"take_along_axis", kAnyType, tiles, nullptr, take_cost, run_take_along},
    {"scatter", kAnyType, tiles, nullptr, scatter_cost, run_scatter},
    {"scatter_reduce", kF32Type, tiles, nullptr, scatter_cost, run_reduce<float>},
    {"scatter_reduce", kF64Type, tiles, nullptr, scatter_cost, run_reduce<double>},
    {"scatter_reduce", kI32Type, tiles, nullptr, scatter_cost, run_reduce<std::int32_t>},
    {"scatter_reduce", kI64Type, tiles, nullptr, scatter_cost, run_reduce<std::int64_t>},
};
extern constinit const std::int32_t num_scatter_kernels = sizeof(scatter_kernels) / sizeof(scatter_kernels[0]);

}  // namespace ingot::INGOT_LEVEL
