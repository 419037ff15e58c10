// From a graph to a plan: two orders, each lowered, given lifetimes and offsets; the smaller arena wins.
#include <algorithm>

#include "base/error.h"
#include "plan/lifetimes.h"
#include "plan/lower.h"
#include "plan/memory.h"
#include "plan/schedule.h"
#include "plan/strips.h"

namespace ingot {
namespace {

using namespace planning;  // NOLINT: the planner's own parts

// The most bytes that one step needs at once, whatever the order.
std::int64_t largest_step(const Plan& plan) {
  std::int64_t most = 0;
  std::vector<std::uint32_t> buffers;
  for (const Step& step : plan.steps) {
    buffers.clear();
    for (const std::vector<Operand>* operands : {&step.inputs, &step.outputs}) {
      for (const Operand& operand : *operands) {
        const Slot& slot = plan.slots[operand.slot.index];
        if (slot.kind == SlotKind::kArena) buffers.push_back(slot.index);
      }
    }
    std::sort(buffers.begin(), buffers.end());
    buffers.erase(std::unique(buffers.begin(), buffers.end()), buffers.end());
    std::int64_t bytes = 0;
    for (const std::uint32_t buffer : buffers) bytes += plan.buffers[buffer].max_bytes;
    most = std::max(most, bytes);
  }
  return most;
}

Plan plan_order(const Module& module, const Analysis& analysis, const Order& order, bool strips) {
  Lowering lowering = lower(module, analysis, order);
  if (strips) join_strips(lowering.plan, module.dims);
  set_lifetimes(lowering);
  Plan plan = std::move(lowering.plan);
  set_max_bytes(plan, module.dims);
  std::vector<Span> spans;
  for (const Buffer& buffer : plan.buffers) {
    spans.push_back({.bytes = buffer.max_bytes, .first = buffer.first_step, .last = buffer.last_step});
  }
  plan.lower_bound_bytes = lower_bound(spans);
  const ArenaLayout layout = assign_offsets(spans);
  for (std::size_t b = 0; b < spans.size(); ++b) plan.buffers[b].offset = layout.offsets[b];
  plan.arena_bytes = layout.total_bytes;
  plan.optimal = plan.arena_bytes == plan.lower_bound_bytes;
  plan.schedule_free_bound_bytes = largest_step(plan);
  return plan;
}

}  // namespace

Plan make_plan(const Module& module, const Graph& graph, const PlanOptions& options) {
  const Analysis analysis(graph);
  const Order given = analysis.given_order();
  Plan plan = plan_order(module, analysis, given, options.strips);
  const Order other = least_memory_order(analysis, module.dims);
  if (!(other == given)) {
    Plan candidate = plan_order(module, analysis, other, options.strips);
    if (candidate.arena_bytes < plan.arena_bytes) plan = std::move(candidate);
  }
  if (options.max_memory_bytes > 0 && plan.arena_bytes > options.max_memory_bytes) {
    fail(ErrorCode::kLimit, concat("plan: the arena of graph ", graph.name, " is too large: got ", plan.arena_bytes,
                                   " bytes, expected at most ", options.max_memory_bytes));
  }
  return plan;
}

}  // namespace ingot
