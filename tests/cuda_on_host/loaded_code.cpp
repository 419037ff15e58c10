// The double of cuda/loaded_code.cpp: what nvrtc.cpp of this folder compiled is a shared library.
#include "cuda/loaded_code.h"

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "cuda/launch.h"
#include "emulator.h"

namespace ingot::cuda {

struct LoadedCode {
  void* library;
  void (*thread)(const void* arguments);
  std::size_t argument_bytes;
};

namespace {

// dlopen wants a path, and takes a path that it knows for the library that it has.
void* open_library(const std::string& code) {
  std::string path = (std::filesystem::temp_directory_path() / "ingot-group-XXXXXX").string();
  const int file = mkstemp(path.data());
  if (file < 0) return nullptr;
  void* library = nullptr;
  if (write(file, code.data(), code.size()) == static_cast<ssize_t>(code.size())) {
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  close(file);
  unlink(path.c_str());
  return library;
}

template <class Function>
Function find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

}  // namespace

cudaError_t load_code(const std::string& code, LoadedCode** loaded) {
  void* library = open_library(code);
  if (library == nullptr) return cudaErrorInvalidKernelImage;
  const auto bytes = find<unsigned long (*)()>(library, "ingot_group_bytes");
  const auto thread = find<void (*)(const void*)>(library, "ingot_group_thread");
  if (bytes == nullptr || thread == nullptr) {
    dlclose(library);
    return cudaErrorInvalidKernelImage;
  }
  *loaded = new LoadedCode{library, thread, bytes()};
  return cudaSuccess;
}

void unload_code(LoadedCode* loaded) {
  cudaDeviceSynchronize();  // it may run late
  dlclose(loaded->library);
  delete loaded;
}

std::int64_t allow_shared_memory(LoadedCode& loaded) {
  constexpr int kOwnBytes = 8 << 10;  // more than any kernel has
  int device = 0, most = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  cuda_on_host::set_kernel_attribute(reinterpret_cast<const void*>(loaded.thread),
                                     cudaFuncAttributeMaxDynamicSharedMemorySize, most - kOwnBytes);
  return most - kOwnBytes;
}

cudaError_t launch_code(const LoadedCode& loaded, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                        void* arguments) {
  const cudaLaunchConfig_t config = launch_config(grid, block, shared_bytes, stream);
  const auto* bytes = static_cast<const char*>(arguments);
  const std::vector<char> copy(bytes, bytes + loaded.argument_bytes);
  return cuda_on_host::enqueue_kernel(config, reinterpret_cast<const void*>(loaded.thread), loaded.argument_bytes,
                                      [thread = loaded.thread, copy] { thread(copy.data()); });
}

}  // namespace ingot::cuda
