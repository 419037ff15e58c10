// The order of nodes inside every region. Private to plan/.
#pragma once

#include <span>

#include "plan/analysis.h"

namespace ingot::planning {

// A legal order that prefers, among the nodes whose operands are ready, the one that frees the most bytes (allocates
// the fewest); ties go to the given order. Nodes that may fail keep their order, so that the same error is raised
// first. A heuristic: make_plan compares the result with the given order. O(n log n).
Order least_memory_order(const Analysis& analysis, std::span<const Dim> dims);

}  // namespace ingot::planning
