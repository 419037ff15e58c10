// The first instructions of a group, where each is simple arithmetic on the result of the one before and an input: run
// on blocks that stay in registers from the first load to the last store.
#pragma once

#include <cstdint>

#include "execute/kernel.h"

namespace ingot::INGOT_LEVEL {

// maximum and minimum of x and a number that makes them simple; kChainReplaceNegative: maximum(x, +0).
enum : std::int32_t { kChainRaise = kChainMinimum + 1, kChainLower, kChainReplaceNegative };

// x = x op y, or y op x where the op is `reversed`.
struct ChainStep {
  std::int32_t op;  // ChainOp, or one of the above
  std::int32_t reversed;
  std::int32_t input;        // register that y is
  std::int32_t per_element;  // 0: y is one element for all, at least four vectors of it lie at data
  const char* data;          // of the rectangle's first row and column
  std::int64_t row_bytes;    // 0: one row for all
};

// float32: x begins as what lies at `from`; the last x goes to `to`, which may be where x or a y comes from.
struct Chain {
  const char* from;
  std::int64_t from_row_bytes;
  char* to;
  std::int64_t to_row_bytes;
  const ChainStep* steps;
  std::int32_t num_steps;
};

inline constexpr std::int32_t kLongestChain = 16;

void run_chain(const Chain& chain, std::int64_t rows, std::int64_t columns);

// A chain that can be moved to any place of its space, whose rows lie at even distances.
struct MovingChain {
  Chain chain;
  ChainStep steps[kLongestChain];
  const char* begins[kLongestChain];  // of the operands at row 0, column 0
  char* to;

  // Requires: `chain.steps` is `steps`. from: x of the first element of that place.
  const Chain& place(std::int64_t row, std::int64_t column, const float* from, std::int64_t from_row) {
    const std::int64_t byte = column * static_cast<std::int64_t>(sizeof(float));
    for (std::int32_t i = 0; i < chain.num_steps; ++i) {
      steps[i].data = begins[i] + row * steps[i].row_bytes + (steps[i].per_element != 0 ? byte : 0);
    }
    chain.from = reinterpret_cast<const char*>(from);
    chain.from_row_bytes = from_row * static_cast<std::int64_t>(sizeof(float));
    chain.to = to + row * chain.to_row_bytes + byte;
    return chain;
  }
};

}  // namespace ingot::INGOT_LEVEL
