// The Python module `ingot._core`. Its contract is python/ingot/_core.pyi; nothing here but the list of areas.
#include "bindings/module.h"

#include <pybind11/pybind11.h>

#include "graph/graph.h"

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core: module, builder, verifier, file, program. Users reach it through `ingot`.";
  m.attr("__version__") = INGOT_VERSION;
  m.attr("numerics_version") = ingot::kNumericsVersion;
  ingot::python::register_error_classes(m);
  ingot::python::register_dlpack_export(m);
  ingot::python::register_dlpack_import(m);
  ingot::python::register_device_arrays(m);
  ingot::python::register_sizes(m);
  ingot::python::register_ops(m);
  ingot::python::register_modules(m);
  ingot::python::register_builder(m);
  ingot::python::register_sessions(m);
  ingot::python::register_programs(m);
  ingot::python::register_caller(m);
}
