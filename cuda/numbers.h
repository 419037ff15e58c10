// Kernels of the plugin's own, of no step (kernels/numbers.cu).
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace ingot::cuda {

// Writes one number. The value is an argument, so a captured launch keeps it.
cudaError_t enqueue_number(char* to, std::int64_t value, cudaStream_t stream);

// Whether this build has code for the current device.
cudaError_t find_code();

}  // namespace ingot::cuda
