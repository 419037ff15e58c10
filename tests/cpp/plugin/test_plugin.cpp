// The plugin that was built, opened as the core opens it, on a machine without a device: the devices that there may be
// are hidden from it.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "device/api.h"

using namespace ingot;

namespace {

DeviceOpen find_open() {
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  void* const library = dlopen(INGOT_CUDA_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  REQUIRE_MESSAGE(library != nullptr, dlerror());
  return reinterpret_cast<DeviceOpen>(dlsym(library, kDeviceOpenName));
}

HostApi this_host() {
  return {.size_bytes = sizeof(HostApi),
          .version = kDeviceApiVersion,
          .build = INGOT_VERSION,
          .cache_folder = "",
          .cache_bytes = 0};
}

DeviceApi opened() {
  const HostApi host = this_host();
  DeviceApi api = {};
  REQUIRE(find_open()(&host, &api) == kDeviceDone);
  return api;
}

bool contains(const char* text, const char* part) {
  return std::strstr(text, part) != nullptr;
}

}  // namespace

TEST_CASE("the plugin fills every function of the table") {
  const DeviceApi api = opened();
  CHECK(api.size_bytes == sizeof(DeviceApi));
  CHECK(api.version == kDeviceApiVersion);
  CHECK(std::string(api.build) == INGOT_VERSION);
  CHECK(std::string(api.name) == "cuda");
  constexpr std::size_t begin = offsetof(DeviceApi, message) / sizeof(void*), end = sizeof(DeviceApi) / sizeof(void*);
  void* words[end];
  std::memcpy(words, &api, sizeof(api));
  for (std::size_t i = begin; i < end; ++i) CHECK_MESSAGE(words[i] != nullptr, i);
}

TEST_CASE("without a device, all that asks for one says what is missing") {
  const DeviceApi api = opened();
  DeviceContext* context = nullptr;
  DeviceProperties properties = {};
  std::int32_t num_devices = -1;
  CHECK(api.count(&num_devices) == kDeviceMissing);
  const std::string message = api.message();
  CHECK(contains(message.c_str(), "no "));
  CHECK(contains(message.c_str(), "was found: expected "));
  CHECK(!contains(message.c_str(), "\n"));
  CHECK(api.describe(0, &properties) == kDeviceMissing);
  CHECK(api.open(0, &context) == kDeviceMissing);
  CHECK(api.message() == message);
  CHECK(context == nullptr);
}

TEST_CASE("messages are a thread's own") {
  const DeviceApi api = opened();
  std::int32_t num_devices = 0;
  CHECK(api.count(&num_devices) == kDeviceMissing);
  std::string other = "none";
  std::thread([&] { other = api.message(); }).join();
  CHECK(other.empty());
}

TEST_CASE("a host of another build is refused, and hears of whom") {
  const DeviceOpen open = find_open();
  HostApi wrong[] = {this_host(), this_host(), this_host()};
  wrong[0].version += 1;
  wrong[1].size_bytes += 8;
  wrong[2].build = "0.0.0";
  for (const HostApi& host : wrong) {
    DeviceApi api = {};
    CHECK(open(&host, &api) == kDeviceFailed);
    CHECK((api.open == nullptr));
    CHECK(std::string(api.build) == INGOT_VERSION);
    CHECK(contains(api.message(), "cuda: libingot_cuda.so was built for another ingot: got version "));
  }
}
