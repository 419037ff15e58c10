// NumPy arrays as the core sees them: borrowed memory with a dtype, a shape and strides, or owned bytes.
#include <array>
#include <cstring>

#include "bindings/convert.h"

namespace ingot::python {

namespace {

// NumPy's numbers of its own types (numpy/ndarraytypes.h); they are part of its stable ABI.
enum NumpyType : int {
  kNumpyBool = 0,
  kNumpyInt8 = 1,
  kNumpyComplex64 = 14,
  kNumpyComplex128 = 15,
  kNumpyFloat32 = 11,
  kNumpyFloat64 = 12,
  kNumpyFloat16 = 23,
  kNumpyFirstUser = 256,
};

constexpr std::size_t kNumDTypes = static_cast<std::size_t>(DType::kC128) + 1;
std::array<PyObject*, kNumDTypes> dtypes{};  // kept for the life of the process

py::object bfloat16_dtype() {
  try {
    return py::dtype::from_args(py::module_::import("ml_dtypes").attr("bfloat16"));
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_ImportError)) throw;
    fail(ErrorCode::kDType, "bfloat16: NumPy has it only with the package ml_dtypes, which is not installed");
  }
}

const py::detail::PyArrayDescr_Proxy* descr_of(const py::array& array) {
  return py::detail::array_descriptor_proxy(py::detail::array_proxy(array.ptr())->descr);
}

std::optional<DType> integer_dtype(char kind, py::ssize_t size) {
  constexpr std::array<DType, 4> kSigned = {DType::kI8, DType::kI16, DType::kI32, DType::kI64};
  constexpr std::array<DType, 4> kUnsigned = {DType::kU8, DType::kU16, DType::kU32, DType::kU64};
  for (std::size_t i = 0; i < 4; ++i) {
    if (size == py::ssize_t{1} << i) return kind == 'i' ? kSigned[i] : kUnsigned[i];
  }
  return std::nullopt;
}

std::optional<DType> match_dtype(const py::array& array) {
  const py::detail::PyArrayDescr_Proxy* descr = descr_of(array);
  switch (descr->type_num) {
    case kNumpyBool:
      return DType::kBool;
    case kNumpyFloat16:
      return DType::kF16;
    case kNumpyFloat32:
      return DType::kF32;
    case kNumpyFloat64:
      return DType::kF64;
    case kNumpyComplex64:
      return DType::kC64;
    case kNumpyComplex128:
      return DType::kC128;
    default:
      break;
  }
  if (descr->type_num >= kNumpyFirstUser) {
    const bool is_bfloat16 = py::str(array.dtype().attr("name")).cast<std::string>() == "bfloat16";
    return is_bfloat16 && array.itemsize() == 2 ? std::optional<DType>(DType::kBF16) : std::nullopt;
  }
  // C has several integer types of one size: what counts is kind and size.
  if (descr->type_num >= kNumpyInt8 && descr->type_num < kNumpyFloat32) {
    return integer_dtype(descr->kind, array.itemsize());
  }
  return std::nullopt;
}

// One array over `data`; a null base makes NumPy allocate.
py::array make_array(const TensorType& type, void* data, py::object base) {
  std::array<Py_intptr_t, kMaxRank> shape{};
  INGOT_CHECK(type.shape.size() <= shape.size());
  for (std::size_t i = 0; i < type.shape.size(); ++i) shape[i] = type.shape[i].constant();
  auto& api = py::detail::npy_api::get();
  py::dtype dtype = numpy_dtype(type.dtype);
  auto result = py::reinterpret_steal<py::object>(api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype.release().ptr(),
                                                                            static_cast<int>(type.shape.size()),
                                                                            shape.data(), nullptr, data, 0, nullptr));
  if (!result) throw py::error_already_set();
  if (base && api.PyArray_SetBaseObject_(result.ptr(), base.release().ptr()) != 0) throw py::error_already_set();
  return py::reinterpret_steal<py::array>(result.release());
}

}  // namespace

py::dtype numpy_dtype(DType dtype) {
  PyObject*& cached = dtypes[static_cast<std::size_t>(dtype)];
  if (cached == nullptr) {
    const std::string python_name(info(dtype).python_name);
    py::object made = dtype == DType::kBF16 ? bfloat16_dtype() : py::object(py::dtype(python_name));
    cached = made.release().ptr();
  }
  return py::reinterpret_borrow<py::dtype>(cached);
}

DType array_dtype(const py::array& array, std::string_view what) {
  const std::optional<DType> dtype = match_dtype(array);
  if (!dtype) {
    fail(ErrorCode::kDType,
         concat(what, ": arrays of ", py::str(array.dtype()).cast<std::string>(), " are not supported"));
  }
  const char order = descr_of(array)->byteorder;
  const char foreign = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '>' : '<';
  if (order == foreign) {
    fail(ErrorCode::kDType, concat(what, ": got an array of ", py::str(array.dtype()).cast<std::string>(),
                                   ", expected native byte order"));
  }
  return *dtype;
}

const py::array& require_array(const py::handle& object, std::string_view what) {
  if (!object || !py::array::check_(object)) {
    fail(ErrorCode::kArgument, concat(what, ": got ", type_name(object), ", expected a numpy array"));
  }
  return reinterpret_cast<const py::array&>(object);
}

std::optional<ArrayRef> view_array(const py::array& array, std::string_view what) {
  const py::detail::PyArray_Proxy* proxy = py::detail::array_proxy(array.ptr());
  if (proxy->nd > kMaxRank) {
    fail(ErrorCode::kShape, concat(what, ": got an array of rank ", proxy->nd, ", expected at most ", kMaxRank));
  }
  ArrayRef ref{.data = proxy->data, .dtype = array_dtype(array, what), .rank = proxy->nd};
  const auto item = static_cast<std::int64_t>(size_bytes(ref.dtype));
  bool empty = false;
  for (int i = 0; i < ref.rank; ++i) empty = empty || proxy->dimensions[i] == 0;
  bool usable = empty || reinterpret_cast<std::uintptr_t>(ref.data) % static_cast<std::uintptr_t>(item) == 0;
  std::int64_t contiguous = item;
  for (int i = ref.rank - 1; i >= 0; --i) {
    ref.shape[i] = proxy->dimensions[i];
    // The stride of an axis that is never stepped along may be anything: give the contiguous one.
    const bool stepped = !empty && ref.shape[i] > 1;
    ref.strides[i] = stepped ? proxy->strides[i] : contiguous;
    usable = usable && ref.strides[i] % item == 0;
    contiguous *= empty ? 1 : ref.shape[i];
  }
  if (!usable) return std::nullopt;
  return ref;
}

std::pair<TensorType, std::vector<std::byte>> read_array(py::handle object, std::string_view what) {
  const py::array& given = require_array(object, what);
  TensorType type{array_dtype(given, what), {}};
  if (given.ndim() > kMaxRank) {
    fail(ErrorCode::kShape, concat(what, ": got an array of rank ", given.ndim(), ", expected at most ", kMaxRank));
  }
  for (py::ssize_t i = 0; i < given.ndim(); ++i) type.shape.emplace_back(std::int64_t{given.shape(i)});
  const int kRowMajor = 0;  // NPY_CORDER
  auto copy = py::reinterpret_steal<py::array>(py::detail::npy_api::get().PyArray_NewCopy_(given.ptr(), kRowMajor));
  if (!copy) throw py::error_already_set();
  const auto* first = static_cast<const std::byte*>(copy.data());
  std::vector<std::byte> bytes(first, first + copy.nbytes());
  if (type.dtype == DType::kBool) {
    for (std::byte& byte : bytes) byte = byte == std::byte{0} ? std::byte{0} : std::byte{1};
  }
  return {std::move(type), std::move(bytes)};
}

py::array new_array(const TensorType& type) {
  return make_array(type, nullptr, {});
}

py::array view_bytes(const TensorType& type, const std::byte* data, std::shared_ptr<const void> owner) {
  if (data == nullptr) return copy_bytes(type, {});  // no elements
  using Owner = std::shared_ptr<const void>;
  py::capsule base(new Owner(std::move(owner)), [](void* pointer) { delete static_cast<Owner*>(pointer); });
  // NewFromDescr leaves the array read-only unless it is told that the memory is writeable.
  return make_array(type, const_cast<std::byte*>(data), std::move(base));
}

py::array copy_bytes(const TensorType& type, const std::vector<std::byte>& bytes) {
  py::array result = new_array(type);
  if (bytes.size() != static_cast<std::size_t>(result.nbytes())) {
    INGOT_CHECK(bytes.empty());
    std::memset(result.mutable_data(), 0, static_cast<std::size_t>(result.nbytes()));
  } else if (!bytes.empty()) {
    std::memcpy(result.mutable_data(), bytes.data(), bytes.size());
  }
  return result;
}

}  // namespace ingot::python
