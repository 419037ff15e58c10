// Plan as Python data: totals, steps as dictionaries with their operands as text, buffers as tuples.
#include <pybind11/stl.h>

#include "bindings/plans.h"
#include "explain.h"
#include "graph/quoted.h"
#include "graph/text.h"

namespace ingot::python {

namespace {

const char* kind_name(StepKind kind) {
  switch (kind) {
    case StepKind::kKernel:
      return "kernel";
    case StepKind::kJump:
      return "jump";
    case StepKind::kJumpIfFalse:
      return "jump_if_false";
    case StepKind::kSwap:
      return "swap";
    case StepKind::kLoopBegin:
      return "loop_begin";
    case StepKind::kLoopNext:
      return "loop_next";
    case StepKind::kAbort:
      return "abort";
  }
  return "";
}

const Module& module_of(const PlanHandle& self) {
  return *self.program->optimized.module;
}

const Graph& graph_of(const PlanHandle& self) {
  return self.program->optimized.graph(self.graph);
}

// "arena[128]", "x", "output[0]", "w0", "window of arena[0]", "strips".
std::string slot_text(const PlanHandle& self, SlotId id) {
  const Slot& slot = self.plan.slots.at(id.index);
  const Graph& graph = graph_of(self);
  std::string text;
  switch (slot.kind) {
    case SlotKind::kArena:
      return concat("arena[", self.plan.buffers.at(slot.index).offset, "]");
    case SlotKind::kInput:
      append_name(text, graph.input_names.at(slot.index));
      return text;
    case SlotKind::kOutput:
      return concat("output[", slot.index, "]");
    case SlotKind::kParam:
      append_name(text, module_of(self).params.at(slot.index).name);
      return text;
    case SlotKind::kState:
      append_name(text, module_of(self).states.at(slot.index).name);
      return text;
    case SlotKind::kConstant:
      return concat("constant[", slot.index, "]");
    case SlotKind::kWindow:
      return "window of " + slot_text(self, self.plan.windows.at(slot.index).base);
    case SlotKind::kStrip:
      return "strips";
  }
  return text;
}

std::vector<std::string> operand_texts(const PlanHandle& self, const std::vector<Operand>& operands) {
  std::vector<std::string> texts;
  for (const Operand& operand : operands) {
    texts.push_back(concat(slot_text(self, operand.slot), ": ", to_string(operand.type)));
  }
  return texts;
}

py::tuple origin_of(const PlanHandle& self, const Step& step) {
  const Graph& graph = graph_of(self);
  if (!step.node.valid() || step.node.index >= graph.nodes.size()) return py::make_tuple("", 0, "");
  const Origin& origin = graph.nodes[step.node.index].origin;
  return py::make_tuple(origin.file, origin.line, origin.composite);
}

py::list steps(const PlanHandle& self) {
  py::list result;
  for (std::size_t i = 0; i < self.plan.steps.size(); ++i) {
    const Step& step = self.plan.steps[i];
    const StepWork& work = self.works.at(i);
    py::dict entry;
    entry["kind"] = kind_name(step.kind);
    entry["kernel"] = step.kernel;
    entry["inputs"] = operand_texts(self, step.inputs);
    entry["outputs"] = operand_texts(self, step.outputs);
    entry["origin"] = origin_of(self, step);
    std::vector<std::string> ops;
    for (const GroupInstruction& instruction : step.group) ops.emplace_back(instruction.op->name);
    entry["group"] = ops;
    entry["tiles"] = work.tiles;
    entry["threads"] = work.threads;
    entry["flops"] = work.flops;
    entry["bytes"] = work.bytes;
    entry["code"] = i < self.codes.size() ? self.codes[i] : std::string();
    result.append(std::move(entry));
  }
  return result;
}

py::list buffers(const PlanHandle& self) {
  py::list result;
  for (const Buffer& buffer : self.plan.buffers) {
    result.append(py::make_tuple(buffer.offset, buffer.max_bytes, buffer.first_step, buffer.last_step));
  }
  return result;
}

}  // namespace

PlanHandle make_plan_handle(const ProgramHandle& self, std::size_t graph, const py::object& dims) {
  self.module.graph(graph);
  const DimValues values = to_dim_values(dims);
  py::gil_scoped_release release;
  std::vector<std::string> codes;
  if (values.empty()) codes = self.program->step_codes(graph);
  return {self.shared_from_this(), graph, self.program->plan(graph, values), self.program->work(graph, values),
          std::move(codes)};
}

void register_plan(py::module_& m) {
  py::class_<PlanHandle>(m, "Plan", py::is_final(), "Steps and offsets of one graph, and the arena's lower bound.")
      .def_property_readonly("arena_bytes", [](const PlanHandle& self) { return self.plan.arena_bytes; })
      .def_property_readonly("lower_bound_bytes", [](const PlanHandle& self) { return self.plan.lower_bound_bytes; })
      .def_property_readonly("schedule_free_bound_bytes",
                             [](const PlanHandle& self) { return self.plan.schedule_free_bound_bytes; })
      .def_property_readonly("optimal", [](const PlanHandle& self) { return self.plan.optimal; })
      .def_property_readonly("steps", &steps)
      .def_property_readonly("buffers", &buffers)
      .def(
          "svg", [](const PlanHandle& self) { return draw_plan(self.plan); },
          "Lifetimes over offsets: every buffer as a rectangle.")
      .def("__str__", [](const PlanHandle& self) { return print_plan(module_of(self), graph_of(self), self.plan); });
}

}  // namespace ingot::python
