// Opens the device plugin, libingot_cuda.so: when a device is first asked for; a process keeps one that finds a device.
#pragma once

#include <string>

#include "device/api.h"

namespace ingot {

// The plugin's functions. Looked for at $INGOT_CUDA_PLUGIN if that is set; else beside the file that holds this code,
// in lib/ below it and in ../lib. Throws DeviceError that says what is missing; a later call looks again. Thread rule:
// any thread.
const DeviceApi& device_plugin();

// What devices there are, for people: "cuda:0 NVIDIA H200, 139.8 GiB, sm_90", or why there are none. Opens none of
// them.
std::string device_summary();

}  // namespace ingot
