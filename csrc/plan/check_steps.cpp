// check_plan: every step by itself, against the node that it runs.
#include <algorithm>
#include <span>

#include "plan/check.h"

namespace ingot::checking {
namespace {

// What all steps do with a slot.
struct SlotUses {
  std::vector<SlotId> partners;  // the one that it swaps with
  std::vector<std::uint32_t> num_writers;
};

class StepChecker {
 public:
  StepChecker(const Subject& subject, const SlotUses& slots, std::uint32_t t)
      : slots_(slots),
        module_(subject.module),
        graph_(subject.graph),
        plan_(subject.plan),
        step_(subject.plan.steps[t]),
        t_(t) {}

  void run() {
    for (const Operand& input : step_.inputs) check_operand(input);
    for (const Operand& output : step_.outputs) check_output(output);
    require(!step_.node.valid() || step_.node.index < graph_.nodes.size(), "its node does not exist");
    switch (step_.kind) {
      case StepKind::kKernel:
        return check_kernel();
      case StepKind::kJumpIfFalse:
      case StepKind::kAbort:
        return check_condition();
      case StepKind::kLoopBegin:
      case StepKind::kLoopNext:
        return check_loop();
      case StepKind::kSwap:
        return check_swap();
      case StepKind::kJump:
        return require(step_.inputs.empty() && step_.outputs.empty(), "a jump has no operands");
    }
  }

 private:
  void require(bool holds, const char* law) const {
    if (!holds) break_law(t_, law);
  }

  void check_operand(const Operand& operand) const {
    require(operand.slot.index < plan_.slots.size(), "an operand names no slot");
    require(operand.strides.size() == operand.type.shape.size(), "an operand has not one stride for an axis");
    const Slot& base = plan_.slots[base_slot(plan_, operand.slot).index];
    const bool in_panels = base.kind == SlotKind::kParam && module_.params[base.index].layout.in_panels();
    require(operand.layout.in_panels() == in_panels, "an operand does not know that its param lies in panels");
    if (!in_panels) return;
    require(plan_.slots[operand.slot.index].kind == SlotKind::kParam && operand.offset == Size(0),
            "an operand is a part of a param that lies in panels");
    const bool is_row = step_.op != nullptr && step_.group.empty();
    const std::size_t own = is_row ? step_.inputs.size() : step_.num_anchor_inputs;
    require(&operand >= step_.inputs.data() && &operand < step_.inputs.data() + own,
            "a copy or a group reads a param in panels");
  }

  // Of a param, through permutations of its axes.
  Layout layout_of(ValueId id) const {
    std::vector<const std::vector<std::int64_t>*> permutations;
    while (graph_.value(id).kind == ValueKind::kResult) {
      const Node& node = graph_.node(graph_.value(id).node);
      if (node.op->name != "permute_dims") return kRowMajor;
      permutations.push_back(&std::get<std::vector<std::int64_t>>(node.attrs.at(0)));
      id = node.operands[0];
    }
    if (graph_.value(id).kind != ValueKind::kParam) return kRowMajor;
    Layout layout = resolve(module_, graph_.value(id).index).layout;
    if (!layout.in_panels()) return layout;
    for (std::size_t i = permutations.size(); i-- > 0;) layout = permuted(layout, *permutations[i]);
    return layout;
  }

  void check_output(const Operand& output) const {
    check_operand(output);
    const SlotKind kind = plan_.slots[base_slot(plan_, output.slot).index].kind;
    const bool writable =
        kind == SlotKind::kArena || kind == SlotKind::kOutput || kind == SlotKind::kState || kind == SlotKind::kStrip;
    require(writable, "it writes to an input, a param or a constant");
    require(output.offset == Size(0), "an output does not begin where its slot does");
    require(may_have_any_order(output.slot) ? gapless(output) : row_major(output), "an output is not contiguous");
    const Slot& slot = plan_.slots[output.slot.index];
    if (slot.kind != SlotKind::kOutput) return;
    const TensorType& type = graph_.value(graph_.body.returns[slot.index]).type;
    require(output.type.dtype == type.dtype, "it writes an output of another dtype");
  }

  // Readers of a slot with several writers know no more than that it is row-major.
  bool may_have_any_order(SlotId slot) const {
    const SlotKind kind = plan_.slots[slot.index].kind;
    const bool inside = kind == SlotKind::kArena || kind == SlotKind::kStrip;
    if (!inside || slots_.num_writers[slot.index] > 1) return false;
    return step_.op == nullptr ? step_.kernel == "pointwise" : step_.op->has(kAnyOrder);
  }

  // Axes that are wider than 1 can be taken away from the inside, each with the stride that those before it fill.
  static bool gapless(const Operand& operand) {
    std::vector<std::size_t> left;
    for (std::size_t axis = 0; axis < operand.strides.size(); ++axis) {
      if (!(operand.type.shape[axis] == Size(1))) left.push_back(axis);
    }
    Size filled = 1;
    while (!left.empty()) {
      const auto inner =
          std::find_if(left.rbegin(), left.rend(), [&](std::size_t axis) { return operand.strides[axis] == filled; });
      if (inner == left.rend()) return false;
      if (left.size() > 1) filled = filled * operand.type.shape[*inner];
      left.erase(std::next(inner).base());
    }
    return true;
  }

  // Outputs of a group are written together.
  bool same_order(const Operand& a, const Operand& b) const {
    for (std::size_t axis = 0; axis < a.strides.size(); ++axis) {
      if (!(a.type.shape[axis] == Size(1)) && !(a.strides[axis] == b.strides[axis])) return false;
    }
    return true;
  }

  bool is_flag(const Operand& operand) const {
    return operand.type.dtype == DType::kBool && operand.type.shape.empty();
  }

  void check_condition() const {
    require(step_.inputs.size() == 1 && step_.outputs.empty(), "a test has one operand");
    require(is_flag(step_.inputs[0]), "a test reads no bool[]");
  }

  void check_loop() const {
    require(step_.loop < plan_.loops.size(), "its loop does not exist");
    require(step_.inputs.empty() && step_.outputs.size() == 1, "a loop step writes its index and reads nothing");
    const TensorType& type = step_.outputs[0].type;
    require(type.dtype == DType::kI64 && type.shape.empty(), "the index of a loop is no i64[]");
    require(plan_.slots[step_.outputs[0].slot.index].kind == SlotKind::kArena,
            "the index of a loop is not in the arena");
  }

  void check_swap() const {
    const auto in_arena = [&](SlotId slot) {
      return slot.index < plan_.slots.size() && plan_.slots[slot.index].kind == SlotKind::kArena;
    };
    require(in_arena(step_.slot_a) && in_arena(step_.slot_b), "it swaps slots outside the arena");
    const std::uint32_t a = plan_.slots[step_.slot_a.index].index, b = plan_.slots[step_.slot_b.index].index;
    require(a != b, "it swaps a buffer with itself");
    require(plan_.buffers[a].size_bytes == plan_.buffers[b].size_bytes, "it swaps buffers of different sizes");
    require(!buffers_overlap(step_.slot_a, step_.slot_b), "it swaps buffers that overlap");
  }

  void check_kernel() const {
    require(!step_.outputs.empty(), "it writes nothing");
    if (step_.kernel == "copy") {
      check_copy();
    } else if (!step_.group.empty() || step_.kernel == "pointwise") {
      check_group();
    } else {
      check_row();
    }
    check_overlaps();
  }

  void check_copy() const {
    require(step_.op == nullptr && step_.inputs.size() == 1 && step_.outputs.size() == 1, "a copy is from one to one");
    const TensorType &from = step_.inputs[0].type, &to = step_.outputs[0].type;
    require(from.dtype == to.dtype && from.shape.size() == to.shape.size(), "a copy changes the type");
  }

  void check_row() const {
    require(step_.op != nullptr && step_.op->name == step_.kernel, "its kernel is not its op's");
    require(step_.node.valid() && graph_.node(step_.node).op == step_.op, "its op is not its node's");
    const Node& node = graph_.node(step_.node);
    require(step_.inputs.size() == node.operands.size(), "it has not its node's operands");
    require(step_.outputs.size() == node.results.size(), "it has not its node's results");
    require(step_.attrs == node.attrs, "its attributes are not its node's");
    for (std::size_t i = 0; i < step_.inputs.size(); ++i) {
      require(step_.inputs[i].type == graph_.value(node.operands[i]).type, "an operand is not of its value's type");
      require(step_.inputs[i].layout == layout_of(node.operands[i]), "an operand lies in other panels than its value");
    }
    for (std::size_t i = 0; i < step_.outputs.size(); ++i) {
      require(step_.outputs[i].type == graph_.value(node.results[i]).type, "a result is not of its value's type");
    }
  }

  // Nodes of the group without the contractions before and after.
  std::span<const NodeId> members() const {
    const Node& node = graph_.node(step_.node);
    if (node.op->name != "fused") return {&step_.node, 1};
    std::span<const NodeId> nodes = node.regions[0].nodes;
    const std::size_t ends = step_.kernel == "attention" ? 2 : step_.num_anchor_inputs > 0 ? 1 : 0;
    require(nodes.size() > ends, "a group has fewer nodes than its kernel runs");
    if (ends > 0) nodes = nodes.subspan(1, nodes.size() - ends);
    return nodes;
  }

  // The contraction whose result is register 0.
  void check_anchor(std::vector<ValueId>& registers) const {
    if (step_.num_anchor_inputs == 0) {
      require(step_.op == nullptr && step_.kernel == "pointwise", "a group without a contraction has no row");
      return;
    }
    const std::vector<NodeId>& nodes = graph_.node(step_.node).regions[0].nodes;
    const Node& anchor = graph_.node(nodes.front());
    std::vector<ValueId> operands = anchor.operands;
    if (step_.kernel == "attention") {
      const Node& tail = graph_.node(nodes.back());
      require(step_.op == nullptr && anchor.op->name == "matmul" && tail.op->name == "matmul",
              "attention is not between two products");
      operands.push_back(tail.operands[1]);
    } else {
      require(step_.op == anchor.op && step_.kernel == anchor.op->name && anchor.op->has(kContraction),
              "its kernel is not that of its first node");
      require(step_.attrs == anchor.attrs, "its attributes are not its first node's");
    }
    require(step_.num_anchor_inputs == operands.size() && operands.size() <= step_.inputs.size(),
            "it has not its first node's operands");
    for (std::size_t i = 0; i < operands.size(); ++i) {
      require(step_.inputs[i].type == graph_.value(operands[i]).type, "an operand is not of its value's type");
      require(step_.inputs[i].layout == layout_of(operands[i]), "an operand lies in other panels than its value");
    }
    registers.insert(registers.begin(), anchor.results[0]);
  }

  // Registers: the contraction's result, inputs; each holds one value, in the order of the group's nodes.
  void check_group() const {
    require(step_.node.valid(), "a group has no node");
    require(step_.num_anchor_inputs == 0 || !graph_.node(step_.node).regions.empty(), "a group of one has an anchor");
    const std::span<const NodeId> nodes = members();
    require(step_.group.size() == nodes.size(), "a group has not one instruction for each node");
    require(step_.num_anchor_inputs <= step_.inputs.size(), "a group has fewer inputs than its anchor");
    const std::size_t num_inputs = step_.inputs.size() - step_.num_anchor_inputs;
    std::vector<ValueId> registers(num_inputs);
    check_anchor(registers);
    const std::size_t first = registers.size();
    const Shape space = space_of(registers);
    std::vector<bool> per_row(first, false);
    for (std::size_t i = 0; i < num_inputs; ++i) per_row[first - num_inputs + i] = constant_in_rows(i, space);
    for (std::size_t g = 0; g < nodes.size(); ++g) {
      const Node& node = graph_.node(nodes[g]);
      require(node.op == step_.group[g].op, "an instruction is not its node's");
      check_instruction(step_.group[g], node, registers);
      check_extent(step_.group[g], node, space, per_row);
      registers.push_back(node.results[0]);
      per_row.push_back(step_.group[g].per_row);
    }
    check_group_outputs(registers, first);
    for (std::size_t i = 0; i < num_inputs; ++i) {
      const ValueId value = registers[first - num_inputs + i];
      const TensorType& type = step_.inputs[step_.num_anchor_inputs + i].type;
      require(type.shape == space, "an input is not broadcast to the result");
      require(value.valid(), "an input is read by no instruction");
      require(type.dtype == graph_.value(value).type.dtype, "an input has another dtype");
    }
  }

  // What all elements of the group are counted in.
  Shape space_of(const std::vector<ValueId>& registers) const {
    if (step_.num_anchor_inputs > 0) return graph_.value(registers[0]).type.shape;
    return step_.inputs.empty() ? step_.outputs[0].type.shape : step_.inputs[0].type.shape;
  }

  bool constant_in_rows(std::size_t input, const Shape& space) const {
    const Operand& operand = step_.inputs[step_.num_anchor_inputs + input];
    require(operand.strides.size() == space.size() && step_.group_row_axes <= space.size(),
            "an input is not broadcast to the result");
    for (std::size_t a = space.size() - step_.group_row_axes; a < space.size(); ++a) {
      if (!(space[a] == Size(1)) && !(operand.strides[a] == Size(0))) return false;
    }
    return true;
  }

  // How many elements an instruction reads and writes: one for each row, or one for each element.
  void check_extent(const GroupInstruction& instruction, const Node& node, const Shape& space,
                    const std::vector<bool>& per_row) const {
    Shape made = space;
    if (instruction.per_row) {
      require(step_.group_row_axes > 0, "it has rows and no row axes");
      for (std::size_t a = space.size() - step_.group_row_axes; a < space.size(); ++a) made[a] = Size(1);
    }
    require(graph_.value(node.results[0]).type.shape == made, "an instruction's result is not of the group's shape");
    if (node.op->has(kReduction)) {
      const auto& axes = std::get<std::vector<std::int64_t>>(node.attrs[attr_index(*node.op, "axes")]);
      require(instruction.per_row && axes.size() == step_.group_row_axes &&
                  axes.front() == static_cast<std::int64_t>(space.size() - axes.size()),
              "a reduction does not run over the group's rows");
      require(graph_.value(node.operands[0]).type.shape == space, "a reduction reads no whole rows");
      return;
    }
    require(node.op->has(kPointwise), "an instruction is neither pointwise nor a reduction");
    for (const std::uint32_t r : instruction.operands) {
      require(!instruction.per_row || per_row[r], "an instruction of rows reads elements");
    }
  }

  void check_group_outputs(const std::vector<ValueId>& registers, std::size_t first) const {
    require(step_.group_outputs.size() == step_.outputs.size(), "a group has not one register for each output");
    for (std::size_t o = 0; o < step_.outputs.size(); ++o) {
      const std::uint32_t r = step_.group_outputs[o];
      require(r >= first && r < registers.size(), "an output is no instruction's register");
      if (step_.kernel == "attention") {
        const Node& tail = graph_.node(graph_.node(step_.node).regions[0].nodes.back());
        require(step_.outputs.size() == 1 && tail.operands[0] == registers[r], "attention weighs another value");
        require(step_.outputs[o].type == graph_.value(tail.results[0]).type, "an output is not of its value's type");
      } else {
        require(step_.outputs[o].type == graph_.value(registers[r]).type, "an output is not of its register's type");
        const bool as_first = step_.outputs[o].type.shape == step_.outputs[0].type.shape &&
                              same_order(step_.outputs[o], step_.outputs[0]);
        require(as_first || (row_major(step_.outputs[o]) && row_major(step_.outputs[0])),
                "the outputs of a group lie in different orders");
      }
    }
  }

  void check_instruction(const GroupInstruction& instruction, const Node& node, std::vector<ValueId>& registers) const {
    require(instruction.operands.size() == node.operands.size(), "an instruction has not its node's operands");
    for (std::size_t i = 0; i < node.operands.size(); ++i) {
      const std::uint32_t r = instruction.operands[i];
      require(r < registers.size(), "an instruction reads a register that is not set");
      if (!registers[r].valid()) registers[r] = node.operands[i];
      require(registers[r] == node.operands[i], "an instruction reads another value's register");
    }
    require(instruction.dtype == graph_.value(node.operands.back()).type.dtype, "an instruction has another dtype");
    require(instruction.result_dtype == graph_.value(node.results[0]).type.dtype, "an instruction gives another dtype");
  }

  // Slots that swap may lie at each other's address, but never at the same one.
  bool overlap(SlotId x, SlotId y) const {
    const SlotId a = base_slot(plan_, x), b = base_slot(plan_, y);
    const Slot &slot_a = plan_.slots[a.index], &slot_b = plan_.slots[b.index];
    if (slot_a.kind != slot_b.kind) return false;
    if (slot_a.kind != SlotKind::kArena) return slot_a.index == slot_b.index;
    if (slots_.partners[a.index] == b) return false;
    for (const SlotId from : {a, slots_.partners[a.index]}) {
      for (const SlotId to : {b, slots_.partners[b.index]}) {
        if (from.valid() && to.valid() && buffers_overlap(from, to)) return true;
      }
    }
    return false;
  }

  bool buffers_overlap(SlotId a, SlotId b) const {
    const Buffer& first = plan_.buffers[plan_.slots[a.index].index];
    const Buffer& second = plan_.buffers[plan_.slots[b.index].index];
    const bool apart =
        first.offset + first.max_bytes <= second.offset || second.offset + second.max_bytes <= first.offset;
    return !apart && first.max_bytes > 0 && second.max_bytes > 0;
  }

  void check_overlaps() const {
    for (std::size_t o = 0; o < step_.outputs.size(); ++o) {
      for (std::size_t other = 0; other < o; ++other) {
        require(!overlap(step_.outputs[o].slot, step_.outputs[other].slot), "two outputs overlap");
      }
      for (std::size_t i = 0; i < step_.inputs.size(); ++i) {
        if (!overlap(step_.inputs[i].slot, step_.outputs[o].slot)) continue;
        require(in_place(i, o), "an output overlaps an input other than element by element");
      }
    }
    check_chain();
  }

  // Steps of a chain take turns: what its last one writes none of them may read.
  void check_chain() const {
    const auto in_strips = [&](const std::vector<Operand>& operands) {
      return !operands.empty() && plan_.slots[operands[0].slot.index].kind == SlotKind::kStrip;
    };
    if (!in_strips(step_.inputs) || in_strips(step_.outputs)) return;
    for (std::uint32_t t = t_; t > 0; --t) {
      for (const Operand& input : plan_.steps[t].inputs) {
        for (const Operand& output : step_.outputs) {
          require(!overlap(input.slot, output.slot), "it writes what a step of its chain reads");
        }
      }
      if (!in_strips(plan_.steps[t].inputs)) return;
    }
  }

  // Output o may be written over input i: same place, same elements, and no later read of the old ones.
  bool in_place(std::size_t i, std::size_t o) const {
    const Operand &input = step_.inputs[i], &output = step_.outputs[o];
    const Slot &from = plan_.slots[input.slot.index], &to = plan_.slots[output.slot.index];
    if (from.kind != to.kind || from.index != to.index || from.kind == SlotKind::kWindow) return false;
    const bool swapped = slots_.partners[input.slot.index].valid() || slots_.partners[output.slot.index].valid();
    if (swapped && input.slot != output.slot) return false;
    if (!(input.offset == Size(0)) || !(input.type.shape == output.type.shape)) return false;
    if (!same_order(input, output)) return false;
    if (size_bytes(input.type.dtype) != size_bytes(output.type.dtype)) return false;
    if (step_.group.empty()) return step_.op != nullptr && step_.op->has(kUpdatesFirst) && i == 0;
    if (step_.kernel == "attention" || i < step_.num_anchor_inputs) return false;
    const std::size_t first_input = step_.num_anchor_inputs > 0 ? 1 : 0;
    const std::size_t first = first_input + step_.inputs.size() - step_.num_anchor_inputs;
    const auto wanted = static_cast<std::uint32_t>(i - step_.num_anchor_inputs + first_input);
    for (std::size_t g = step_.group_outputs[o] - first + 1; g < step_.group.size(); ++g) {
      const std::vector<std::uint32_t>& reads = step_.group[g].operands;
      if (std::find(reads.begin(), reads.end(), wanted) != reads.end()) return false;
    }
    return true;
  }

  const SlotUses& slots_;
  const Module& module_;
  const Graph& graph_;
  const Plan& plan_;
  const Step& step_;
  std::uint32_t t_;
};

}  // namespace

void check_steps(const Subject& subject) {
  const Plan& plan = subject.plan;
  SlotUses slots{.partners = std::vector<SlotId>(plan.slots.size()),
                 .num_writers = std::vector<std::uint32_t>(plan.slots.size(), 0)};
  for (const Step& step : plan.steps) {
    for (const Operand& output : step.outputs) {
      if (output.slot.index < slots.num_writers.size()) ++slots.num_writers[output.slot.index];
    }
    if (step.kind != StepKind::kSwap) continue;
    const std::uint32_t a = step.slot_a.index, b = step.slot_b.index;
    if (a >= slots.partners.size() || b >= slots.partners.size()) continue;
    slots.partners[a] = step.slot_b;
    slots.partners[b] = step.slot_a;
    slots.num_writers[a] = slots.num_writers[b] = 2;  // in turn
  }
  for (std::uint32_t t = 0; t < plan.steps.size(); ++t) {
    if (plan.steps[t].kind == StepKind::kSwap) StepChecker(subject, slots, t).run();
  }
  for (std::uint32_t t = 0; t < plan.steps.size(); ++t) {
    if (plan.steps[t].kind != StepKind::kSwap) StepChecker(subject, slots, t).run();
  }
}

}  // namespace ingot::checking
