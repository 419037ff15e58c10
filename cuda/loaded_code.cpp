#include "cuda/loaded_code.h"

#include "cuda/launch.h"
#include "cuda/nvrtc.h"

namespace ingot::cuda {

struct LoadedCode {
  cudaLibrary_t library;
  cudaKernel_t kernel;
};

cudaError_t load_code(const std::string& code, LoadedCode** loaded) {
  cudaLibrary_t library = nullptr;
  cudaError_t result = cudaLibraryLoadData(&library, code.data(), nullptr, nullptr, 0, nullptr, nullptr, 0);
  if (result != cudaSuccess) return result;
  cudaKernel_t kernel = nullptr;
  result = cudaLibraryGetKernel(&kernel, library, kSourceKernel);
  // Asking for it brings the code to the device now: at the first launch it could break into a capture.
  cudaFuncAttributes attributes = {};
  if (result == cudaSuccess) result = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(kernel));
  if (result != cudaSuccess) {
    cudaLibraryUnload(library);
    return result;
  }
  *loaded = new LoadedCode{library, kernel};
  return cudaSuccess;
}

void unload_code(LoadedCode* loaded) {
  if (loaded == nullptr) return;
  cudaLibraryUnload(loaded->library);
  delete loaded;
}

std::int64_t allow_shared_memory(LoadedCode& loaded) {
  const void* const kernel = reinterpret_cast<const void*>(loaded.kernel);
  int device = 0, most = 0;
  cudaFuncAttributes attributes = {};
  if (cudaGetDevice(&device) != cudaSuccess || cudaFuncGetAttributes(&attributes, kernel) != cudaSuccess ||
      cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device) != cudaSuccess)
    return 0;
  const int bytes = most - static_cast<int>(attributes.sharedSizeBytes);
  const cudaError_t result = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  return result == cudaSuccess ? bytes : 0;
}

cudaError_t launch_code(const LoadedCode& loaded, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                        void* arguments) {
  const cudaLaunchConfig_t config = launch_config(grid, block, shared_bytes, stream);
  void* parameters[] = {arguments};
  return cudaLaunchKernelExC(&config, reinterpret_cast<const void*>(loaded.kernel), parameters);
}

}  // namespace ingot::cuda
