// The DLPack ABI (dmlc/dlpack, version 1), declared by hand: plain C structs that libraries exchange in capsules.
#pragma once

#include <cstdint>

#include "base/dtype.h"

namespace ingot::python::dlpack {

inline constexpr std::uint32_t kMajor = 1, kMinor = 1;
inline constexpr std::int32_t kCpu = 1, kCuda = 2;
inline constexpr std::uint64_t kReadOnly = 1, kIsCopied = 2;

enum TypeCode : std::uint8_t { kInt = 0, kUInt = 1, kFloat = 2, kBFloat = 4, kComplex = 5, kBool = 6 };

struct Device {
  std::int32_t type;
  std::int32_t id;
};

struct DataType {
  std::uint8_t code;
  std::uint8_t bits;
  std::uint16_t lanes;
};

struct Tensor {
  void* data;
  Device device;
  std::int32_t ndim;
  DataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};

// In a capsule "dltensor"; once taken, "used_dltensor".
struct Managed {
  Tensor tensor;
  void* context;
  void (*deleter)(Managed* self);
};

// In a capsule "dltensor_versioned"; once taken, "used_dltensor_versioned".
struct ManagedVersioned {
  std::uint32_t major;
  std::uint32_t minor;
  void* context;
  void (*deleter)(ManagedVersioned* self);
  std::uint64_t flags;
  Tensor tensor;
};

DataType data_type(DType dtype);

}  // namespace ingot::python::dlpack
