// What a program does, in words, for people: which ops run together and what keeps their neighbours apart, what every
// step costs and could cost at best, how the arena came out. Part of program. The wording is no interface.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "program.h"

namespace ingot {

// Steps of a plan as they were timed: one entry per step, over this many runs.
struct Measured {
  std::span<const StepProfile> steps;
  std::int64_t runs = 0;
};

// The groups of the optimized graph and what stands alone beside them, one line each, every line beginning with
// `prefix`: their ops, the bytes of results that never lie in memory, for each neighbour why it is not in the group.
std::string explain_groups(const Program& program, std::size_t graph, std::string_view prefix = "");

// The plan step by step: kernel, tiles, threads, flops and bytes of one call; with `measured` the time of one, and the
// share of it that the machine at its best would need.
std::string explain_steps(const Program& program, std::size_t graph, const DimValues& dims = {},
                          const Measured* measured = nullptr);

// All of it.
std::string explain(const Program& program, std::size_t graph, const Measured* measured = nullptr);

// "1.5 KB", "12.3 M": three digits, with the unit of thousands.
std::string short_number(double value);

// Lifetimes over offsets: every buffer of the arena as a rectangle, the bytes alive at each step above them.
std::string draw_plan(const Plan& plan);

}  // namespace ingot
