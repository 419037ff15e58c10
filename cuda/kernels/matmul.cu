// matmul: out[..., m, n] = a[..., m, k] b[..., k, n], any strides, broadcast batches, on float32, float64, int32,
// int64. Tiles: tile.h; a token's few rows: few_rows.h. Integers wrap, as unsigned ones.
#include "cuda/kernels/axes.h"
#include "cuda/kernels/product.h"

namespace ingot::cuda {
namespace {

template <class T>
TileProduct<StridedLines<T>> make_product(const KernelCall& call) {
  char *const a = call.inputs[0].data, *const b = call.inputs[1].data, *const c = call.outputs[0].data;
  const ProductAxes axes = axes_of_product(call);
  TileProduct<StridedLines<T>> p{};
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
  return p;
}

// fma(a, b, c) is fma(b, a, c): A and B may change places.
template <class T>
void transpose(TileProduct<StridedLines<T>>& p) {
  const TileProduct<StridedLines<T>> old = p;
  p.a = old.b, p.b = old.a;
  p.rows = old.columns, p.columns = old.rows;
  p.num_rows = old.num_columns, p.num_columns = old.num_rows;
}

// multiply_few_rows reads B once per kFewRows rows, in 0.8 ps per float at 4.8 TB/s; tiles of 64 take 64 fma per float
// of B however few rows there are, 3.7 ps on the 132 processors of such a device.
template <class T>
inline constexpr int kMostFewRows = 4 * kFewRows<T>;

template <class T>
cudaError_t multiply_rows(const Enqueue& e, TileProduct<StridedLines<T>>& p) {
  const std::int64_t elements = p.num_batches * p.num_rows * p.num_columns;
  const PartsSum sum = fits_parts(elements, p.k, sizeof(T)) ? cut_into_parts(p, e.workspace) : PartsSum{};
  const std::int64_t across = (p.num_columns + kFewRowsColumns<T> - 1) / kFewRowsColumns<T>;
  const std::int64_t items = (p.num_rows + kFewRows<T> - 1) / kFewRows<T> * across * p.num_batches * p.num_parts;
  const cudaError_t status = launch(multiply_few_rows<T>, grid_of_items(items), 256, 0, e.stream, p, e.guard, items);
  return status == cudaSuccess ? finish_parts(e, p, sum) : status;
}

// The result is written along its rows, a few columns are computed as rows.
template <class T>
bool is_better_transposed(const TileProduct<StridedLines<T>>& p) {
  if (p.num_columns >= p.num_rows) return false;
  return p.num_columns <= kMostFewRows<T> || (p.columns.rank > 0 && p.columns.strides[p.columns.rank - 1] != 1);
}

template <class T>
cudaError_t enqueue(const Enqueue& e) {
  if (num_elements(e.call.outputs[0]) == 0) return cudaSuccess;
  TileProduct<StridedLines<T>> p = make_product<T>(e.call);
  if (is_better_transposed(p)) transpose(p);
  p.stores_pieces = in_pieces<T>(p.columns, true) && in_pieces<T>(p.rows, false) && in_pieces<T>(p.batches, false);
  if constexpr (device::kIsFloat<T>) {
    if (p.num_rows <= kMostFewRows<T>) return multiply_rows(e, p);
  }
  return multiply(e, p);
}

template <class T>
std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg& a = call.inputs[0];
  return parts_bytes(num_elements(call.outputs[0]), a.shape[a.rank - 1], sizeof(T));
}

const DeviceKernel kKernels[] = {
    {"matmul", device::kF32Type, enqueue<float>, workspace_bytes<float>},
    {"matmul", device::kF64Type, enqueue<double>, workspace_bytes<double>},
    {"matmul", device::kI32Type, enqueue<std::uint32_t>, workspace_bytes<std::uint32_t>},
    {"matmul", device::kI64Type, enqueue<std::uint64_t>, workspace_bytes<std::uint64_t>},
};

}  // namespace

template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<float>>&);
template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<double>>&);

const DeviceKernelFamily kMatmulKernels = {kKernels, 4};

}  // namespace ingot::cuda
