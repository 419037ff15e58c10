// `_core.DeviceArray`: an array in a device's memory as Python sees it. Runs end before they return, so that its
// elements are there for any stream.
#include "bindings/device_arrays.h"

#include "bindings/dlpack.h"
#include "bindings/module.h"

namespace ingot::python {

namespace {

py::tuple shape_of(const DeviceArray& self) {
  return from_shape(self.type.shape);
}

py::array to_numpy(const DeviceArray& self) {
  py::array array = new_array(self.type);
  void* const data = array.mutable_data();
  const std::int64_t bytes = num_bytes(self.type).constant();
  py::gil_scoped_release release;
  self.device->download(data, self.memory.data(), bytes);
  return array;
}

py::object to_array(const DeviceArray& self, const py::object& dtype, const py::object& copy) {
  if (!copy.is_none() && !to_bool(copy, "numpy array: copy"))
    throw py::value_error(concat("numpy array: needs a copy: the elements lie on ", self.device->name()));
  const py::array array = to_numpy(self);
  return dtype.is_none() ? py::object(array) : array.attr("astype")(dtype, py::arg("copy") = false);
}

py::tuple dlpack_device(const DeviceArray& self) {
  return py::make_tuple(dlpack::kCuda, self.device->index());
}

// `stream` has nothing to wait for.
py::object to_dlpack(const py::object& self, const py::object& /*stream*/, const py::object& max_version,
                     const py::object& dl_device, const py::object& copy) {
  const auto& array = py::cast<const DeviceArray&>(self);
  if (!dl_device.is_none() && !dl_device.equal(dlpack_device(array)))
    throw py::buffer_error(
        concat("__dlpack__: got another device, expected that of the array, ", array.device->name()));
  const bool versioned =
      !max_version.is_none() && to_int(max_version.attr("__getitem__")(0), "__dlpack__: max_version") >= 1;
  if (copy.is_none() || !to_bool(copy, "__dlpack__: copy"))
    return export_device_array(array.ref(), self, versioned, /*copied=*/false);
  auto copied = std::make_shared<DeviceArray>(array.device, array.type);
  {
    py::gil_scoped_release release;
    array.device->copy(copied->memory.data(), array.memory.data(), num_bytes(array.type).constant());
  }
  const ArrayRef ref = copied->ref();
  return export_device_array(ref, py::cast(std::move(copied)), versioned, /*copied=*/true);
}

std::shared_ptr<DeviceArray> to_device(const py::object& given, const py::str& device_name) {
  const auto [type, bytes] = read_array(given, "to_device");
  const std::string text = to_text(device_name, "to_device");
  py::gil_scoped_release release;
  const std::optional<std::int32_t> index = parse_device(text);
  if (!index) fail(ErrorCode::kDevice, concat("to_device: got '", text, "', expected cuda or cuda:N"));
  auto array = std::make_shared<DeviceArray>(Device::open(*index), type);
  array->device->upload(array->memory.data(), bytes.data(), static_cast<std::int64_t>(bytes.size()));
  return array;
}

std::string representation(const DeviceArray& self) {
  return concat("<ingot.DeviceArray ", to_string(self.type), " on ", self.device->name(), ">");
}

// The capsule of another library's array, ready on the stream. Old ones know no max_version.
py::object capsule_of(const py::object& object, void* stream) {
  const py::int_ number(reinterpret_cast<std::uintptr_t>(stream));
  const py::object method = object.attr("__dlpack__");
  try {
    return method(py::arg("stream") = number, py::arg("max_version") = py::make_tuple(dlpack::kMajor, dlpack::kMinor));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;
  }
  return method(py::arg("stream") = number);
}

}  // namespace

DeviceArray::DeviceArray(std::shared_ptr<const Device> on, TensorType made_type)
    : device(std::move(on)), type(std::move(made_type)), memory(device, num_bytes(type).constant()) {}

ArrayRef DeviceArray::ref() const {
  ArrayRef array;
  array.data = memory.data();
  array.dtype = type.dtype;
  array.rank = static_cast<int>(type.shape.size());
  array.device = device->index();
  auto stride = static_cast<std::int64_t>(size_bytes(type.dtype));
  for (int axis = array.rank - 1; axis >= 0; --axis) {
    array.shape[axis] = type.shape[static_cast<std::size_t>(axis)].constant();
    array.strides[axis] = stride;
    stride *= std::max<std::int64_t>(array.shape[axis], 1);
  }
  return array;
}

ImportedArray read_device_array(const py::object& object, void* stream, const std::string& what) {
  if (py::isinstance<DeviceArray>(object))
    return {.array = py::cast<const DeviceArray&>(object).ref(), .read_only = false, .owner = object};
  if (!py::hasattr(object, "__dlpack__") || !py::hasattr(object, "__dlpack_device__"))
    fail(ErrorCode::kArgument, concat(what, ": got ", type_name(object), ", expected an array"));
  const py::object place = object.attr("__dlpack_device__")();
  if (to_int(place.attr("__getitem__")(0), what) != dlpack::kCuda)
    fail(ErrorCode::kArgument, concat(what, ": got ", type_name(object),
                                      " of another kind of device, expected a numpy "
                                      "array or an array of the program's device"));
  return import_device_array(capsule_of(object, stream));
}

void register_device_arrays(py::module_& m) {
  const auto none = [](const char* name) { return py::arg_v(name, py::none()); };
  py::class_<DeviceArray, std::shared_ptr<DeviceArray>>(
      m, "DeviceArray", py::is_final(),
      "An array in a device's memory, as runs return it where inputs lie there. Other libraries read it in place by\n"
      "DLPack (torch.from_dlpack(x)); numpy() copies it to the host.")
      .def_property_readonly("shape", &shape_of, "Sizes.")
      .def_property_readonly(
          "dtype", [](const DeviceArray& self) { return numpy_dtype(self.type.dtype); },
          "The element type, a NumPy dtype.")
      .def_property_readonly(
          "ndim", [](const DeviceArray& self) { return self.type.shape.size(); }, "The number of axes.")
      .def_property_readonly(
          "size", [](const DeviceArray& self) { return num_elements(self.type.shape).constant(); },
          "The number of elements.")
      .def_property_readonly(
          "nbytes", [](const DeviceArray& self) { return num_bytes(self.type).constant(); }, "Bytes of all elements.")
      .def_property_readonly(
          "device", [](const DeviceArray& self) { return self.device->name(); }, "\"cuda:0\".")
      .def("numpy", &to_numpy, "A copy in the host's memory.")
      .def("__array__", &to_array, none("dtype"), none("copy"))
      .def("__dlpack_device__", &dlpack_device)
      .def("__dlpack__", &to_dlpack, py::kw_only(), none("stream"), none("max_version"), none("dl_device"),
           none("copy"))
      .def("__repr__", &representation);
  m.def("to_device", &to_device, py::arg("array"), py::arg("device"), "A copy in a device's memory.");
}

}  // namespace ingot::python
