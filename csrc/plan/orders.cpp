// In which order the axes of a result lie in memory. The graph does not know of it, so no bit depends on it: a
// convolution lies channels last, so that its kernel and its readers run over neighbouring channels, and what follows
// keeps the order. What must lie row-major has a destination or is copied where it is needed, as every other view.
#include "plan/axis_order.h"
#include "plan/lower.h"

namespace ingot::planning {

// Of a row's result; empty: row-major.
AxisOrder Lowerer::order_of_kernel(const Node& node) {
  if (!node.op->has(kAnyOrder) || destinations_[node.results[0].index].valid()) return {};
  if (has_few_outputs(graph_, node)) return {};
  if (node.op->name == "conv2d") return {0, 2, 3, 1};
  return axis_order(location(node.operands[0])).value_or(AxisOrder());
}

// Of all results of a group: that of its anchor, else that of the first input with their shape. One destination makes
// all of them row-major. Reductions run over trailing axes, so their groups stay as they are.
AxisOrder Lowerer::order_of_group(const Node& node, const GroupForm& form, std::span<const ValueId> inputs) {
  for (const ValueId result : node.results) {
    if (destinations_[result.index].valid()) return {};
  }
  if (form.row_axes > 0) return {};
  if (form.anchor.valid()) return order_of_kernel(graph_.node(form.anchor));
  for (const ValueId input : inputs) {
    if (!(graph_.value(input).type.shape == form.space)) continue;
    if (std::optional<AxisOrder> order = axis_order(location(input))) return *std::move(order);
  }
  return {};
}

}  // namespace ingot::planning
