// Shape rules of pointwise ops, of ops without operands, and of reductions.
#include <array>

#include "base/error.h"
#include "ops/shape_rules.h"

namespace ingot {

// The results of pointwise ops. Their rows have at most 3 operands.
Shape broadcast_rule(const ShapeContext& context, Operands operands, const Attrs&) {
  std::array<const Shape*, 4> shapes{};
  INGOT_CHECK(operands.size() <= shapes.size());
  for (std::size_t i = 0; i < operands.size(); ++i) shapes[i] = &operands[i]->shape;
  return broadcast_shapes(context, std::span<const Shape* const>(shapes.data(), operands.size()));
}

// arange(; stop, dtype)
Shape arange_rule(const ShapeContext& context, Operands, const Attrs& attrs) {
  const Size& stop = attr<Size>(attrs, 0);
  require_at_least(context, stop, 0,
                   [&] { return concat("stop is negative: got ", stop.to_string(), ", expected at least 0"); });
  return {stop};
}

Shape scalar_rule(const ShapeContext&, Operands, const Attrs&) {
  return {};
}

Shape abort_rule(const ShapeContext& context, Operands operands, const Attrs&) {
  if (!operands[0]->shape.empty()) {
    context.fail_shape(concat("condition is no scalar: got ", describe(operands), ", expected bool[]"));
  }
  return {};
}

// (x; axes, keepdims): axes ascending, so that one reduction has one form.
Shape reduce_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& shape = operands[0]->shape;
  const std::vector<std::int64_t>& axes = attr<std::vector<std::int64_t>>(attrs, 0);
  const bool keepdims = attr<bool>(attrs, 1);
  std::array<bool, kMaxRank> reduced{};
  std::int64_t last = -1;
  for (const std::int64_t axis : axes) {
    if (axis <= last || axis >= static_cast<std::int64_t>(shape.size())) {
      context.fail_shape(concat("axes do not fit: got ", describe(axes), " for ", describe(operands),
                                ", expected ascending axes from 0 to below ", shape.size()));
    }
    reduced[static_cast<std::size_t>(axis)] = true;
    last = axis;
  }
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (!reduced[i]) {
      result.push_back(shape[i]);
    } else if (keepdims) {
      result.push_back(1);
    }
  }
  return result;
}

// max, min: nothing is the maximum of no elements, so every reduced axis must be known to have one.
Shape extremum_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  Shape result = reduce_rule(context, operands, attrs);
  for (const std::int64_t axis : attr<std::vector<std::int64_t>>(attrs, 0)) {
    if (!context.proves_at_least(operands[0]->shape[static_cast<std::size_t>(axis)], 1)) {
      context.fail_shape(concat("axis ", axis, " may be empty: got ", describe(operands),
                                ", expected a size of at least 1 (declare its dim from 1)"));
    }
  }
  return result;
}

// argmax(x; axis, keepdims)
Shape argmax_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const std::int64_t axis = attr<std::int64_t>(attrs, 0);
  Shape result = operands[0]->shape;
  if (axis < 0 || axis >= static_cast<std::int64_t>(result.size())) {
    context.fail_shape(
        concat("axis does not fit: got ", axis, " for ", describe(operands), ", expected 0 to below ", result.size()));
  }
  const auto position = result.begin() + axis;
  require_at_least(context, *position, 1, [&] {
    return concat("axis ", axis, " may be empty: got ", describe(operands), ", expected a size of at least 1");
  });
  if (attr<bool>(attrs, 1)) {
    *position = 1;
  } else {
    result.erase(position);
  }
  return result;
}

// (state; shape): state is (key, counter)
Shape random_bits_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  const Shape& state = operands[0]->shape;
  if (state.size() != 1 || !(state[0] == Size(2))) {
    context.fail_shape(concat("state does not fit: got ", describe(operands), ", expected i64[2]"));
  }
  return attr<Shape>(attrs, 0);
}

}  // namespace ingot
