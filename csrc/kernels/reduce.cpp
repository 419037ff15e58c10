// sum, prod, max, min over any axes and argmax over one, any strides, in the order of docs/numerics.md rule 4.
// float32 accumulates in float32, float64 in float64, integers wrap.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/reduce_argmax.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_ops.h"
#include "kernels/reduce_paths.h"

namespace ingot::INGOT_LEVEL {
namespace {

Reduction reduction(const KernelCall* call) {
  return make_reduction(call->inputs[0], attr(call, 0));
}

std::int64_t tiles(const KernelCall* call) {
  return reduction(call).tiles;
}

// Offsets, lanes and tree levels of the columns path, which needs most.
template <class T>
std::int64_t scratch(const KernelCall* call) {
  const std::int64_t blocks = ceil_div(num_elements(call->inputs[0]), kReduceBlock);
  std::int64_t levels = 1;
  while (blocks >> levels != 0) ++levels;
  return kReduceBlock * static_cast<std::int64_t>(sizeof(std::int64_t)) +
         (kReduceLanes + levels) * kColumnsAtOnce * static_cast<std::int64_t>(sizeof(T));
}

// About 20 bytes per ns from the cache.
std::int64_t cost(const KernelCall* call) {
  return num_elements(call->inputs[0]) * element_bytes(call->inputs[0].dtype) / 20 + num_elements(call->outputs[0]) * 4;
}

template <class Op, class T>
void run_columns(const Reduction& r, const T* x, T* out, std::int64_t begin, std::int64_t end, char* scratch) {
  std::int64_t* const offsets = reinterpret_cast<std::int64_t*>(scratch);
  T* const lanes = reinterpret_cast<T*>(offsets + kReduceBlock);
  T* const levels = lanes + kReduceLanes * kColumnsAtOnce;
  for (std::int64_t t = begin; t < end; ++t) {
    const ColumnTile tile = column_tile(r, t);
    reduce_columns<Op>(r.reduced, x + tile.input, tile.columns, offsets, lanes, levels);
    for (std::int64_t j = 0; j < tile.columns; ++j) out[tile.output + j * r.column_stride] = lanes[j];
  }
}

template <class Op, class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Reduction r = reduction(call);
  const T* const x = reinterpret_cast<const T*>(call->inputs[0].data);
  T* const out = reinterpret_cast<T*>(call->outputs[0].data);
  if (r.path == ReducePath::kColumns && r.reduced.count != 0) {
    run_columns<Op>(r, x, out, begin, end, scratch);
    return;
  }
  if (r.path == ReducePath::kColumns) {
    for (std::int64_t t = begin; t < end; ++t) {
      const ColumnTile tile = column_tile(r, t);
      for (std::int64_t j = 0; j < tile.columns; ++j) {
        out[tile.output + j * r.column_stride] = Op::template empty<T>();
      }
    }
    return;
  }
  const std::int64_t first = begin * r.outputs_in_tile, last = smaller(end * r.outputs_in_tile, r.kept.count);
  if (r.reduced.count == 0) {
    for (std::int64_t o = first; o < last; ++o) out[o] = Op::template empty<T>();
  } else if (r.path == ReducePath::kRows) {
    run_rows<Op>(r, x, out, first, last);
  } else {
    run_gather<Op>(r, x, out, first, last, reinterpret_cast<T*>(scratch));
  }
}

template <class Op, class T>
void run_row_function(const void* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns, void* result) {
  reduce_all_rows<Op>(static_cast<const T*>(x), row_stride, rows, columns, static_cast<T*>(result));
}

// The axis of argmax is one number: an attribute list of one.
template <class T>
void run_argmax(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const TensorArg& x = call->inputs[0];
  const std::int64_t axis = attr_int(call, 0);
  run_argmax_tiles(reduction(call), x.strides[axis], x.shape[axis], reinterpret_cast<const T*>(x.data),
                   reinterpret_cast<std::int64_t*>(call->outputs[0].data), begin, end, scratch);
}

}  // namespace

#define INGOT_REDUCE(name, Op, dtype, T) {name, dtype, tiles, scratch<T>, cost, run<Op, T>}
#define INGOT_REDUCE_REAL(name, Op)                                                  \
  INGOT_REDUCE(name, Op, kF32Type, float), INGOT_REDUCE(name, Op, kF64Type, double), \
      INGOT_REDUCE(name, Op, kI32Type, std::int32_t), INGOT_REDUCE(name, Op, kI64Type, std::int64_t)

extern constinit const Kernel reduce_kernels[] = {
    INGOT_REDUCE_REAL("sum", Sum),
    INGOT_REDUCE_REAL("prod", Prod),
    INGOT_REDUCE_REAL("max", Max),
    INGOT_REDUCE("max", Max, kBoolType, std::uint8_t),
    INGOT_REDUCE_REAL("min", Min),
    INGOT_REDUCE("min", Min, kBoolType, std::uint8_t),
    {"argmax", kF32Type, tiles, scratch<float>, cost, run_argmax<float>},
    {"argmax", kF64Type, tiles, scratch<double>, cost, run_argmax<double>},
    {"argmax", kI32Type, tiles, scratch<std::int32_t>, cost, run_argmax<std::int32_t>},
    {"argmax", kI64Type, tiles, scratch<std::int64_t>, cost, run_argmax<std::int64_t>},
    {"argmax", kBoolType, tiles, scratch<std::uint8_t>, cost, run_argmax<std::uint8_t>},
};
extern constinit const std::int32_t num_reduce_kernels = sizeof(reduce_kernels) / sizeof(reduce_kernels[0]);

#define INGOT_ROWS_REAL(name, Op)                                                                \
  {name, kF32Type, run_row_function<Op, float>}, {name, kF64Type, run_row_function<Op, double>}, \
      {name, kI32Type, run_row_function<Op, std::int32_t>}, {                                    \
    name, kI64Type, run_row_function<Op, std::int64_t>                                           \
  }

namespace {

constinit const RowKernel kRowFunctions[] = {
    INGOT_ROWS_REAL("sum", Sum),
    INGOT_ROWS_REAL("prod", Prod),
    INGOT_ROWS_REAL("max", Max),
    INGOT_ROWS_REAL("min", Min),
};

}  // namespace

extern constinit const RowFamily row_functions = {kRowFunctions, sizeof(kRowFunctions) / sizeof(kRowFunctions[0])};

}  // namespace ingot::INGOT_LEVEL
