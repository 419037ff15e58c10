// Size, and the tables of dtypes: `_core.Size`, `_core.dtype_names`.
#include <pybind11/stl.h>

#include <functional>

#include "base/size.h"
#include "bindings/convert.h"
#include "bindings/module.h"

namespace ingot::python {

namespace {

// An operator of Size with an int or a Size; anything else is left to the other operand.
template <class Compute>
auto operation(Compute compute) {
  return [compute](const Size& self, const py::object& other) -> py::object {
    if (!is_size(other)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
    return from_size(compute(self, to_size(other, "size")));
  };
}

Size floor_divide(const Size& self, const Size& divisor) {
  if (!divisor.is_constant() || divisor.constant() <= 0) {
    fail(ErrorCode::kArgument, concat("size: ", self.to_string(), " // ", divisor.to_string(),
                                      ": a size can be divided by a positive int only"));
  }
  return floordiv(self, divisor.constant());
}

bool equals(const Size& self, const py::object& other) {
  if (py::isinstance<Size>(other)) return self == py::cast<const Size&>(other);
  if (!is_size(other) || !self.is_constant()) return false;
  return py::int_(self.constant()).equal(other);
}

// Equal sizes have equal forms, hence equal texts; a constant hashes as the int it equals.
py::ssize_t hash_of(const Size& self) {
  if (self.is_constant()) return py::hash(py::int_(self.constant()));
  return static_cast<py::ssize_t>(std::hash<std::string>{}(self.to_string()));
}

const char* kind_name(DTypeKind kind) {
  switch (kind) {
    case DTypeKind::kBool:
      return "bool";
    case DTypeKind::kSigned:
      return "int";
    case DTypeKind::kUnsigned:
      return "uint";
    case DTypeKind::kFloat:
      return "float";
    case DTypeKind::kComplex:
      return "complex";
  }
  return "";
}

py::list dtype_names() {
  py::list names;
  for (const DTypeInfo& info : dtype_table()) {
    names.append(py::make_tuple(info.name, info.python_name, static_cast<int>(info.size_bytes), kind_name(info.kind)));
  }
  return names;
}

// A branch on a size would be recorded as if every run took it.
[[noreturn]] bool refuse_order(const Size& self, const py::object& other) {
  fail(ErrorCode::kRecord, concat("size: a symbolic size has no order while recording: got ", self.to_string(), " and ",
                                  py::str(other).cast<std::string>(), ", expected numbers"));
}

[[noreturn]] bool refuse_truth(const Size& self) {
  fail(ErrorCode::kRecord, concat("size: a symbolic size has no truth value while recording: got ", self.to_string(),
                                  ", expected a number"));
}

}  // namespace

void register_sizes(py::module_& m) {
  const auto add = operation([](const Size& a, const Size& b) { return a + b; });
  const auto multiply = operation([](const Size& a, const Size& b) { return a * b; });
  py::class_<Size>(m, "Size", py::is_final(), "A symbolic size. Arithmetic gives an int where the result is constant.")
      .def_static(
          "dim", [](const py::str& name) { return Size::dim(to_text(name, "dim")); }, py::arg("name"))
      .def_property_readonly("dims", [](const Size& self) { return py::cast(self.dims()); })
      .def(
          "evaluate", [](const Size& self, const py::object& dims) { return self.evaluate(to_dim_values(dims)); },
          py::arg("dims"))
      .def("__add__", add, py::arg("other"))
      .def("__radd__", add, py::arg("other"))
      .def("__sub__", operation([](const Size& a, const Size& b) { return a - b; }), py::arg("other"))
      .def("__rsub__", operation([](const Size& a, const Size& b) { return b - a; }), py::arg("other"))
      .def("__mul__", multiply, py::arg("other"))
      .def("__rmul__", multiply, py::arg("other"))
      .def("__floordiv__", operation(&floor_divide), py::arg("other"))
      .def("__eq__", &equals, py::arg("other"))
      .def("__lt__", &refuse_order, py::arg("other"))
      .def("__le__", &refuse_order, py::arg("other"))
      .def("__gt__", &refuse_order, py::arg("other"))
      .def("__ge__", &refuse_order, py::arg("other"))
      .def("__bool__", &refuse_truth)
      .def("__hash__", &hash_of)
      .def("__repr__", [](const Size& self) { return self.to_string(); });
  m.def("dtype_names", &dtype_names,
        "(text name, python name, bytes, kind) of every dtype; kind: bool, int, uint, float, complex.");
}

}  // namespace ingot::python
