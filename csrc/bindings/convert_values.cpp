// Numbers, texts, sizes and attributes between Python and the core.
#include <cmath>

#include "bindings/convert.h"

namespace ingot::python {

namespace {

[[noreturn]] void fail_type(std::string_view what, py::handle got, std::string_view expected) {
  fail(ErrorCode::kArgument, concat(what, ": got ", type_name(got), ", expected ", expected));
}

bool is_bool(py::handle object) {
  if (PyBool_Check(object.ptr())) return true;
  const std::string_view name = Py_TYPE(object.ptr())->tp_name;
  return name == "numpy.bool_" || name == "numpy.bool";
}

// A list or tuple of anything iterable but text, which would give its characters.
py::tuple to_tuple(py::handle object, std::string_view what) {
  if (PyUnicode_Check(object.ptr()) || PyBytes_Check(object.ptr())) fail_type(what, object, "a sequence");
  PyObject* items = PySequence_Tuple(object.ptr());
  if (items == nullptr) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
    PyErr_Clear();
    fail_type(what, object, "a sequence");
  }
  return py::reinterpret_steal<py::tuple>(items);
}

AttrValue to_attr(AttrKind kind, py::handle object, const std::string& what) {
  switch (kind) {
    case AttrKind::kInt:
      return to_int(object, what);
    case AttrKind::kFloat:
      return to_double(object, what);
    case AttrKind::kBool:
      return to_bool(object, what);
    case AttrKind::kString:
      return to_text(object, what);
    case AttrKind::kInts: {
      std::vector<std::int64_t> ints;
      for (py::handle item : to_tuple(object, what)) ints.push_back(to_int(item, what));
      return ints;
    }
    case AttrKind::kSize:
      return to_size(object, what);
    case AttrKind::kSizes:
      return to_shape(object, what);
    case AttrKind::kDType:
      return to_dtype(object, what);
  }
  INGOT_CHECK(false);
  return std::int64_t{0};
}

struct ToPython {
  py::object operator()(std::int64_t value) const { return py::int_(value); }
  py::object operator()(double value) const { return py::float_(value); }
  py::object operator()(bool value) const { return py::bool_(value); }
  py::object operator()(const std::string& value) const { return py::str(value); }
  py::object operator()(const std::vector<std::int64_t>& value) const {
    py::tuple result(value.size());
    for (std::size_t i = 0; i < value.size(); ++i) result[i] = py::int_(value[i]);
    return result;
  }
  py::object operator()(const Size& value) const { return from_size(value); }
  py::object operator()(const Shape& value) const { return from_shape(value); }
  py::object operator()(DType value) const { return py::str(name(value).data(), name(value).size()); }
};

}  // namespace

std::string type_name(py::handle object) {
  return object ? Py_TYPE(object.ptr())->tp_name : "nothing";
}

std::string to_text(py::handle object, std::string_view what) {
  if (!PyUnicode_Check(object.ptr())) fail_type(what, object, "a str");
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (text == nullptr) {
    PyErr_Clear();
    fail(ErrorCode::kArgument, concat(what, ": the text is not valid Unicode (it holds a lone surrogate)"));
  }
  return {text, static_cast<std::size_t>(size)};
}

std::int64_t to_int(py::handle object, std::string_view what) {
  if (is_bool(object) || !PyIndex_Check(object.ptr())) fail_type(what, object, "an int");
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
  if (!number) {  // such as an array of several elements, which has __index__ and refuses
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
    PyErr_Clear();
    fail_type(what, object, "an int");
  }
  int overflow = 0;
  const long long value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) fail(ErrorCode::kArgument, concat(what, ": the integer does not fit into 64 bits"));
  if (value == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return value;
}

double to_double(py::handle object, std::string_view what) {
  if (is_bool(object) || !PyNumber_Check(object.ptr()) || PyComplex_Check(object.ptr())) {
    fail_type(what, object, "a float");
  }
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    fail_type(what, object, "a float");
  }
  return value;
}

bool to_bool(py::handle object, std::string_view what) {
  if (!is_bool(object)) fail_type(what, object, "a bool");
  const int truth = PyObject_IsTrue(object.ptr());
  if (truth < 0) throw py::error_already_set();
  return truth == 1;
}

DType to_dtype(py::handle text_name, std::string_view what) {
  const std::string text = to_text(text_name, what);
  const std::optional<DType> dtype = dtype_from_name(text);
  if (!dtype) fail(ErrorCode::kDType, concat(what, ": there is no dtype '", text, "'"));
  return *dtype;
}

std::string to_path(const py::str& path) {
  const auto bytes = py::reinterpret_steal<py::object>(PyUnicode_EncodeFSDefault(path.ptr()));
  if (!bytes) throw py::error_already_set();
  const std::string text(PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr())));
  if (text.find('\0') != std::string::npos) fail(ErrorCode::kArgument, "path: holds a NUL character");
  return text;
}

bool is_size(py::handle object) {
  return py::isinstance<Size>(object) || (PyIndex_Check(object.ptr()) && !is_bool(object));
}

Size to_size(py::handle object, std::string_view what) {
  if (py::isinstance<Size>(object)) return py::cast<const Size&>(object);
  if (!is_size(object)) fail_type(what, object, "an int or a Size");
  return to_int(object, what);
}

Shape to_shape(py::handle sequence, std::string_view what) {
  const py::tuple items = to_tuple(sequence, what);
  Shape shape;
  shape.reserve(items.size());
  for (py::handle item : items) shape.push_back(to_size(item, what));
  return shape;
}

py::object from_size(const Size& size) {
  if (size.is_constant()) return py::int_(size.constant());
  return py::cast(size);
}

py::tuple from_shape(const Shape& shape) {
  py::tuple result(shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) result[i] = from_size(shape[i]);
  return result;
}

std::vector<std::pair<std::string, py::object>> to_items(const py::object& mapping, std::string_view what) {
  const auto items =
      py::reinterpret_steal<py::object>(PyMapping_Check(mapping.ptr()) != 0 ? PyMapping_Items(mapping.ptr()) : nullptr);
  if (!items) {
    if (PyErr_Occurred() != nullptr && !PyErr_ExceptionMatches(PyExc_AttributeError)) throw py::error_already_set();
    PyErr_Clear();
    fail_type(what, mapping, "a mapping");
  }
  std::vector<std::pair<std::string, py::object>> result;
  for (py::handle item : items) {
    const py::tuple pair = to_tuple(item, what);
    if (pair.size() != 2) fail(ErrorCode::kArgument, concat(what, ": the mapping's items are not pairs"));
    result.emplace_back(to_text(pair[0], what), py::reinterpret_borrow<py::object>(pair[1]));
  }
  return result;
}

DimValues to_dim_values(const py::object& mapping) {
  DimValues values;
  for (const auto& [name, value] : to_items(mapping, "dims")) values[name] = to_int(value, concat("dims: ", name));
  return values;
}

std::vector<std::string> to_texts(const py::object& sequence, std::string_view what) {
  std::vector<std::string> texts;
  for (py::handle item : to_tuple(sequence, what)) texts.push_back(to_text(item, what));
  return texts;
}

const OpRow& to_op(const std::string& name) {
  const OpRow* op = find_op(name);
  if (op == nullptr) fail(ErrorCode::kArgument, concat("there is no op '", name, "'"));
  return *op;
}

Attrs to_attrs(const OpRow& op, const py::object& mapping) {
  std::vector<NamedAttr> given;
  for (const auto& [name, value] : to_items(mapping, op.name)) {
    NamedAttr attr{name, std::int64_t{0}};  // an unknown name is reported by complete_attrs
    for (const AttrSpec& spec : op.attrs) {
      if (spec.name == name) attr.value = to_attr(spec.kind, value, concat(op.name, ": attribute ", name));
    }
    given.push_back(std::move(attr));
  }
  return complete_attrs(op, given);
}

py::object from_attr(const AttrValue& value) {
  return std::visit(ToPython{}, value);
}

py::dict from_attrs(const OpRow& op, const Attrs& attrs) {
  py::dict result;
  for (std::size_t i = 0; i < attrs.size() && i < op.attrs.size(); ++i) {
    result[py::str(op.attrs[i].name.data(), op.attrs[i].name.size())] = from_attr(attrs[i]);
  }
  return result;
}

}  // namespace ingot::python
