// A plan in numbers. CompiledPlan is made once per plan: kernels found, every symbolic size listed once. ArgumentBlocks
// is made once per run context: the structs that kernels read. bind_dims evaluates each listed size once and writes it
// where it is needed: linear, no allocation. Addresses are written by the executor, when they change.
// Thread rule: a CompiledPlan is immutable and shared; ArgumentBlocks belong to one run at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/size_table.h"
#include "execute/kernel.h"
#include "execute/strips.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace ingot {

// A pointwise group with the functions of one level.
struct GroupCode {
  std::vector<PointwiseInstruction> instructions;
  std::vector<std::int32_t> output_registers;
  PointwiseGroup group;  // points into the two above
};

// What the step loop reads of one step.
struct StepCode {
  StepKind kind = StepKind::kKernel;
  bool may_fail = false;
  bool writes_state = false;           // a failure after this step leaves a state half written
  const Kernel* kernel = nullptr;      // of kKernel; null where a later step of its chain runs it
  const Kernel* own_kernel = nullptr;  // of kKernel: that of its op or group
  const GroupCode* group = nullptr;    // of pointwise groups
  std::uint32_t first_arg = 0;         // into ArgumentBlocks::args: the outputs, then the inputs
  std::uint32_t num_outputs = 0, num_inputs = 0;
  std::uint32_t first_attr_begin = 0;  // into CompiledPlan::attr_begin
  std::uint32_t target = 0, slot_a = 0, slot_b = 0, loop = 0;
};

// Where the value of a symbolic size goes.
struct SizeUse {
  enum class Target : std::uint8_t { kShape, kStride, kOffset, kAttr, kLoopLength, kWindowStride };
  Target target = Target::kShape;
  std::uint8_t axis = 0;    // of kShape, kStride
  std::uint32_t index = 0;  // of the argument, attribute number, loop or window
  std::uint32_t size = 0;   // into CompiledPlan::size_entries
  std::int64_t scale = 1;   // offsets are bytes there, elements in the plan
};

// Numbers as they are when every symbolic size is 0; ArgumentBlocks start as a copy.
struct PlanNumbers {
  std::vector<TensorArg> args;
  std::vector<std::int64_t> arg_offsets;  // bytes from the slot's address
  std::vector<std::int64_t> attrs;
  std::vector<std::int64_t> loop_lengths, window_strides;
};

// Steps that run together, strip by strip, as the last one's kernel.
struct StripChain {
  std::uint32_t first_step = 0, last_step = 0;
};

// A slot that the caller of a run fills, and the index of its array there.
struct CallerSlot {
  std::uint32_t slot = 0, index = 0;
};

struct CompiledPlan {
  Plan plan;
  const Graph* graph = nullptr;  // borrowed: origins for messages
  std::vector<StepCode> steps;
  std::vector<std::unique_ptr<GroupCode>> groups;
  SizeTable sizes;
  std::vector<std::uint32_t> size_entries;  // of sizes: the symbolic ones, each once
  std::vector<SizeUse> uses;
  PlanNumbers numbers;
  std::vector<std::uint32_t> arg_slots;
  std::vector<std::uint32_t> slot_args, slot_arg_begin;  // of slot s: slot_args[slot_arg_begin[s]] .. [s + 1]
  std::vector<CallerSlot> input_slots, output_slots;
  std::vector<std::uint32_t> arena_slots;
  std::vector<std::int32_t> attr_begin;                             // of each step, relative to its first attribute
  std::vector<std::uint32_t> first_attr;                            // per step, into PlanNumbers::attrs
  std::vector<std::vector<std::uint32_t>> window_slots;             // per loop: the slots that move with it
  std::vector<std::pair<std::uint32_t, std::uint32_t>> back_edges;  // jumps back: (target, step), outer first
  std::vector<StripChain> chains;
  std::uint32_t commit_step = 0;  // from here on no step can fail and states are being written: nothing may stop a run
};

// Takes over `plan`, which check_plan has accepted. `graph` is borrowed and must outlive the result. `dims`: the order
// in which values are given to bind_dims; it names every dim of the plan. level: null for a device, whose kernels are
// none of a level: StepCode then names none, and calls have no group. Throws DTypeError naming op, dtype and source
// line where the level has no kernel.
std::unique_ptr<const CompiledPlan> compile_plan(const Graph& graph, Plan plan, const KernelTable* level,
                                                 std::vector<std::string> dims = {});

// The dtype that a step's kernel is found by.
DType kernel_dtype(const Step& step);

// When threads are used. A test may set all to 0: then every step with two tiles is shared.
struct ParallelPolicy {
  int num_threads = 1;
  std::int64_t min_step_ns = 4'000;    // a cheaper step stays on the caller
  std::int64_t min_run_ns = 50'000;    // with less work to share in all, no worker is woken: that costs 12 to 31 us
  std::int64_t wake_step_ns = 50'000;  // a step worth waking a worker that fell asleep during the run
};

struct StepNumbers {
  std::int64_t num_tiles = 0;
  std::int64_t cost_ns = 0;
  bool parallel = false;
  bool plain = false;  // a call of the kernel over all tiles is all there is to do
};

struct ArgumentBlocks {
  PlanNumbers numbers;
  std::vector<KernelCall> calls;  // per step
  std::vector<StripLink> links;   // of the chains, one after the other
  std::vector<StepNumbers> steps;
  std::vector<std::int64_t> size_values;
  std::int64_t parallel_ns = 0;  // estimated work of a run that threads may share
  std::int64_t run_ns = 0;       // of a whole run on one thread; INT64_MAX where a loop may turn for ever
  bool placed = false;           // the arguments' addresses agree with the slots': not after offsets have changed
  ErrorWord error = {};

  ArgumentBlocks() = default;
  ArgumentBlocks(const ArgumentBlocks&) = delete;  // calls point into numbers
  ArgumentBlocks& operator=(const ArgumentBlocks&) = delete;
};

void make_blocks(const CompiledPlan& compiled, ArgumentBlocks& blocks);

// values: one for each dim, in the order that compile_plan was given. Throws ShapeError when a size overflows.
void bind_dims(const CompiledPlan& compiled, const ParallelPolicy& policy, std::span<const std::int64_t> values,
               ArgumentBlocks& blocks);
// Requires a value for every dim of the plan.
void bind_dims(const CompiledPlan& compiled, const ParallelPolicy& policy, const DimValues& values,
               ArgumentBlocks& blocks);

// The largest scratch of any step for one thread, at the bound dims; a multiple of 64.
std::int64_t scratch_bytes(const CompiledPlan& compiled, const ArgumentBlocks& blocks);
// The most that threads leave for each other in a step, likewise.
std::int64_t shared_bytes(const CompiledPlan& compiled, const ArgumentBlocks& blocks);

// "  (model.py:12)", or nothing where the origin is not known.
std::string origin_suffix(const CompiledPlan& compiled, std::size_t step);

// What a run throws for a step that has reported an error: AbortError with its message for an abort, else RangeError.
[[noreturn]] void fail_step(const CompiledPlan& compiled, std::size_t step, const ErrorWord& error);

}  // namespace ingot
