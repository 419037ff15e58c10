// What the two halves of the group machine share: setting it up (group_setup.cpp) and running it (group.cpp).
#pragma once

#include <cstdint>

#include "kernels/group.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int32_t kNone = -1;
inline constexpr std::int64_t kLargestElement = 8;  // bytes, among the functions' dtypes
inline constexpr std::int64_t kTileBytes = kTileElements * kLargestElement;
inline constexpr int kMostOperands = 3;

inline const TensorArg& input_arg(const GroupMachine& m, std::int32_t input) {
  return m.inputs[input - m.group->anchored];
}

// Where the elements of a rectangle lie in a tensor that can be walked.
inline char* panel_begin(const GroupSpace& s, const TensorArg& x, std::int64_t row, std::int64_t column) {
  return x.data + (row_offset(s, x, row) + column) * element_bytes(x.dtype);
}

inline std::int64_t panel_row_bytes(const GroupSpace& s, const TensorArg& x) {
  return s.lead_rank == 0 ? 0 : x.strides[s.lead_axes[s.lead_rank - 1]] * element_bytes(x.dtype);
}

}  // namespace ingot::INGOT_LEVEL
