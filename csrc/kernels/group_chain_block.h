// The steps of a chain on a block of vectors in registers, for group_chain.cpp and the micro-kernels.
#pragma once

#include <cstdint>

#include "kernels/group_chain.h"
#include "kernels/simd.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {

// The first `lanes` elements, all of them unless kTail.
template <bool kTail>
INGOT_INLINE F32 load_lanes(const char* from, std::int64_t lanes) {
  const auto* const x = reinterpret_cast<const float*>(from);
  if constexpr (kTail) return load_first<F32>(x, lanes);
  return load<F32>(x);
}

template <bool kTail>
INGOT_INLINE void store_lanes(char* to, F32 v, std::int64_t lanes) {
  auto* const x = reinterpret_cast<float*>(to);
  if constexpr (kTail) return store_first(x, v, lanes);
  store(x, v);
}

template <int kR, int kV>
using Block = F32[kR][kV];

template <int kR, int kV, bool kTail, class Op>
INGOT_INLINE void apply(Block<kR, kV>& x, const char* y, std::int64_t row_bytes, std::int64_t lanes, Op op) {
  if (row_bytes == 0) {
    F32 row[kV];
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) row[v] = load_lanes<kTail>(y + v * kVectorBytes, lanes);
#pragma GCC unroll 16
    for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) x[i][v] = op(x[i][v], row[v]);
    }
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) x[i][v] = op(x[i][v], load_lanes<kTail>(y + i * row_bytes + v * kVectorBytes, lanes));
  }
}

// All steps of the chain on a block whose first element is `byte` of row `row`.
template <int kR, int kV, bool kTail>
INGOT_INLINE void run_steps(const Chain& chain, Block<kR, kV>& x, std::int64_t row, std::int64_t byte,
                            std::int64_t lanes) {
  for (std::int32_t s = 0; s < chain.num_steps; ++s) {
    const ChainStep& step = chain.steps[s];
    const char* const y = step.data + row * step.row_bytes + (step.per_element != 0 ? byte : 0);
    const auto run = [&](auto op) { apply<kR, kV, kTail>(x, y, step.row_bytes, lanes, op); };
    switch (step.op * 2 + step.reversed) {
      case kChainAdd * 2:
      case kChainAdd * 2 + 1:
        run([](F32 a, F32 b) { return a + b; });
        break;
      case kChainMultiply * 2:
      case kChainMultiply * 2 + 1:
        run([](F32 a, F32 b) { return a * b; });
        break;
      case kChainMaximum * 2:
      case kChainMaximum * 2 + 1:
        run([](F32 a, F32 b) { return maximum(a, b); });
        break;
      case kChainMinimum * 2:
      case kChainMinimum * 2 + 1:
        run([](F32 a, F32 b) { return minimum(a, b); });
        break;
      case kChainRaise * 2:
      case kChainRaise * 2 + 1:
        run([](F32 a, F32 b) { return larger_or_second(b, a); });
        break;
      case kChainLower * 2:
      case kChainLower * 2 + 1:
        run([](F32 a, F32 b) { return smaller_or_second(b, a); });
        break;
      case kChainReplaceNegative * 2:
      case kChainReplaceNegative * 2 + 1:
        run([](F32 a, F32 b) { return larger_or_second(b, a) + b; });  // -0 + 0 = +0
        break;
      case kChainSubtract * 2:
        run([](F32 a, F32 b) { return a - b; });
        break;
      default:
        run([](F32 a, F32 b) { return b - a; });
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
