// `_core.Plan`: what a plan says, as Python data.
#pragma once

#include "bindings/convert.h"
#include "bindings/handles.h"

namespace ingot::python {

void register_plan(py::module_& m);
// The plan in use, or the tight one for these dims when any is given.
PlanHandle make_plan_handle(const ProgramHandle& self, std::size_t graph, const py::object& dims);

}  // namespace ingot::python
