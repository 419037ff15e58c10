#include "cuda/library.h"

#include <cstdlib>
#include <vector>

namespace ingot::cuda {
namespace {

// The folder of this very library, with the slash.
std::string own_folder() {
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&own_folder), &info) == 0 || info.dli_fname == nullptr) return {};
  const std::string path = info.dli_fname;
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

std::vector<std::string> paths(const LibraryPlaces& places) {
  const char* const chosen = std::getenv(places.variable);
  if (chosen != nullptr && *chosen != '\0') return {chosen};
  std::vector<std::string> all;
  for (const char* const file : places.files) {
    all.emplace_back(file);
    all.push_back(std::string("/usr/local/cuda/lib64/") + file);
    for (const char* const package : places.packages) all.push_back(own_folder() + "../../nvidia/" + package + file);
  }
  return all;
}

}  // namespace

void* open_library(const LibraryPlaces& places, std::string* why) {
  std::string problem;
  for (const std::string& path : paths(places)) {
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) return library;
    if (problem.empty()) problem = dlerror();
  }
  *why = std::string(places.name) + " was not found (" + problem + ")";
  return nullptr;
}

}  // namespace ingot::cuda
