// Offsets below a given ceiling, by search. Private to plan/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "plan/memory.h"

namespace ingot::planning {

// Offsets for all spans that end at `ceiling` or below; empty if there are none, or if `work` (elementary steps, about
// one ns each) did not suffice to find some. What is left of the work is left in it. Deterministic.
std::optional<std::vector<std::int64_t>> search_offsets(std::span<const Span> spans, std::int64_t ceiling,
                                                        std::int64_t& work);

}  // namespace ingot::planning
