// Chains: eight rows of two vectors at a time, so that one decision what to do next serves sixteen vectors.
#include "kernels/group_chain.h"

#include "kernels/simd.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr int kRows = kSmallCode ? 1 : 8;
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

template <int kR, int kV, bool kTail, class Op>
INGOT_INLINE void apply(Block<kR, kV>& x, const char* y, std::int64_t row_bytes, std::int64_t lanes, Op op) {
  if (row_bytes == 0) {
    F32 row[kV];
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) row[v] = load_lanes<kTail>(y + v * kVectorBytes, lanes);
#pragma GCC unroll 8
    for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
      for (int v = 0; v < kV; ++v) x[i][v] = op(x[i][v], row[v]);
    }
    return;
  }
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) x[i][v] = op(x[i][v], load_lanes<kTail>(y + i * row_bytes + v * kVectorBytes, lanes));
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
      case kChainSubtract * 2:
        run([](F32 a, F32 b) { return a - b; });
        break;
      default:
        run([](F32 a, F32 b) { return b - a; });
    }
  }
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
  for (; i + kRows <= rows; i += kRows) run_rows<kRows>(chain, i, columns);
  for (; i < rows; ++i) run_rows<1>(chain, i, columns);
}

}  // namespace ingot::INGOT_LEVEL
