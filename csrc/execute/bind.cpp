// Writes the values of symbolic sizes into argument blocks, then asks the kernels for tiles and cost.
#include "execute/bind.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "base/error.h"

namespace ingot {

namespace {

constexpr std::int64_t kGuessedTurns = 4;   // of a `while`, for the estimate of a run's work
constexpr std::int32_t kLotsPerThread = 2;  // of a chain of steps that run strip by strip
constexpr std::int64_t kStepOverheadNs = 20;
constexpr std::int64_t kCostLimitNs = std::int64_t{1} << 50;

constexpr std::size_t kMaxLoopNesting = 128;  // deeper loops count once

std::int64_t limited_product(std::int64_t a, std::int64_t b) {
  return std::min(checked_mul(a, b).value_or(kCostLimitNs), kCostLimitNs);
}

void write_size(const SizeUse& use, std::int64_t value, PlanNumbers& numbers) {
  switch (use.target) {
    case SizeUse::Target::kShape:
      numbers.args[use.index].shape[use.axis] = value;
      return;
    case SizeUse::Target::kStride:
      numbers.args[use.index].strides[use.axis] = value;
      return;
    case SizeUse::Target::kOffset:
      numbers.arg_offsets[use.index] = value * use.scale;
      return;
    case SizeUse::Target::kAttr:
      numbers.attrs[use.index] = value;
      return;
    case SizeUse::Target::kLoopLength:
      numbers.loop_lengths[use.index] = value;
      return;
    case SizeUse::Target::kWindowStride:
      numbers.window_strides[use.index] = value;
      return;
  }
}

std::int64_t limited_sum(std::int64_t a, std::int64_t b) {
  return std::min(checked_add(a, b).value_or(kCostLimitNs), kCostLimitNs);
}

// Estimates a run: each step as often as the loops around it turn. Linear: the back edges nest and are sorted by
// target, so that the loops around a step form a stack.
void estimate_run(const CompiledPlan& compiled, ArgumentBlocks& blocks) {
  struct Enclosing {
    std::uint32_t last_step;
    std::int64_t turns;  // of this loop and those around it
  };
  std::array<Enclosing, kMaxLoopNesting + 1> stack = {{{UINT32_MAX, 1}}};
  std::size_t depth = 0, next = 0;
  bool endless = false;
  blocks.parallel_ns = blocks.run_ns = 0;
  for (std::uint32_t i = 0; i < compiled.steps.size(); ++i) {
    while (stack[depth].last_step < i) --depth;
    for (; next < compiled.back_edges.size() && compiled.back_edges[next].first == i; ++next) {
      const std::uint32_t last = compiled.back_edges[next].second;
      const StepCode& jump = compiled.steps[last];
      const bool counted = jump.kind == StepKind::kLoopNext;
      const std::int64_t turns = counted ? blocks.numbers.loop_lengths[jump.loop] : kGuessedTurns;
      endless = endless || !counted;
      if (depth < kMaxLoopNesting) stack[depth + 1] = {last, limited_product(stack[depth].turns, turns)}, ++depth;
    }
    const StepNumbers& step = blocks.steps[i];
    const std::int64_t cost_ns = step.num_tiles > 0 ? step.cost_ns : 0;
    const std::int64_t turns = stack[depth].turns;
    blocks.run_ns = limited_sum(blocks.run_ns, limited_product(limited_sum(cost_ns, kStepOverheadNs), turns));
    if (step.parallel) blocks.parallel_ns = limited_sum(blocks.parallel_ns, limited_product(cost_ns, turns));
  }
  if (endless) blocks.run_ns = INT64_MAX;
}

}  // namespace

void make_blocks(const CompiledPlan& compiled, ArgumentBlocks& blocks) {
  blocks.numbers = compiled.numbers;
  blocks.size_values.assign(compiled.size_entries.size(), 0);
  blocks.placed = false;
  blocks.steps.assign(compiled.steps.size(), {});
  blocks.calls.assign(compiled.steps.size(), {});
  for (std::size_t i = 0; i < compiled.steps.size(); ++i) {
    const StepCode& step = compiled.steps[i];
    const TensorArg* args = blocks.numbers.args.data() + step.first_arg;
    blocks.calls[i] = {.outputs = args,
                       .inputs = args + step.num_outputs,
                       .num_outputs = static_cast<std::int32_t>(step.num_outputs),
                       .num_inputs = static_cast<std::int32_t>(step.num_inputs),
                       .attrs = blocks.numbers.attrs.data() + compiled.first_attr[i],
                       .attr_begin = compiled.attr_begin.data() + step.first_attr_begin,
                       .group = step.group == nullptr ? nullptr : &step.group->group,
                       .error = &blocks.error};
    const bool goes_on = i + 1 < compiled.steps.size() && compiled.steps[i + 1].kind == StepKind::kKernel;
    if (step.kind == StepKind::kKernel && goes_on) blocks.calls[i].next = &blocks.calls[i + 1];
  }
  std::size_t num_links = 0;
  for (const StripChain& chain : compiled.chains) num_links += chain.last_step - chain.first_step + 1;
  blocks.links.clear();
  blocks.links.reserve(num_links);
  for (const StripChain& chain : compiled.chains) {
    KernelCall& last = blocks.calls[chain.last_step];
    last.links = blocks.links.data() + blocks.links.size();
    last.num_links = static_cast<std::int32_t>(chain.last_step - chain.first_step + 1);
    for (std::uint32_t t = chain.first_step; t <= chain.last_step; ++t) {
      const WindowAttrs attrs = window_attrs(*compiled.plan.steps[t].op);
      INGOT_CHECK(blocks.calls[t].attr_begin[attrs.count] <= kMostWindowNumbers);
      blocks.links.push_back({compiled.steps[t].own_kernel, &blocks.calls[t], attrs});
    }
  }
}

void bind_dims(const CompiledPlan& compiled, const ParallelPolicy& policy, std::span<const std::int64_t> values,
               ArgumentBlocks& blocks) {
  INGOT_CHECK(values.size() >= compiled.sizes.dims().size());
  for (std::size_t i = 0; i < compiled.size_entries.size(); ++i)
    blocks.size_values[i] = compiled.sizes.evaluate(compiled.size_entries[i], values.data());
  for (const SizeUse& use : compiled.uses) write_size(use, blocks.size_values[use.size], blocks.numbers);
  if (!compiled.uses.empty()) blocks.placed = false;
  for (std::size_t i = 0; i < compiled.steps.size(); ++i) {
    const StepCode& code = compiled.steps[i];
    if (code.kernel == nullptr) continue;
    StepNumbers& step = blocks.steps[i];
    blocks.calls[i].num_lots = kLotsPerThread * policy.num_threads;
    step.num_tiles = code.kernel->num_tiles(&blocks.calls[i]);
    step.cost_ns = code.kernel->cost_ns(&blocks.calls[i]);
    step.parallel = policy.num_threads > 1 && step.num_tiles > 1 && step.cost_ns >= policy.min_step_ns;
    step.plain = step.num_tiles > 0 && !step.parallel && !code.may_fail && !code.writes_state;
  }
  estimate_run(compiled, blocks);
}

void bind_dims(const CompiledPlan& compiled, const ParallelPolicy& policy, const DimValues& values,
               ArgumentBlocks& blocks) {
  std::vector<std::int64_t> numbers;
  for (const std::string& dim : compiled.sizes.dims()) {
    const auto value = values.find(dim);
    if (value == values.end()) fail(ErrorCode::kArgument, concat("size: dim ", dim, " has no value"));
    numbers.push_back(value->second);
  }
  bind_dims(compiled, policy, numbers, blocks);
}

namespace {

using BytesOfCall = std::int64_t (*)(const KernelCall* call);

std::int64_t most_bytes(const CompiledPlan& compiled, const ArgumentBlocks& blocks, BytesOfCall Kernel::* bytes) {
  std::int64_t largest = 0;
  for (std::size_t i = 0; i < compiled.steps.size(); ++i) {
    const Kernel* kernel = compiled.steps[i].kernel;
    if (kernel == nullptr || kernel->*bytes == nullptr) continue;
    largest = std::max(largest, (kernel->*bytes)(&blocks.calls[i]));
  }
  return (largest + 63) / 64 * 64;
}

}  // namespace

std::int64_t scratch_bytes(const CompiledPlan& compiled, const ArgumentBlocks& blocks) {
  return most_bytes(compiled, blocks, &Kernel::scratch_bytes);
}

std::int64_t shared_bytes(const CompiledPlan& compiled, const ArgumentBlocks& blocks) {
  return most_bytes(compiled, blocks, &Kernel::shared_bytes);
}

}  // namespace ingot
