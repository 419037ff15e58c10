// The order of axes, read off symbolic strides: the innermost has stride 1, the next one the first's size, and so on.
#include "plan/axis_order.h"

#include <algorithm>

namespace ingot::planning {
namespace {

bool is_one(const Size& size) {
  return size.is_constant() && size.constant() == 1;
}

// Fills `order` from its end with axes that lie inside each other; false where there is none to go on with.
bool find_inner_axes(const Operand& operand, std::vector<bool>& used, AxisOrder& order) {
  const Shape& shape = operand.type.shape;
  Size expected = 1;
  for (auto open = std::count(used.begin(), used.end(), false); open > 0; --open) {
    std::size_t axis = shape.size();
    while (axis-- > 0 && (used[axis] || !(operand.strides[axis] == expected))) {
    }
    if (axis >= shape.size()) return false;
    used[axis] = true;
    order.push_back(axis);
    if (open > 1) expected = expected * shape[axis];
  }
  return true;
}

}  // namespace

AxisOrder row_major_order(std::size_t rank) {
  AxisOrder order(rank);
  for (std::size_t axis = 0; axis < rank; ++axis) order[axis] = axis;
  return order;
}

std::optional<AxisOrder> axis_order(const Operand& operand) {
  const Shape& shape = operand.type.shape;
  std::vector<bool> used(shape.size());
  for (std::size_t axis = 0; axis < shape.size(); ++axis) used[axis] = is_one(shape[axis]);
  AxisOrder order;
  if (!find_inner_axes(operand, used, order)) return std::nullopt;
  if (std::is_sorted(order.rbegin(), order.rend())) return row_major_order(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (is_one(shape[axis])) order.push_back(axis);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

std::vector<Size> ordered_strides(const Shape& shape, const AxisOrder& order) {
  std::vector<Size> strides(shape.size());
  Size stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    if (i > 0) stride = stride * shape[order[i]];
  }
  return strides;
}

}  // namespace ingot::planning
