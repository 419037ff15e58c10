#include "device/plugin.h"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "base/error.h"

namespace ingot {

namespace {

constexpr const char* kFileName = "libingot_cuda.so";
constexpr const char* kPathVariable = "INGOT_CUDA_PLUGIN";
constexpr const char* kCacheVariable = "INGOT_CACHE_BYTES";
constexpr std::int64_t kCacheBytes = std::int64_t{256} << 20;
// From the folder of what asks: the core in a package, libingot.so beside the plugin, ingot-run of an installation.
constexpr const char* kPlaces[] = {"", "lib/", "../lib/",
#ifdef INGOT_PACKAGE_FOLDER  // ingot-run of a wheel
                                   INGOT_PACKAGE_FOLDER "lib/"
#endif
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

// Where the plugin keeps compiled groups. "" where the system names no folder.
std::string cache_folder() {
  if (std::string folder = variable("INGOT_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = variable("XDG_CACHE_HOME"); !folder.empty()) return folder + "/ingot";
  const std::string home = variable("HOME");
  return home.empty() ? home : home + "/.cache/ingot";
}

std::int64_t cache_bytes() {
  const std::string text = variable(kCacheVariable);
  if (text.empty()) return kCacheBytes;
  std::int64_t bytes = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error == std::errc() && end == text.data() + text.size() && bytes >= 0) return bytes;
  fail(ErrorCode::kArgument,
       concat("device cuda: ", kCacheVariable, ": got '", text.substr(0, 40), "', expected a number of bytes"));
}

// The folder of the file that this code was loaded from, with its slash.
std::string own_folder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&device_plugin), &info) == 0 || info.dli_fname == nullptr) return {};
  std::string path = info.dli_fname;
  std::array<char, 4096> target;  // an executable may be named as it was called
  const ssize_t length =
      path.find('/') == std::string::npos ? ::readlink("/proc/self/exe", target.data(), target.size()) : -1;
  if (length > 0) path.assign(target.data(), static_cast<std::size_t>(length));
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

std::string plugin_path() {
  if (std::string given = variable(kPathVariable); !given.empty()) return given;
  const std::string folder = own_folder();
  for (const char* place : kPlaces) {
    std::string path = concat(folder, place, kFileName);
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  fail(ErrorCode::kDevice,
       concat("device cuda: no plugin: no ", kFileName, " in ", folder, ", its lib or ", folder,
              "../lib: expected a package built where nvcc is, or the file's path in ", kPathVariable));
}

// The loader's messages may have several lines.
std::string loader_error() {
  const char* const given = dlerror();
  std::string text = given == nullptr ? "unknown error" : given;
  for (char& c : text)
    if (c == '\n') c = ' ';
  return text;
}

void open(DeviceApi& api) {
  static std::string cache;  // borrowed by the plugin
  cache = cache_folder();
  const std::string path = plugin_path();
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    fail(ErrorCode::kDevice, concat("device cuda: the plugin cannot be opened: ", loader_error()));
  const auto open_plugin = reinterpret_cast<DeviceOpen>(dlsym(library, kDeviceOpenName));
  const HostApi host = {.size_bytes = sizeof(HostApi),
                        .version = kDeviceApiVersion,
                        .build = INGOT_VERSION,
                        .cache_folder = cache.c_str(),
                        .cache_bytes = cache_bytes()};
  api = {};
  const bool opened = open_plugin != nullptr && open_plugin(&host, &api) == kDeviceDone;
  if (opened && api.size_bytes == sizeof(DeviceApi) && api.version == kDeviceApiVersion &&
      std::string_view(api.build) == INGOT_VERSION)
    return;
  const std::string got = api.build == nullptr ? "another one" : concat(api.build, " with interface ", api.version);
  dlclose(library);
  fail(ErrorCode::kDevice, concat("device cuda: ", path, " is not of this build: got ", got, ", expected ",
                                  INGOT_VERSION, " with interface ", kDeviceApiVersion));
}

std::string describe(const DeviceApi& api, std::int32_t index) {
  DeviceProperties properties = {};
  if (api.describe(index, &properties) != kDeviceDone) return concat(api.name, ":", index, " ", api.message());
  char facts[64];
  std::snprintf(facts, sizeof(facts), ", %.1f GiB, sm_%d%d", static_cast<double>(properties.memory_bytes) / (1 << 30),
                properties.major, properties.minor);
  return concat(api.name, ":", index, " ", properties.name, facts);
}

}  // namespace

// One that finds no device is not kept: the next call opens it again, or another, if the variable names one by then.
const DeviceApi& device_plugin() {
  static std::mutex mutex;
  static DeviceApi kept;
  static bool is_kept = false;
  thread_local DeviceApi opened;
  const std::lock_guard<std::mutex> lock(mutex);
  if (is_kept) return kept;
  open(opened);
  std::int32_t count = 0;
  if (opened.count(&count) != kDeviceDone) return opened;
  kept = opened;
  is_kept = true;
  return kept;
}

std::string device_summary() {
  try {
    const DeviceApi& api = device_plugin();
    std::int32_t count = 0;
    if (api.count(&count) != kDeviceDone) return concat("none: ", api.message());
    std::string text;
    for (std::int32_t i = 0; i < count; ++i) text += (i == 0 ? "" : "; ") + describe(api, i);
    return text;
  } catch (const Error& error) {
    return "none: " + error.message();
  }
}

}  // namespace ingot
