// The step loop. Arguments hold addresses, written when the slot they name moves: at the begin of a run where the
// caller has brought other arrays, inside it where a loop swaps two slots or moves a window. Threads get tiles.
#include "execute/executor.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "execute/float_mode.h"
#include "execute/park.h"
#include "execute/places.h"
#include "execute/pool.h"
#include "execute/run_limits.h"

namespace ingot {

namespace {

constexpr std::int64_t kChunksPerThread = 8;

// Workers are kept ready for the length of a run whose work is worth it.
class Team {
 public:
  Team(const ParallelPolicy& policy, std::int64_t parallel_ns)
      : num_threads_(policy.num_threads > 1 && parallel_ns > 0 && parallel_ns >= policy.min_run_ns ? policy.num_threads
                                                                                                   : 1) {
    begin_run(num_threads_);
  }
  ~Team() {
    if (num_threads_ > 1) end_run();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  int num_threads() const { return num_threads_; }

 private:
  int num_threads_;
};

struct SharedStep {
  const Kernel* kernel;
  const KernelCall* call;
  char* scratch;
  std::int64_t scratch_stride, num_tiles, num_chunks;
};

void run_shared_chunks(void* context, std::int64_t begin, std::int64_t end, int thread) {
  const SharedStep& step = *static_cast<const SharedStep*>(context);
  const std::int64_t whole = step.num_tiles / step.num_chunks, rest = step.num_tiles % step.num_chunks;
  const auto first_tile = [&](std::int64_t chunk) { return chunk * whole + std::min(chunk, rest); };
  step.kernel->run(step.call, first_tile(begin), first_tile(end), step.scratch + thread * step.scratch_stride);
}

class Run {
 public:
  Run(const CompiledPlan& compiled, const ParallelPolicy& policy, const RunBuffers& buffers, RunState& state,
      const RunOptions& options, StepProfile* profile)
      : compiled_(compiled),
        policy_(policy),
        buffers_(buffers),
        state_(state),
        places_(compiled, buffers, state),
        limits_(options),
        profile_(profile),
        team_(policy, state.blocks.parallel_ns) {}

  void run() {
    places_.begin_run();
    state_.state_written = false;
    state_.blocks.error = {};
    const auto num_steps = static_cast<std::uint32_t>(compiled_.steps.size());
    std::uint32_t next = 0;
    while (next < num_steps) {
      if (next < compiled_.commit_step) limits_.check(state_.blocks.steps[next].cost_ns);
      next = profile_ == nullptr ? run_step(next) : run_timed_step(next);
    }
  }

  // Only what computes: no step that can fail or that writes a state.
  void run_pure_steps() {
    places_.begin_run();
    for (std::uint32_t i = 0; i < compiled_.steps.size(); ++i) {
      const StepCode& step = compiled_.steps[i];
      if (!step.may_fail && !step.writes_state) run_kernel(i, step);
    }
  }

 private:
  std::uint32_t run_timed_step(std::uint32_t step) {
    const std::int64_t begin = now_ns();
    const std::uint32_t next = run_step(step);
    profile_[step].calls += 1;
    profile_[step].total_ns += now_ns() - begin;
    return next;
  }

  std::uint32_t run_step(std::uint32_t index) {
    const StepCode& step = compiled_.steps[index];
    std::int64_t turn = 0;
    switch (step.kind) {
      case StepKind::kKernel:
        run_kernel(index, step);
        break;
      case StepKind::kJump:
        return step.target;
      case StepKind::kJumpIfFalse:
        return *places_.first_input(step) == 0 ? step.target : index + 1;
      case StepKind::kSwap:
        places_.swap_slots(step.slot_a, step.slot_b);
        break;
      case StepKind::kLoopBegin:
        if (!places_.begin_loop(step, turn)) return step.target;
        write_turn(step, turn);
        break;
      case StepKind::kLoopNext:
        if (!places_.next_turn(step, turn)) break;
        write_turn(step, turn);
        return step.target;
      case StepKind::kAbort:
        if (*places_.first_input(step) != 0) fail_step(compiled_, index, {});
        break;
    }
    return index + 1;
  }

  void write_turn(const StepCode& step, std::int64_t turn) const {
    if (step.num_outputs > 0) std::memcpy(places_.first_output(step), &turn, sizeof(turn));
  }

  void run_kernel(std::uint32_t index, const StepCode& step) {
    const StepNumbers& numbers = state_.blocks.steps[index];
    if (numbers.plain) {
      step.kernel->run(&state_.blocks.calls[index], 0, numbers.num_tiles, buffers_.scratch);
    } else {
      run_careful(index, step, numbers);
    }
  }

  void run_careful(std::uint32_t index, const StepCode& step, const StepNumbers& numbers) {
    if (numbers.num_tiles <= 0) return;  // also a step that the last one of its chain runs
    KernelCall& call = state_.blocks.calls[index];
    if (team_.num_threads() > 1 && numbers.parallel) {
      if (step.kernel->finish != nullptr) call.shared = buffers_.shared;
      SharedStep shared = {.kernel = step.kernel,
                           .call = &call,
                           .scratch = buffers_.scratch,
                           .scratch_stride = buffers_.scratch_stride,
                           .num_tiles = numbers.num_tiles,
                           .num_chunks = std::min(numbers.num_tiles, kChunksPerThread * team_.num_threads())};
      parallel_for(run_shared_chunks, &shared, shared.num_chunks, team_.num_threads(),
                   numbers.cost_ns >= policy_.wake_step_ns ? Wake::kYes : Wake::kNo);
      if (step.kernel->finish != nullptr) {
        step.kernel->finish(&call, buffers_.scratch);
        call.shared = nullptr;
      }
    } else {
      step.kernel->run(&call, 0, numbers.num_tiles, buffers_.scratch);
    }
    // A step that fails has not written a state: such ones check everything first.
    if (step.may_fail && state_.blocks.error.set != 0) fail_step(compiled_, index, state_.blocks.error);
    if (step.writes_state) state_.state_written = true;
  }

  const CompiledPlan& compiled_;
  const ParallelPolicy& policy_;
  const RunBuffers& buffers_;
  RunState& state_;
  Places places_;
  RunLimits limits_;
  StepProfile* profile_;
  Team team_;
  FloatMode mode_;
};

}  // namespace

void make_run_state(const CompiledPlan& compiled, RunState& state) {
  make_blocks(compiled, state.blocks);
  state.addresses.assign(compiled.plan.slots.size(), nullptr);
  state.arena = nullptr;
  state.turns.assign(compiled.plan.loops.size(), 0);
}

void execute(const CompiledPlan& compiled, const ParallelPolicy& policy, const RunBuffers& buffers, RunState& state,
             const RunOptions& options, StepProfile* profile) {
  Run(compiled, policy, buffers, state, options, profile).run();
}

void warm_up(const CompiledPlan& compiled, const ParallelPolicy& policy, const RunBuffers& buffers, RunState& state) {
  const auto only_computes = [](const StepCode& step) { return step.kind == StepKind::kKernel; };
  if (!std::all_of(compiled.steps.begin(), compiled.steps.end(), only_computes)) return;
  Run(compiled, policy, buffers, state, {}, nullptr).run_pure_steps();
}

}  // namespace ingot
