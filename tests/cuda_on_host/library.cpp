// The double of cuda/library.cpp: only what an environment variable names is opened, because what a machine has of
// NVIDIA's libraries knows nothing of the emulated device.
#include "cuda/library.h"

#include <cstdlib>

namespace ingot::cuda {

void* open_library(const LibraryPlaces& places, std::string* why) {
  const char* const path = std::getenv(places.variable);
  void* const library = path == nullptr || *path == '\0' ? nullptr : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const std::string problem =
      path == nullptr || *path == '\0' ? std::string(places.variable) + " is not set" : dlerror();
  *why = std::string(places.name) + " was not found (" + problem + ")";
  return nullptr;
}

}  // namespace ingot::cuda
