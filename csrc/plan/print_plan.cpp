// A plan as a table for people: one line a step with what it reads and writes and where that lies, then the arena.
//   0  matmul     x f32[n,64], w0 f32[64,32] -> arena+0 f32[n,32]                    model.py:12
#include <algorithm>
#include <string>

#include "base/error.h"
#include "plan/plan.h"

namespace ingot {
namespace {

struct Row {
  std::string number, what, operands, origin;
};

class PlanPrinter {
 public:
  PlanPrinter(const Module& module, const Graph& graph, const Plan& plan)
      : module_(module), graph_(graph), plan_(plan) {}

  std::string run() const {
    std::vector<Row> rows;
    for (std::size_t t = 0; t < plan_.steps.size(); ++t) rows.push_back(row(t));
    return table(rows) + summary();
  }

 private:
  static std::string named(std::string_view kind, std::size_t index, const std::string& name) {
    return name.empty() ? concat(kind, ' ', index) : name;
  }

  // The address by another name: "x", "w0", "state cache", "output 0", "constant 2", "arena+128", "window 0 of x",
  // "strips".
  std::string place(SlotId id) const {
    const Slot& slot = plan_.slots[id.index];
    switch (slot.kind) {
      case SlotKind::kArena:
        return concat("arena+", plan_.buffers[slot.index].offset);
      case SlotKind::kInput:
        return named("input", slot.index, graph_.input_names[slot.index]);
      case SlotKind::kOutput:
        return concat("output ", graph_.output_names[slot.index].empty() ? std::to_string(slot.index)
                                                                         : graph_.output_names[slot.index]);
      case SlotKind::kParam:
        return named("param", slot.index, module_.params[slot.index].name);
      case SlotKind::kState:
        return concat("state ", module_.states[slot.index].name);
      case SlotKind::kConstant:
        return concat("constant ", slot.index);
      case SlotKind::kWindow:
        return concat("window ", slot.index, " of ", place(plan_.windows[slot.index].base));
      case SlotKind::kStrip:
        return "strips";
    }
    return "";
  }

  static bool row_major(const Operand& operand) {
    Size expected = 1;
    for (std::size_t axis = operand.strides.size(); axis-- > 0;) {
      if (!(operand.strides[axis] == expected)) return false;
      expected = expected * operand.type.shape[axis];
    }
    return true;
  }

  // "x f32[n,64]", with " strides [1,64] from 3" where it is not plain row-major.
  std::string describe(const Operand& operand) const {
    std::string text = concat(place(operand.slot), ' ', to_string(operand.type));
    if (operand.layout.in_panels()) return text + ' ' + to_string(operand.layout);
    if (!row_major(operand)) text += concat(" strides ", to_string(operand.strides));
    if (!(operand.offset == Size(0))) text += concat(" from ", operand.offset.to_string());
    return text;
  }

  std::string describe(const std::vector<Operand>& operands) const {
    std::string text;
    for (const Operand& operand : operands) text += concat(text.empty() ? "" : ", ", describe(operand));
    return text;
  }

  std::string what(const Step& step) const {
    switch (step.kind) {
      case StepKind::kKernel:
        return step.group.empty() ? step.kernel : group_names(step);
      case StepKind::kJump:
        return concat("jump ", step.target);
      case StepKind::kJumpIfFalse:
        return concat("jump ", step.target, " if false");
      case StepKind::kSwap:
        return "swap";
      case StepKind::kLoopBegin:
        return concat("loop ", step.loop, " begin, or jump ", step.target);
      case StepKind::kLoopNext:
        return concat("loop ", step.loop, " next ", step.target);
      case StepKind::kAbort:
        return "abort";
    }
    return "";
  }

  static std::string group_names(const Step& step) {
    std::string text = step.num_anchor_inputs > 0 ? step.kernel : "";
    for (const GroupInstruction& instruction : step.group)
      text += concat(text.empty() ? "" : "+", instruction.op->name);
    return text;
  }

  Row row(std::size_t t) const {
    const Step& step = plan_.steps[t];
    Row row{.number = std::to_string(t), .what = what(step), .operands = describe(step.inputs), .origin = {}};
    if (!step.outputs.empty()) row.operands += concat(row.operands.empty() ? "" : " ", "-> ", describe(step.outputs));
    if (step.kind == StepKind::kSwap) row.operands = concat(place(step.slot_a), " <-> ", place(step.slot_b));
    if (step.node.valid()) {
      const Origin& origin = graph_.node(step.node).origin;
      if (!origin.file.empty()) row.origin = concat(origin.file, ':', origin.line);
    }
    return row;
  }

  static void pad(std::string& text, std::size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
  }

  // Columns as wide as their widest entry, at most 60 characters.
  static std::string table(std::vector<Row>& rows) {
    std::size_t widths[3] = {1, 1, 1};
    for (const Row& row : rows) {
      widths[0] = std::max(widths[0], row.number.size());
      widths[1] = std::min<std::size_t>(60, std::max(widths[1], row.what.size()));
      widths[2] = std::min<std::size_t>(60, std::max(widths[2], row.operands.size()));
    }
    std::string text;
    for (Row& row : rows) {
      row.number.insert(0, widths[0] - row.number.size(), ' ');
      pad(row.what, widths[1]);
      if (!row.origin.empty()) pad(row.operands, widths[2]);
      text += row.number + "  " + row.what + "  " + row.operands;
      if (!row.origin.empty()) text += "  " + row.origin;
      while (text.back() == ' ') text.pop_back();
      text += '\n';
    }
    return text;
  }

  std::string summary() const {
    return concat("buffers ", plan_.buffers.size(), ", arena ", plan_.arena_bytes, " bytes, lower bound ",
                  plan_.lower_bound_bytes, " bytes for this order (", plan_.optimal ? "optimal" : "not reached",
                  "), largest step ", plan_.schedule_free_bound_bytes, " bytes\n");
  }

  const Module& module_;
  const Graph& graph_;
  const Plan& plan_;
};

}  // namespace

std::string print_plan(const Module& module, const Graph& graph, const Plan& plan) {
  return PlanPrinter(module, graph, plan).run();
}

}  // namespace ingot
