// cumulative_sum and cumulative_prod: the left fold along an axis, in order, from the last element
// with reverse.
#include "execute/kernel.h"
#include "kernels/families.h"
#include "kernels/scalar.h"
#include "kernels/slabs.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T>
struct Add {
  static T apply(T a, T b) { return a + b; }
};
template <class T>
struct Multiply {
  static T apply(T a, T b) { return a * b; }
};

std::int64_t tiles(const KernelCall* call) {
  return slab_tiles(make_slabs(call->outputs[0], attr_int(call, 0)));
}

std::int64_t cost(const KernelCall* call) {
  return num_elements(call->outputs[0]);
}

template <class Op, class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const TensorArg &x = call->inputs[0], &out = call->outputs[0];
  const Slabs slabs = make_slabs(out, attr_int(call, 0));
  const bool reverse = attr_int(call, 1) != 0;
  const std::int64_t x_column = column_stride(slabs, x);
  for_slabs(slabs, begin, end, [&](const Slab& slab) {
    std::int64_t from_step = x.strides[slabs.axis], to_step = out.strides[slabs.axis];
    const T* from = reinterpret_cast<const T*>(x.data) + slab_offset(x, slab);
    T* to = reinterpret_cast<T*>(out.data) + slab_offset(out, slab);
    if (slabs.extent == 0) return;
    if (reverse) {
      from += (slabs.extent - 1) * from_step;
      to += (slabs.extent - 1) * to_step;
      from_step = -from_step;
      to_step = -to_step;
    }
    for (std::int64_t j = 0; j < slab.columns; ++j) to[j] = from[j * x_column];
    for (std::int64_t i = 1; i < slabs.extent; ++i) {
      from += from_step;
      const T* const before = to;
      to += to_step;
      for (std::int64_t j = 0; j < slab.columns; ++j) to[j] = Op::apply(before[j], from[j * x_column]);
    }
  });
}

}  // namespace

#define INGOT_CUMULATIVE(name, Op)                                                   \
  {name, kF32Type, tiles, nullptr, cost, run<Op<float>, float>},                     \
      {name, kF64Type, tiles, nullptr, cost, run<Op<double>, double>},               \
      {name, kI32Type, tiles, nullptr, cost, run<Op<std::int32_t>, std::int32_t>}, { \
    name, kI64Type, tiles, nullptr, cost, run<Op<std::int64_t>, std::int64_t>        \
  }

extern constinit const Kernel cumulative_kernels[] = {
    INGOT_CUMULATIVE("cumulative_sum", Add),
    INGOT_CUMULATIVE("cumulative_prod", Multiply),
};
extern constinit const std::int32_t num_cumulative_kernels = sizeof(cumulative_kernels) / sizeof(cumulative_kernels[0]);

}  // namespace ingot::INGOT_LEVEL
