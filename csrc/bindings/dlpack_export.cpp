// Tensors out: a NumPy array's memory as a DLPack capsule. The capsule's struct holds a reference to the array.
#include <array>
#include <memory>

#include "bindings/convert.h"
#include "bindings/device_arrays.h"
#include "bindings/dlpack.h"
#include "bindings/module.h"
#include "ops/op.h"

namespace ingot::python {

namespace {

using dlpack::Managed;
using dlpack::ManagedVersioned;

// What a managed struct owns. Freed by whoever calls the deleter, on any thread.
template <class T>
struct Export {
  T managed{};
  std::array<std::int64_t, kMaxRank> shape{};
  std::array<std::int64_t, kMaxRank> strides{};
  PyObject* owner = nullptr;
};

template <class T>
constexpr const char* kName = "dltensor";
template <>
constexpr const char* kName<ManagedVersioned> = "dltensor_versioned";

template <class T>
void release(T* managed) {
  auto* exported = static_cast<Export<T>*>(managed->context);
  // After the interpreter has ended the array is gone with it.
  if (Py_IsInitialized() != 0) {
    const py::gil_scoped_acquire lock;
    Py_XDECREF(exported->owner);
  }
  delete exported;
}

// A capsule that nobody took still owns the struct. A taken one has another name.
template <class T>
void release_capsule(PyObject* capsule) {
  if (PyCapsule_IsValid(capsule, kName<T>) == 0) return;
  auto* managed = static_cast<T*>(PyCapsule_GetPointer(capsule, kName<T>));
  managed->deleter(managed);
}

template <class T>
py::object make_capsule(const ArrayRef& view, const py::object& owner, std::uint64_t flags) {
  auto exported = std::make_unique<Export<T>>();
  const auto item = static_cast<std::int64_t>(size_bytes(view.dtype));
  for (int i = 0; i < view.rank; ++i) {
    exported->shape[i] = view.shape[i];
    exported->strides[i] = view.strides[i] / item;
  }
  exported->managed.context = exported.get();
  exported->managed.deleter = &release<T>;
  exported->managed.tensor = {
      .data = view.data,
      .device = view.device == kHost ? dlpack::Device{dlpack::kCpu, 0} : dlpack::Device{dlpack::kCuda, view.device},
      .ndim = view.rank,
      .dtype = dlpack::data_type(view.dtype),
      .shape = exported->shape.data(),
      .strides = exported->strides.data(),
      .byte_offset = 0};
  if constexpr (std::is_same_v<T, ManagedVersioned>) {
    exported->managed.major = dlpack::kMajor;
    exported->managed.minor = dlpack::kMinor;
    exported->managed.flags = flags;
  }
  PyObject* capsule = PyCapsule_New(&exported->managed, kName<T>, &release_capsule<T>);
  if (capsule == nullptr) throw py::error_already_set();
  exported->owner = py::object(owner).release().ptr();
  (void)exported.release();  // the capsule owns it now
  return py::reinterpret_steal<py::object>(capsule);
}

py::object to_dlpack(const py::object& array, bool versioned, bool copied) {
  const py::array& given = require_array(array, "to_dlpack");
  const std::uint64_t flags = (given.writeable() ? 0 : dlpack::kReadOnly) | (copied ? dlpack::kIsCopied : 0);
  const std::optional<ArrayRef> view = view_array(given, "to_dlpack");
  if (!view) fail(ErrorCode::kArgument, "to_dlpack: the array is not aligned to its elements");
  return versioned ? make_capsule<ManagedVersioned>(*view, given, flags) : make_capsule<Managed>(*view, given, flags);
}

}  // namespace

py::object export_device_array(const ArrayRef& array, const py::object& owner, bool versioned, bool copied) {
  const std::uint64_t flags = copied ? dlpack::kIsCopied : 0;
  return versioned ? make_capsule<ManagedVersioned>(array, owner, flags) : make_capsule<Managed>(array, owner, flags);
}

dlpack::DataType dlpack::data_type(DType dtype) {
  const DTypeInfo& facts = info(dtype);
  const auto bits = static_cast<std::uint8_t>(8 * facts.size_bytes);
  switch (facts.kind) {
    case DTypeKind::kBool:
      return {kBool, bits, 1};
    case DTypeKind::kSigned:
      return {kInt, bits, 1};
    case DTypeKind::kUnsigned:
      return {kUInt, bits, 1};
    case DTypeKind::kComplex:
      return {kComplex, bits, 1};
    case DTypeKind::kFloat:
      break;
  }
  return {dtype == DType::kBF16 ? kBFloat : kFloat, bits, 1};
}

void register_dlpack_export(py::module_& m) {
  m.def("to_dlpack", &to_dlpack, py::arg("array"), py::arg("versioned"), py::arg("copied"),
        "A DLPack capsule over the array's memory, which it keeps alive.");
}

}  // namespace ingot::python
