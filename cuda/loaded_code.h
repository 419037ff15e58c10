// Machine code of compile_source (nvrtc.h) as something that can be launched: by the runtime's libraries
// (loaded_code.cpp); tests/cuda_on_host has its own. The kernel is kSourceKernel.
// Thread rule: all functions may be called by any thread.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace ingot::cuda {

struct LoadedCode;

// For the current device. `code` may go when it returns.
cudaError_t load_code(const std::string& code, LoadedCode** loaded);
// Requires: no launch of it is still to run.
void unload_code(LoadedCode* loaded);

// Lets launches have as much shared memory as the device gives to a block; returns how much that is beside the kernel's
// own.
std::int64_t allow_shared_memory(LoadedCode& loaded);

// `arguments`: the kernel's Arguments, copied before it returns.
cudaError_t launch_code(const LoadedCode& loaded, dim3 grid, dim3 block, std::size_t shared_bytes, cudaStream_t stream,
                        void* arguments);

}  // namespace ingot::cuda
