// sum, prod, max, min over any axes and argmax over one, any strides, in the order of docs/numerics.md rule 4.
// float32 accumulates in float32, float64 in float64, integers wrap.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/reduce_argmax.h"
#include "kernels/reduce_axes.h"
#include "kernels/reduce_columns.h"
#include "kernels/reduce_ops.h"
#include "kernels/reduce_parts.h"
#include "kernels/reduce_paths.h"

namespace ingot::INGOT_LEVEL {
namespace {

Reduction reduction(const KernelCall* call) {
  return make_reduction(call->inputs[0], attr(call, 0));
}

std::int64_t tiles(const KernelCall* call) {
  const Reduction r = reduction(call);
  return r.tiles * cut_into_parts(r).count;
}

std::int64_t argmax_tiles(const KernelCall* call) {
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
void run_row_function(const void* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns, void* result) {
  reduce_all_rows<Op>(static_cast<const T*>(x), row_stride, rows, columns, static_cast<T*>(result));
}

// What is done with elements of one type; all else is the same code for all. `blocks`: of an output's elements.
struct Folds {
  int bytes;  // of an element
  RowFunction rows;
  // Columns side by side, results `out_stride` elements apart.
  void (*columns)(const Axes& reduced, const BlockRange& blocks, const char* x, std::int64_t columns, char* out,
                  std::int64_t out_stride, char* scratch);
  void (*gather)(const Axes& reduced, const BlockRange& blocks, const char* x, char* out, char* scratch);  // one output
  void (*empty)(char* out);
};

template <class Op, class T>
void fold_tile_columns(const Axes& reduced, const BlockRange& blocks, const char* x, std::int64_t columns, char* out,
                       std::int64_t out_stride, char* scratch) {
  ColumnScratch<T> s;
  s.width = round_up(columns, kLanes<Wide<T>>);
  s.offsets = reinterpret_cast<std::int64_t*>(scratch);
  s.lanes = reinterpret_cast<T*>(s.offsets + kReduceBlock);
  s.levels = s.lanes + kReduceLanes * s.width;
  reduce_columns<Op>(reduced, blocks, reinterpret_cast<const T*>(x), columns, s);
  for (std::int64_t j = 0; j < columns; ++j) reinterpret_cast<T*>(out)[j * out_stride] = s.lanes[j];
}

template <class Op, class T>
void fold_gathered(const Axes& reduced, const BlockRange& blocks, const char* x, char* out, char* scratch) {
  *reinterpret_cast<T*>(out) =
      reduce_gathered<Op>(reduced, blocks, reinterpret_cast<const T*>(x), reinterpret_cast<T*>(scratch));
}

template <class Op, class T>
void write_empty(char* out) {
  *reinterpret_cast<T*>(out) = Op::template empty<T>();
}

template <class Op, class T>
inline constexpr Folds kFolds = {sizeof(T), run_row_function<Op, T>, fold_tile_columns<Op, T>, fold_gathered<Op, T>,
                                 write_empty<Op, T>};

struct Outputs {
  std::int64_t begin, end;
};

Outputs outputs_of(const Reduction& r, std::int64_t tile) {
  const std::int64_t begin = tile * r.outputs_in_tile;
  return {begin, smaller(begin + r.outputs_in_tile, r.kept.count)};
}

// Some blocks of a tile of rows, or of gathered elements; results side by side.
void fold_outputs(const Folds& folds, const Reduction& r, const BlockRange& blocks, const char* x,
                  const Outputs& outputs, char* out, char* scratch) {
  const int last = r.kept.rank - 1;
  const std::int64_t run = last < 0 ? 1 : r.kept.shape[last], stride = last < 0 ? 0 : r.kept.strides[last];
  for (std::int64_t o = outputs.begin; o < outputs.end;) {
    const char* const from = x + axes_offset(r.kept, o) * folds.bytes;
    char* const to = out + (o - outputs.begin) * folds.bytes;
    if (r.path == ReducePath::kRows) {
      const std::int64_t stop = smaller(outputs.end, o - o % run + run);  // of equally spaced rows
      folds.rows(from + blocks.first * kReduceBlock * folds.bytes, stride, stop - o, blocks.elements, to);
      o = stop;
    } else {
      folds.gather(r.reduced, blocks, from, to, scratch);
      ++o;
    }
  }
}

void run_tile(const Folds& folds, const Reduction& r, const char* x, std::int64_t tile, char* out, char* scratch) {
  const BlockRange all{0, r.reduced.count};
  if (r.path == ReducePath::kColumns) {
    const ColumnTile at = column_tile(r, tile);
    char* const to = out + at.output * folds.bytes;
    if (all.elements > 0) {
      folds.columns(r.reduced, all, x + at.input * folds.bytes, at.columns, to, r.column_stride, scratch);
    }
    for (std::int64_t j = 0; j < at.columns && all.elements == 0; ++j) {
      folds.empty(to + j * r.column_stride * folds.bytes);
    }
    return;
  }
  const Outputs outputs = outputs_of(r, tile);
  if (all.elements > 0) return fold_outputs(folds, r, all, x, outputs, out + outputs.begin * folds.bytes, scratch);
  for (std::int64_t o = outputs.begin; o < outputs.end; ++o) folds.empty(out + o * folds.bytes);
}

// Part `part` of a tile, to to[i * parts.count] for its output i.
void run_part(const Folds& folds, const Reduction& r, const ReduceParts& parts, const char* x, std::int64_t tile,
              std::int64_t part, char* to, char* scratch) {
  const BlockRange blocks = parts.range(r, part);
  if (r.path == ReducePath::kColumns) {
    const ColumnTile at = column_tile(r, tile);
    return folds.columns(r.reduced, blocks, x + at.input * folds.bytes, at.columns, to, parts.count, scratch);
  }
  const Outputs outputs = outputs_of(r, tile);
  for (std::int64_t o = outputs.begin; o < outputs.end; ++o, to += parts.count * folds.bytes) {
    fold_outputs(folds, r, blocks, x, {o, o + 1}, to, scratch);
  }
}

// With call->shared the parts' results lie there, [tile][output of it][part].
void run_reduction(const Folds& folds, const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Reduction r = reduction(call);
  const ReduceParts parts = cut_into_parts(r);
  const char* const x = call->inputs[0].data;
  if (parts.count == 1 || call->shared == nullptr) {
    for (std::int64_t t = begin / parts.count; t < end / parts.count; ++t) {
      run_tile(folds, r, x, t, call->outputs[0].data, scratch);
    }
    return;
  }
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t tile = t / parts.count, part = t % parts.count;
    char* const to = call->shared + (tile * parts.values * parts.count + part) * folds.bytes;
    run_part(folds, r, parts, x, tile, part, to, scratch);
  }
}

// At most as many parts as a block has lanes: combined as adjacent pairs level by level, which is a short row's sum.
void finish_reduction(const Folds& folds, const KernelCall* call) {
  const Reduction r = reduction(call);
  const ReduceParts parts = cut_into_parts(r);
  if (parts.count == 1) return;
  const char* from = call->shared;
  const std::int64_t step = parts.count * folds.bytes;
  for (std::int64_t t = 0; t < r.tiles; ++t, from += parts.values * step) {
    char* out = call->outputs[0].data;
    std::int64_t count, apart = 1;
    if (r.path == ReducePath::kColumns) {
      const ColumnTile at = column_tile(r, t);
      out += at.output * folds.bytes;
      count = at.columns, apart = r.column_stride;
    } else {
      const Outputs outputs = outputs_of(r, t);
      out += outputs.begin * folds.bytes;
      count = outputs.end - outputs.begin;
    }
    for (std::int64_t i = 0; i < count; ++i) {
      folds.rows(from + i * step, 0, 1, parts.count, out + i * apart * folds.bytes);
    }
  }
}

template <class Op, class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  run_reduction(kFolds<Op, T>, call, begin, end, scratch);
}

template <class Op, class T>
void finish(const KernelCall* call, char*) {
  finish_reduction(kFolds<Op, T>, call);
}

template <class T>
std::int64_t shared_bytes(const KernelCall*) {
  return kPartTiles * kMostTileValues * static_cast<std::int64_t>(sizeof(T));
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

#define INGOT_REDUCE(name, Op, dtype_, T) \
  {.op = name,                            \
   .dtype = dtype_,                       \
   .num_tiles = tiles,                    \
   .scratch_bytes = scratch<T>,           \
   .cost_ns = cost,                       \
   .run = run<Op, T>,                     \
   .shared_bytes = shared_bytes<T>,       \
   .finish = finish<Op, T>}
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
    {"argmax", kF32Type, argmax_tiles, scratch<float>, cost, run_argmax<float>},
    {"argmax", kF64Type, argmax_tiles, scratch<double>, cost, run_argmax<double>},
    {"argmax", kI32Type, argmax_tiles, scratch<std::int32_t>, cost, run_argmax<std::int32_t>},
    {"argmax", kI64Type, argmax_tiles, scratch<std::int64_t>, cost, run_argmax<std::int64_t>},
    {"argmax", kBoolType, argmax_tiles, scratch<std::uint8_t>, cost, run_argmax<std::uint8_t>},
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
