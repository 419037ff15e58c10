// Conversions between Python and the core. Whatever comes from Python is hostile: each function accepts exactly what it
// says or throws (DTypeError, ShapeError, ArgumentError, or the error Python has set). All need the interpreter lock.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/graph.h"
#include "program.h"

namespace ingot::python {

namespace py = pybind11;

// "float" for 1.5: for messages.
std::string type_name(py::handle object);
// A str that is valid UTF-8, nothing else.
std::string to_text(py::handle object, std::string_view what);
// An int or anything with __index__, but no bool.
std::int64_t to_int(py::handle object, std::string_view what);
double to_double(py::handle object, std::string_view what);
bool to_bool(py::handle object, std::string_view what);
DType to_dtype(py::handle text_name, std::string_view what);  // "f32"
// A file system path: str as the system encodes it, without NUL.
std::string to_path(const py::str& path);

bool is_size(py::handle object);  // an int but no bool, or a Size
Size to_size(py::handle object, std::string_view what);
Shape to_shape(py::handle sequence, std::string_view what);
py::object from_size(const Size& size);  // int where constant
py::tuple from_shape(const Shape& shape);

DimValues to_dim_values(const py::object& mapping);
// The items of any mapping with str keys, in its order.
std::vector<std::pair<std::string, py::object>> to_items(const py::object& mapping, std::string_view what);
std::vector<std::string> to_texts(const py::object& sequence, std::string_view what);

Attrs to_attrs(const OpRow& op, const py::object& mapping);
py::object from_attr(const AttrValue& value);
py::dict from_attrs(const OpRow& op, const Attrs& attrs);
const OpRow& to_op(const std::string& name);

// NumPy. A numpy dtype is borrowed from a table that is filled once per dtype; bfloat16 comes from ml_dtypes.
py::dtype numpy_dtype(DType dtype);
// The dtype of an ndarray's elements; DTypeError unless it is one of ours in native byte order.
DType array_dtype(const py::array& array, std::string_view what);

// The ndarray as it lies in memory. Empty if its address or strides are not multiples of the element size: then only a
// copy can be used.
std::optional<ArrayRef> view_array(const py::array& array, std::string_view what);
// Owned bytes of the elements in row-major order, with bools made 0 or 1, and the type.
std::pair<TensorType, std::vector<std::byte>> read_array(py::handle object, std::string_view what);
const py::array& require_array(const py::handle& object, std::string_view what);

py::array new_array(const TensorType& type);  // uninitialised. Requires constant sizes
// A read-only array over `data`, which `owner` keeps alive.
py::array view_bytes(const TensorType& type, const std::byte* data, std::shared_ptr<const void> owner);
py::array copy_bytes(const TensorType& type, const std::vector<std::byte>& bytes);

// Sets the Python error for an exception of the core; the class is the one that register_errors gave its code.
void set_python_error(const Error& error);

}  // namespace ingot::python
