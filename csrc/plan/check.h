// The parts of check_plan. Private to it: nothing here is shared with the planner, so that an error of one is not
// hidden by the other.
#pragma once

#include <optional>

#include "plan/plan.h"

namespace ingot::checking {

struct Subject {
  const Module& module;
  const Graph& graph;
  const Plan& plan;
};

// A structured piece of control flow; all step numbers.
//   kIf:    begin: jump_if_false, middle: the jump at the end of `then`, end: the last step of `else` (or middle)
//   kWhile: begin: first step of the condition, middle: jump_if_false, end: the jump back
//   kScan:  begin = middle: loop_begin, end: loop_next
struct Block {
  enum class Kind : std::uint8_t { kIf, kWhile, kScan };
  Kind kind = Kind::kIf;
  std::uint32_t begin = 0, middle = 0, end = 0;
};

[[noreturn]] void break_law(const std::string& where, const std::string& law);
[[noreturn]] void break_law(std::size_t step, const std::string& law);

// Ids, kinds and ranges of slots, windows, loops and buffers; offsets aligned and inside the arena.
void check_tables(const Subject& subject);
// Every step by itself: fields of its kind, types as the graph says, registers, outputs without gaps, in-place
// overlaps.
void check_steps(const Subject& subject);
// Operands lie in what their slot holds, at sample values of the dims that satisfy all guards.
void check_extents(const Subject& subject);
// Jumps form properly nested blocks, which are returned sorted: by begin, the outer one first.
std::vector<Block> check_control(const Subject& subject);
// Chains of steps that run strip by strip: nothing but the next step reads what lies in strips, and what a chain writes
// no step of it reads, so that the order within the chain cannot matter.
void check_strips(const Subject& subject, const std::vector<Block>& blocks);
// Every read sees what was last written for it, on every path.
void check_memory(const Subject& subject, const std::vector<Block>& blocks);

// How a value came to lie in a slot: as the step that computes it wrote it (a leaf: row-major), then through copies.
struct Laid {
  ValueId value;
  Operand written;
  std::vector<std::pair<Operand, Operand>> copies{};  // what each one read and wrote
};
// Some elements of the operand, at these dims, lie where those of the value were put. Requires: the value is, through
// views and groups, the one that is laid there.
bool shows_value(const Subject& subject, const DimValues& dims, const Operand& operand, ValueId value,
                 const Laid& laid);

// Values of the dims that satisfy all guards: their ends and their middle.
std::vector<DimValues> sample_bindings(const Module& module);
// One value, or two names of one leaf.
bool same_source(const Subject& subject, ValueId a, ValueId b);
// Behind all windows.
SlotId base_slot(const Plan& plan, SlotId slot);
// The value whose bytes this one shows, through views and groups: a leaf, a region's arg or a
// node's result; nothing for the result of a loop or a branch.
std::optional<ValueId> source_of(const Graph& graph, ValueId value);
// Row-major strides in elements: axes of size 1 may have any.
bool row_major(const Operand& operand);

}  // namespace ingot::checking
