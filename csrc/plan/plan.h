// A plan: the flat list of steps that executes one graph, and where every byte lies. Plain data, made by make_plan,
// accepted by check_plan before it runs. Sizes stay symbolic; offsets are fixed at the upper bound of every dim.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "graph/graph.h"

namespace ingot {

enum class SlotKind : std::uint8_t {
  kArena,     // index: into Plan::buffers
  kInput,     // index: of the graph's inputs; contiguous (the executor copies what is not)
  kOutput,    // index: of the graph's outputs; the caller's buffer
  kParam,     // index: into Module::params, resolved
  kState,     // index: into Module::states; the session's buffer
  kConstant,  // index: into Graph::constants
  kWindow,    // index: into Plan::windows
  kStrip,     // index: of the step that writes it; the next one reads it, and it never is in memory as a whole
};

// A place that holds data. Operands name slots, not addresses: loops swap two slots' addresses, windows move.
// Several arena slots may name one buffer: values that take each other's place. Of the other kinds but windows there is
// one slot for an index, and none for what no step touches.
struct Slot {
  SlotKind kind = SlotKind::kArena;
  std::uint32_t index = 0;
};

// A piece of another slot that moves with a loop's turn: address = base + stride_bytes * index of the turn.
// It is resolved from the base's address of that moment at kLoopBegin and at every kLoopNext that goes on, and it is
// read and written only inside its loop. The base may be a window of an outer loop; it is never swapped while the loop
// runs. stride_bytes is negative or 0 where the operand's axis is reversed or broadcast.
struct Window {
  SlotId base;
  Size stride_bytes;
  std::uint32_t loop = 0;  // into Plan::loops
};

// A counted loop (scan). Turn t has index t, or length-1-t if reverse.
struct Loop {
  Size length;
  bool reverse = false;
};

// A typed strided view of a slot. Outputs have offset 0 and no gaps. Their axes lie in row-major order; those of a
// pointwise group or a kAnyOrder row may lie in any order in an arena slot that nothing else writes. Where a size is 0
// nothing is touched, and offset may lie anywhere.
struct Operand {
  SlotId slot;
  TensorType type;
  std::vector<Size> strides;  // in elements; all 0 where the operand lies in panels
  Size offset;                // in elements of type.dtype, from the slot's address
  Layout layout = kRowMajor;  // in panels: a whole param, or its axes permuted, and nothing but the kernels knows how
};

struct Buffer {
  Size size_bytes;                              // symbolic; buffers grow with dims
  std::int64_t max_bytes = 0;                   // at the upper bound of every dim, rounded up to kBufferAlignment
  std::int64_t offset = 0;                      // in the arena, a multiple of kBufferAlignment
  std::uint32_t first_step = 0, last_step = 0;  // lifetime, both included
};
inline constexpr std::int64_t kBufferAlignment = 64;

enum class StepKind : std::uint8_t {
  kKernel,       // op (or group) on operands
  kJump,         // to target
  kJumpIfFalse,  // inputs[0]: bool[]; to target when false
  kSwap,       // exchanges the addresses of slot_a and slot_b: arena slots of equal size, each with this one partner. A
               // run may start with the addresses that the last one left
  kLoopBegin,  // loop: sets its turn to 0, moves its windows, writes the turn's index into outputs[0] (i64[]); to
               // target, and nothing else, if length is 0
  kLoopNext,   // loop: the next turn as above, to target while turns are left
  kAbort,      // inputs[0]: bool[]; fails with `message` when true
};

// One pointwise op of a group, or a reduction of its rows, in terms of registers (see execute/kernel.h).
struct GroupInstruction {
  const OpRow* op = nullptr;
  DType dtype = DType::kF32;  // of the operands (of `where`: of the last two)
  DType result_dtype = DType::kF32;
  std::vector<std::uint32_t> operands;
  bool per_row = false;  // one element for each row
};

// A kernel may find an output at the address of an input in two cases only. A kUpdatesFirst row: inputs[0], of the same
// type; the kernel then writes the part alone, and nothing at all when it reports an error. A group: an input (but
// those of its anchor) of the same elements that no instruction after the one of that output reads; elements may be
// stored as soon as they are computed, those of a row as soon as the row is.
struct Step {
  StepKind kind = StepKind::kKernel;
  std::string kernel;         // kernel name: the op's, "pointwise" or "copy"
  const OpRow* op = nullptr;  // of rows and aborts; null for pointwise groups and copies
  std::vector<Operand> inputs, outputs;
  Attrs attrs;
  std::vector<GroupInstruction> group;
  std::vector<std::uint32_t> group_outputs;  // registers of instructions, never of inputs
  std::uint32_t group_row_axes = 0;          // trailing axes of the group's space that its reductions run over
  std::uint32_t num_anchor_inputs = 0;       // > 0: the first inputs are those of `op`, whose result is register 0
  std::uint32_t target = 0;
  SlotId slot_a, slot_b;
  std::uint32_t loop = 0;
  std::string message;
  NodeId node;  // of the optimized graph: the row's, the group's or its only op's; of a copy or a jump the view or
                // region op that needs it; not valid for copies into outputs and states

  // Registers of the group: the anchor's result, if it has one, then its own inputs, then one for each instruction.
  std::size_t first_group_input() const { return num_anchor_inputs > 0 ? 1 : 0; }
  std::size_t first_instruction() const { return first_group_input() + inputs.size() - num_anchor_inputs; }
};

// Steps whose results lie in kStrip slots, and the step behind the last of them, are one chain: they run together, some
// rows of images at a time. Each of them reads the rows that it needs of the result before, from scratch.
inline constexpr std::size_t kMostChainSteps = 16;
inline constexpr std::size_t kMostChainInputs = 12;  // of one of its steps

// A state is written by its update's last copies, or in place where nothing after can fail (a check that an equal check
// before has passed cannot): from the first write of any state on, only an interrupt can stop a run half-way.
struct Plan {
  std::vector<Step> steps;
  std::vector<Slot> slots;
  std::vector<Window> windows;
  std::vector<Loop> loops;
  std::vector<Buffer> buffers;
  std::int64_t arena_bytes = 0;
  std::int64_t lower_bound_bytes = 0;          // of this order: max over steps of the bytes alive
  std::int64_t schedule_free_bound_bytes = 0;  // of any order: the largest need of a single step
  bool optimal = false;                        // arena_bytes == lower_bound_bytes
};

struct PlanOptions {
  std::int64_t max_memory_bytes = 0;  // 0: no limit
  bool strips = false;                // steps may run strip by strip
};

// Throws LimitError when the arena exceeds max_memory, ShapeError when a size overflows, ArgumentError for a dim
// without an upper bound (the executor fixes such dims to the size seen, rounded up, before it plans).
Plan make_plan(const Module& module, const Graph& graph, const PlanOptions& options = {});

// Shares no code with the planner. Throws InternalError naming the step and the law: offsets aligned and inside the
// arena, every read sees the bytes last written for it (loops and branches included), jumps stay inside, outputs are
// written, operands lie in their buffers.
void check_plan(const Module& module, const Graph& graph, const Plan& plan);

std::string print_plan(const Module& module, const Graph& graph, const Plan& plan);

}  // namespace ingot
