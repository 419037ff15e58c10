// One function per area; module.cpp calls them in the order in which their classes use each other.
#pragma once

#include <pybind11/pybind11.h>

namespace ingot::python {

void register_error_classes(pybind11::module_& m);
void register_dlpack_export(pybind11::module_& m);
void register_dlpack_import(pybind11::module_& m);
void register_device_arrays(pybind11::module_& m);
void register_sizes(pybind11::module_& m);
void register_ops(pybind11::module_& m);
void register_modules(pybind11::module_& m);
void register_builder(pybind11::module_& m);
void register_sessions(pybind11::module_& m);
void register_caller(pybind11::module_& m);
void register_programs(pybind11::module_& m);

}  // namespace ingot::python
