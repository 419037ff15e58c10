// From module to program: fix dims, prepare data, optimize, plan, find kernels.
#include "program_impl.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "execute/levels.h"
#include "execute/pool.h"
#include "fast.h"
#include "fast_evaluator.h"
#include "optimize/legalize.h"
#include "optimize/pass.h"
#include "prepare.h"
#include "verify/verify.h"

namespace ingot {

namespace {

std::int64_t default_memory_limit() {
  const auto pages = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<std::int64_t>(sysconf(_SC_PAGE_SIZE));
  if (pages <= 0 || page_bytes <= 0) return INT64_MAX;
  return pages / 4 * 3 * page_bytes;
}

int choose_threads(int num_threads) {
  if (num_threads < 0 || num_threads > kMaxThreads)
    fail(ErrorCode::kArgument, concat("compile: num_threads: got ", num_threads, ", expected 0..", kMaxThreads));
  return num_threads == 0 ? num_processors() : num_threads;
}

// Passes whose steps a device does not have: panels and strips are about the caches of processors.
constexpr std::string_view kPassesOfProcessors[] = {"panel_params", "strips"};
// And those whose forms only a device's kernels ask for.
constexpr std::string_view kPassesOfDevices[] = {"lay_weights"};

ParallelPolicy choose_policy(const CompileOptions& options) {
  ParallelPolicy policy = {.num_threads = options.num_threads};
  if (options.always_parallel) policy.min_step_ns = policy.min_run_ns = policy.wake_step_ns = 0;
  return policy;
}

// Where no upper bound is given a plan starts small and grows with what is seen.
DimValues first_bounds(const Signature& signature) {
  DimValues bounds;
  for (const Dim& dim : signature.dims)
    bounds.emplace(dim.name, dim.hi == kUnbounded ? std::max<std::int64_t>(dim.lo, 1) : dim.hi);
  return bounds;
}

bool covers(const DimValues& bounds, const DimValues& needed) {
  return std::all_of(needed.begin(), needed.end(), [&](const auto& dim) { return dim.second <= bounds.at(dim.first); });
}

}  // namespace

Program::Impl::Impl(std::shared_ptr<const Module> module, const CompileOptions& compile_options)
    : given(std::move(module)), options(compile_options), optimized(*given) {
  const auto begin = std::chrono::steady_clock::now();
  options.num_threads = choose_threads(options.num_threads);
  level = &choose_level(options.level);
  options.level = level->level;
  policy = choose_policy(options);
  freedoms = parse_fast(options.fast);
  left_out = options.disabled_passes;
  if (const std::optional<std::int32_t> index = parse_device(options.device)) {
    device = Device::open(*index);
    device_data_ = std::make_unique<DeviceData>(device);
    left_out.insert(left_out.end(), std::begin(kPassesOfProcessors), std::end(kPassesOfProcessors));
  } else {
    left_out.insert(left_out.end(), std::begin(kPassesOfDevices), std::end(kPassesOfDevices));
  }
  options.device = device == nullptr ? "cpu" : device->name();
  memory_limit = options.max_memory_bytes > 0 ? options.max_memory_bytes
                 : device != nullptr          ? device->properties().memory_bytes
                                              : default_memory_limit();
  fix_dims(optimized, options.dims);
  const FastEvaluator evaluator(*level, options.num_threads, &times.pack_ns, device.get(), freedoms);
  prepare_data(optimized, has_pass("panel_params") ? nullptr : &evaluator);
  for (const Graph& graph : optimized.graphs) {
    graphs.push_back(std::make_unique<GraphProgram>());
    graphs.back()->signature = make_signature(optimized, graph);
  }
  legalize(optimized, evaluator);
  if (options.verify_passes) verify(optimized);
  optimize(optimized, left_out, &evaluator, options.verify_passes);
  INGOT_CHECK(optimized.states.size() == given->states.size());
  for (const State& state : optimized.states)
    state_bytes = checked_add(state_bytes, num_bytes(state.type).constant()).value_or(INT64_MAX);
  if (state_bytes > memory_limit)
    fail(ErrorCode::kLimit, concat("plan: states need ", state_bytes, " bytes, more than the limit of ", memory_limit));
  for (std::uint32_t i = 0; i < optimized.params.size(); ++i)
    params.push_back(reinterpret_cast<char*>(const_cast<std::byte*>(resolve(optimized, i).data.data)));
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    graphs[i]->graph = &optimized.graphs[i];
    graphs[i]->current = make_planned(*graphs[i], first_bounds(graphs[i]->signature));
  }
  times.total_ns = (std::chrono::steady_clock::now() - begin) / std::chrono::nanoseconds(1);
}

bool Program::Impl::has_pass(std::string_view name) const {
  return std::count(left_out.begin(), left_out.end(), name) == 0;
}

GraphProgram& Program::Impl::graph(std::size_t index) const {
  if (index >= graphs.size())
    fail(ErrorCode::kArgument, concat("program: no graph ", index, ": expected less than ", graphs.size()));
  return *graphs[index];
}

Plan Program::Impl::plan_for(const GraphProgram& graph, const DimValues& bounds) const {
  const std::int64_t room = std::max<std::int64_t>(memory_limit - state_bytes, 1);
  const bool as_declared = std::all_of(graph.signature.dims.begin(), graph.signature.dims.end(),
                                       [&](const Dim& dim) { return dim.hi == bounds.at(dim.name); });
  const auto plan_in = [&](const Module& module, const Graph& planned) {
    Plan plan = make_plan(module, planned, {.max_memory_bytes = room, .strips = has_pass("strips")});
    check_plan(module, planned, plan);
    return plan;
  };
  if (as_declared) return plan_in(optimized, *graph.graph);
  Module bounded = optimized;
  for (Dim& dim : bounded.dims) {
    const auto bound = bounds.find(dim.name);
    if (bound == bounds.end()) continue;
    dim.hi = bound->second;
    dim.lo = std::min(dim.lo, dim.hi);
  }
  return plan_in(bounded, bounded.graphs[static_cast<std::size_t>(graph.graph - optimized.graphs.data())]);
}

std::shared_ptr<const PlannedGraph> Program::Impl::make_planned(const GraphProgram& graph,
                                                                const DimValues& bounds) const {
  auto planned = std::make_shared<PlannedGraph>();
  planned->bounds = bounds;
  planned->compiled = compile_plan(*graph.graph, plan_for(graph, bounds), device == nullptr ? level : nullptr,
                                   graph.signature.sizes.dims());
  ArgumentBlocks blocks;
  make_blocks(*planned->compiled, blocks);
  bind_dims(*planned->compiled, policy, bounds, blocks);
  const std::optional<std::int64_t> scratch = prepare_kernels(*planned, blocks);
  const auto workspace = scratch ? checked_add(*scratch, planned->compiled->plan.arena_bytes) : std::nullopt;
  const auto total = workspace ? checked_add(*workspace, state_bytes) : std::nullopt;
  if (!total || *total > memory_limit) {
    fail(ErrorCode::kLimit,
         concat("plan: the arena needs ", planned->compiled->plan.arena_bytes, " bytes, states ", state_bytes,
                " and scratch ", scratch.value_or(INT64_MAX), ", more than the limit of ", memory_limit));
  }
  planned->workspace_bytes = *workspace;
  if (device != nullptr) planned->device_data = device_data_->place(optimized, *planned->compiled);
  return planned;
}

std::optional<std::int64_t> Program::Impl::prepare_kernels(PlannedGraph& planned, const ArgumentBlocks& blocks) const {
  if (device == nullptr) {
    planned.scratch_stride = scratch_bytes(*planned.compiled, blocks);
    const auto scratch = checked_mul(planned.scratch_stride, options.num_threads);
    if (!scratch || options.num_threads == 1) return scratch;
    planned.shared_offset = *scratch;
    return checked_add(*scratch, shared_bytes(*planned.compiled, blocks));
  }
  std::shared_ptr<DevicePlan> plan = make_device_plan(device, *planned.compiled, freedoms);
  planned.device_plan = plan;
  return workspace_bytes(*plan, blocks);
}

std::shared_ptr<const PlannedGraph> Program::Impl::current(GraphProgram& graph) const {
  const std::lock_guard<std::mutex> lock(graph.growth);
  return graph.current;
}

std::shared_ptr<const PlannedGraph> Program::Impl::planned_for(GraphProgram& graph, const DimValues& needed) const {
  const std::lock_guard<std::mutex> lock(graph.growth);
  if (covers(graph.current->bounds, needed)) return graph.current;
  DimValues exact = graph.current->bounds, doubled = exact;
  for (auto& [name, bound] : exact) {
    const std::int64_t value = needed.at(name);
    if (value <= bound) continue;
    doubled[name] = std::max(value, checked_mul(bound, 2).value_or(value));
    bound = value;
  }
  try {
    graph.current = make_planned(graph, doubled);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kLimit && error.code() != ErrorCode::kShape) throw;
    graph.current = make_planned(graph, exact);  // doubling was only for the future
  }
  return graph.current;
}

}  // namespace ingot
