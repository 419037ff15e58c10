// In which order the axes of an operand lie in memory. Private to plan/.
#pragma once

#include <optional>
#include <vector>

#include "plan/plan.h"

namespace ingot::planning {

using AxisOrder = std::vector<std::size_t>;  // axes, the outermost in memory first; every axis once

AxisOrder row_major_order(std::size_t rank);

// The order of an operand whose elements lie side by side, without gaps; nothing for others. Of a row-major operand it
// is row_major_order; otherwise axes of size 1 come first.
std::optional<AxisOrder> axis_order(const Operand& operand);

// Strides in elements of a tensor without gaps whose axes lie in this order.
std::vector<Size> ordered_strides(const Shape& shape, const AxisOrder& order);

}  // namespace ingot::planning
