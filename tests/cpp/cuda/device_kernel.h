// One call of a kernel on the emulated device, by the plugin's own interface: operands go there as they lie in memory,
// results come back where the call says.
#pragma once

#include <string_view>

#include "base/dtype.h"
#include "device/api.h"

namespace ingot::kernel_test {

// As a level's kernel would run it, with call.error as what it reports. False where the device has no kernel. compiled:
// the call as far as it is known when the step is compiled; null: all of it.
bool run_on_device(std::string_view op, DType dtype, const KernelCall& call, const DeviceGroup* group = nullptr,
                   std::uint32_t freedoms = 0, const KernelCall* compiled = nullptr);

}  // namespace ingot::kernel_test
