#include "cuda/blas_product.h"

#include <algorithm>
#include <utility>

namespace ingot::cuda {
namespace {

struct Direction {
  std::int64_t size, step;
};

// Whether columns of elements side by side lie `columns.step` apart, none on another.
bool lies(const Direction& rows, const Direction& columns, std::int64_t* leading) {
  if (rows.size > 1 && rows.step != 1) return false;
  if (columns.size > 1 && columns.step < rows.size) return false;
  *leading = columns.size > 1 ? columns.step : rows.size;
  return true;
}

bool lies_either_way(const Direction& rows, const Direction& columns, std::int32_t* transposed, std::int64_t* leading) {
  *transposed = 0;
  if (lies(rows, columns, leading)) return true;
  *transposed = 1;
  return lies(columns, rows, leading);
}

// The innermost axis, which goes.
Axis take_last(Axes& axes) {
  return axes.rank == 0 ? Axis{1, 0, 0, 0} : axes.axes[--axes.rank];
}

Axes swap_operands(Axes axes) {
  for (int i = 0; i < axes.rank; ++i) std::swap(axes.axes[i].a, axes.axes[i].b);
  return axes;
}

void append_all(Axes& to, const Axes& from) {
  for (int i = 0; i < from.rank; ++i) append(to, from.axes[i]);
}

// The longest axis is the strided batch; what goes from the back to the front is none.
void take_batch(Axes& loops, BlasShape& shape) {
  shape.num_batches = 1;
  shape.batch_a = shape.batch_b = shape.batch_d = 0;
  Axis* const end = loops.axes + loops.rank;
  const auto length = [](const Axis& x) {
    return x.a >= 0 && x.b >= 0 && x.out >= 0 && x.size <= INT32_MAX ? x.size : 0;
  };
  Axis* const longest =
      std::max_element(loops.axes, end, [&](const Axis& x, const Axis& y) { return length(x) < length(y); });
  if (longest == end || length(*longest) == 0) return;
  shape.num_batches = longest->size;
  shape.batch_a = longest->a, shape.batch_b = longest->b, shape.batch_d = longest->out;
  std::copy(longest + 1, end, longest);
  --loops.rank;
}

// Of a single row the rows are an axis of batches, if there is one that lies as rows do: else it stays one.
bool make_product(const KernelCall& call, bool has_bias, bool has_rows, bool has_columns, BlasProduct* product) {
  constexpr Axis kOne = {1, 0, 0, 0};
  ProductAxes axes = axes_of_product(call);
  *product = {.shape = {}, .a = &call.inputs[0], .b = &call.inputs[1], .loops = {}};
  Axis m = has_rows ? take_last(axes.rows) : kOne, n = has_columns ? take_last(axes.columns) : kOne;
  append_all(product->loops, axes.batches);
  append_all(product->loops, axes.rows);
  append_all(product->loops, axes.columns);
  Direction of_a = {m.size, m.a}, of_b = {n.size, n.b}, k_of_a = {axes.k, axes.a_step}, k_of_b = {axes.k, axes.b_step};
  BlasShape& shape = product->shape;
  shape.has_bias = has_bias ? 1 : 0;
  if (has_bias || !lies({m.size, m.out}, {n.size, n.out}, &shape.leading_d)) {
    // Row by row, d is the transposed product of the transposed operands in the other order.
    if (!lies({n.size, n.out}, {m.size, m.out}, &shape.leading_d)) return false;
    const TensorArg& out = call.outputs[0];
    if (has_bias && n.size != out.shape[out.rank - 1]) return false;  // other axes are among those rows
    std::swap(m, n);
    std::swap(of_a, of_b);
    std::swap(k_of_a, k_of_b);
    std::swap(product->a, product->b);
    product->loops = swap_operands(product->loops);
  }
  if (!lies_either_way(of_a, k_of_a, &shape.transposed_a, &shape.leading_a)) return false;
  if (!lies_either_way(k_of_b, of_b, &shape.transposed_b, &shape.leading_b)) return false;
  shape.m = m.size, shape.n = n.size, shape.k = axes.k;
  take_batch(product->loops, shape);
  return true;
}

}  // namespace

bool make_blas_product(const KernelCall& call, bool has_bias, BlasProduct* product) {
  const TensorArg& out = call.outputs[0];
  const bool one_row = out.shape[out.rank - 2] == 1, one_column = out.shape[out.rank - 1] == 1;
  const auto make = [&](bool has_rows, bool has_columns) {
    return make_product(call, has_bias, has_rows, has_columns, product);
  };
  return make(true, true) || (one_row && make(false, true)) || (one_column && make(true, false)) ||
         (one_row && one_column && make(false, false));
}

bool may_be_matrix(const TensorArg& x) {
  const Direction rows = {x.shape[x.rank - 2], x.strides[x.rank - 2]},
                  columns = {x.shape[x.rank - 1], x.strides[x.rank - 1]};
  const auto side_by_side = [](const Direction& d, const Direction& other) {
    return (d.step == 1 || d.size == 1) && (other.step >= 0 || other.size == 1);
  };
  return side_by_side(rows, columns) || side_by_side(columns, rows);
}

std::string to_text(const BlasShape& shape) {
  std::string text;
  for (const std::int64_t number :
       {std::int64_t{shape.dtype}, std::int64_t{shape.tf32}, std::int64_t{shape.transposed_a},
        std::int64_t{shape.transposed_b}, std::int64_t{shape.has_bias}, shape.m, shape.n, shape.k, shape.leading_a,
        shape.leading_b, shape.leading_d, shape.num_batches, shape.batch_a, shape.batch_b, shape.batch_d,
        std::int64_t{shape.alignment_a}, std::int64_t{shape.alignment_b}, std::int64_t{shape.alignment_d},
        shape.workspace_bytes}) {
    text += std::to_string(number) + " ";
  }
  return text;
}

}  // namespace ingot::cuda
