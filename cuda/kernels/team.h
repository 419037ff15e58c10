// Teams of 16 threads, as many as docs/numerics.md rule 4 has lanes: 16 teams to a block of threads. Each combines
// values as adjacent pairs, level by level.
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

// The teams' values (each in all threads of the team) as one, in all threads of the block, which must all come.
template <class T, class Combine>
__device__ T combine_block(T value, Combine combine) {
  __shared__ T values[kTeams];
  __syncthreads();  // an earlier call's values have been read
  if (lane_of_team() == 0) values[team()] = value;
  __syncthreads();
  return combine_team(values[lane_of_team()], combine);
}

}  // namespace ingot::cuda
