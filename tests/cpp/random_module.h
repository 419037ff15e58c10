// Random modules of whole numbers for tests of passes and planner: views, groups, nested branches and loops, carries
// that swap, aborts, states, one symbolic dim.
#pragma once

#include <cstdint>

#include "graph/graph.h"

namespace ingot::testing {

// One graph `main` with inputs x: i64[n,3], y: i64[4], z: i64[] over dim n in 0..6, states a: i64[4], b: i64[4] and
// c: i64[]; the same seed gives the same module. It passes verify.
Module random_module(std::uint64_t seed);

}  // namespace ingot::testing
