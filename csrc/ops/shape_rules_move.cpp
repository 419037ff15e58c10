// Shape rules of views (reshape, permute_dims, broadcast_to, flip, slice) and of ops that move data (concat, take,
// dynamic slices, pad).
#include <array>

#include "base/error.h"
#include "ops/shape_rules.h"

namespace ingot {
namespace {

using Numbers = std::vector<std::int64_t>;

void require_count(const ShapeContext& context, Operands operands, std::string_view name, std::size_t count,
                   std::size_t rank) {
  if (count == rank) return;
  context.fail_shape(concat(name, " has the wrong length: got ", count, " for ", describe(operands), ", expected ",
                            rank, ", one for each axis"));
}

void require_axis(const ShapeContext& context, Operands operands, std::int64_t axis, std::size_t rank) {
  if (axis >= 0 && axis < static_cast<std::int64_t>(rank)) return;
  context.fail_shape(
      concat("axis does not fit: got ", axis, " for ", describe(operands), ", expected 0 to below ", rank));
}

// The start operand of a dynamic slice: one index for each axis.
void require_start(const ShapeContext& context, Operands operands, std::size_t rank) {
  const Shape& start = operands.back()->shape;
  if (start.size() == 1 && start[0] == Size(static_cast<std::int64_t>(rank))) return;
  context.fail_shape(concat("start does not fit: got ", describe(operands), ", expected start of shape [", rank, "]"));
}

}  // namespace

Shape reshape_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& shape = attr<Shape>(attrs, 0);
  if (shape.size() > kMaxRank) {
    context.fail_shape(concat("rank is too high: got ", shape.size(), " axes, expected at most ", kMaxRank));
  }
  if (shape == operands[0]->shape) return shape;
  require_equal(context, num_elements(operands[0]->shape), num_elements(shape), [&] {
    return concat("element counts differ: got ", describe(operands), ", expected the elements of ", to_string(shape));
  });
  return shape;
}

Shape permute_dims_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& shape = operands[0]->shape;
  const Numbers& axes = attr<Numbers>(attrs, 0);
  require_count(context, operands, "axes", axes.size(), shape.size());
  std::array<bool, kMaxRank> taken{};
  Shape result;
  for (const std::int64_t axis : axes) {
    require_axis(context, operands, axis, shape.size());
    const std::size_t index = static_cast<std::size_t>(axis);
    if (taken[index]) {
      context.fail_shape(concat("axes repeat: got ", describe(axes), ", expected each axis once"));
    }
    taken[index] = true;
    result.push_back(shape[index]);
  }
  return result;
}

Shape broadcast_to_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& from = operands[0]->shape;
  const Shape& to = attr<Shape>(attrs, 0);
  const auto message = [&] {
    return concat("shapes do not broadcast: got ", describe(operands), ", expected equal sizes or 1 for ",
                  to_string(to));
  };
  if (to.size() > kMaxRank || from.size() > to.size()) context.fail_shape(message());
  const std::size_t added = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (!(from[i] == Size(1))) require_equal(context, from[i], to[added + i], message);
  }
  return to;
}

Shape flip_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Numbers& axes = attr<Numbers>(attrs, 0);
  std::int64_t last = -1;
  for (const std::int64_t axis : axes) {
    require_axis(context, operands, axis, operands[0]->shape.size());
    if (axis <= last) context.fail_shape(concat("axes do not ascend: got ", describe(axes)));
    last = axis;
  }
  return operands[0]->shape;
}

// (x; start, stop, step): 0 <= start <= stop <= size
Shape slice_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& shape = operands[0]->shape;
  const Shape& start = attr<Shape>(attrs, 0);
  const Shape& stop = attr<Shape>(attrs, 1);
  const Numbers& step = attr<Numbers>(attrs, 2);
  require_count(context, operands, "start", start.size(), shape.size());
  require_count(context, operands, "stop", stop.size(), shape.size());
  require_count(context, operands, "step", step.size(), shape.size());
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto message = [&] {
      return concat("the range does not fit: got ", start[i].to_string(), ":", stop[i].to_string(), " on axis ", i,
                    " of ", describe(operands), ", expected 0 <= start <= stop <= size");
    };
    require_at_least(context, start[i], 0, message);
    require_at_least(context, stop[i], start[i], message);
    if (!(stop[i] == shape[i])) require_at_least(context, shape[i], stop[i], message);
    if (step[i] < 1) context.fail_shape(concat("step does not fit: got ", describe(step), ", expected at least 1"));
    result.push_back(step[i] == 1 ? stop[i] - start[i] : floordiv(stop[i] - start[i] - 1, step[i]) + 1);
  }
  return result;
}

Shape concat_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  Shape result = operands[0]->shape;
  const std::int64_t axis = attr<std::int64_t>(attrs, 0);
  require_axis(context, operands.first(1), axis, result.size());
  for (const TensorType* operand : operands.subspan(1)) {
    const auto message = [&] {
      return concat("shapes differ outside the axis: got ", describe(operands), " for axis ", axis);
    };
    if (operand->shape.size() != result.size()) context.fail_shape(message());
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (static_cast<std::int64_t>(i) == axis) {
        result[i] = result[i] + operand->shape[i];
      } else {
        require_equal(context, result[i], operand->shape[i], message);
      }
    }
  }
  return result;
}

// (x, indices; axis): x.shape[:axis] + indices.shape + x.shape[axis+1:]
Shape take_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& x = operands[0]->shape;
  const Shape& indices = operands[1]->shape;
  const std::int64_t axis = attr<std::int64_t>(attrs, 0);
  require_axis(context, operands.first(1), axis, x.size());
  Shape result(x.begin(), x.begin() + axis);
  result.insert(result.end(), indices.begin(), indices.end());
  result.insert(result.end(), x.begin() + axis + 1, x.end());
  return result;
}

// (x, start; sizes)
Shape dynamic_slice_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& x = operands[0]->shape;
  const Shape& sizes = attr<Shape>(attrs, 0);
  require_start(context, operands, x.size());
  require_count(context, operands.first(1), "sizes", sizes.size(), x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto message = [&] {
      return concat("sizes do not fit: got ", to_string(sizes), " of ", describe(operands.first(1)),
                    ", expected 0 <= size <= the axis");
    };
    require_at_least(context, sizes[i], 0, message);
    if (!(sizes[i] == x[i])) require_at_least(context, x[i], sizes[i], message);
  }
  return sizes;
}

// (x, update, start)
Shape dynamic_update_slice_rule(const ShapeContext& context, Operands operands, const Attrs&) {
  const Shape& x = operands[0]->shape;
  const Shape& update = operands[1]->shape;
  require_start(context, operands, x.size());
  const auto message = [&] {
    return concat("update does not fit: got ", describe(operands), ", expected update no larger than x");
  };
  if (update.size() != x.size()) context.fail_shape(message());
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!(update[i] == x[i])) require_at_least(context, x[i], update[i], message);
  }
  return x;
}

// (x, value; low, high)
Shape pad_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& x = operands[0]->shape;
  const Shape& low = attr<Shape>(attrs, 0);
  const Shape& high = attr<Shape>(attrs, 1);
  if (!operands[1]->shape.empty()) {
    context.fail_shape(concat("value is no scalar: got ", describe(operands), ", expected a value of rank 0"));
  }
  require_count(context, operands.first(1), "low", low.size(), x.size());
  require_count(context, operands.first(1), "high", high.size(), x.size());
  Shape result;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto message = [&] {
      return concat("padding is negative: got ", to_string(low), " and ", to_string(high), ", expected at least 0");
    };
    require_at_least(context, low[i], 0, message);
    require_at_least(context, high[i], 0, message);
    result.push_back(low[i] + x[i] + high[i]);
  }
  return result;
}

}  // namespace ingot
