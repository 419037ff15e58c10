// Kernels that do one thing as fast as the device can: nothing, multiply and add, copy what lies in its cache.
#include "cuda/limits.h"

#include "cuda/kernels/device.h"
#include "cuda/kernels/piece.h"

namespace ingot::cuda {
namespace {

constexpr int kBlocksPerProcessor = 8;  // of 256 threads: all that a processor holds

unsigned wide_grid(int num_processors) {
  return static_cast<unsigned>(num_processors * kBlocksPerProcessor);
}

// Grid: one thread.
__global__ void do_nothing() {}

// Grid: wide. Bound by arithmetic: sums in registers, as many as hide how long one takes.
__global__ void multiply_and_add(float* sink, std::int64_t rounds, float factor, float addend) {
  float sums[kProductsPerRound];
  for (int i = 0; i < kProductsPerRound; ++i) sums[i] = static_cast<float>(i);
  INGOT_UNROLL_4
  for (std::int64_t round = 0; round < rounds; ++round) {
    INGOT_UNROLL
    for (float& sum : sums) sum = device::fma(sum, factor, addend);
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  if (total == -1) *sink = total;  // never: all of them are positive
}

// Grid: wide. Bound by the cache that all processors share.
__global__ void copy_often(Piece<float>* to, const Piece<float>* from, std::int64_t count, std::int64_t turns) {
  const std::int64_t shift = count / 8 + 1;
  std::int64_t first = 0;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    INGOT_UNROLL_4
    for (std::int64_t i = thread_index(); i < count; i += num_threads()) {
      const std::int64_t at = i + first < count ? i + first : i + first - count;
      to[at] = from[at];
    }
    first += shift;
    if (first >= count) first -= count;
  }
}

}  // namespace

cudaError_t enqueue_nothing(cudaStream_t stream) {
  return launch(do_nothing, 1, 1, 0, stream);
}

std::int64_t wide_threads(int num_processors) {
  return std::int64_t{wide_grid(num_processors)} * kBlockThreads;
}

cudaError_t enqueue_products(char* sink, int num_processors, std::int64_t rounds, cudaStream_t stream) {
  return launch(multiply_and_add, wide_grid(num_processors), kBlockThreads, 0, stream, reinterpret_cast<float*>(sink),
                rounds, 0.5f, 0.25f);
}

cudaError_t enqueue_copies(char* to, const char* from, std::int64_t num_bytes, int num_processors, std::int64_t turns,
                           cudaStream_t stream) {
  return launch(copy_often, wide_grid(num_processors), kBlockThreads, 0, stream, reinterpret_cast<Piece<float>*>(to),
                reinterpret_cast<const Piece<float>*>(from), num_bytes / 16, turns);
}

}  // namespace ingot::cuda
