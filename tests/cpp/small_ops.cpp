// Ops over whole numbers: what the planner's tests need, written for clarity.
#include "small_ops.h"

#include <algorithm>

#include "base/error.h"

namespace ingot::testing {

using Index = std::vector<std::int64_t>;

namespace {

Index sizes_of(const Numbers& numbers) {
  return constant_shape(numbers.type.shape, {});
}

// Visits every index of a shape in row-major order.
template <class Visit>
void for_each_index(const Index& shape, Visit visit) {
  const std::int64_t total = count(shape);
  Index index(shape.size(), 0);
  for (std::int64_t i = 0; i < total; ++i) {
    visit(index);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

std::size_t flat(const Index& shape, const Index& index) {
  std::int64_t at = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) at = at * shape[axis] + index[axis];
  return static_cast<std::size_t>(at);
}

// NumPy broadcasting: the element that stands at `index` of the larger shape.
std::int64_t broadcast_at(const Numbers& numbers, const Index& index) {
  const Index shape = sizes_of(numbers);
  Index own(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    own[axis] = shape[axis] == 1 ? 0 : index[axis + index.size() - shape.size()];
  }
  return numbers.elements[flat(shape, own)];
}

struct Call {
  const OpRow& op;
  const Attrs& attrs;
  const std::vector<Numbers>& operands;
  const DimValues& dims;
  Index shape;  // of the result

  template <class T>
  const T& attr(std::string_view name) const {
    return std::get<T>(attrs[attr_index(op, name)]);
  }
  Index sizes(std::string_view name) const { return constant_shape(attr<Shape>(name), dims); }
  std::int64_t x(const Index& index) const { return operands[0].elements[flat(sizes_of(operands[0]), index)]; }
};

std::int64_t view_element(const Call& call, const Index& index) {
  const Index source = sizes_of(call.operands[0]);
  Index from = index;
  if (call.op.name == "reshape") return call.operands[0].elements[flat(call.shape, index)];
  if (call.op.name == "broadcast_to") return broadcast_at(call.operands[0], index);
  if (call.op.name == "permute_dims") {
    const Index& axes = call.attr<Index>("axes");
    for (std::size_t axis = 0; axis < axes.size(); ++axis) from[static_cast<std::size_t>(axes[axis])] = index[axis];
  } else if (call.op.name == "flip") {
    for (const std::int64_t axis : call.attr<Index>("axes")) {
      const auto a = static_cast<std::size_t>(axis);
      from[a] = source[a] - 1 - index[a];
    }
  } else {
    const Index start = call.sizes("start");
    for (std::size_t a = 0; a < from.size(); ++a) from[a] = start[a] + index[a] * call.attr<Index>("step")[a];
  }
  return call.x(from);
}

std::int64_t sum_element(const Call& call, const Index& index) {
  const Index source = sizes_of(call.operands[0]);
  const Index& axes = call.attr<Index>("axes");
  const bool keepdims = call.attr<bool>("keepdims");
  std::uint64_t total = 0;
  for_each_index(source, [&](const Index& from) {
    Index to;
    for (std::size_t axis = 0; axis < from.size(); ++axis) {
      const bool reduced = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) != axes.end();
      if (!reduced) to.push_back(from[axis]);
      if (reduced && keepdims) to.push_back(0);
    }
    if (to == index) total += static_cast<std::uint64_t>(call.x(from));
  });
  return static_cast<std::int64_t>(total);
}

std::int64_t concat_element(const Call& call, Index index) {
  const auto axis = static_cast<std::size_t>(call.attr<std::int64_t>("axis"));
  for (const Numbers& operand : call.operands) {
    const Index shape = sizes_of(operand);
    if (index[axis] < shape[axis]) return operand.elements[flat(shape, index)];
    index[axis] -= shape[axis];
  }
  fail(ErrorCode::kInternal, "concat: index outside");
}

std::int64_t checked_index(std::int64_t index, std::int64_t extent) {
  const std::int64_t from_start = index < 0 ? index + extent : index;
  if (from_start < 0 || from_start >= extent) fail(ErrorCode::kRange, concat("index ", index, " of ", extent));
  return from_start;
}

std::int64_t take_element(const Call& call, const Index& index) {
  const auto axis = static_cast<std::size_t>(call.attr<std::int64_t>("axis"));
  const Index source = sizes_of(call.operands[0]), indices = sizes_of(call.operands[1]);
  const auto at = [&](std::size_t i) { return index.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::int64_t wanted = call.operands[1].elements[flat(indices, Index(at(axis), at(axis + indices.size())))];
  Index from(index.begin(), at(axis));
  from.push_back(checked_index(wanted, source[axis]));
  from.insert(from.end(), at(axis + indices.size()), index.end());
  return call.x(from);
}

std::int64_t updated_element(const Call& call, const Index& index) {
  const Numbers& update = call.operands[1];
  const Index source = sizes_of(call.operands[0]), part = sizes_of(update);
  Index inside(index.size());
  for (std::size_t axis = 0; axis < index.size(); ++axis) {
    const std::int64_t start = call.operands[2].elements[axis];
    const std::int64_t from = start < 0 ? start + source[axis] : start;
    if (from < 0 || from + part[axis] > source[axis]) fail(ErrorCode::kRange, "dynamic_update_slice: outside");
    inside[axis] = index[axis] - from;
    if (inside[axis] < 0 || inside[axis] >= part[axis]) return call.x(index);
  }
  return update.elements[flat(part, inside)];
}

std::int64_t element(const Call& call, const Index& index) {
  if (call.op.has(kView)) return view_element(call, index);
  if (call.op.name == "sum") return sum_element(call, index);
  if (call.op.name == "concat") return concat_element(call, index);
  if (call.op.name == "take") return take_element(call, index);
  if (call.op.name == "dynamic_update_slice") return updated_element(call, index);
  if (call.op.name == "arange") return index[0];
  if (call.op.name == "size") return call.attr<Size>("value").evaluate(call.dims);
  INGOT_CHECK(call.op.has(kPointwise));
  std::vector<std::int64_t> values;
  for (const Numbers& operand : call.operands) values.push_back(broadcast_at(operand, index));
  return pointwise(call.op, values);
}

}  // namespace

std::int64_t count(const Index& shape) {
  std::int64_t total = 1;
  for (const std::int64_t size : shape) total *= size;
  return total;
}

Index constant_shape(const Shape& shape, const DimValues& dims) {
  Index sizes;
  for (const Size& size : shape) sizes.push_back(size.evaluate(dims));
  return sizes;
}

std::int64_t pointwise(const OpRow& op, const std::vector<std::int64_t>& operands) {
  const auto wrap = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  const auto u = [&](std::size_t i) { return static_cast<std::uint64_t>(operands[i]); };
  if (op.name == "add") return wrap(u(0) + u(1));
  if (op.name == "subtract") return wrap(u(0) - u(1));
  if (op.name == "multiply") return wrap(u(0) * u(1));
  if (op.name == "negative") return wrap(0 - u(0));
  if (op.name == "maximum") return std::max(operands[0], operands[1]);
  if (op.name == "less") return operands[0] < operands[1];
  if (op.name == "logical_not") return 1 - operands[0];
  if (op.name == "logical_xor") return operands[0] ^ operands[1];
  if (op.name == "where") return operands[0] != 0 ? operands[1] : operands[2];
  INGOT_CHECK(op.name == "cast");  // bool to i64 only
  return operands[0];
}

Numbers apply(const OpRow& op, const Attrs& attrs, const std::vector<Numbers>& operands, const TensorType& result,
              const DimValues& dims) {
  const Index shape = constant_shape(result.shape, {});
  const Call call{.op = op, .attrs = attrs, .operands = operands, .dims = dims, .shape = shape};
  Numbers numbers{.type = result, .elements = {}};
  for_each_index(shape, [&](const Index& index) { numbers.elements.push_back(element(call, index)); });
  return numbers;
}

}  // namespace ingot::testing
