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

// x op y, where y is one row for all, or (kElements) an element for each.
template <int kR, int kV, bool kTail, bool kElements, class Op>
INGOT_INLINE void apply(Block<kR, kV>& x, const char* y, std::int64_t row_bytes, std::int64_t lanes, Op op) {
  F32 row[kV];
#pragma GCC unroll 4
  for (int v = 0; v < kV && !kElements; ++v) row[v] = load_lanes<kTail>(y + v * kVectorBytes, lanes);
#pragma GCC unroll 16
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) {
      if constexpr (kElements) row[v] = load_lanes<kTail>(y + i * row_bytes + v * kVectorBytes, lanes);
      x[i][v] = op(x[i][v], row[v]);
    }
  }
}

// The ops that runs_on_tiles names; false: another one.
template <int kR, int kV, bool kTail>
INGOT_INLINE bool run_simple(const ChainStep& step, Block<kR, kV>& x, const char* y, std::int64_t lanes) {
  const auto add = [](F32 a, F32 b) { return a + b; };
  if (step.row_bytes != 0) {
    if (step.op != kChainAdd) return false;
    apply<kR, kV, kTail, true>(x, y, step.row_bytes, lanes, add);
    return true;
  }
  const auto run = [&](auto f) {
    apply<kR, kV, kTail, false>(x, y, 0, lanes, f);
    return true;
  };
  switch (step.op) {
    case kChainAdd:
      return run(add);
    case kChainMultiply:
      return run([](F32 a, F32 b) { return a * b; });
    case kChainRaise:
      return run([](F32 a, F32 b) { return larger_or_second(b, a); });
    case kChainLower:
      return run([](F32 a, F32 b) { return smaller_or_second(b, a); });
    case kChainReplaceNegative:
      return run([](F32 a, F32 b) { return larger_or_second(b, a) + b; });  // -0 + 0 = +0
    default:
      return false;
  }
}

// With an element for each, or the same row for all at a distance of 0.
template <int kR, int kV, bool kTail>
INGOT_INLINE void run_other(const ChainStep& step, Block<kR, kV>& x, const char* y, std::int64_t lanes) {
  const auto run = [&](auto f) { apply<kR, kV, kTail, true>(x, y, step.row_bytes, lanes, f); };
  if (step.op == kChainMultiply) {
    run([](F32 a, F32 b) { return a * b; });
  } else if (step.op == kChainMaximum) {
    run([](F32 a, F32 b) { return maximum(a, b); });
  } else if (step.op == kChainMinimum) {
    run([](F32 a, F32 b) { return minimum(a, b); });
  } else if (step.reversed == 0) {
    run([](F32 a, F32 b) { return a - b; });
  } else {
    run([](F32 a, F32 b) { return b - a; });
  }
}

// All steps of the chain on a block whose first element is `byte` of row `row`. kSimple: runs_on_tiles holds.
template <int kR, int kV, bool kTail, bool kSimple>
INGOT_INLINE void run_steps(const Chain& chain, Block<kR, kV>& x, std::int64_t row, std::int64_t byte,
                            std::int64_t lanes) {
  for (std::int32_t s = 0; s < chain.num_steps; ++s) {
    const ChainStep& step = chain.steps[s];
    const char* const y = step.data + row * step.row_bytes + (step.per_element != 0 ? byte : 0);
    const bool done = run_simple<kR, kV, kTail>(step, x, y, lanes);
    if constexpr (!kSimple) {
      if (!done) run_other<kR, kV, kTail>(step, x, y, lanes);
    }
  }
}

}  // namespace ingot::INGOT_LEVEL
