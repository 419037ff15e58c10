// Runs a compiled plan: one loop over its flat steps. Takes argument blocks bound to dims and the places where the
// data lies; writes outputs, states and the arena; allocates nothing.
// Thread rule: a RunState belongs to one run at a time; the CompiledPlan is shared.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "execute/bind.h"
#include "execute/run_options.h"

namespace ingot {

// Where the data of a run lies, by the index that slots give. Borrowed. An address of a zero-size tensor may be null.
struct RunBuffers {
  char* arena = nullptr;
  char* scratch = nullptr;  // num_threads pieces, scratch_stride bytes apart
  std::int64_t scratch_stride = 0;
  char* shared = nullptr;  // shared_bytes long; none where there is one thread
  std::span<char* const> inputs, outputs, params, states;
  std::span<char* const> constants = {};  // empty: where the graph has them
};

struct RunState {
  ArgumentBlocks blocks;
  std::vector<char*> addresses;     // per slot; loops swap and move them
  char* arena = nullptr;            // of the last run
  std::vector<std::int64_t> turns;  // per loop: turns done
  bool state_written = false;       // by the last run, before it ended or failed
};

// Everything that a run of this plan needs besides its buffers; to be followed by bind_dims.
void make_run_state(const CompiledPlan& compiled, RunState& state);

// Requires bound blocks, and params, states and constants where they lay at the first run of this state. profile: null,
// or one entry per step, added to. Throws RangeError, AbortError (also "run: interrupted"), LimitError; then
// state.state_written says whether states may have changed.
void execute(const CompiledPlan& compiled, const ParallelPolicy& policy, const RunBuffers& buffers, RunState& state,
             const RunOptions& options = {}, StepProfile* profile = nullptr);

// Runs the steps of a plan without jumps once, but those that can fail or write a state, so that the first run finds
// code, argument blocks and params in the caches. Same requirements; outputs hold anything afterwards.
void warm_up(const CompiledPlan& compiled, const ParallelPolicy& policy, const RunBuffers& buffers, RunState& state);

}  // namespace ingot
