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

// The form that most chains have: ((x * scale + shift) + added), then raised, then lowered. What a chain does not have
// changes no bit: x * 1, x + -0, the larger or smaller of NaN and x, which is x.
struct ChainForm {
  const char *scale, *shift;        // a row for all ...
  std::int64_t scale_by, shift_by;  // ... which moves with the columns (1), or stays (0): the same element everywhere
  const char* added;                // of the first row and column; null: nothing
  std::int64_t added_row_bytes;
  const char *least, *most;  // a vector of one number
  bool replaces_negative;    // the least is +0, and +0 comes of -0 too
};

// false: the chain has another form. Data are those of its steps.
bool find_form(const Chain& chain, ChainForm& form);

// A chain that can be moved to any place of its space, whose rows lie at even distances.
struct MovingChain {
  Chain chain;                     // at row 0, column 0; `from` means nothing
  ChainStep steps[kLongestChain];  // what `chain.steps` is
  ChainForm form;
  bool has_form;
};

// x of some rows and columns: element (i, j) at data[i * row + j].
struct ChainTile {
  const float* data;
  std::int64_t row, rows, columns;
};

// Fetches what the chain will read and write at rows x columns of the place that begins at (row, column).
inline void fetch_chain_at(const MovingChain& moving, std::int64_t rows, std::int64_t columns, std::int64_t row,
                           std::int64_t column) {
  constexpr std::int64_t kSize = sizeof(float), kLine = 64;
  const auto fetch = [&](const char* data, std::int64_t row_bytes) {
    data += row * row_bytes + column * kSize;
    for (std::int64_t i = 0; i < rows; ++i, data += row_bytes) {
      for (std::int64_t byte = 0; byte < columns * kSize; byte += kLine) __builtin_prefetch(data + byte, 1);
    }
  };
  fetch(moving.chain.to, moving.chain.to_row_bytes);
  for (std::int32_t i = 0; i < moving.chain.num_steps; ++i) {
    const ChainStep& step = moving.steps[i];
    if (step.row_bytes != 0 && step.per_element != 0) fetch(step.data, step.row_bytes);
  }
}

// The chain on x of the place that begins at (row, column).
void run_chain_at(const MovingChain& chain, const ChainTile& x, std::int64_t row, std::int64_t column);

}  // namespace ingot::INGOT_LEVEL
