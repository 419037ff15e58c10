// What a launch of a generated kernel is given: the space of the group and where its operands lie in it. Plain data,
// read by group_device.h as the host (group_launch.h) has written it.
//
// The space is rows of elements. Axes before the rows are the lead axes; without reductions all axes make one row.
// Neighboring axes are one wherever all operands allow it, so that most groups have one axis or two.
#pragma once

#include <cstdint>

namespace ingot::cuda {

inline constexpr int kGroupMaxRank = 8;          // == kKernelMaxRank
inline constexpr int kGroupMaxColumns = 65536;   // == kMaxGroupRow of optimize/group_form.h, where there are reductions
inline constexpr int kGroupMaxOperands = 48;     // inputs and outputs: the most whose arguments fit into 4 KiB
inline constexpr int kAnchoredMaxOperands = 32;  // beside the arguments of an anchor
inline constexpr int kGroupBlock = 256;          // threads of a block at most

// An axis, and how to divide by its size: n / size = (high(n * multiplier) + n) >> shift for n < 2^31, where high is
// the upper half of a product of 64 bits (Granlund and Montgomery, PLDI 1994).
struct GroupAxis {
  std::uint32_t size, multiplier, shift;
};

// What keeps a launch from writing: a fault of an earlier one. `set` is null where it does not matter.
struct GroupStop {
  const volatile std::int32_t* set;
  const volatile std::int64_t* fault_order;
  std::int64_t order;  // of this launch
};

struct GroupOperand {
  char* data;
  std::int64_t steps[kGroupMaxRank];  // bytes along each axis: 0 where broadcast, maybe negative
};

struct GroupSpace {
  std::uint32_t rows, columns;    // each below 2^31
  std::int32_t lead_rank, rank;   // axes 0 .. lead_rank-1 count rows, the others to rank-1 the elements of a row
  std::uint32_t threads_per_row;  // a power of two from 16 on, or the block
  std::int32_t by_vectors;        // 1: every operand can be read and written in vectors along the last axis
  std::int32_t keeps;             // 1: shared memory has room for the register that the rows of a block keep
  GroupStop stop;
  GroupAxis axes[kGroupMaxRank];
};

// Of a group with an anchor. Axes 0 .. rows-1 of its space count batches of products, rows .. columns-1 their rows, the
// others their columns; in this order they count all elements.
struct AxisSplit {
  std::int32_t rows, columns;
};

// Inputs (but register 0 of a group with an anchor), then outputs.
template <int kNumOperands>
struct GroupArguments {
  static constexpr int kOperands = kNumOperands;
  GroupSpace space;
  GroupOperand operands[kNumOperands];
};

}  // namespace ingot::cuda
