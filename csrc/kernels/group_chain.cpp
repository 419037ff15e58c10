// Chains: seven rows of two vectors at a time, so that one decision what to do next serves fourteen vectors.
#include "kernels/group_chain.h"

#include "kernels/simd.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr int kRows = kSmallCode ? 1 : 7;  // the tiles of products: 14 are 7 + 7, 13 are 7 + 6, 12 are 6 + 6
constexpr int kVectors = kSmallCode ? 1 : 2;

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
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) {
      if constexpr (kElements) row[v] = load_lanes<kTail>(y + i * row_bytes + v * kVectorBytes, lanes);
      x[i][v] = op(x[i][v], row[v]);
    }
  }
}

// The ops that follow products most often; false: another one.
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

// All steps of the chain on a block whose first element is `byte` of row `row`.
template <int kR, int kV, bool kTail>
INGOT_INLINE void run_steps(const Chain& chain, Block<kR, kV>& x, std::int64_t row, std::int64_t byte,
                            std::int64_t lanes) {
  for (std::int32_t s = 0; s < chain.num_steps; ++s) {
    const ChainStep& step = chain.steps[s];
    const char* const y = step.data + row * step.row_bytes + (step.per_element != 0 ? byte : 0);
    if (!run_simple<kR, kV, kTail>(step, x, y, lanes)) run_other<kR, kV, kTail>(step, x, y, lanes);
  }
}

// kR rows and kV vectors from (row, byte) on; of the last vector only `lanes` elements if kTail.
template <int kR, int kV, bool kTail>
void run_block(const Chain& chain, std::int64_t row, std::int64_t byte, std::int64_t lanes) {
  Block<kR, kV> x;
  const char* const from = chain.from + row * chain.from_row_bytes + byte;
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) x[i][v] = load_lanes<kTail>(from + i * chain.from_row_bytes + v * kVectorBytes, lanes);
  }
  run_steps<kR, kV, kTail>(chain, x, row, byte, lanes);
  char* const to = chain.to + row * chain.to_row_bytes + byte;
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) store_lanes<kTail>(to + i * chain.to_row_bytes + v * kVectorBytes, x[i][v], lanes);
  }
}

template <int kR>
void run_rows(const Chain& chain, std::int64_t row, std::int64_t columns) {
  constexpr std::int64_t kWidth = kLanes<F32>;
  std::int64_t j = 0;
  for (; j + kVectors * kWidth <= columns; j += kVectors * kWidth) {
    run_block<kR, kVectors, false>(chain, row, j * static_cast<std::int64_t>(sizeof(float)), kWidth);
  }
  for (; j < columns; j += kWidth) {
    const std::int64_t lanes = columns - j < kWidth ? columns - j : kWidth;
    run_block<kR, 1, true>(chain, row, j * static_cast<std::int64_t>(sizeof(float)), lanes);
  }
}

}  // namespace

void run_chain(const Chain& chain, std::int64_t rows, std::int64_t columns) {
  std::int64_t i = 0;
  for (; i + kRows <= rows && rows - i != 2 * kRows - 2; i += kRows) run_rows<kRows>(chain, i, columns);
  if constexpr (kRows > 1) {
    for (; i + kRows - 1 <= rows; i += kRows - 1) run_rows<kRows - 1>(chain, i, columns);
  }
  for (; i < rows; ++i) run_rows<1>(chain, i, columns);
}

}  // namespace ingot::INGOT_LEVEL
