// Libraries of NVIDIA's that are part of no build: opened when they are first asked for, by functions that are declared
// here by hand. A machine without one only lacks what it is for. tests/cuda_on_host puts its own in their places.
#pragma once

#include <dlfcn.h>

#include <span>
#include <string>

namespace ingot::cuda {

struct LibraryPlaces {
  const char* name;                    // for people
  const char* variable;                // of the environment: the path of the only file that is tried, where it is set
  std::span<const char* const> files;  // else these, best first: where the loader finds them, where toolkits lie,
  std::span<const char* const> packages;  // in NVIDIA's packages for Python beside this one: their folders, with slash
};

// A handle of the loader's, which stays open to the end; null, with `why`, where there is no such file.
void* open_library(const LibraryPlaces& places, std::string* why);

template <class Function>
bool find_function(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace ingot::cuda
