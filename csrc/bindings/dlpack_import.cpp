// Tensors in: a NumPy array over the memory of a DLPack capsule. Whatever a capsule says is checked before a pointer is
// formed from it; its memory must be what it says, which nobody can check.
#include <algorithm>
#include <array>
#include <limits>

#include "base/checked.h"
#include "bindings/convert.h"
#include "bindings/device_arrays.h"
#include "bindings/dlpack.h"
#include "bindings/module.h"
#include "ops/op.h"

namespace ingot::python {

namespace {

using dlpack::Managed;
using dlpack::ManagedVersioned;

template <class... Parts>
[[noreturn]] void refuse(const Parts&... parts) {
  throw py::buffer_error(concat("from_dlpack: ", parts...));
}

DType element_type(dlpack::DataType given) {
  if (given.lanes != 1) refuse("got vectors of ", given.lanes, " lanes, expected single elements");
  for (const DTypeInfo& facts : dtype_table()) {
    const dlpack::DataType ours = dlpack::data_type(facts.dtype);
    if (given.code == ours.code && given.bits == ours.bits) return facts.dtype;
  }
  refuse("unknown dtype: got code ", int{given.code}, " of ", int{given.bits}, " bits");
}

// The tensor as an array sees it: bytes.
struct Layout {
  DType dtype;
  int rank;
  std::array<Py_intptr_t, kMaxRank> shape{};
  std::array<Py_intptr_t, kMaxRank> strides{};
  std::uint64_t first;  // address of the first element; 0 where there are none
};

std::int64_t checked(std::optional<std::int64_t> value) {
  if (!value) refuse("the sizes or strides overflow");
  return *value;
}

// Strides in bytes. Row-major where the tensor has none.
void read_strides(const dlpack::Tensor& given, std::int64_t item, Layout& layout) {
  std::int64_t contiguous = item;
  for (int i = layout.rank - 1; i >= 0; --i) {
    layout.strides[i] = given.strides == nullptr ? contiguous : checked(checked_mul(given.strides[i], item));
    contiguous = checked(checked_mul(contiguous, std::max<std::int64_t>(layout.shape[i], 1)));
  }
}

// Every element's offset fits, and so does its address.
void check_reach(const Layout& layout, std::uint64_t base) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  for (int i = 0; i < layout.rank; ++i) {
    const std::int64_t reach = checked(checked_mul(layout.shape[i] - 1, layout.strides[i]));
    (reach < 0 ? low : high) = checked(checked_add(reach < 0 ? low : high, reach));
  }
  const auto below = static_cast<std::uint64_t>(-(low + 1)) + 1;
  const auto above = checked(checked_add(high, static_cast<std::int64_t>(size_bytes(layout.dtype))));
  if ((low < 0 && below > base) ||
      static_cast<std::uint64_t>(above) > std::numeric_limits<std::uint64_t>::max() - base) {
    refuse("elements lie outside the address space");
  }
}

Layout read_layout(const dlpack::Tensor& given, std::int32_t device) {
  if (given.device.type != device) {
    const char* const kind = device == dlpack::kCpu ? "the CPU" : "a CUDA device";
    refuse("wrong device: got type ", given.device.type, ", expected memory of ", kind, " (", device, ")");
  }
  if (given.ndim < 0 || given.ndim > kMaxRank) refuse("wrong rank: got ", given.ndim, ", expected 0..", kMaxRank);
  if (given.ndim > 0 && given.shape == nullptr) refuse("no shape: got a null pointer");
  Layout layout{.dtype = element_type(given.dtype), .rank = given.ndim, .first = 0};
  bool empty = false;
  for (int i = 0; i < layout.rank; ++i) {
    if (given.shape[i] < 0) refuse("a negative size: got ", given.shape[i]);
    layout.shape[i] = given.shape[i];
    empty = empty || given.shape[i] == 0;
  }
  const auto item = static_cast<std::int64_t>(size_bytes(layout.dtype));
  read_strides(given, item, layout);
  if (empty) return layout;
  if (given.data == nullptr) refuse("no memory: got a null pointer and elements");
  const auto address = reinterpret_cast<std::uintptr_t>(given.data);
  if (given.byte_offset > std::numeric_limits<std::uint64_t>::max() - address) refuse("the byte offset overflows");
  layout.first = address + given.byte_offset;
  if (layout.first % static_cast<std::uint64_t>(item) != 0) refuse("the memory is not aligned to its elements");
  check_reach(layout, layout.first);
  return layout;
}

template <class T>
void delete_owned(PyObject* owner) {
  auto* managed = static_cast<T*>(PyCapsule_GetPointer(owner, nullptr));
  if (managed->deleter != nullptr) managed->deleter(managed);
}

// Takes the tensor out of its capsule: from then on what is returned calls the deleter.
template <class T>
py::object take_owner(const py::object& capsule, T* managed, const char* used_name) {
  // The owner may delete only once the capsule no longer does.
  auto owner = py::reinterpret_steal<py::object>(PyCapsule_New(managed, nullptr, nullptr));
  if (!owner || PyCapsule_SetName(capsule.ptr(), used_name) != 0) throw py::error_already_set();
  PyCapsule_SetDestructor(owner.ptr(), &delete_owned<T>);
  return owner;
}

// An array whose base is the owner. What is refused stays inside.
template <class T>
py::object take(const py::object& capsule, T* managed, const char* used_name) {
  const Layout layout = read_layout(managed->tensor, dlpack::kCpu);
  auto& api = py::detail::npy_api::get();
  py::dtype dtype = numpy_dtype(layout.dtype);
  // Without elements there is no memory to share: NumPy allocates, and the capsule keeps its tensor.
  void* data = layout.first == 0 ? nullptr : reinterpret_cast<void*>(static_cast<std::uintptr_t>(layout.first));
  const Py_intptr_t* strides = data == nullptr ? nullptr : layout.strides.data();
  auto array = py::reinterpret_steal<py::object>(api.PyArray_NewFromDescr_(
      api.PyArray_Type_, dtype.release().ptr(), layout.rank, layout.shape.data(), strides, data, 0, nullptr));
  if (!array) throw py::error_already_set();
  if (data == nullptr) return array;
  py::object owner = take_owner(capsule, managed, used_name);
  if (api.PyArray_SetBaseObject_(array.ptr(), owner.release().ptr()) != 0) throw py::error_already_set();
  return array;
}

template <class T>
ImportedArray take_device_array(const py::object& capsule, T* managed, const char* used_name) {
  const Layout layout = read_layout(managed->tensor, dlpack::kCuda);
  ImportedArray imported;
  imported.array.data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(layout.first));
  imported.array.dtype = layout.dtype;
  imported.array.rank = layout.rank;
  imported.array.device = managed->tensor.device.id;
  std::copy(layout.shape.begin(), layout.shape.end(), imported.array.shape);
  std::copy(layout.strides.begin(), layout.strides.end(), imported.array.strides);
  if constexpr (std::is_same_v<T, ManagedVersioned>) imported.read_only = (managed->flags & dlpack::kReadOnly) != 0;
  imported.owner = take_owner(capsule, managed, used_name);
  return imported;
}

// Calls take(managed, name once taken) for the capsule of either version.
template <class Take>
auto open_capsule(const py::object& capsule, Take take) {
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor_versioned") != 0) {
    auto* managed = static_cast<ManagedVersioned*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor_versioned"));
    if (managed->major != dlpack::kMajor) {
      refuse("wrong version: got ", managed->major, ".", managed->minor, ", expected ", dlpack::kMajor, ".x");
    }
    return take(managed, "used_dltensor_versioned");
  }
  if (PyCapsule_IsValid(capsule.ptr(), "dltensor") != 0) {
    return take(static_cast<Managed*>(PyCapsule_GetPointer(capsule.ptr(), "dltensor")), "used_dltensor");
  }
  refuse("got ", type_name(capsule), ", expected a capsule 'dltensor' or 'dltensor_versioned' that nobody has taken");
}

py::object from_dlpack(const py::object& capsule) {
  return open_capsule(capsule, [&](auto* managed, const char* name) { return take(capsule, managed, name); });
}

}  // namespace

ImportedArray import_device_array(const py::object& capsule) {
  return open_capsule(capsule,
                      [&](auto* managed, const char* name) { return take_device_array(capsule, managed, name); });
}

void register_dlpack_import(py::module_& m) {
  m.def("from_dlpack", &from_dlpack, py::arg("capsule"),
        "A read-only array over the memory of a DLPack capsule, which is taken. BufferError for one that lies.");
}

}  // namespace ingot::python
