// Control flow as steps.
//   if:    jump_if_false c -> else; then steps; jump -> end; else: else steps; end:
//   while: init into A; again: cond steps; jump_if_false c -> end; body steps into B; swap A B; jump -> again; end:
//   scan:  init into A; loop_begin -> end; again: body steps into B and windows; swap A B; loop_next -> again; end:
// Body steps read carried values in A alone until the swaps, so (a, b) -> (b, a) needs no further care. A carry whose
// next value may be written over the current one has no B and no swap; an unchanged one not even an A.
#include "base/error.h"
#include "plan/lower.h"
#include "plan/views.h"

namespace ingot::planning {

void Lowerer::lower_if(NodeId id) {
  const Node& node = graph_.node(id);
  const Operand condition = location(node.operands[0]);
  std::vector<Operand> targets;
  for (const ValueId result : node.results) targets.push_back(place_result(result));
  const std::uint32_t test = next_step();
  add_step(StepKind::kJumpIfFalse, id).inputs = {condition};
  lower_branch(id, 0, targets);
  const std::uint32_t jump = next_step();
  add_step(StepKind::kJump, id);
  plan_.steps[test].target = next_step();
  lower_branch(id, 1, targets);
  plan_.steps[jump].target = next_step();
}

void Lowerer::lower_branch(NodeId id, std::size_t index, std::span<const Operand> targets) {
  const std::uint32_t region = analysis_.inner_region(id, index);
  const std::vector<ValueId>& returns = graph_.node(id).regions[index].returns;
  for (std::size_t i = 0; i < returns.size(); ++i) place(region, returns[i], targets[i].slot);
  lower_region(region);
  for (std::size_t i = 0; i < returns.size(); ++i) deliver(returns[i], targets[i].slot, targets[i].type, id);
}

// Lets the initial value of a carry be computed in the carry's buffer where nothing else reads it.
void Lowerer::place_initial_values(std::uint32_t region) {
  for (const NodeId id : order_.nodes[region]) {
    const Node& node = graph_.node(id);
    if (!is_loop(node)) continue;
    for (std::size_t i = 0; i < loop_form(node).num_carries; ++i) {
      const ValueId initial = node.operands[i];
      if (carry_unchanged(node, i) || analysis_.num_uses(initial) != 1) continue;
      if (!can_be_placed(region, initial) || destinations_[initial.index].valid()) continue;
      const SlotId slot = new_buffer(graph_.value(initial).type);
      destinations_[initial.index] = slot;
      initial_slots_[{id, i}] = slot;
    }
  }
}

std::vector<Lowerer::Carry> Lowerer::enter_carries(NodeId id) {
  const Node& node = graph_.node(id);
  std::vector<Carry> carries(loop_form(node).num_carries);
  for (std::size_t i = 0; i < carries.size(); ++i) {
    Carry& carry = carries[i];
    Operand place;
    if (carry_unchanged(node, i)) {
      carry.unchanged = true;
      place = location(node.operands[i]);
    } else {
      const TensorType& type = graph_.value(node.regions[0].args[i]).type;
      const auto made = initial_slots_.find({id, i});
      carry.a = made != initial_slots_.end() ? made->second : new_buffer(type);
      deliver(node.operands[i], carry.a, type, id);
      place = contiguous_operand(carry.a, type);
    }
    for (const Region& region : node.regions) locations_[region.args[i].index] = place;
  }
  return carries;
}

// Chooses, before the body is lowered, where its next values go.
void Lowerer::plan_next_values(NodeId id, std::vector<Carry>& carries) {
  const Node& node = graph_.node(id);
  const Region& body = node.regions.back();
  const std::uint32_t region = analysis_.inner_region(id, node.regions.size() - 1);
  for (std::size_t i = 0; i < carries.size(); ++i) {
    if (carries[i].unchanged) continue;
    if (overwrite(region, body.returns[i], body.args[i], carries[i].a)) continue;
    carries[i].b = new_buffer(graph_.value(body.args[i]).type);
    place(region, body.returns[i], carries[i].b);
  }
}

// Copies what was not computed in place, then swaps: after all copies, because they read current values.
void Lowerer::finish_turn(NodeId id, std::span<const Carry> carries) {
  const Region& body = graph_.node(id).regions.back();
  for (std::size_t i = 0; i < carries.size(); ++i) {
    if (carries[i].unchanged) continue;
    const SlotId target = carries[i].b.valid() ? carries[i].b : carries[i].a;
    deliver(body.returns[i], target, graph_.value(body.args[i]).type, id);
  }
  for (const Carry& carry : carries) {
    if (!carry.b.valid()) continue;
    Step& step = add_step(StepKind::kSwap, id);
    step.slot_a = carry.a;
    step.slot_b = carry.b;
  }
}

void Lowerer::leave_carries(NodeId id, std::span<const Carry> carries) {
  const Node& node = graph_.node(id);
  for (std::size_t i = 0; i < carries.size(); ++i) {
    locations_[node.results[i].index] = carries[i].unchanged
                                            ? location(node.operands[i])
                                            : contiguous_operand(carries[i].a, graph_.value(node.results[i]).type);
  }
}

void Lowerer::lower_while(NodeId id) {
  const Node& node = graph_.node(id);
  std::vector<Carry> carries = enter_carries(id);
  const std::uint32_t again = next_step();
  lower_region(analysis_.inner_region(id, 0));
  const Operand condition = location(node.regions[0].returns[0]);
  const std::uint32_t test = next_step();
  add_step(StepKind::kJumpIfFalse, id).inputs = {condition};
  plan_next_values(id, carries);
  lower_region(analysis_.inner_region(id, 1));
  finish_turn(id, carries);
  loops_.push_back({.begin = again, .end = next_step()});
  add_step(StepKind::kJump, id).target = again;
  plan_.steps[test].target = next_step();
  leave_carries(id, carries);
}

// A slot that shows one entry of the operand's leading axis at a time.
SlotId Lowerer::add_window(const Operand& base, std::uint32_t loop) {
  const auto element_bytes = static_cast<std::int64_t>(size_bytes(base.type.dtype));
  plan_.windows.push_back({.base = base.slot, .stride_bytes = base.strides[0] * element_bytes, .loop = loop});
  return new_slot(SlotKind::kWindow, plan_.windows.size() - 1);
}

// Windows on the xs become the args behind the index; the slots of those on the ys are returned.
std::vector<SlotId> Lowerer::open_windows(NodeId id, std::uint32_t loop) {
  const Node& node = graph_.node(id);
  const std::size_t num_carries = loop_form(node).num_carries;
  for (std::size_t i = num_carries; i < node.operands.size(); ++i) {
    const Operand base = location(node.operands[i]);
    const ValueId arg = node.regions[0].args[i + 1];
    locations_[arg.index] = {.slot = add_window(base, loop),
                             .type = graph_.value(arg).type,
                             .strides = {base.strides.begin() + 1, base.strides.end()},
                             .offset = base.offset};
  }
  std::vector<SlotId> stacked;
  for (std::size_t i = num_carries; i < node.results.size(); ++i) {
    stacked.push_back(add_window(place_result(node.results[i]), loop));
  }
  return stacked;
}

void Lowerer::lower_scan(NodeId id) {
  const Node& node = graph_.node(id);
  const Region& body = node.regions[0];
  std::vector<Carry> carries = enter_carries(id);
  const auto loop = static_cast<std::uint32_t>(plan_.loops.size());
  plan_.loops.push_back({.length = std::get<Size>(node.attrs[attr_index(*node.op, "length")]),
                         .reverse = std::get<bool>(node.attrs[attr_index(*node.op, "reverse")])});
  const std::vector<SlotId> stacked = open_windows(id, loop);
  const Operand index = place_result(body.args[carries.size()]);
  const std::uint32_t begin = next_step();
  Step& enter = add_step(StepKind::kLoopBegin, id);
  enter.loop = loop;
  enter.outputs = {index};
  plan_next_values(id, carries);
  const std::uint32_t region = analysis_.inner_region(id, 0);
  for (std::size_t i = 0; i < stacked.size(); ++i) place(region, body.returns[carries.size() + i], stacked[i]);
  lower_region(region);
  for (std::size_t i = 0; i < stacked.size(); ++i) {
    const ValueId value = body.returns[carries.size() + i];
    deliver(value, stacked[i], graph_.value(value).type, id);
  }
  finish_turn(id, carries);
  loops_.push_back({.begin = begin + 1, .end = next_step()});
  Step& next = add_step(StepKind::kLoopNext, id);
  next.loop = loop;
  next.outputs = {index};
  next.target = begin + 1;
  plan_.steps[begin].target = next_step();
  leave_carries(id, carries);
}

}  // namespace ingot::planning
