// What a fused group can run as in one step, if it can: asked by the passes that form groups and by the planner, which
// runs the nodes of any other group (only a file can hold one) one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace ingot {

inline constexpr std::size_t kMaxGroupNodes = 32;    // pointwise ops and reductions
inline constexpr std::size_t kMaxGroupInputs = 16;   // besides the operands of contractions
inline constexpr std::int64_t kMaxGroupRow = 65536;  // elements of a row that has to stay in the cache

struct GroupForm {
  std::span<const NodeId> members;  // pointwise ops and reductions
  Shape space;                      // of the members' full results
  std::uint32_t row_axes = 0;  // its last axes, over which the reductions run; results of others may be one per row
  NodeId anchor;               // a contraction before the members, read by them alone; not valid: none
  NodeId tail;                 // a matmul after them, whose first operand is their only result; not valid: none

  // Whether a value of this shape has one element for each row.
  bool per_row(const Shape& shape) const { return row_axes > 0 && !(shape == space); }
};

// The form of a group with these nodes, in order; empty if they are of no form: shapes that do not go together, too
// many nodes or inputs, rows that are too long or of unknown length.
// `why`, if given, is set to the reason for an empty one, for people.
std::optional<GroupForm> group_form(const Graph& graph, std::span<const Dim> dims, std::span<const NodeId> nodes,
                                    std::string_view* why = nullptr);

// A convolution whose kernel runs over pixels, because its outputs are too few: its result lies row-major, and no group
// runs on its tiles.
bool has_few_outputs(const Graph& graph, const Node& node);

// Whether the node may be a member.
bool is_group_member(const Graph& graph, const Node& node);

// How many last axes of `full` a shape has as literal ones where `full` has more, all others being equal; 0: none such,
// or not even of that kind.
std::uint32_t missing_row_axes(const Shape& shape, const Shape& full);

}  // namespace ingot
