// The caller's structs checked and turned into the core's, and exceptions into statuses.
#include <cstring>
#include <iterator>
#include <new>

#include "base/checked.h"
#include "base/error.h"
#include "capi/handles.h"

namespace ingot::capi {

namespace {

// By the numbers that ingot.h has fixed.
constexpr DType kDTypes[] = {DType::kBool, DType::kI8,  DType::kI16, DType::kI32, DType::kI64,
                             DType::kU8,   DType::kU16, DType::kU32, DType::kU64, DType::kF16,
                             DType::kBF16, DType::kF32, DType::kF64, DType::kC64, DType::kC128};
static_assert(kDTypes[INGOT_F32] == DType::kF32 && kDTypes[INGOT_C128] == DType::kC128);

// A fixed buffer: reporting "out of memory" must not need any.
constexpr std::size_t kMessageBytes = 4096;
thread_local char last_message[kMessageBytes] = "";

void remember(const char* message) noexcept {
  std::size_t length = std::strlen(message);
  if (length >= kMessageBytes) {
    length = kMessageBytes - 1;
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xc0) == 0x80) --length;  // whole characters
  }
  std::memcpy(last_message, message, length);
  last_message[length] = '\0';
  for (std::size_t i = 0; i < length; ++i) {
    if (last_message[i] == '\n' || last_message[i] == '\r') last_message[i] = ' ';
  }
}

ingot_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kShape:
      return INGOT_SHAPE;
    case ErrorCode::kDType:
      return INGOT_DTYPE;
    case ErrorCode::kArgument:
      return INGOT_ARGUMENT;
    case ErrorCode::kRecord:
      return INGOT_RECORD;
    case ErrorCode::kFile:
      return INGOT_FILE;
    case ErrorCode::kRange:
      return INGOT_RANGE;
    case ErrorCode::kAbort:
      return INGOT_ABORT;
    case ErrorCode::kLimit:
      return INGOT_LIMIT;
    case ErrorCode::kState:
      return INGOT_STATE;
    case ErrorCode::kDevice:
      return INGOT_DEVICE;
    case ErrorCode::kInternal:
      return INGOT_INTERNAL;
  }
  return INGOT_INTERNAL;
}

std::string label(const char* what, std::size_t index) {
  return concat(what, " ", index);
}

// Row-major strides in bytes; returns the bytes of all elements. Strides of an empty tensor mean nothing.
std::int64_t set_contiguous(ArrayRef& array, const char* what, std::size_t index) {
  const auto item = static_cast<std::int64_t>(size_bytes(array.dtype));
  bool empty = false;
  for (int i = 0; i < array.rank; ++i) empty = empty || array.shape[i] == 0;
  std::int64_t bytes = item;
  for (int i = array.rank - 1; i >= 0; --i) {
    array.strides[i] = bytes;
    const std::optional<std::int64_t> next = checked_mul(bytes, empty ? 1 : array.shape[i]);
    if (!next) fail(ErrorCode::kShape, label(what, index) + ": its size in bytes overflows");
    bytes = *next;
  }
  return empty ? 0 : bytes;
}

void set_strides(ArrayRef& array, const ingot_tensor& tensor, const char* what, std::size_t index) {
  const auto item = static_cast<std::int64_t>(size_bytes(array.dtype));
  for (int i = 0; i < array.rank; ++i) {
    if (array.shape[i] <= 1) continue;  // never stepped along: the contiguous stride will do
    if (tensor.strides[i] % item != 0) {
      fail(ErrorCode::kArgument, concat(label(what, index), ": got stride ", tensor.strides[i],
                                        ", expected a multiple of the element size ", item));
    }
    array.strides[i] = tensor.strides[i];
  }
}

}  // namespace

ingot_status report_exception() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    remember(error.what());
    return status_of(error.code());
  } catch (const std::bad_alloc&) {
    remember("out of memory");
    return INGOT_MEMORY;
  } catch (const std::exception& error) {
    remember(error.what());
    return INGOT_INTERNAL;
  } catch (...) {
    remember("an exception of unknown type");
    return INGOT_INTERNAL;
  }
}

void require(const void* pointer, const char* function, const char* argument) {
  if (pointer == nullptr) fail(ErrorCode::kArgument, concat(function, ": ", argument, " is null"));
}

void read_struct(void* ours, std::size_t our_size, std::size_t first_version_size, const void* theirs,
                 const char* name) {
  std::size_t their_size = 0;
  std::memcpy(&their_size, theirs, sizeof(their_size));
  // The upper limit keeps a struct whose size was never set from being read as a huge one.
  if (their_size < first_version_size || their_size > 4096) {
    fail(ErrorCode::kArgument,
         concat(name, ": got size ", their_size, ", expected ", our_size, ": start from its INIT macro"));
  }
  const auto* bytes = static_cast<const unsigned char*>(theirs);
  for (std::size_t i = our_size; i < their_size; ++i) {
    if (bytes[i] != 0) fail(ErrorCode::kArgument, concat(name, ": it has a field that this version does not know"));
  }
  std::memset(ours, 0, our_size);
  std::memcpy(ours, theirs, their_size < our_size ? their_size : our_size);
}

ArrayRef to_array(const ingot_tensor& tensor, const char* what, std::size_t index, bool needs_data) {
  ArrayRef array;
  array.dtype = to_dtype(tensor.dtype, what, index);
  if (tensor.rank < 0 || tensor.rank > kMaxRank) {
    fail(ErrorCode::kShape, concat(label(what, index), ": got rank ", tensor.rank, ", expected 0 to ", INGOT_MAX_RANK));
  }
  array.rank = tensor.rank;
  if (tensor.rank > 0 && tensor.shape == nullptr) fail(ErrorCode::kArgument, label(what, index) + ": shape is null");
  for (int i = 0; i < array.rank; ++i) {
    array.shape[i] = tensor.shape[i];
    if (array.shape[i] < 0) fail(ErrorCode::kShape, concat(label(what, index), ": got size ", array.shape[i]));
  }
  const std::int64_t bytes = set_contiguous(array, what, index);
  if (tensor.strides != nullptr && bytes > 0) set_strides(array, tensor, what, index);
  if (tensor.strides == nullptr && tensor.size_bytes != 0 && tensor.size_bytes < static_cast<std::size_t>(bytes)) {
    fail(ErrorCode::kArgument,
         concat(label(what, index), ": got a buffer of ", tensor.size_bytes, " bytes, expected at least ", bytes));
  }
  array.data = tensor.data;
  if (needs_data && bytes > 0) {
    if (tensor.data == nullptr) fail(ErrorCode::kArgument, label(what, index) + ": data is null");
    if (reinterpret_cast<std::uintptr_t>(tensor.data) % size_bytes(array.dtype) != 0) {
      fail(ErrorCode::kArgument, label(what, index) + ": data is not aligned to its elements");
    }
  }
  return array;
}

DimValues to_dims(const ingot_dim* dims, std::size_t num_dims, const char* function) {
  DimValues values;
  if (num_dims > 0) require(dims, function, "dims");
  for (std::size_t i = 0; i < num_dims; ++i) {
    require(dims[i].name, function, "the name of a dim");
    values[dims[i].name] = dims[i].value;
  }
  return values;
}

DType to_dtype(ingot_dtype dtype, const char* what, std::size_t index) {
  if (dtype < 0 || static_cast<std::size_t>(dtype) >= std::size(kDTypes)) {
    fail(ErrorCode::kDType, concat(label(what, index), ": ", dtype, " is no dtype"));
  }
  return kDTypes[dtype];
}

ingot_dtype from_dtype(DType dtype) {
  for (std::size_t i = 0; i < std::size(kDTypes); ++i) {
    if (kDTypes[i] == dtype) return static_cast<ingot_dtype>(i);
  }
  INGOT_CHECK(false);
  return -1;
}

}  // namespace ingot::capi

extern "C" {

const char* ingot_last_error(void) {
  return ingot::capi::last_message;
}

const char* ingot_version(void) {
  return INGOT_VERSION;
}

const char* ingot_status_name(ingot_status status) {
  if (status == INGOT_OK) return "ok";
  if (status == INGOT_MEMORY) return "MemoryError";
  for (const ingot::ErrorInfo& info : ingot::error_table()) {
    if (ingot::capi::status_of(info.code) == status) return info.name.data();  // literals: NUL-terminated
  }
  return "unknown";
}

const char* ingot_dtype_name(ingot_dtype dtype) {
  if (dtype < 0 || static_cast<std::size_t>(dtype) >= std::size(ingot::capi::kDTypes)) return nullptr;
  return ingot::name(ingot::capi::kDTypes[dtype]).data();
}

size_t ingot_dtype_size(ingot_dtype dtype) {
  if (dtype < 0 || static_cast<std::size_t>(dtype) >= std::size(ingot::capi::kDTypes)) return 0;
  return ingot::size_bytes(ingot::capi::kDTypes[dtype]);
}

}  // extern "C"
