// Kernels that move or make data: copy, concat, pad, arange, size. Movement knows element sizes only, so it takes every
// dtype and keeps every bit. A tile is a run of elements of the result.
#include "execute/kernel.h"
#include "kernels/box.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/overlay.h"
#include "kernels/transpose.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kTile = 8192;  // elements

std::int64_t output_tiles(const KernelCall* call) {
  return ceil_div(num_elements(call->outputs[0]), kTile);
}

// About 10 bytes per ns.
std::int64_t output_cost(const KernelCall* call) {
  return num_elements(call->outputs[0]) * element_bytes(call->outputs[0].dtype) / 10;
}

// The whole of x, into a target with these strides.
Box whole_box(const TensorArg& x, const std::int64_t* to) {
  Box box;
  box.rank = x.rank;
  for (int i = 0; i < x.rank; ++i) {
    box.shape[i] = x.shape[i];
    box.to[i] = to[i];
    box.from[i] = x.strides[i];
  }
  return collapse(box);
}

Box copy_box_of(const KernelCall* call) {
  const TensorArg& x = call->inputs[0];
  std::int64_t to[kKernelMaxRank];
  contiguous_strides(x.shape, x.rank, to);
  return whole_box(x, to);
}

std::int64_t copy_tiles(const KernelCall* call) {
  const Transpose transpose = find_transpose(copy_box_of(call), kTile);
  return transpose.axis >= 0 ? transpose_tiles(transpose) : output_tiles(call);
}

template <class T>
struct Copy {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const Box box = copy_box_of(call);
    const Transpose transpose = find_transpose(box, kTile);
    T* const to = reinterpret_cast<T*>(call->outputs[0].data);
    const T* const from = reinterpret_cast<const T*>(call->inputs[0].data);
    if (transpose.axis >= 0) {
      copy_transposed(transpose, box, to, from, begin, end);
    } else {
      copy_box(box, to, from, begin * kTile, smaller(end * kTile, box_elements(box)));
    }
  }
};

void run_copy(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<Copy>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

// Tiles count the elements of the inputs one after the other.
template <class T>
struct Concat {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const TensorArg& out = call->outputs[0];
    const std::int64_t axis = attr_int(call, 0);
    std::int64_t to[kKernelMaxRank];
    contiguous_strides(out.shape, out.rank, to);
    T* target = reinterpret_cast<T*>(out.data);
    std::int64_t first = begin * kTile, last = end * kTile;  // relative to the input at hand
    for (int i = 0; i < call->num_inputs && last > 0; ++i) {
      const TensorArg& x = call->inputs[i];
      const std::int64_t n = num_elements(x);
      if (first < n) {
        copy_box(whole_box(x, to), target, reinterpret_cast<const T*>(x.data), larger(first, 0), smaller(last, n));
      }
      first -= n;
      last -= n;
      target += x.shape[axis] * to[axis];
    }
  }
};

void run_concat(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<Concat>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

// The operand lies at `low` in a tensor of the value.
template <class T>
struct Pad {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    static constexpr std::int64_t kNoStrides[kKernelMaxRank] = {};
    const Overlay overlay{&call->outputs[0], &call->inputs[0], attr(call, 0).values, kNoStrides};
    overlay_rows<T>(overlay, reinterpret_cast<const T*>(call->inputs[1].data), begin, end);
  }
};

void run_pad(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<Pad>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

std::int64_t pad_tiles(const KernelCall* call) {
  return overlay_tiles(call->outputs[0]);
}

// 0, 1, 2, ...
template <class T>
void run_arange(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  T* const out = reinterpret_cast<T*>(call->outputs[0].data);
  const std::int64_t last = smaller(end * kTile, num_elements(call->outputs[0]));
  for (std::int64_t i = begin * kTile; i < last; ++i) out[i] = static_cast<T>(i);
}

template <class T>
void run_size(const KernelCall* call, std::int64_t, std::int64_t, char*) {
  *reinterpret_cast<T*>(call->outputs[0].data) = static_cast<T>(attr_int(call, 0));
}

std::int64_t one(const KernelCall*) {
  return 1;
}

}  // namespace

extern constinit const Kernel movement_kernels[] = {
    {"copy", kAnyType, copy_tiles, nullptr, output_cost, run_copy},
    {"concat", kAnyType, output_tiles, nullptr, output_cost, run_concat},
    {"pad", kAnyType, pad_tiles, nullptr, output_cost, run_pad},
    {"arange", kF32Type, output_tiles, nullptr, output_cost, run_arange<float>},
    {"arange", kF64Type, output_tiles, nullptr, output_cost, run_arange<double>},
    {"arange", kI32Type, output_tiles, nullptr, output_cost, run_arange<std::int32_t>},
    {"arange", kI64Type, output_tiles, nullptr, output_cost, run_arange<std::int64_t>},
    {"size", kF32Type, one, nullptr, one, run_size<float>},
    {"size", kF64Type, one, nullptr, one, run_size<double>},
    {"size", kI32Type, one, nullptr, one, run_size<std::int32_t>},
    {"size", kI64Type, one, nullptr, one, run_size<std::int64_t>},
};
extern constinit const std::int32_t num_movement_kernels = sizeof(movement_kernels) / sizeof(movement_kernels[0]);

}  // namespace ingot::INGOT_LEVEL
