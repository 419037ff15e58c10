// From a fused group to the text of a kernel in CUDA C++, made of group_device.h and of the values that
// kernels/values.h has from ops/pointwise.def. The text is a function of the group alone: sizes, strides and addresses
// come with each launch (group_launch.h).
//
//   {2: exp(r0), 3: sum(r2), 4: divide(r2, r3)}, one output       one kernel, per row:
//                                                                   r3 = row.reduce<Sum>(exp(x.r0))
//                                                                   row.for_each(y = exp(x.r0) / r3)
//
// Values of rows are kept. Values of elements are computed again in each phase that needs them, but for one register at
// most: the one that costs most to compute again lies in shared memory, where a block's has room for its rows.
#pragma once

#include <string>
#include <vector>

#include "cuda/anchor_kernels.h"
#include "device/api.h"

namespace ingot::cuda {

struct GroupSource {
  std::string text;
  int at_once = 1;                           // elements that a thread computes at once
  bool has_rows = false;                     // reductions, or values with one element per row
  std::int32_t row_axes = 0;                 // as in PointwiseGroup
  int kept_bytes = 0;                        // of the register whose elements a block keeps in shared memory; 0: none
  std::vector<int> element_bytes;            // of the operands: inputs (but an anchor's register), then outputs
  std::vector<std::int32_t> output_per_row;  // 1: the output has one element per row
  std::int32_t first_input = 0;              // of the call: after those of the anchor
};

// False, with `why` (one line), for a group that no code is generated for: one with an anchor, or with an op that is
// not computed in its dtype.
bool generate_group(const DeviceGroup& group, GroupSource* source, std::string* why);

// The kernel of both products with a group of rows between them, which reads the scores as its first input, on tiles of
// scores in shared memory (kernels/score_tile.h).
bool generate_attention(const DeviceGroup& group, GroupSource* source, std::string* why);

// Of a group with an anchor, whose register 0 is counted among the inputs: that kernel of the anchor's, whose totals go
// through the group (kernels/anchored.h).
bool generate_anchored_group(const DeviceGroup& group, AnchorKernel kernel, GroupSource* source, std::string* why);

}  // namespace ingot::cuda
