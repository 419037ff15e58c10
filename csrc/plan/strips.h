// Which steps run together, strip by strip. Private to plan/.
#pragma once

#include <span>

#include "plan/plan.h"

namespace ingot::planning {

// Moves results into strips where that pays. Before lifetimes are set.
//
//   2  conv2d+relu  x, w0 -> arena f32[1,96,112,112]         2  conv2d+relu  x, w0 -> strips f32[1,96,112,112]
//   3  conv2d+relu  arena, w1 -> arena f32[1,96,56,56]   ->  3  conv2d+relu  strips, w1 -> arena f32[1,96,56,56]
void join_strips(Plan& plan, std::span<const Dim> dims);

// The steps of the chain that step t belongs to, both included: t alone where it belongs to none.
struct Chain {
  std::uint32_t first = 0, last = 0;
};
Chain chain_of(const Plan& plan, std::uint32_t t);

}  // namespace ingot::planning
