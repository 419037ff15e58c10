// A group's tensors side by side: one walk over the elements of its space, or over its rows and the elements of each.
#pragma once

#include "cuda/group_program.h"
#include "cuda/kernels/device.h"
#include "kernels/element.h"

namespace ingot::cuda {

inline constexpr int kMaxTensors = kMaxProgramInputs + kMaxProgramOutputs;

struct WalkAxis {
  std::int64_t size;
  std::int64_t strides[kMaxTensors];  // in bytes
};

// All tensors of a call side by side, inputs first, with as few axes as all of them allow. Axes 0 .. lead_rank-1 count
// rows, the others the elements of a row; an output with one element per row does not move along the latter.
struct GroupWalk {
  std::int64_t rows, columns;
  std::int32_t lead_rank, rank;
  std::uint8_t sizes[kMaxTensors];  // bytes of an element
  char* data[kMaxTensors];
  WalkAxis axes[kKernelMaxRank];
};

__host__ __device__ inline bool is_per_row(const GroupProgram& program, int output) {
  const int op = program.output_registers[output] - program.num_inputs;
  return op >= 0 && program.ops[op].per_row != 0;
}

// The axes as the first output has them in memory, so that its elements are written side by side.
inline void order_axes(const TensorArg& like, int* order) {
  for (int axis = 0; axis < like.rank; ++axis) {
    int at = axis;
    for (; at > 0 && like.strides[order[at - 1]] < like.strides[axis]; --at) order[at] = order[at - 1];
    order[at] = axis;
  }
}

inline void append_axis(GroupWalk& walk, const WalkAxis& axis, int num_tensors, int first) {
  if (axis.size == 1) return;
  bool together = walk.rank > first;
  for (int t = 0; t < num_tensors && together; ++t) {
    together = walk.axes[walk.rank - 1].strides[t] == axis.strides[t] * axis.size;
  }
  if (!together) {
    walk.axes[walk.rank++] = axis;
    return;
  }
  const std::int64_t outer = walk.axes[walk.rank - 1].size;
  walk.axes[walk.rank - 1] = axis;
  walk.axes[walk.rank - 1].size *= outer;
}

inline GroupWalk make_walk(const GroupProgram& program, const KernelCall& call) {
  const TensorArg* const inputs = call.inputs;
  const TensorArg& space = program.row_axes > 0 ? inputs[0] : call.outputs[0];
  const int num_tensors = program.num_inputs + program.num_outputs, lead = space.rank - program.row_axes;
  GroupWalk walk = {};
  for (int t = 0; t < num_tensors; ++t) {
    const TensorArg& x = t < program.num_inputs ? inputs[t] : call.outputs[t - program.num_inputs];
    walk.sizes[t] = static_cast<std::uint8_t>(device::element_bytes(x.dtype));
    walk.data[t] = x.data;
  }
  int order[kKernelMaxRank] = {0, 1, 2, 3, 4, 5, 6, 7};
  if (program.row_axes == 0) order_axes(call.outputs[0], order);
  std::int64_t per_row_strides[kKernelMaxRank] = {}, rows = 1;
  for (int i = lead - 1; i >= 0; --i) {
    per_row_strides[i] = rows;
    rows *= space.shape[i];
  }
  walk.rows = walk.columns = 1;
  for (int i = 0; i < space.rank; ++i) {
    const int a = order[i];
    if (i == lead) walk.lead_rank = walk.rank;
    (i < lead ? walk.rows : walk.columns) *= space.shape[a];
    WalkAxis axis = {.size = space.shape[a], .strides = {}};
    for (int t = 0; t < num_tensors; ++t) {
      const int output = t - program.num_inputs;
      const std::int64_t* strides = output < 0 ? inputs[t].strides : call.outputs[output].strides;
      if (output >= 0 && is_per_row(program, output)) strides = per_row_strides;
      axis.strides[t] = strides[a] * walk.sizes[t];
    }
    append_axis(walk, axis, num_tensors, i < lead ? 0 : walk.lead_rank);
  }
  if (lead == space.rank) walk.lead_rank = walk.rank;
  return walk;
}

// Adds where the element stands on axes first .. last-1 to the addresses.
__device__ inline void move_along(const GroupWalk& walk, int num_tensors, int first, int last, std::int64_t flat,
                                  std::int64_t* offsets) {
  std::uint64_t at = static_cast<std::uint64_t>(flat);
  for (int i = last - 1; i >= first; --i) {
    const WalkAxis& axis = walk.axes[i];
    const std::uint64_t above = i == first ? 0 : divide(at, static_cast<std::uint64_t>(axis.size));
    const std::int64_t here = static_cast<std::int64_t>(at - above * static_cast<std::uint64_t>(axis.size));
    for (int t = 0; t < num_tensors; ++t) offsets[t] += here * axis.strides[t];
    at = above;
  }
}

}  // namespace ingot::cuda
