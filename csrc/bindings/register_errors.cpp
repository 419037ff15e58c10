// Maps exceptions of the core to Python classes. The classes are made in Python (ingot/errors.py) and registered once.
#include <array>
#include <new>

#include "base/error.h"
#include "bindings/convert.h"
#include "bindings/module.h"

namespace ingot::python {

namespace {

constexpr std::size_t kNumCodes = static_cast<std::size_t>(ErrorCode::kInternal) + 1;

// By code. References are kept for the life of the process: an exception may be raised during its very end.
std::array<PyObject*, kNumCodes> classes{};

void register_errors(const py::object& mapping) {
  std::array<PyObject*, kNumCodes> found{};
  for (auto& [class_name, object] : to_items(mapping, "register_errors")) {
    const ErrorInfo* match = nullptr;
    for (const ErrorInfo& info : error_table()) {
      if (info.name == class_name) match = &info;
    }
    if (match == nullptr) fail(ErrorCode::kArgument, concat("register_errors: there is no error '", class_name, "'"));
    if (!PyExceptionClass_Check(object.ptr())) {
      fail(ErrorCode::kArgument,
           concat("register_errors: ", class_name, ": got ", type_name(object), ", expected an exception class"));
    }
    found[static_cast<std::size_t>(match->code)] = object.ptr();
  }
  for (const ErrorInfo& info : error_table()) {
    if (found[static_cast<std::size_t>(info.code)] == nullptr) {
      fail(ErrorCode::kArgument, concat("register_errors: no class for ", info.name));
    }
  }
  for (PyObject* object : found) Py_INCREF(object);
  for (PyObject* object : classes) Py_XDECREF(object);
  classes = found;
}

py::list error_names() {
  py::list names;
  for (const ErrorInfo& info : error_table()) names.append(py::make_tuple(info.name, info.sentence));
  return names;
}

}  // namespace

void set_python_error(const Error& error) {
  const auto code = static_cast<std::size_t>(error.code());
  PyObject* error_class = code < kNumCodes && classes[code] != nullptr ? classes[code] : PyExc_RuntimeError;
  // A message may quote bytes of a file, which need not be UTF-8.
  const std::string& message = error.message();
  PyObject* text = PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "backslashreplace");
  if (text == nullptr) return;  // Python has set MemoryError
  PyErr_SetObject(error_class, text);
  Py_DECREF(text);
}

void register_error_classes(py::module_& m) {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      set_python_error(error);
    }
  });
  m.def("register_errors", &register_errors, py::arg("classes"),
        "Maps each name of `error_names()` to the class raised for it.");
  m.def("error_names", &error_names, "(name, sentence) of every error code.");
}

}  // namespace ingot::python
