// What this level's vectors can do at best, for judging kernels by: multiply-adds on registers, reading memory. Timed
// by csrc/step_work.cpp; no result of a program comes from here.
#include "execute/kernel.h"
#include "kernels/families.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr int kChains = 12;  // enough to keep every unit of a processor busy, few enough for 16 registers

// What was computed goes to memory, so that no compiler leaves the work out.
INGOT_INLINE void keep(const F32* values, float* sink) {
  F32 sum = values[0];
#pragma GCC unroll 16
  for (int i = 1; i < kChains; ++i) sum += values[i];
  store<F32>(sink, sum);
}

std::int64_t multiply_add(std::int64_t rounds, float* sink) {
  F32 sums[kChains];
  const F32 factor = load<F32>(sink), term = factor * factor;
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sums[i] = term + static_cast<float>(i);  // unlike each other: no two are one
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16  // the sums lie in registers
    for (int i = 0; i < kChains; ++i) sums[i] = fma(sums[i], factor, term);
  }
  keep(sums, sink);
  return rounds * kChains * kLanes32 * 2;
}

void read(const char* data, std::int64_t num_bytes, float* sink) {
  const float* from = reinterpret_cast<const float*>(data);
  const std::int64_t num_vectors = num_bytes / kVectorBytes;
  F32 sums[kChains] = {};
  for (std::int64_t v = 0; v + kChains <= num_vectors; v += kChains) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) sums[i] += load<F32>(from + (v + i) * kLanes32);
  }
  keep(sums, sink);
}

}  // namespace

extern constinit const MachineLoops machine_loops = {multiply_add, read};

}  // namespace ingot::INGOT_LEVEL
