// check_plan: the laws of the tables, and what the parts of the checker share.
#include <algorithm>

#include "base/error.h"
#include "plan/check.h"

namespace ingot {
namespace checking {

void break_law(const std::string& where, const std::string& law) {
  fail(ErrorCode::kInternal, concat("plan: ", where, ": ", law));
}

void break_law(std::size_t step, const std::string& law) {
  break_law(concat("step ", step), law);
}

SlotId base_slot(const Plan& plan, SlotId slot) {
  while (plan.slots[slot.index].kind == SlotKind::kWindow) slot = plan.windows[plan.slots[slot.index].index].base;
  return slot;
}

std::optional<ValueId> source_of(const Graph& graph, ValueId id) {
  while (graph.value(id).kind == ValueKind::kResult) {
    const Value& value = graph.value(id);
    const Node& node = graph.node(value.node);
    if (node.op->has(kView)) {
      id = node.operands[0];
    } else if (node.op->name == "fused") {
      id = node.regions[0].returns[value.index];
    } else {
      return node.regions.empty() ? std::optional(id) : std::nullopt;
    }
  }
  return id;
}

bool same_source(const Subject& subject, ValueId a, ValueId b) {
  if (a == b) return true;
  const Value &first = subject.graph.value(a), &second = subject.graph.value(b);
  if (first.kind != second.kind) return false;
  switch (first.kind) {
    case ValueKind::kInput:
    case ValueKind::kState:
    case ValueKind::kConstant:
      return first.index == second.index;
    case ValueKind::kParam: {
      const auto& params = subject.module.params;
      return params[first.index].alias_of.value_or(first.index) == params[second.index].alias_of.value_or(second.index);
    }
    default:
      return false;
  }
}

bool row_major(const Operand& operand) {
  const Shape& shape = operand.type.shape;
  Size expected = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const bool single = shape[axis].is_constant() && shape[axis].constant() == 1;
    if (!single && !(operand.strides[axis] == expected)) return false;
    expected = expected * shape[axis];
  }
  return true;
}

namespace {

std::size_t table_size(const Subject& subject, SlotKind kind) {
  switch (kind) {
    case SlotKind::kArena:
      return subject.plan.buffers.size();
    case SlotKind::kInput:
      return subject.graph.body.args.size();
    case SlotKind::kOutput:
      return subject.graph.body.returns.size();
    case SlotKind::kParam:
      return subject.module.params.size();
    case SlotKind::kState:
      return subject.module.states.size();
    case SlotKind::kConstant:
      return subject.graph.constants.size();
    case SlotKind::kWindow:
      return subject.plan.windows.size();
    case SlotKind::kStrip:
      return subject.plan.steps.size();
  }
  return 0;
}

void check_slots(const Subject& subject) {
  for (std::size_t s = 0; s < subject.plan.slots.size(); ++s) {
    const Slot& slot = subject.plan.slots[s];
    if (slot.index >= table_size(subject, slot.kind)) break_law(concat("slot ", s), "its index is outside its table");
    if (slot.kind == SlotKind::kParam && subject.module.params[slot.index].alias_of) {
      break_law(concat("slot ", s), "it names a param by its second name");
    }
  }
}

void check_windows(const Subject& subject) {
  const Plan& plan = subject.plan;
  for (std::size_t w = 0; w < plan.windows.size(); ++w) {
    const Window& window = plan.windows[w];
    const std::string where = concat("window ", w);
    if (window.base.index >= plan.slots.size()) break_law(where, "its base is no slot");
    if (window.loop >= plan.loops.size()) break_law(where, "its loop does not exist");
    const Slot& base = plan.slots[window.base.index];
    if (base.kind == SlotKind::kWindow && base.index >= w) break_law(where, "its base is a later window");
  }
}

void check_buffers(const Subject& subject) {
  const Plan& plan = subject.plan;
  for (std::size_t b = 0; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    const std::string where = concat("buffer ", b);
    if (buffer.offset < 0 || buffer.offset % kBufferAlignment != 0) break_law(where, "its offset is not aligned");
    if (buffer.max_bytes < 0 || buffer.max_bytes % kBufferAlignment != 0) break_law(where, "its size is not aligned");
    if (buffer.max_bytes > plan.arena_bytes || buffer.offset > plan.arena_bytes - buffer.max_bytes) {
      break_law(where, "it ends behind the arena");
    }
    if (buffer.size_bytes.interval(subject.module.dims).hi > buffer.max_bytes) {
      break_law(where, "it is smaller than its size at the upper bound of the dims");
    }
  }
  if (plan.lower_bound_bytes > plan.arena_bytes) break_law("arena", "it is smaller than its lower bound");
  if (plan.optimal && plan.lower_bound_bytes != plan.arena_bytes) break_law("arena", "it is not optimal");
}

}  // namespace

void check_tables(const Subject& subject) {
  check_slots(subject);
  check_windows(subject);
  check_buffers(subject);
}

}  // namespace checking

void check_plan(const Module& module, const Graph& graph, const Plan& plan) {
  const checking::Subject subject{.module = module, .graph = graph, .plan = plan};
  checking::check_tables(subject);
  checking::check_steps(subject);
  const std::vector<checking::Block> blocks = checking::check_control(subject);
  checking::check_strips(subject, blocks);
  checking::check_extents(subject);
  checking::check_memory(subject, blocks);
}

}  // namespace ingot
