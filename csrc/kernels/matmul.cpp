// matmul: out[..., m, n] = a[..., m, k] b[..., k, n], any strides, broadcast batches.
// Floats: the order of docs/numerics.md rule 3 (blocks of 256 over k, fma). Integers wrap, so their order is free.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/gemm.h"
#include "kernels/matmul_dots.h"
#include "kernels/matmul_long.h"
#include "kernels/matmul_stream.h"
#include "kernels/panel_rows.h"
#include "kernels/product.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr std::int64_t kCopyColumns = 1024;

template <class T>
struct MatmulSource {
  const Product& p;
  bool alone = true;         // nothing runs on the result
  const T* ahead = nullptr;  // panels of the next step

  const T* a(std::int64_t batch) const { return reinterpret_cast<const T*>(p.a) + batch_offset(p, p.a_batch, batch); }
  const T* b(std::int64_t batch) const { return reinterpret_cast<const T*>(p.b) + batch_offset(p, p.b_batch, batch); }

  // Rows a multiple of 4096 bytes apart share one set of the first-level cache: a copy pays where it is read often.
  const T* rows_in_place(std::int64_t batch, std::int64_t first, std::int64_t k, std::int64_t* row) const {
    const bool same_set = p.rows > 1 && p.a_row * static_cast<std::int64_t>(sizeof(T)) % 4096 == 0;
    if (p.a_step != 1 || (same_set && alone && p.columns >= kCopyColumns)) return nullptr;
    *row = p.a_row;
    return a(batch) + first * p.a_row + k;
  }

  void copy_rows(std::int64_t batch, std::int64_t first, std::int64_t rows, std::int64_t k, std::int64_t steps, T* to,
                 std::int64_t row) const {
    const T* from = a(batch) + first * p.a_row + k * p.a_step;
    if (p.a_step == 1) {
      for (std::int64_t i = 0; i < rows; ++i) {
        __builtin_memcpy(to + i * row, from + i * p.a_row, static_cast<std::size_t>(steps) * sizeof(T));
      }
      return;
    }
    constexpr std::int64_t kTogether = 16;  // rows at a time: with a transposed A they lie in one cache line
    for (std::int64_t i = 0; i < rows; i += kTogether) {
      const std::int64_t last = smaller(i + kTogether, rows);
      for (std::int64_t s = 0; s < steps; ++s) {
        for (std::int64_t r = i; r < last; ++r) to[r * row + s] = from[r * p.a_row + s * p.a_step];
      }
    }
  }

  std::int64_t rows_key(std::int64_t batch) const { return p.a_shared ? 0 : batch; }

  const T* panels_in_place(std::int64_t, std::int64_t column, std::int64_t k) const {
    return p.b_panels ? reinterpret_cast<const T*>(p.b) + column * p.k + k * kPanel : nullptr;
  }
  std::int64_t panel_stride() const { return p.k * kPanel; }
  const T* panels_of_next_step() const { return ahead; }

  // Few rows do not pay for packing.
  const T* columns_in_place(std::int64_t batch, std::int64_t column, std::int64_t k, std::int64_t columns,
                            std::int64_t* step) const {
    if (p.b_column != 1 || p.rows > 2 * kTileRows || column + columns > p.columns) return nullptr;
    *step = p.b_step;
    return b(batch) + column + k * p.b_step;
  }

  void pack(std::int64_t batch, std::int64_t column, std::int64_t columns, std::int64_t k, std::int64_t steps,
            T* to) const {
    const T* from = b(batch) + column * p.b_column + k * p.b_step;
    pack_panels(from, p.b_step, p.b_column, columns, steps, to);
  }

  Target<T> target(std::int64_t batch) const {
    return {reinterpret_cast<T*>(p.c) + batch * p.rows * p.columns, p.c_row, p.c_column};
  }
};

template <class T>
bool streams(const Product& p) {
  return p.rows <= kStreamRows && !p.b_panels && p.b_column == 1 && p.c_column == 1 && p.columns >= kLanes<Wide<T>>;
}

// Few rows of A, B in panels: tiles are columns of one product.
template <class T>
bool few_rows_of_panels(const Product& p) {
  return kPanelRows<T> > 0 && p.b_panels && p.a_step == 1 && p.rows <= kPanelRows<T> && p.k > 0;
}

// One row times columns that lie together along k.
template <class T>
bool is_dots(const Product& p) {
  const bool in_place = !p.b_panels && p.a_step == 1 && p.b_step == 1 && p.c_column == 1;
  return kDots<T> && in_place && p.rows == 1 && p.columns >= kLanes<Wide<T>> && p.k > 0;
}

// Few outputs of a long k: tiles are blocks of k.
template <class T>
bool is_long(const Product& p) {
  const bool in_place = !p.b_panels && p.a_step == 1 && (p.b_step == 1 || p.b_column == 1);
  return kDots<T> && in_place && p.rows == 1 && p.batch == 1 && p.columns <= kLongColumns && p.columns > 0 &&
         p.k >= kLongSteps;
}

template <class T>
std::int64_t float_tiles(const KernelCall* call) {
  const Product p = make_product(call);
  if (is_long<T>(p)) return long_tiles(p.columns, p.k);
  if (is_dots<T>(p)) return p.batch * dots_tiles(p.columns, p.k);
  if (few_rows_of_panels<T>(p)) return p.rows == 0 ? 0 : p.batch * ceil_div(p.columns, panel_tile_columns<T>(p.k));
  if (streams<T>(p)) return p.rows == 0 ? 0 : p.batch * stream_tiles(p.columns);
  return gemm_tiles(plan_gemm<T>(p.batch, p.rows, p.columns, p.k));
}

struct Needs {
  std::int64_t product, tile, group;  // bytes, one after the other
};

// The larger of f(rows, columns) of the product as it stands and of the transposed one, which has few rows.
template <class F>
std::int64_t either_way(std::int64_t rows, std::int64_t columns, const F& f) {
  return larger(f(rows, columns), f(smaller(columns, kMostTurnedColumns), rows));
}

// Which path is taken depends on strides and is not monotone in the sizes; what all paths need is.
template <class T>
Needs float_needs(const KernelCall* call) {
  constexpr std::int64_t kSize = sizeof(T);
  const TensorArg& c = call->outputs[0];
  std::int64_t rows = 1;
  for (int i = 0; i < c.rank - 1; ++i) rows *= c.shape[i];
  const std::int64_t columns = c.shape[c.rank - 1], k = call->inputs[0].shape[call->inputs[0].rank - 1];
  const bool packs = call->inputs[1].panels == 0;
  const std::int64_t streams = stream_scratch_bytes<T>(larger(rows, columns));
  const std::int64_t product =
      either_way(rows, columns, [&](std::int64_t m, std::int64_t n) { return gemm_scratch_bytes<T>(m, n, k, packs); });
  const std::int64_t longs = kDots<T> && packs && k >= kLongSteps ? kLongScratchFloats * kSize : 0;
  Needs needs{round_up(larger(product, packs ? larger(streams, longs) : 0), 64), 0, 0};
  if (call->group == nullptr) return needs;
  const std::int64_t panels =
      smaller(rows, kPanelRows<T>) * round_up(smaller(columns, kMostPanelColumns), kPanel) * kSize;
  needs.tile = either_way(rows, columns, epilogue_tile_bytes<T>);
  needs.tile = round_up(larger(needs.tile, packs ? streams : panels), 64);
  needs.group = group_scratch_bytes(call, rows * columns, columns);
  return needs;
}

template <class T>
std::int64_t float_scratch(const KernelCall* call) {
  const Needs needs = float_needs<T>(call);
  return needs.product + needs.tile + needs.group;
}

template <class T>
Epilogue<T> make_epilogue(const KernelCall* call, const Product& p, char* scratch) {
  if (call->group == nullptr) return {};
  const Needs needs = float_needs<T>(call);
  T* const tile = reinterpret_cast<T*>(scratch + needs.product);
  const TensorArg& c = call->outputs[0];
  return {prepare_group(call, c, c.rank - 1, scratch + needs.product + needs.tile), tile, p.turned};
}

template <class T>
[[gnu::noinline]] void run_streams(const Product& p, std::int64_t begin, std::int64_t end, char* scratch,
                                   const Epilogue<T>& epilogue) {
  const MatmulSource<T> source{p};
  GemmPlan plan{};
  plan.rows = p.rows, plan.columns = p.columns;
  const std::int64_t tiles = stream_tiles(p.columns);
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t batch = t / tiles, part = t % tiles;
    const std::int64_t first = p.columns * part / tiles, columns = p.columns * (part + 1) / tiles - first;
    const Target<T> to = epilogue.target(source.target(batch), p.rows, columns, 0, first);
    stream_tile<T>(
        {source.a(batch), p.a_row, p.a_step, source.b(batch) + first, p.b_step, to.c, to.row, p.rows, columns, p.k},
        scratch);
    epilogue.finish(plan, batch, p.rows, columns, 0, first);
  }
}

template <class T>
[[gnu::noinline]] void run_panel_rows(const Product& p, std::int64_t begin, std::int64_t end,
                                      const Epilogue<T>& epilogue) {
  const MatmulSource<T> source{p};
  GemmPlan plan{};
  plan.rows = p.rows, plan.columns = p.columns;
  const std::int64_t width = panel_tile_columns<T>(p.k), tiles = ceil_div(p.columns, width);
  const bool far = p.k * p.columns * static_cast<std::int64_t>(sizeof(T)) > kFarPanels;
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t batch = t / tiles, first = t % tiles * width, columns = smaller(width, p.columns - first);
    const Target<T> to = epilogue.target(source.target(batch), p.rows, columns, 0, first);
    multiply_panel_rows<T>({source.a(batch), p.a_row, source.panels_in_place(batch, first, 0), source.panel_stride(),
                            to.c, to.row, p.rows, columns, p.k, far});
    epilogue.finish(plan, batch, p.rows, columns, 0, first);
  }
}

[[gnu::noinline, maybe_unused]] void run_dots(const Product& p, std::int64_t begin, std::int64_t end,
                                              const Epilogue<float>& epilogue) {
  const MatmulSource<float> source{p};
  GemmPlan plan{};
  plan.rows = 1, plan.columns = p.columns;
  const std::int64_t tiles = dots_tiles(p.columns, p.k);
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t batch = t / tiles, part = t % tiles;
    const std::int64_t first = p.columns * part / tiles, columns = p.columns * (part + 1) / tiles - first;
    const Target<float> to = epilogue.target(source.target(batch), 1, columns, 0, first);
    multiply_dots({source.a(batch), source.b(batch) + first * p.b_column, p.b_column, to.c, columns, p.k});
    epilogue.finish(plan, batch, 1, columns, 0, first);
  }
}

void write_long(const Product& p, const float* totals, const Epilogue<float>& epilogue) {
  const Target<float> to = epilogue.target(MatmulSource<float>{p}.target(0), 1, p.columns, 0, 0);
  for (std::int64_t j = 0; j < p.columns; ++j) to.c[j * to.column] = totals[j];
  GemmPlan plan{};
  plan.rows = 1, plan.columns = p.columns;
  epilogue.finish(plan, 0, 1, p.columns, 0, 0);
}

// shared: where the blocks' sums are left; null: the tiles are all there are, and the result is written.
[[gnu::noinline, maybe_unused]] void run_long(const Product& p, std::int64_t begin, std::int64_t end, char* scratch,
                                              float* shared, const Epilogue<float>& epilogue) {
  const MatmulSource<float> source{p};
  const LongCall call{source.a(0), source.b(0), p.b_step, p.b_column, p.columns, p.k};
  float* const buffer = reinterpret_cast<float*>(scratch);
  float totals[kLongColumns];
  for (std::int64_t t = begin; t < end; ++t) {
    float* const own = buffer + 2 * kLongBuffer;
    float* const sums = shared == nullptr ? own : shared + t * long_tile_blocks(p.columns) * p.columns;
    const std::int64_t blocks = fold_long_tile(call, t, buffer, sums);
    if (shared == nullptr) add_long_sums(sums, blocks, p.columns, t == 0, totals);
  }
  if (shared == nullptr) write_long(p, totals, epilogue);
}

template <class T>
void finish_float(const KernelCall* call, char* scratch) {
  if constexpr (kDots<T>) {
    const Product p = make_product(call);
    if (!is_long<T>(p)) return;
    float totals[kLongColumns];
    add_long_sums(reinterpret_cast<const float*>(call->shared), ceil_div(p.k, kBlock), p.columns, true, totals);
    write_long(p, totals, make_epilogue<T>(call, p, scratch));
  }
}

// Enough for every product with at most these sizes.
template <class T>
std::int64_t shared_bytes(const KernelCall* call) {
  const TensorArg& a = call->inputs[0];
  const std::int64_t columns = smaller(num_elements(call->outputs[0]), kLongColumns);
  return kDots<T> ? ceil_div(a.shape[a.rank - 1], kBlock) * columns * static_cast<std::int64_t>(sizeof(T)) : 0;
}

template <class T>
void run_float(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Product p = make_product(call);
  const Epilogue<T> epilogue = make_epilogue<T>(call, p, scratch);
  if constexpr (kDots<T>) {
    if (is_long<T>(p)) return run_long(p, begin, end, scratch, reinterpret_cast<T*>(call->shared), epilogue);
    if (is_dots<T>(p)) return run_dots(p, begin, end, epilogue);
  }
  if constexpr (kPanelRows<T> > 0) {
    if (few_rows_of_panels<T>(p)) return run_panel_rows<T>(p, begin, end, epilogue);
  }
  if (streams<T>(p)) return run_streams<T>(p, begin, end, scratch, epilogue);
  const MatmulSource<T> source{p, call->group == nullptr, panels_of_next_step<T>(call)};
  run_gemm<T>(plan_gemm<T>(p.batch, p.rows, p.columns, p.k), source, begin, end, scratch, epilogue);
}

// Integers: a tile is one row of the result.
std::int64_t int_tiles(const KernelCall* call) {
  const TensorArg& c = call->outputs[0];
  return c.shape[c.rank - 1] == 0 ? 0 : num_elements(c) / c.shape[c.rank - 1];
}

template <class T>
void int_row(const T* a, std::int64_t a_step, const T* b, const Product& p, T* c) {
  for (std::int64_t j = 0; j < p.columns; ++j) c[j] = 0;
  for (std::int64_t k = 0; k < p.k; ++k) {
    const T left = a[k * a_step];
    const T* const right = b + k * p.b_step;
    if (p.b_column == 1) {
      for (std::int64_t j = 0; j < p.columns; ++j) c[j] += left * right[j];
    } else {
      for (std::int64_t j = 0; j < p.columns; ++j) c[j] += left * right[j * p.b_column];
    }
  }
}

// Requires: T unsigned, so that nothing overflows; the bits are those of wrapping signed arithmetic.
template <class T>
void run_int(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  Product p = make_product(call);
  if (p.c_column != 1 || p.c_row != p.columns) {  // undo the transposition: a tile is a row of the result
    const Product t = p;
    p.rows = t.columns, p.columns = t.rows;
    p.a = t.b, p.b = t.a;
    p.a_row = t.b_column, p.a_step = t.b_step, p.b_step = t.a_step, p.b_column = t.a_row;
    for (int i = 0; i < p.batch_rank; ++i) p.a_batch[i] = t.b_batch[i], p.b_batch[i] = t.a_batch[i];
  }
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t batch = t / p.rows, row = t % p.rows;
    const T* const a = reinterpret_cast<const T*>(p.a) + batch_offset(p, p.a_batch, batch) + row * p.a_row;
    const T* const b = reinterpret_cast<const T*>(p.b) + batch_offset(p, p.b_batch, batch);
    int_row(a, p.a_step, b, p, reinterpret_cast<T*>(p.c) + t * p.columns);
  }
}

// 2 flops per multiplication: about 50 per ns in float32 on one thread, the integer loops about 4. With few rows or
// columns reading the operands takes longer, about 32 bytes per ns.
template <class T, int kPerNs>
std::int64_t cost(const KernelCall* call) {
  const TensorArg &a = call->inputs[0], &b = call->inputs[1];
  const double k = static_cast<double>(a.shape[a.rank - 1]);
  const double compute = static_cast<double>(num_elements(call->outputs[0])) * k * 2 / kPerNs;
  const double read = static_cast<double>(num_elements(a) + num_elements(b)) * sizeof(T) / 32;
  return static_cast<std::int64_t>(compute > read ? compute : read);
}

}  // namespace

constinit const PanelForm kForms[] = {
    {.operand = 1, .rank = 2, .order = {1, 0}, .wanted = true, .attr = -1, .attr_value = 0}};

extern constinit const Kernel matmul_kernels[] = {
    {"matmul", kF32Type, float_tiles<float>, float_scratch<float>, cost<float, 50>, run_float<float>, true, kForms, 1,
     shared_bytes<float>, finish_float<float>},
    {"matmul", kF64Type, float_tiles<double>, float_scratch<double>, cost<double, 25>, run_float<double>, true, kForms,
     1},
    {"matmul", kI32Type, int_tiles, nullptr, cost<std::int32_t, 4>, run_int<std::uint32_t>},
    {"matmul", kI64Type, int_tiles, nullptr, cost<std::int64_t, 2>, run_int<std::uint64_t>},
};
extern constinit const std::int32_t num_matmul_kernels = 4;

}  // namespace ingot::INGOT_LEVEL
