// The first instructions of a group, where each is simple arithmetic on the result of the one before and an input: run
// on blocks that stay in registers from the first load to the last store.
#pragma once

#include <cstdint>

#include "execute/kernel.h"

namespace ingot::INGOT_LEVEL {

// x = x op y, or y op x where the op is `reversed`.
struct ChainStep {
  std::int32_t op;  // ChainOp
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

}  // namespace ingot::INGOT_LEVEL
