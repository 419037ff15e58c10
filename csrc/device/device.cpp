#include "device/device.h"

#include <charconv>
#include <map>
#include <utility>

#include "base/error.h"
#include "device/plugin.h"

namespace ingot {

namespace {

constexpr std::string_view kKind = "cuda";

std::string free_text(const Device& device) {
  std::int64_t free_bytes = 0;
  if (device.api().free_bytes(device.context(), &free_bytes) != kDeviceDone) return {};
  return concat(", of which ", free_bytes, " are free");
}

}  // namespace

std::shared_ptr<const Device> Device::open(std::int32_t index) {
  static std::mutex mutex;
  static std::map<std::int32_t, std::weak_ptr<const Device>> known;
  const std::lock_guard<std::mutex> lock(mutex);
  std::weak_ptr<const Device>& entry = known[index];
  std::shared_ptr<const Device> device = entry.lock();
  if (device == nullptr) entry = device = std::shared_ptr<const Device>(new Device(index));
  return device;
}

Device::Device(std::int32_t index) : api_(device_plugin()) {
  properties_.index = index;
  std::int32_t count = 0;
  require(api_.count(&count), "compile");
  if (index >= count)
    fail(ErrorCode::kDevice, concat("compile: no such device: got ", name(), ", expected less than ", count));
  require(api_.describe(index, &properties_), "compile");
  require(api_.open(index, &context_), "compile");
}

Device::~Device() {
  if (stream_ != nullptr) api_.close_stream(stream_);
  if (context_ != nullptr) api_.close(context_);
}

std::string Device::name() const {
  return concat(api_.name, ":", properties_.index);
}

void Device::require(DeviceStatus status, std::string_view what) const {
  if (status == kDeviceDone) return;
  const ErrorCode code = status == kDeviceOutOfMemory ? ErrorCode::kLimit : ErrorCode::kDevice;
  fail(code, concat(what, ": device ", name(), ": ", api_.message()));
}

template <class Enqueue>
void Device::at_once(Enqueue enqueue) const {
  const std::lock_guard<std::mutex> lock(transfers_);
  if (stream_ == nullptr) require(api_.open_stream(context_, &stream_), "transfer");
  require(enqueue(stream_), "transfer");
  require(api_.synchronize(stream_), "transfer");
}

void Device::upload(char* to, const void* from, std::int64_t num_bytes) const {
  if (num_bytes > 0) at_once([&](DeviceStream* stream) { return api_.upload(stream, to, from, num_bytes); });
}

void Device::download(void* to, const char* from, std::int64_t num_bytes) const {
  if (num_bytes > 0) at_once([&](DeviceStream* stream) { return api_.download(stream, to, from, num_bytes); });
}

void Device::copy(char* to, const char* from, std::int64_t num_bytes) const {
  if (num_bytes > 0) at_once([&](DeviceStream* stream) { return api_.copy(stream, to, from, num_bytes); });
}

void Device::clear(char* to, std::int64_t num_bytes) const {
  if (num_bytes > 0) at_once([&](DeviceStream* stream) { return api_.clear(stream, to, num_bytes); });
}

std::optional<std::int32_t> parse_device(std::string_view text) {
  if (text.empty() || text == "cpu") return std::nullopt;
  if (text == kKind) return 0;
  std::int32_t index = -1;
  const bool has_index = text.starts_with(kKind) && text.size() > kKind.size() + 1 && text[kKind.size()] == ':';
  const char* const begin = text.data() + kKind.size() + 1;
  const char* const end = text.data() + text.size();
  if (has_index && std::from_chars(begin, end, index).ptr == end && index >= 0) return index;
  fail(ErrorCode::kDevice, concat("compile: no such device: got '", text, "', expected cpu, cuda or cuda:N"));
}

OwnedStream open_stream(const std::shared_ptr<const Device>& device) {
  DeviceStream* stream = nullptr;
  device->require(device->api().open_stream(device->context(), &stream), "run");
  return {stream, {device}};
}

OwnedEvent make_event(const std::shared_ptr<const Device>& device) {
  DeviceEvent* event = nullptr;
  device->require(device->api().make_event(device->context(), &event), "profile");
  return {event, {device}};
}

DeviceMemory::DeviceMemory(std::shared_ptr<const Device> device, std::int64_t num_bytes, Where where)
    : size_bytes_(num_bytes), where_(where) {
  if (num_bytes == 0) return;
  const DeviceApi& api = device->api();
  char* data = nullptr;
  const DeviceStatus status = where == Where::kHost ? api.allocate_host(device->context(), num_bytes, &data)
                                                    : api.allocate(device->context(), num_bytes, &data);
  if (status == kDeviceOutOfMemory)
    fail(ErrorCode::kLimit,
         concat("memory: ", where == Where::kHost ? "the host of " : "", "device ", device->name(), " does not give ",
                num_bytes, " bytes: it has ", device->properties().memory_bytes, free_text(*device)));
  device->require(status, "memory");
  if (where == Where::kHost) {
    pinned_ = {data, {std::move(device)}};
  } else {
    data_ = {data, {std::move(device)}};
  }
}

}  // namespace ingot
