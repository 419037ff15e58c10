// The elements of a group as rows x columns, and where an operand's elements lie in them. Axes are ordered as the first
// output lies in memory, so that a result with permuted axes is walked as one row where its operands lie alike.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

enum Place : std::int32_t {
  kDense,    // columns side by side, rows any distance apart
  kSameRow,  // one row, for every row again
  kPerRow,   // one element for a row
  kOneForAll,
  kStrided,  // anything else: made dense piece by piece
};

struct GroupSpace {
  int rank;                  // axes of more than one element
  int axes[kKernelMaxRank];  // of the call's shape, outermost first
  int row_axes;              // how many of them, from the last, make a row
  int lead_rank;             // the others, merged where every operand allows it
  std::int64_t lead_shape[kKernelMaxRank];
  int lead_axes[kKernelMaxRank];  // of the call's shape: the innermost of the merged ones
  std::int64_t rows, columns;
};

inline bool is_row_contiguous(const GroupSpace& s, const TensorArg& x) {
  std::int64_t stride = 1;
  for (int i = s.rank - 1; i >= s.rank - s.row_axes; --i) {
    if (x.strides[s.axes[i]] != stride) return false;
    stride *= x.shape[s.axes[i]];
  }
  return true;
}

inline bool is_row_constant(const GroupSpace& s, const TensorArg& x) {
  for (int i = s.rank - s.row_axes; i < s.rank; ++i) {
    if (x.strides[s.axes[i]] != 0) return false;
  }
  return true;
}

inline Place place_of(const GroupSpace& s, const TensorArg& x) {
  bool same = true;  // for all rows
  for (int i = 0; i < s.rank - s.row_axes; ++i) same = same && x.strides[s.axes[i]] == 0;
  if (is_row_constant(s, x)) return same ? kOneForAll : kPerRow;
  if (!is_row_contiguous(s, x)) return kStrided;
  return same && s.row_axes < s.rank ? kSameRow : kDense;
}

// Element distance from row 0 to `row`.
inline std::int64_t row_offset(const GroupSpace& s, const TensorArg& x, std::int64_t row) {
  std::int64_t offset = 0;
  for (int i = s.lead_rank - 1; i > 0; --i) {
    offset += row % s.lead_shape[i] * x.strides[s.lead_axes[i]];
    row /= s.lead_shape[i];
  }
  return s.lead_rank == 0 ? offset : offset + row * x.strides[s.lead_axes[0]];
}

// The axes in the order in which `like` lies in memory; those of one element are left out.
inline void order_axes(GroupSpace& s, const TensorArg& shape, const TensorArg& like) {
  s.rank = 0;
  for (int axis = 0; axis < shape.rank; ++axis) {
    if (shape.shape[axis] == 1) continue;
    int at = s.rank++;
    for (; at > 0 && like.strides[s.axes[at - 1]] < like.strides[axis]; --at) s.axes[at] = s.axes[at - 1];
    s.axes[at] = axis;
  }
}

// The operands of a group that have its shape: its inputs and outputs.
struct GroupOperands {
  const TensorArg* inputs;
  const TensorArg* outputs;
  int num_inputs, num_outputs;

  template <class Test>
  bool all(Test test) const {
    for (int i = 0; i < num_inputs; ++i) {
      if (!test(inputs[i])) return false;
    }
    for (int i = 0; i < num_outputs; ++i) {
      if (!test(outputs[i])) return false;
    }
    return true;
  }
};

inline void merge_leads(GroupSpace& s, const TensorArg& shape, const GroupOperands& operands) {
  s.lead_rank = 0;
  for (int i = 0; i < s.rank - s.row_axes; ++i) {
    const int axis = s.axes[i];
    if (s.lead_rank > 0) {
      const int outer = s.lead_axes[s.lead_rank - 1];
      const bool together =
          operands.all([&](const TensorArg& x) { return x.strides[outer] == x.strides[axis] * shape.shape[axis]; });
      if (together) {
        s.lead_shape[s.lead_rank - 1] *= shape.shape[axis];
        s.lead_axes[s.lead_rank - 1] = axis;
        continue;
      }
    }
    s.lead_shape[s.lead_rank] = shape.shape[axis];
    s.lead_axes[s.lead_rank++] = axis;
  }
}

inline void count_elements(GroupSpace& s, const TensorArg& shape) {
  s.rows = s.columns = 1;
  for (int i = 0; i < s.rank; ++i) (i < s.rank - s.row_axes ? s.rows : s.columns) *= shape.shape[s.axes[i]];
}

inline constexpr std::int64_t kShortRow = 64;  // shorter ones are not worth a call of a tile function

// Where no op looks at whole rows: as many axes as all operands can be walked along, or, where that makes short rows,
// all of them, the operands that do not fit being gathered.
inline void choose_row_axes(GroupSpace& s, const TensorArg& shape, const GroupOperands& operands) {
  s.row_axes = 0;
  for (int n = 1; n <= s.rank; ++n) {
    GroupSpace longer = s;
    longer.row_axes = n;
    const bool walkable =
        operands.all([&](const TensorArg& x) { return is_row_constant(longer, x) || is_row_contiguous(longer, x); });
    if (!walkable) break;
    s.row_axes = n;
  }
  count_elements(s, shape);
  if (s.columns >= kShortRow || s.row_axes == s.rank) return;
  GroupSpace flat = s;
  flat.row_axes = s.rank;
  for (int i = 0; i < operands.num_outputs; ++i) {
    if (is_row_contiguous(flat, operands.outputs[i])) continue;
    s.row_axes = s.row_axes == 0 ? 1 : s.row_axes;
    count_elements(s, shape);
    return;
  }
  s.row_axes = s.rank;
  count_elements(s, shape);
}

}  // namespace ingot::INGOT_LEVEL
