// Arrays in a device's memory: those that runs return, and those of other libraries, which DLPack brings.
#pragma once

#include <cstdint>
#include <memory>

#include "bindings/convert.h"
#include "device/device.h"

namespace ingot::python {

// Row-major memory of its own. Immutable from Python but by run_into.
struct DeviceArray {
  std::shared_ptr<const Device> device;
  TensorType type;  // constant sizes
  DeviceMemory memory;

  DeviceArray(std::shared_ptr<const Device> on, TensorType made_type);
  ArrayRef ref() const;
};

// What a capsule holds. `owner` keeps it alive.
struct ImportedArray {
  ArrayRef array;
  bool read_only = false;
  py::object owner;
};

// Takes a capsule's tensor, which lies on a device. BufferError for one that lies.
ImportedArray import_device_array(const py::object& capsule);
// A capsule over the memory of a device, which `owner` keeps alive.
py::object export_device_array(const ArrayRef& array, const py::object& owner, bool versioned, bool copied);

// A DeviceArray, or anything whose __dlpack_device__ says that it lies on such a device; asked to be ready on `stream`,
// as DeviceApi::native_stream gives it. ArgumentError, beginning with `what`, for anything else.
ImportedArray read_device_array(const py::object& object, void* stream, const std::string& what);

}  // namespace ingot::python
