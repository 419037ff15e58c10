// The plugin on the device that is the CPU, called as the core calls it.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "device/api.h"

extern "C" ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host, ingot::DeviceApi* api);

namespace ingot::testing {

inline const DeviceApi& plugin() {
  static const DeviceApi api = [] {
    const HostApi host = {.size_bytes = sizeof(HostApi),
                          .version = kDeviceApiVersion,
                          .build = INGOT_VERSION,
                          .cache_folder = "",
                          .cache_bytes = std::int64_t{1} << 28};
    DeviceApi made = {};
    REQUIRE(ingot_cuda_open(&host, &made) == kDeviceDone);
    return made;
  }();
  return api;
}

// One device with one stream, and what a test takes from them.
class OpenDevice {
 public:
  explicit OpenDevice(std::int32_t index = 0) {
    REQUIRE(api.open(index, &context) == kDeviceDone);
    REQUIRE(api.open_stream(context, &stream) == kDeviceDone);
  }
  ~OpenDevice() {
    for (char* address : blocks_) api.release(context, address);
    api.close_stream(stream);
    api.close(context);
  }
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;

  char* allocate(std::int64_t num_bytes) {
    char* address = nullptr;
    REQUIRE(api.allocate(context, num_bytes, &address) == kDeviceDone);
    blocks_.push_back(address);
    return address;
  }

  std::int64_t number_at(const char* address) {
    std::int64_t result = 0;
    CHECK(api.download(stream, &result, address, sizeof(result)) == kDeviceDone);
    CHECK(api.synchronize(stream) == kDeviceDone);
    return result;
  }

  const DeviceApi& api = plugin();
  DeviceContext* context = nullptr;
  DeviceStream* stream = nullptr;

 private:
  std::vector<char*> blocks_;
};

}  // namespace ingot::testing
