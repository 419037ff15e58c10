// random_bits: the words of Philox blocks in order. A thread computes one block, 16 bytes; bound by arithmetic.
#include "cuda/kernels/device.h"
#include "kernels/element.h"
#include "kernels/philox.h"

namespace ingot::cuda {
namespace {

// Grid: one thread per four elements. state: the key and, `step` further on, the counter.
__global__ void write_blocks(std::uint32_t* out, std::int64_t n, const std::int64_t* state, std::int64_t step,
                             bool aligned, Guard guard) {
  if (stopped(guard)) return;
  const auto key = static_cast<std::uint64_t>(state[0]), counter = static_cast<std::uint64_t>(state[step]);
  for (std::int64_t i = thread_index(); i * 4 < n; i += num_threads()) {
    const device::PhiloxBlock block = device::philox(counter + static_cast<std::uint64_t>(i), key);
    if (aligned && i * 4 + 4 <= n) {
      reinterpret_cast<uint4*>(out)[i] = make_uint4(block.words[0], block.words[1], block.words[2], block.words[3]);
    } else {
      for (int j = 0; j < 4 && i * 4 + j < n; ++j) out[i * 4 + j] = block.words[j];
    }
  }
}

cudaError_t enqueue_random_bits(const Enqueue& enqueue) {
  const TensorArg &state = enqueue.call.inputs[0], &out = enqueue.call.outputs[0];
  const std::int64_t n = num_elements(out);
  if (n == 0) return cudaSuccess;
  const bool aligned = reinterpret_cast<std::uintptr_t>(out.data) % sizeof(uint4) == 0;
  return launch(write_blocks, grid_for((n + 3) / 4), kBlockThreads, 0, enqueue.stream,
                reinterpret_cast<std::uint32_t*>(out.data), n, reinterpret_cast<const std::int64_t*>(state.data),
                state.strides[0], aligned, enqueue.guard);
}

constexpr DeviceKernel kKernels[] = {{"random_bits", device::kI64Type, enqueue_random_bits, nullptr}};

}  // namespace

extern const DeviceKernelFamily kRandomKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
