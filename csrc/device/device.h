// Devices and what belongs to them, as C++ objects: each owns one thing of the plugin's and keeps its device open.
// Failures are thrown: LimitError where a device has not enough memory, else DeviceError.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "device/api.h"

namespace ingot {

// Thread rule: any thread.
class Device {
 public:
  // The one open device of this index, opened where it is not.
  static std::shared_ptr<const Device> open(std::int32_t index);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const DeviceApi& api() const { return api_; }
  DeviceContext* context() const { return context_; }
  const DeviceProperties& properties() const { return properties_; }
  std::int32_t index() const { return properties_.index; }
  std::string name() const;  // "cuda:0"

  // Throws what the plugin says unless the status is kDeviceDone: "run: device cuda:0: ...".
  void require(DeviceStatus status, std::string_view what) const;

  // At once: the data is there, or read, when they return.
  void upload(char* to, const void* from, std::int64_t num_bytes) const;
  void download(void* to, const char* from, std::int64_t num_bytes) const;
  void copy(char* to, const char* from, std::int64_t num_bytes) const;
  void clear(char* to, std::int64_t num_bytes) const;

 private:
  explicit Device(std::int32_t index);
  template <class Enqueue>
  void at_once(Enqueue enqueue) const;

  const DeviceApi& api_;
  DeviceContext* context_ = nullptr;
  DeviceProperties properties_ = {};
  mutable std::mutex transfers_;
  mutable DeviceStream* stream_ = nullptr;  // of transfers; guarded by transfers_
};

// "cpu": none. "cuda" is cuda:0. Throws DeviceError for any other text.
std::optional<std::int32_t> parse_device(std::string_view text);

template <class Thing, void (*DeviceApi::*kRelease)(Thing*)>
struct ReleaseOnDevice {
  std::shared_ptr<const Device> device;
  void operator()(Thing* thing) const { (device->api().*kRelease)(thing); }
};
template <class Thing, void (*DeviceApi::*kRelease)(Thing*)>
using OnDevice = std::unique_ptr<Thing, ReleaseOnDevice<Thing, kRelease>>;

using OwnedStep = OnDevice<DeviceStep, &DeviceApi::release_step>;
using OwnedStream = OnDevice<DeviceStream, &DeviceApi::close_stream>;
using OwnedGraph = OnDevice<DeviceGraph, &DeviceApi::release_graph>;
using OwnedEvent = OnDevice<DeviceEvent, &DeviceApi::release_event>;

OwnedStream open_stream(const std::shared_ptr<const Device>& device);
OwnedEvent make_event(const std::shared_ptr<const Device>& device);

// A block of the device's memory, or of the host's that the device reads at full speed. Not initialised.
class DeviceMemory {
 public:
  enum class Where : bool { kDevice, kHost };

  DeviceMemory() = default;
  DeviceMemory(std::shared_ptr<const Device> device, std::int64_t num_bytes, Where where = Where::kDevice);
  char* data() const { return where_ == Where::kHost ? pinned_.get() : data_.get(); }
  std::int64_t size_bytes() const { return size_bytes_; }

 private:
  template <void (*DeviceApi::*kRelease)(DeviceContext*, char*)>
  struct Release {
    std::shared_ptr<const Device> device;
    void operator()(char* data) const { (device->api().*kRelease)(device->context(), data); }
  };
  std::unique_ptr<char, Release<&DeviceApi::release>> data_;
  std::unique_ptr<char, Release<&DeviceApi::release_host>> pinned_;
  std::int64_t size_bytes_ = 0;
  Where where_ = Where::kDevice;
};

// What addresses inside a block of device memory are multiples of.
inline constexpr std::int64_t kDeviceAlignment = 256;

}  // namespace ingot
