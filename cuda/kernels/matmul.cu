// matmul: out[..., m, n] = a[..., m, k] b[..., k, n], any strides, broadcast batches, on float32, float64, int32,
// int64. Tiles: tile.h; a token's few rows: few_rows.h. Integers wrap, as unsigned ones.
#include "cuda/kernels/axes.h"
#include "cuda/kernels/product.h"

namespace ingot::cuda {
namespace {

template <class T>
struct Matmul {
  TileProduct<StridedLines<T>> p;
  ResultSpace space;
};

// The axes as axes_of_product sorts them.
ResultSpace space_of(const KernelCall& call) {
  const TensorArg &a = call.inputs[0], &b = call.inputs[1], &c = call.outputs[0];
  ResultSpace space;
  for (int i = 0; i < c.rank - 2; ++i) {
    ResultAxes& axes = batch_stride(b, i, c.rank) == 0   ? space.rows
                       : batch_stride(a, i, c.rank) == 0 ? space.columns
                                                         : space.batches;
    axes.add({i, c.shape[i], 1});
  }
  space.rows.add({c.rank - 2, c.shape[c.rank - 2], 1});
  space.columns.add({c.rank - 1, c.shape[c.rank - 1], 1});
  return space;
}

template <class T>
Matmul<T> make_product(const KernelCall& call) {
  char *const a = call.inputs[0].data, *const b = call.inputs[1].data, *const c = call.outputs[0].data;
  const ProductAxes axes = axes_of_product(call);
  Matmul<T> made{};
  made.space = space_of(call);
  TileProduct<StridedLines<T>>& p = made.p;
  p.k = p.part_steps = axes.k;
  p.num_parts = 1;
  p.a = make_lines<T>(as_tensor(axes.rows, a, &Axis::a), as_tensor(axes.batches, a, &Axis::a), axes.a_step, p.k);
  p.b = make_lines<T>(as_tensor(axes.columns, b, &Axis::b), as_tensor(axes.batches, b, &Axis::b), axes.b_step, p.k);
  p.rows = as_tensor(axes.rows, c, &Axis::out);
  p.columns = as_tensor(axes.columns, c, &Axis::out);
  p.batches = as_tensor(axes.batches, c, &Axis::out);
  p.num_rows = num_elements(p.rows);
  p.num_columns = num_elements(p.columns);
  p.num_batches = num_elements(p.batches);
  return made;
}

// fma(a, b, c) is fma(b, a, c): A and B may change places.
template <class T>
void transpose(Matmul<T>& m) {
  const Matmul<T> old = m;
  m.p.a = old.p.b, m.p.b = old.p.a;
  m.p.rows = old.p.columns, m.p.columns = old.p.rows;
  m.p.num_rows = old.p.num_columns, m.p.num_columns = old.p.num_rows;
  m.space.rows = old.space.columns, m.space.columns = old.space.rows;
}

// multiply_few_rows reads B once per kFewRows rows, in 0.8 ps per float at 4.8 TB/s; tiles of 64 take 64 fma per float
// of B however few rows there are, 3.7 ps on the 132 processors of such a device.
template <class T>
inline constexpr int kMostFewRows = 4 * kFewRows<T>;

template <class T>
bool has_few_rows(const TileProduct<StridedLines<T>>& p) {
  return device::kIsFloat<T> && p.num_rows <= kMostFewRows<T>;
}

template <class T>
bool few_rows_in_parts(const TileProduct<StridedLines<T>>& p) {
  return fits_parts(p.num_batches * p.num_rows * p.num_columns, p.k, sizeof(T));
}

template <class T>
cudaError_t multiply_rows(const Enqueue& e, TileProduct<StridedLines<T>>& p, const ResultSpace& space) {
  const PartsSum sum = few_rows_in_parts(p) ? cut_into_parts(p, e.workspace) : PartsSum{};
  const std::int64_t across = (p.num_columns + kFewRowsColumns<T> - 1) / kFewRowsColumns<T>;
  const std::int64_t items = (p.num_rows + kFewRows<T> - 1) / kFewRows<T> * across * p.num_batches * p.num_parts;
  const TileWork<StridedLines<T>> work = {p, e.guard, items};
  if (e.codes != nullptr && p.num_parts == 1) {
    return launch_with_group(e, AnchorKernel::kFewRows, work, space, grid_of_items(items));
  }
  const cudaError_t status = launch(multiply_few_rows<T>, grid_of_items(items), 256, 0, e.stream, work);
  return status == cudaSuccess ? finish_parts(e, p, sum, space) : status;
}

// The result is written along its rows, a few columns are computed as rows.
template <class T>
bool is_better_transposed(const TileProduct<StridedLines<T>>& p) {
  if (p.num_columns >= p.num_rows) return false;
  return p.num_columns <= kMostFewRows<T> || (p.columns.rank > 0 && p.columns.strides[p.columns.rank - 1] != 1);
}

template <class T>
Matmul<T> turned_product(const KernelCall& call) {
  Matmul<T> m = make_product<T>(call);
  if (is_better_transposed(m.p)) transpose(m);
  return m;
}

template <class T>
cudaError_t enqueue(const Enqueue& e) {
  if (num_elements(e.call.outputs[0]) == 0) return cudaSuccess;
  Matmul<T> m = turned_product<T>(e.call);
  TileProduct<StridedLines<T>>& p = m.p;
  p.stores_pieces = in_pieces<T>(p.columns, true) && in_pieces<T>(p.rows, false) && in_pieces<T>(p.batches, false);
  if constexpr (device::kIsFloat<T>) {
    if (has_few_rows(p)) return multiply_rows(e, p, m.space);
  }
  return multiply(e, p, m.space);
}

template <class T>
AnchorKernels anchor_kernels(const KernelCall& call, std::int32_t num_processors) {
  using Source = StridedLines<T>;
  const std::int64_t k = call.inputs[0].shape[call.inputs[0].rank - 1];
  if (!are_sizes_known(call)) {
    AnchorKernels all = anchor_kernels_of_any_size<Source>(k);
    if (device::kIsFloat<T>) all.add(AnchorKernel::kFewRows);
    return all;
  }
  const Matmul<T> m = turned_product<T>(call);
  if (!has_few_rows(m.p)) return {anchor_kernel<Source>(choose_tiles(m.p, num_processors))};
  return {few_rows_in_parts(m.p) ? AnchorKernel::kSums : AnchorKernel::kFewRows};
}

template <class T>
std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg& a = call.inputs[0];
  return parts_bytes(num_elements(call.outputs[0]), a.shape[a.rank - 1], sizeof(T));
}

const DeviceKernel kKernels[] = {
    {"matmul", device::kF32Type, enqueue<float>, workspace_bytes<float>, anchor_kernels<float>},
    {"matmul", device::kF64Type, enqueue<double>, workspace_bytes<double>, anchor_kernels<double>},
    {"matmul", device::kI32Type, enqueue<std::uint32_t>, workspace_bytes<std::uint32_t>, anchor_kernels<std::uint32_t>},
    {"matmul", device::kI64Type, enqueue<std::uint64_t>, workspace_bytes<std::uint64_t>, anchor_kernels<std::uint64_t>},
};

}  // namespace

template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<float>>&, const ResultSpace&);
template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<double>>&, const ResultSpace&);

const DeviceKernelFamily kMatmulKernels = {kKernels, 4};

}  // namespace ingot::cuda
