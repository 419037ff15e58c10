// Strided views: how rows with the view trait change strides and offset, over symbolic sizes. Private to plan/.
#pragma once

#include <optional>

#include "plan/plan.h"

namespace ingot::planning {

// Row-major strides in elements.
std::vector<Size> contiguous_strides(const Shape& shape);
Operand contiguous_operand(SlotId slot, const TensorType& type);
// A param that lies in panels.
Operand panel_operand(SlotId slot, const TensorType& type, const Layout& layout);

// Strides are row-major; axes of size 1 may have any stride. Offsets do not matter.
bool is_contiguous(const Operand& operand);
// Contiguous from the slot's first byte on.
bool is_whole(const Operand& operand);

// The same elements under the result's shape, or nothing if no strides can say it (only `reshape` of a strided view).
// node: a row with the view trait; source: where its operand lies.
std::optional<Operand> view_of(const Node& node, const Operand& source, const TensorType& result);

// `source` broadcast to `shape`: stride 0 on new and on stretched axes. NumPy rules; requires that they fit.
Operand broadcast_operand(const Operand& source, const Shape& shape);

}  // namespace ingot::planning
