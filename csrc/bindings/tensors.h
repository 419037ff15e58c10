// The tensors of a module, to and from NumPy: params, initial states, and the text form with its tensors beside it.
#pragma once

#include "bindings/convert.h"
#include "bindings/handles.h"

namespace ingot::python {

ModuleHandle parse_with_tensors(const py::str& text, const py::object& tensors);
py::array param_array(const ModuleHandle& self, const py::str& name);
py::array state_array(const ModuleHandle& self, const py::str& name);

// Position of a param or state. ArgumentError naming `what` if there is none.
std::uint32_t param_index(const Module& module, std::string_view name, std::string_view what);
std::uint32_t state_index(const Module& module, std::string_view name, std::string_view what);

}  // namespace ingot::python
