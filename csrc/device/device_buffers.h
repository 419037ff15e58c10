// Where the data of a run on a device lies.
#pragma once

#include <cstdint>
#include <span>

#include "execute/executor.h"

namespace ingot {

// Bytes that go from the host before the steps, or to it behind them. Host memory is of DeviceMemory::Where::kHost.
struct DeviceTransfer {
  char* device;
  char* host;
  std::int64_t num_bytes;
  friend bool operator==(const DeviceTransfer&, const DeviceTransfer&) = default;
};

// All addresses but those of transfers' hosts are the device's.
struct DeviceRunBuffers {
  RunBuffers slots;  // scratch is not used
  char* workspace = nullptr;
  std::span<const DeviceTransfer> uploads, downloads;
};

}  // namespace ingot
