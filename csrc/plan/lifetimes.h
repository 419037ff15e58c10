// When each buffer holds something, and which buffers can be one. Private to plan/.
#pragma once

#include <span>

#include "plan/lower.h"

namespace ingot::planning {

// Fills first_step and last_step of every buffer; lets results take the place of operands that die at their step, and
// renumbers the buffers that remain. Near-linear.
//
// A buffer lives from its first access to its last in flat order; one that is accessed in a loop but first written
// before it lives to the loop's end. Both buffers of a swapped pair live wherever either is accessed. A window is an
// access of its base at kLoopBegin and at every turn. Branches of an `if` follow each other in flat order, so they
// share space.
void set_lifetimes(Lowering& lowering);

// Fills max_bytes of every buffer: the size at the upper bound of every dim. Throws ArgumentError for a dim without
// one.
void set_max_bytes(Plan& plan, std::span<const Dim> dims);

}  // namespace ingot::planning
