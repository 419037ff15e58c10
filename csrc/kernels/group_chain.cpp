// Chains of the commonest form, ((x * scale + shift) + added) held between two limits, in one loop; others in blocks
// of rows, so that one decision what to do next serves several vectors.
#include "kernels/group_chain.h"

#include "kernels/simd.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr int kVectors = kSmallCode ? 1 : 2;  // of a row at a time
constexpr int kRows = kSmallCode ? 1 : 4;     // of a block
constexpr std::int64_t kFormRows = 14;        // at a time: what they read for all rows stays in registers
constexpr std::int64_t kWidth = kLanes<F32>;

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

// A vector of what changes no bit.
struct Neutral {
  float one[kWidth], minus_zero[kWidth], nan[kWidth];
};
constexpr Neutral make_neutral() {
  Neutral neutral{};
  for (int i = 0; i < kWidth; ++i) {
    neutral.one[i] = 1, neutral.minus_zero[i] = -0.0f, neutral.nan[i] = __builtin_nanf("");
  }
  return neutral;
}
alignas(64) constexpr Neutral kNeutral = make_neutral();

const char* bytes_of(const float (&numbers)[kWidth]) {
  return reinterpret_cast<const char*>(numbers);
}

float first_number(const char* data) {
  return *reinterpret_cast<const float*>(data);
}

// Where x, the result and what is added lie, and how many rows of them.
struct FormRows {
  const char* from;
  std::int64_t from_row;
  char* to;
  std::int64_t to_row;
  const char* added;  // null: nothing
  std::int64_t added_row, rows;
};

template <int kV, bool kTail, bool kAdded, bool kZeros>
INGOT_INLINE void run_rows(FormRows at, const F32 (&scale)[kV], const F32 (&shift)[kV], F32 least, F32 most,
                           std::int64_t lanes) {
  for (; at.rows > 0; --at.rows, at.from += at.from_row, at.to += at.to_row) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) {
      F32 x = load_lanes<kTail>(at.from + v * kVectorBytes, lanes) * scale[v] + shift[v];
      if constexpr (kAdded) x = x + load_lanes<kTail>(at.added + v * kVectorBytes, lanes);
      x = larger_or_second(least, x);
      if constexpr (kZeros) x = x + F32{};  // -0 + 0 = +0
      store_lanes<kTail>(at.to + v * kVectorBytes, smaller_or_second(most, x), lanes);
    }
    if constexpr (kAdded) at.added += at.added_row;
  }
}

// kV vectors of every row, from column byte `byte` of the form's operands on.
template <int kV, bool kTail>
INGOT_INLINE void run_form(const ChainForm& form, const FormRows& at, std::int64_t byte, std::int64_t lanes) {
  F32 scale[kV], shift[kV];
  const F32 least = load_lanes<false>(form.least, 0), most = load_lanes<false>(form.most, 0);
  bool zeros = false;  // -0 comes out of x + shift only where both are
#pragma GCC unroll 4
  for (int v = 0; v < kV; ++v) {
    scale[v] = load_lanes<kTail>(form.scale + form.scale_by * (byte + v * kVectorBytes), lanes);
    shift[v] = load_lanes<kTail>(form.shift + form.shift_by * (byte + v * kVectorBytes), lanes);
    zeros = zeros || any(to_bits(shift[v]) == to_bits(load_lanes<false>(bytes_of(kNeutral.minus_zero), 0)));
  }
  zeros = zeros && form.replaces_negative;
  if (at.added == nullptr && zeros) {
    run_rows<kV, kTail, false, true>(at, scale, shift, least, most, lanes);
  } else if (at.added == nullptr) {
    run_rows<kV, kTail, false, false>(at, scale, shift, least, most, lanes);
  } else if (zeros) {
    run_rows<kV, kTail, true, true>(at, scale, shift, least, most, lanes);
  } else {
    run_rows<kV, kTail, true, false>(at, scale, shift, least, most, lanes);
  }
}

template <int kR, int kV>
using Block = F32[kR][kV];

template <int kR, int kV, bool kTail, class Op>
INGOT_INLINE void apply(Block<kR, kV>& x, const char* y, std::int64_t row_bytes, std::int64_t lanes, Op op) {
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) {
      x[i][v] = op(x[i][v], load_lanes<kTail>(y + i * row_bytes + v * kVectorBytes, lanes));
    }
  }
}

// With an element for each, or the same row for all at a distance of 0.
template <int kR, int kV, bool kTail>
INGOT_INLINE void run_step(const ChainStep& step, Block<kR, kV>& x, const char* y, std::int64_t lanes) {
  const auto run = [&](auto f) { apply<kR, kV, kTail>(x, y, step.row_bytes, lanes, f); };
  switch (step.op) {
    case kChainAdd:
      return run([](F32 a, F32 b) { return a + b; });
    case kChainMultiply:
      return run([](F32 a, F32 b) { return a * b; });
    case kChainRaise:
      return run([](F32 a, F32 b) { return larger_or_second(b, a); });
    case kChainLower:
      return run([](F32 a, F32 b) { return smaller_or_second(b, a); });
    case kChainReplaceNegative:
      return run([](F32 a, F32 b) { return larger_or_second(b, a) + b; });  // -0 + 0 = +0
    case kChainMaximum:
      return run([](F32 a, F32 b) { return maximum(a, b); });
    case kChainMinimum:
      return run([](F32 a, F32 b) { return minimum(a, b); });
    default:
      if (step.reversed == 0) return run([](F32 a, F32 b) { return a - b; });
      return run([](F32 a, F32 b) { return b - a; });
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
    run_step<kR, kV, kTail>(step, x, step.data + row * step.row_bytes + (step.per_element != 0 ? byte : 0), lanes);
  }
  char* const to = chain.to + row * chain.to_row_bytes + byte;
#pragma GCC unroll 8
  for (int i = 0; i < kR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < kV; ++v) store_lanes<kTail>(to + i * chain.to_row_bytes + v * kVectorBytes, x[i][v], lanes);
  }
}

// Calls whole(byte) for every kVectors vectors and rest(byte, lanes) for every vector after them, the last one short.
template <class Whole, class Rest>
INGOT_INLINE void for_columns(std::int64_t columns, const Whole& whole, const Rest& rest) {
  constexpr std::int64_t kSize = sizeof(float);
  std::int64_t j = 0;
  for (; j + kVectors * kWidth <= columns; j += kVectors * kWidth) whole(j * kSize);
  for (; j < columns; j += kWidth) rest(j * kSize, columns - j < kWidth ? columns - j : kWidth);
}

// at: of the first column in hand, whose operands lie at column byte `byte`.
void run_form(const ChainForm& form, const FormRows& first, std::int64_t byte, std::int64_t columns) {
  const auto at = [&](std::int64_t j) {
    return FormRows{
        first.from + j,  first.from_row, first.to + j, first.to_row, first.added == nullptr ? nullptr : first.added + j,
        first.added_row, first.rows};
  };
  for_columns(
      columns, [&](std::int64_t j) { run_form<kVectors, false>(form, at(j), byte + j, kWidth); },
      [&](std::int64_t j, std::int64_t lanes) { run_form<1, true>(form, at(j), byte + j, lanes); });
}

[[gnu::noinline]] void run_any(const Chain& chain, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t i = 0; i < rows;) {
    const bool several = i + kRows <= rows;
    for_columns(
        columns,
        [&](std::int64_t byte) {
          several ? run_block<kRows, kVectors, false>(chain, i, byte, kWidth)
                  : run_block<1, kVectors, false>(chain, i, byte, kWidth);
        },
        [&](std::int64_t byte, std::int64_t lanes) {
          for (std::int64_t r = i; r < i + (several ? kRows : 1); ++r) run_block<1, 1, true>(chain, r, byte, lanes);
        });
    i += several ? kRows : 1;
  }
}

}  // namespace

bool find_form(const Chain& chain, ChainForm& form) {
  const char* const nan = bytes_of(kNeutral.nan);
  form = {bytes_of(kNeutral.one), bytes_of(kNeutral.minus_zero), 0, 0, nullptr, 0, nan, nan, false};
  int free = 0;  // the first place of the form that the next step may take; the limits share the last one
  for (std::int32_t s = 0; s < chain.num_steps; ++s) {
    const ChainStep& step = chain.steps[s];
    int place = 3;
    if (step.op == kChainMultiply && step.row_bytes == 0) {
      place = 0, form.scale = step.data, form.scale_by = step.per_element;
    } else if (step.op == kChainAdd && step.row_bytes == 0) {
      place = 1, form.shift = step.data, form.shift_by = step.per_element;
    } else if (step.op == kChainAdd) {
      place = 2, form.added = step.data, form.added_row_bytes = step.row_bytes;
    } else if (step.op == kChainLower && form.most == nan) {
      form.most = step.data;
    } else if ((step.op == kChainRaise || step.op == kChainReplaceNegative) && form.least == nan) {
      form.least = step.data, form.replaces_negative = step.op == kChainReplaceNegative;
      // Lowered first: the same, where the limits are in order.
      if (form.most != nan && !(first_number(form.least) <= first_number(form.most))) return false;
    } else {
      return false;
    }
    if (place < free) return false;
    free = place < 3 ? place + 1 : 3;
  }
  return true;
}

void run_chain(const Chain& chain, std::int64_t rows, std::int64_t columns) {
  ChainForm form;
  if (!find_form(chain, form)) return run_any(chain, rows, columns);
  FormRows at{chain.from, chain.from_row_bytes, chain.to, chain.to_row_bytes, form.added, form.added_row_bytes, 0};
  for (std::int64_t i = 0; i < rows; i += kFormRows) {
    at.rows = rows - i < kFormRows ? rows - i : kFormRows;
    run_form(form, at, 0, columns);
    at.from += kFormRows * at.from_row;
    at.to += kFormRows * at.to_row;
    if (at.added != nullptr) at.added += kFormRows * at.added_row;
  }
}

void run_chain_at(const MovingChain& moving, const ChainTile& x, std::int64_t row, std::int64_t column) {
  constexpr std::int64_t kSize = sizeof(float);
  const std::int64_t byte = column * kSize;
  char* const to = moving.chain.to + row * moving.chain.to_row_bytes + byte;
  const char* const from = reinterpret_cast<const char*>(x.data);
  if (moving.has_form) {
    const ChainForm& form = moving.form;
    const char* const added = form.added == nullptr ? nullptr : form.added + row * form.added_row_bytes + byte;
    return run_form(form, {from, x.row * kSize, to, moving.chain.to_row_bytes, added, form.added_row_bytes, x.rows},
                    byte, x.columns);
  }
  ChainStep steps[kLongestChain];
  for (std::int32_t i = 0; i < moving.chain.num_steps; ++i) {
    steps[i] = moving.steps[i];
    steps[i].data += row * steps[i].row_bytes + (steps[i].per_element != 0 ? byte : 0);
  }
  run_any({from, x.row * kSize, to, moving.chain.to_row_bytes, steps, moving.chain.num_steps}, x.rows, x.columns);
}

}  // namespace ingot::INGOT_LEVEL
