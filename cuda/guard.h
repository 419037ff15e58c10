// What a kernel is given beside its operands: where it reports, and whether it may write. Plain data, by value.
#pragma once

#include <cstdint>

#include "device/api.h"

namespace ingot::cuda {

struct Guard {
  DeviceFault* fault;
  std::int64_t order, step;
  std::int32_t guarded;
};

}  // namespace ingot::cuda
