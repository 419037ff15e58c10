// Places and plain nodes. A value's place is decided once: where its consumer needs it, else a new buffer; views name
// their operand's place with other strides.
#include "plan/lower.h"

#include "base/error.h"
#include "plan/views.h"

namespace ingot::planning {

Lowering lower(const Module& module, const Analysis& analysis, const Order& order) {
  return Lowerer(module, analysis, order).run();
}

Lowerer::Lowerer(const Module& module, const Analysis& analysis, const Order& order)
    : module_(module),
      graph_(analysis.graph()),
      analysis_(analysis),
      order_(order),
      locations_(graph_.values.size()),
      destinations_(graph_.values.size()),
      implied_(graph_.nodes.size(), false) {}

Lowering Lowerer::run() {
  plan_updates();
  for (std::uint32_t i = 0; i < graph_.body.returns.size(); ++i) {
    const Value& value = graph_.value(graph_.body.returns[i]);
    place(0, graph_.body.returns[i], leaf_slot(SlotKind::kOutput, i));
    if (value.kind == ValueKind::kResult) outputs_of_.emplace(value.node, i);
  }
  place_initial_values(0);
  delivered_.assign(graph_.body.returns.size(), false);
  for (const NodeId id : order_.nodes[0]) {
    lower_node(id);
    deliver_outputs_of(id);
  }
  deliver_outputs();
  deliver_updates();
  return {.plan = std::move(plan_), .loops = std::move(loops_)};
}

SlotId Lowerer::new_slot(SlotKind kind, std::size_t index) {
  plan_.slots.push_back({.kind = kind, .index = static_cast<std::uint32_t>(index)});
  return SlotId(static_cast<std::uint32_t>(plan_.slots.size() - 1));
}

SlotId Lowerer::leaf_slot(SlotKind kind, std::uint32_t index) {
  SlotId& slot = leaf_slots_[{kind, index}];
  if (!slot.valid()) slot = new_slot(kind, index);
  return slot;
}

SlotId Lowerer::new_buffer(const TensorType& type) {
  plan_.buffers.push_back({.size_bytes = num_bytes(type)});
  return new_slot(SlotKind::kArena, plan_.buffers.size() - 1);
}

// Where the value lies. Requires: its node is lowered (or it is an input, param, state or constant).
const Operand& Lowerer::location(ValueId id) {
  Operand& place = locations_[id.index];
  if (place.slot.valid()) return place;
  const Value& value = graph_.value(id);
  SlotId slot;
  if (value.kind == ValueKind::kInput) slot = leaf_slot(SlotKind::kInput, value.index);
  if (value.kind == ValueKind::kState) slot = leaf_slot(SlotKind::kState, value.index);
  if (value.kind == ValueKind::kConstant) slot = leaf_slot(SlotKind::kConstant, value.index);
  if (value.kind == ValueKind::kParam) {
    slot = leaf_slot(SlotKind::kParam, module_.params[value.index].alias_of.value_or(value.index));
    const Layout& layout = module_.params[value.index].layout;
    if (layout.in_panels()) return place = panel_operand(slot, value.type, layout);
  }
  INGOT_CHECK(slot.valid());
  return place = contiguous_operand(slot, value.type);
}

// Where the result of a step goes: its destination, row-major, else a new buffer, in this order of axes (empty:
// row-major).
const Operand& Lowerer::place_result(ValueId id, const AxisOrder& order) {
  const TensorType& type = graph_.value(id).type;
  const bool placed = destinations_[id.index].valid();
  const SlotId slot = placed ? destinations_[id.index] : new_buffer(type);
  locations_[id.index] = contiguous_operand(slot, type);
  if (!placed && !order.empty()) locations_[id.index].strides = ordered_strides(type.shape, order);
  return locations_[id.index];
}

Step& Lowerer::add_step(StepKind kind, NodeId node) {
  Step& step = plan_.steps.emplace_back();
  step.kind = kind;
  step.node = node;
  return step;
}

void Lowerer::add_copy(const Operand& source, SlotId target, const TensorType& type, NodeId node) {
  Step& step = add_step(StepKind::kKernel, node);
  step.kernel = "copy";
  step.inputs = {source};
  step.outputs = {contiguous_operand(target, type)};
}

// Makes the value lie at the start of `target`: nothing to do where it was computed there.
void Lowerer::deliver(ValueId value, SlotId target, const TensorType& type, NodeId node) {
  const Operand source = location(value);
  if (source.slot == target && is_whole(source)) return;
  add_copy(source, target, type, node);
}

void Lowerer::lower_region(std::uint32_t region) {
  place_initial_values(region);
  for (const NodeId id : order_.nodes[region]) lower_node(id);
}

void Lowerer::lower_node(NodeId id) {
  const Node& node = graph_.node(id);
  if (node.op->name == "if") return lower_if(id);
  if (node.op->name == "while") return lower_while(id);
  if (node.op->name == "scan") return lower_scan(id);
  if (node.op->name == "fused") return lower_fused(id);
  if (node.op->has(kEffect)) return lower_abort(id);
  if (node.op->has(kView)) return lower_view(id);
  if (node.op->has(kPointwise)) return lower_pointwise(id);
  lower_kernel(id);
}

void Lowerer::lower_kernel(NodeId id) {
  const Node& node = graph_.node(id);
  std::vector<Operand> inputs, outputs;
  for (const ValueId operand : node.operands) inputs.push_back(location(operand));
  const AxisOrder order = order_of_kernel(node);
  for (const ValueId result : node.results) outputs.push_back(place_result(result, order));
  Step& step = add_step(StepKind::kKernel, id);
  step.kernel = node.op->name;
  step.op = node.op;
  step.inputs = std::move(inputs);
  step.outputs = std::move(outputs);
  step.attrs = node.attrs;
}

void Lowerer::lower_view(NodeId id) {
  const Node& node = graph_.node(id);
  const TensorType& result = graph_.value(node.results[0]).type;
  const Operand source = location(node.operands[0]);
  std::optional<Operand> view = view_of(node, source, result);
  if (!view) {
    const SlotId copied = new_buffer(source.type);
    add_copy(source, copied, source.type, id);
    view = contiguous_operand(copied, result);
  }
  locations_[node.results[0].index] = *std::move(view);
}

void Lowerer::lower_abort(NodeId id) {
  const Node& node = graph_.node(id);
  INGOT_CHECK(node.op->name == "abort");
  const Operand condition = location(node.operands[0]);
  Step& step = add_step(StepKind::kAbort, id);
  step.op = node.op;
  step.inputs = {condition};
  step.message = std::get<std::string>(node.attrs[attr_index(*node.op, "message")]);
}

}  // namespace ingot::planning
