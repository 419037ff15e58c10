// From regions to flat steps with jumps: every value gets a place, every node its step. Private to plan/.
#pragma once

#include <map>
#include <unordered_map>

#include "optimize/group_form.h"
#include "plan/analysis.h"
#include "plan/axis_order.h"
#include "plan/plan.h"

namespace ingot::planning {

// The steps of one turn of a loop, both included: from the condition to the jump back, or from behind kLoopBegin to
// kLoopNext.
struct StepRange {
  std::uint32_t begin = 0, end = 0;
};

struct Lowering {
  Plan plan;                     // buffers have sizes but neither lifetimes nor offsets; one arena slot for each
  std::vector<StepRange> loops;  // inner before outer
};
Lowering lower(const Module& module, const Analysis& analysis, const Order& order);

class Lowerer {
 public:
  Lowerer(const Module& module, const Analysis& analysis, const Order& order);
  Lowering run();

 private:
  // A carried value: unchanged (no place of its own), written in place (b not valid), or two swapping buffers.
  struct Carry {
    bool unchanged = false;
    SlotId a, b;
  };

  // lower.cpp: places and plain nodes
  SlotId new_slot(SlotKind kind, std::size_t index);
  SlotId leaf_slot(SlotKind kind, std::uint32_t index);
  SlotId new_buffer(const TensorType& type);
  const Operand& location(ValueId id);
  const Operand& place_result(ValueId id, const AxisOrder& order = {});
  Step& add_step(StepKind kind, NodeId node);
  std::uint32_t next_step() const { return static_cast<std::uint32_t>(plan_.steps.size()); }
  void add_copy(const Operand& source, SlotId target, const TensorType& type, NodeId node);
  void deliver(ValueId value, SlotId target, const TensorType& type, NodeId node);
  void lower_region(std::uint32_t region);
  void lower_node(NodeId id);
  void lower_kernel(NodeId id);
  void lower_view(NodeId id);
  void lower_abort(NodeId id);

  // orders.cpp: the order of axes in memory
  AxisOrder order_of_kernel(const Node& node);
  AxisOrder order_of_group(const Node& node, const GroupForm& form, std::span<const ValueId> inputs);

  // lower_groups.cpp: pointwise nodes and groups
  void lower_pointwise(NodeId id);
  void lower_fused(NodeId id);
  std::vector<ValueId> group_inputs(const GroupForm& form) const;
  GroupInstruction make_instruction(const Node& node, const GroupForm& form,
                                    const std::unordered_map<std::uint32_t, std::uint32_t>& registers) const;
  void add_anchor(const GroupForm& form, Step& step);
  void lower_group(NodeId id, const GroupForm& form);
  void lower_members(NodeId id);

  // lower_regions.cpp: if, while, scan
  void lower_if(NodeId id);
  void lower_branch(NodeId id, std::size_t index, std::span<const Operand> targets);
  void lower_while(NodeId id);
  void lower_scan(NodeId id);
  void place_initial_values(std::uint32_t region);
  std::vector<Carry> enter_carries(NodeId id);
  void plan_next_values(NodeId id, std::vector<Carry>& carries);
  void finish_turn(NodeId id, std::span<const Carry> carries);
  void leave_carries(NodeId id, std::span<const Carry> carries);
  SlotId add_window(const Operand& base, std::uint32_t loop);
  std::vector<SlotId> open_windows(NodeId id, std::uint32_t loop);

  // destinations.cpp: results computed where they are needed
  bool is_attention(const Region& group) const;
  bool is_group(const Node& node) const;
  bool is_kernel_node(const Node& node) const;
  bool can_be_placed(std::uint32_t region, ValueId value) const;
  ValueId behind_reshapes(ValueId value) const;
  bool place(std::uint32_t region, ValueId value, SlotId target);
  bool read_before(std::uint32_t region, ValueId root, NodeId node, bool node_may_read) const;
  ValueId in_place_root(const Node& node, std::size_t result, ValueId wanted) const;
  bool takes_place_of(const Node& node, std::size_t result, ValueId root) const;
  std::vector<ValueId> overwrite_chain(std::uint32_t region, ValueId value, ValueId root) const;
  bool overwrite(std::uint32_t region, ValueId value, ValueId root, SlotId target);

  // updates.cpp: outputs and states
  void plan_updates();
  bool may_write_state(std::span<const ValueId> chain, ValueId state_root) const;
  std::uint32_t last_failing_position() const;
  std::string failure_key(const Node& node) const;
  void deliver_outputs_of(NodeId node);
  void deliver_outputs();
  void deliver_updates();

  const Module& module_;
  const Graph& graph_;
  const Analysis& analysis_;
  const Order& order_;
  Plan plan_;
  std::vector<StepRange> loops_;
  std::vector<Operand> locations_;    // by value; no slot yet: not placed
  std::vector<SlotId> destinations_;  // by value: where its result must go; not valid: anywhere
  std::map<std::pair<SlotKind, std::uint32_t>, SlotId> leaf_slots_;
  std::map<std::pair<NodeId, std::size_t>, SlotId> initial_slots_;  // of carries whose initial value is computed there
  std::multimap<NodeId, std::uint32_t> outputs_of_;                 // by node of the body: outputs among its results
  std::vector<bool> delivered_;                                     // by output: lies where it belongs
  std::uint32_t last_failing_ =
      0;                       // position in the body, + 1; nodes that fail only where an earlier one did not count
  std::vector<bool> implied_;  // by node: cannot fail, because an equal check before it passed
};

}  // namespace ingot::planning
