// Groups: pointwise ops and reductions of rows on any rectangle of their space, whose intermediate values never leave
// the cache. The kernel of groups that stand alone is in pointwise.cpp; a contraction calls run_group on each finished
// tile of its result (register 0), attention on each panel of scores.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/gather.h"
#include "kernels/group_chain.h"
#include "kernels/group_space.h"

namespace ingot::INGOT_LEVEL {

// One register in the rectangle in hand.
struct GroupRegister {
  char* data;
  std::int64_t row_bytes;      // from row to row; 0 of kSameRow
  Place place;                 // never kStrided: that is dense in a piece of scratch
  std::int32_t size;           // bytes of an element
  std::int32_t last_use;       // instruction that reads it last; -1: none
  std::int32_t slot;           // of scratch; -1: none
  std::int32_t output;         // the output that it is computed in; -1: none
  std::int32_t gathered;       // into GroupMachine::sources; -1: read where it is
  std::int32_t must_be_dense;  // 1: a reduction, or an output, wants it as it is in every element
  std::int32_t scalar;         // of a result: the operand that its function takes as one element; -1: none
};

struct GroupCopy {  // from a register to an output, when a rectangle is done
  std::int32_t from, output;
};

// A rectangle in memory: columns side by side.
struct GroupPanel {
  char* data;
  std::int64_t row_bytes;
};

struct GroupMachine {
  const KernelCall* call;
  const PointwiseGroup* group;
  const TensorArg* inputs;  // of the group, without the anchor
  GroupSpace space;
  std::int64_t piece;  // elements of the largest rectangle that run at once
  std::int32_t num_registers, num_inputs, num_copies, num_slots;
  std::int64_t slot_bytes;
  GroupRegister* registers;
  GatherSource* sources;
  GroupCopy* copies;
  std::int32_t* free_slots;
  ChainStep* chain;  // of the first instructions
  std::int32_t chain_length;
  char* row_elements;  // a line per register, for those with one element per row
  char* splats;        // a tile for each operand of an instruction that needs one element many times
  char* constants;     // a tile per input that is one element
  char* slots;
};

inline constexpr std::int64_t kPieceElements = 512;       // of a rectangle: 2 KB of float32
inline constexpr std::int64_t kRowsAtOnceMost = 64;       // of a rectangle of whole rows
inline constexpr std::int64_t kRowElementsAtOnce = 3072;  // of such a rectangle, unless one row is longer

inline constexpr int kNoColumns = -1;

// Rows x columns of `shape`: of a group alone the call's own, of attention that of the scores. An anchored group's
// columns are those of `column_axis`.
GroupSpace group_space(const KernelCall* call, const TensorArg& shape, int column_axis);
// Rows that a group with rows runs at once.
std::int64_t group_rows_at_once(const GroupSpace& space);
// What prepare_group needs, for a space of at most these many elements and columns; monotone in both.
std::int64_t group_scratch_bytes(const KernelCall* call, std::int64_t elements, std::int64_t columns);
// `scratch`: 64-byte aligned. The machine lies at its beginning.
GroupMachine* prepare_group(const KernelCall* call, const TensorArg& shape, int column_axis, char* scratch);
// Whether the machine does nothing but run one chain on register 0, all rows of whose operands lie at even distances:
// then sets `to` to it.
bool as_moving_chain(const GroupMachine& m, MovingChain& to);
// Rows row .. row+rows-1, columns column .. column+columns-1, all of them where the group has rows. anchor: register 0
// of the rectangle; null where there is none. result: where output 0 goes instead of its own place; null: nowhere else.
void run_group(GroupMachine& m, std::int64_t row, std::int64_t rows, std::int64_t column, std::int64_t columns,
               const GroupPanel* anchor, const GroupPanel* result);

}  // namespace ingot::INGOT_LEVEL
