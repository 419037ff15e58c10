// What a program keeps on its device: every param and constant that a plan reads, uploaded once. Part of program.
// Thread rule: any thread.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "device/device.h"
#include "execute/bind.h"

namespace ingot {

// Where the data of one plan lies, by the index that slots give; null for what it does not read.
struct DeviceAddresses {
  std::vector<char*> params, constants;
};

class DeviceData {
 public:
  explicit DeviceData(std::shared_ptr<const Device> device) : device_(std::move(device)) {}

  // Uploads what is not there yet. Throws LimitError where the device has not enough memory.
  DeviceAddresses place(const Module& module, const CompiledPlan& compiled);

 private:
  using HostData = std::pair<const std::byte*, std::size_t>;  // where it lies in the host, and its size

  void upload(const std::vector<TensorData>& missing);

  std::shared_ptr<const Device> device_;
  std::mutex mutex_;
  std::map<HostData, char*> known_;
  std::vector<DeviceMemory> blocks_;
};

}  // namespace ingot
