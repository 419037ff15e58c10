// Teams of 16 threads, as many as docs/numerics.md rule 4 has lanes, 16 teams to a block of threads; and the rule's
// trees of their values: adjacent pairs, level by level.
#pragma once

#include "cuda/kernels/device.h"
#include "kernels/reduce_ops.h"

namespace ingot::cuda {

inline constexpr int kTeam = device::kReduceLanes;
inline constexpr int kTeams = kBlockThreads / kTeam;
static_assert(kTeams == kTeam, "one team combines the results of all");

__device__ inline int lane_of_team() {
  return static_cast<int>(threadIdx.x) % kTeam;
}
__device__ inline int team() {
  return static_cast<int>(threadIdx.x) / kTeam;
}

// What the thread has whose number differs in these bits. All threads of a warp must come.
template <class T>
__device__ __forceinline__ T from_neighbor(T value, int bits) {
  if constexpr (sizeof(T) < 4) {
    return static_cast<T>(__shfl_xor_sync(0xffffffffu, static_cast<int>(value), bits));
  } else if constexpr (sizeof(T) == 8 && !device::kIsFloat<T>) {
    return static_cast<T>(__shfl_xor_sync(0xffffffffu, static_cast<long long>(value), bits));
  } else {
    return __shfl_xor_sync(0xffffffffu, value, bits);
  }
}

// The team's values as one, in all its threads. All threads of a warp must come.
template <class T, class Combine>
__device__ __forceinline__ T combine_team(T value, Combine combine) {
  for (int bits = 1; bits < kTeam; bits *= 2) value = combine(value, from_neighbor(value, bits));
  return value;
}

// The values of `teams` adjacent teams (a power of two) as one, in all their threads; each team's is in all of its own.
// All threads of the block must come.
template <class T, class Combine>
__device__ __forceinline__ T combine_teams(T value, int teams, Combine combine) {
  __shared__ T values[kTeams];
  __syncthreads();  // an earlier call's have been read
  if (lane_of_team() == 0) values[team()] = value;
  __syncthreads();
  value = values[team() / teams * teams + lane_of_team() % teams];
  INGOT_ROLLED
  for (int bits = 1; bits < teams; bits *= 2) value = combine(value, from_neighbor(value, bits));
  return value;
}

// Adjacent pairs level by level while values arrive: a binary counter. Bit i of the count says that level i holds 2^i
// of them as one. What is left at the end is combined from the lowest level up.
template <class T>
struct PairTree {
  T levels[device::kTreeLevels];
  std::int64_t count = 0;

  template <class Combine>
  __device__ void push(T value, Combine combine) {
    int level = 0;
    INGOT_ROLLED
    for (; (count >> level & 1) != 0; ++level) value = combine(levels[level], value);
    levels[level] = value;
    ++count;
  }

  template <class Combine>
  __device__ T finish(T identity, Combine combine) const {
    INGOT_ROLLED
    for (int level = 0; count >> level != 0; ++level) {
      if ((count >> level & 1) != 0) identity = combine(levels[level], identity);
    }
    return identity;
  }
};

}  // namespace ingot::cuda
