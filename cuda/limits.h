// What the device does at best, timed: what kernels are judged by.
#pragma once

#include "cuda/context.h"

namespace ingot::cuda {

// On a stream of its own, with memory of its own, which is less than planned where the device has no more.
DeviceStatus measure_limits(DeviceContext* context, DeviceLimits* limits);

// kernels/limits.cu. `wide`: as many threads as the device keeps busy at once, each of which computes
// kProductsPerRound products and sums a round.
inline constexpr int kProductsPerRound = 16;
cudaError_t enqueue_nothing(cudaStream_t stream);
std::int64_t wide_threads(int num_processors);
cudaError_t enqueue_products(char* sink, int num_processors, std::int64_t rounds, cudaStream_t stream);
// Copies a block `turns` times, each time other parts of it with the same processor, so that no processor's own cache
// serves it. Requires whole pieces of 16 bytes.
cudaError_t enqueue_copies(char* to, const char* from, std::int64_t num_bytes, int num_processors, std::int64_t turns,
                           cudaStream_t stream);

}  // namespace ingot::cuda
