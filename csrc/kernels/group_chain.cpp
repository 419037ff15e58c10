// Chains: eight rows of two vectors at a time, so that one decision what to do next serves sixteen vectors.
#include "kernels/group_chain.h"

#include "kernels/group_chain_block.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr int kRows = kSmallCode ? 1 : 8;
constexpr int kVectors = kSmallCode ? 1 : 2;

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
  run_steps<kR, kV, kTail, false>(chain, x, row, byte, lanes);
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
