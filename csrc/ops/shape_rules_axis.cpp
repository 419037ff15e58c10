// Shape rules of ops that go along one axis: cumulative_sum, cumulative_prod, argsort, take_along_axis, scatter.
#include "base/error.h"
#include "ops/shape_rules.h"

namespace ingot {
namespace {

void require_axis(const ShapeContext& context, Operands operands, std::int64_t axis) {
  const std::size_t rank = operands[0]->shape.size();
  if (axis >= 0 && axis < static_cast<std::int64_t>(rank)) return;
  context.fail_shape(
      concat("axis does not fit: got ", axis, " for ", describe(operands), ", expected 0 to below ", rank));
}

// Indices have x's rank, and reach no further than x along the other axes.
void require_indices(const ShapeContext& context, Operands operands, std::int64_t axis) {
  const Shape& x = operands[0]->shape;
  const Shape& indices = operands.back()->shape;
  const auto message = [&] {
    return concat("indices do not fit: got ", describe(operands), " for axis ", axis,
                  ", expected the rank of x and no larger sizes along the other axes");
  };
  if (indices.size() != x.size()) context.fail_shape(message());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (static_cast<std::int64_t>(i) == axis || indices[i] == x[i]) continue;
    require_at_least(context, x[i], indices[i], message);
  }
}

}  // namespace

Shape along_axis_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  require_axis(context, operands, attr<std::int64_t>(attrs, 0));
  return operands[0]->shape;
}

// (x, indices; axis): the shape of indices
Shape take_along_axis_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const std::int64_t axis = attr<std::int64_t>(attrs, 0);
  require_axis(context, operands.first(1), axis);
  require_indices(context, operands, axis);
  return operands[1]->shape;
}

// (x, updates, indices; axis)
Shape scatter_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const std::int64_t axis = attr<std::int64_t>(attrs, 0);
  require_axis(context, operands.first(1), axis);
  require_indices(context, operands, axis);
  const Shape& updates = operands[1]->shape;
  const Shape& indices = operands[2]->shape;
  const auto message = [&] {
    return concat("updates do not fit: got ", describe(operands), ", expected updates of the shape of indices");
  };
  if (updates.size() != indices.size()) context.fail_shape(message());
  for (std::size_t i = 0; i < updates.size(); ++i) require_equal(context, updates[i], indices[i], message);
  return operands[0]->shape;
}

Shape scatter_reduce_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const std::string& reduce = attr<std::string>(attrs, 1);
  if (reduce != "add" && reduce != "multiply" && reduce != "min" && reduce != "max") {
    context.fail_shape(concat("no such reduction: got '", reduce, "', expected add, multiply, min or max"));
  }
  return scatter_rule(context, operands, attrs);
}

}  // namespace ingot
