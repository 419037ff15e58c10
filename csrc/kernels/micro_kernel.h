// The micro-kernel of matmul and convolution: a register tile of rows x vectors, the loop over blocks of 256 inside.
// docs/numerics.md rule 3: a block is a left fold of fma from +0, in order of k; block sums are added in order.
#pragma once

#include <cstdint>

#include "kernels/wide.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kBlock = 256;  // of k; part of the numerics contract
inline constexpr std::int64_t kPanel = 16;   // outputs of a packed panel [k][16], at every level

// The largest register tile. 28 accumulators of 32 registers on AVX-512, 12 of 16 on AVX2, 24 of 32 on NEON; the
// generic level calls libm for every fma and keeps nothing in registers.
#if defined(__AVX512F__)
inline constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(__AVX2__)
inline constexpr int kTileRows = 6, kTileVectors = 2;
#elif defined(__ARM_NEON)
inline constexpr int kTileRows = 6, kTileVectors = 4;
#else
inline constexpr int kTileRows = 2, kTileVectors = 2;
#endif

template <class T>
inline constexpr int kTileColumns = kTileVectors * kLanes<Wide<T>>;

template <class T>
struct MicroCall {
  const T* a;  // element (i, k) at a[i * a_row + k + (k / piece) * gap]
  std::int64_t a_row;
  const T* b;  // vector v of step k at b + k * b_step + v * b_vector
  std::int64_t b_step, b_vector;
  T* c;  // element (i, j) at c[i * c_row + j]; whole vectors are written
  std::int64_t c_row;
  std::int64_t k;                              // >= 1
  bool add;                                    // c holds the total of earlier blocks; k starts at a multiple of kBlock
  std::int64_t piece = std::int64_t{1} << 62;  // steps of k that lie side by side in a row of A
  std::int64_t gap = 0;                        // elements between two pieces
  // What is fetched into the cache meanwhile, for every vector; null: the panels at hand, some steps ahead.
  const T* ahead = nullptr;
  std::int64_t ahead_step = 0;  // elements that it moves by in a step
  bool far_rows = false;        // A is not in this core's caches: it is fetched ahead too
};

template <class T>
using MicroKernel = void (*)(const MicroCall<T>& call);

// [vectors - 1][rows - 1]
extern const MicroKernel<float> micro_kernels_f32[kTileVectors][kTileRows];
extern const MicroKernel<double> micro_kernels_f64[kTileVectors][kTileRows];

inline MicroKernel<float> micro_kernel(const float*, int vectors, int rows) {
  return micro_kernels_f32[vectors - 1][rows - 1];
}
inline MicroKernel<double> micro_kernel(const double*, int vectors, int rows) {
  return micro_kernels_f64[vectors - 1][rows - 1];
}

}  // namespace ingot::INGOT_LEVEL
