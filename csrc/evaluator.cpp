#include "evaluator.h"

#include <chrono>

#include "arrays.h"
#include "base/error.h"
#include "execute/executor.h"
#include "execute/levels.h"
#include "packed_params.h"
#include "plan/plan.h"

namespace ingot {

namespace {

// graph fold(inputs...) { %0 = op(inputs...); return %0 }
Module make_node_module(const OpRow& op, std::span<const TensorType> operand_types, const Attrs& attrs,
                        const TensorType& result_type) {
  Module module;
  Graph& graph = module.graphs.emplace_back();
  graph.name = "fold";
  Node node = {.op = &op, .operands = {}, .results = {}, .attrs = attrs, .regions = {}, .origin = {}};
  for (std::size_t i = 0; i < operand_types.size(); ++i) {
    const ValueId id(static_cast<std::uint32_t>(i));
    graph.values.push_back({.kind = ValueKind::kInput,
                            .type = operand_types[i],
                            .node = {},
                            .region = 0,
                            .index = static_cast<std::uint32_t>(i)});
    graph.body.args.push_back(id);
    graph.input_names.push_back(concat("x", i));
    node.operands.push_back(id);
  }
  const ValueId result(static_cast<std::uint32_t>(graph.values.size()));
  graph.values.push_back({.kind = ValueKind::kResult, .type = result_type, .node = NodeId(0), .region = 0, .index = 0});
  node.results.push_back(result);
  graph.nodes.push_back(std::move(node));
  graph.body.nodes.push_back(NodeId(0));
  graph.body.returns.push_back(result);
  graph.output_names.emplace_back();
  return module;
}

std::vector<std::byte> run_module(const Module& module, std::span<const std::span<const std::byte>> operands,
                                  std::size_t result_bytes, const KernelTable& level) {
  const Graph& graph = module.graphs[0];
  Plan plan = make_plan(module, graph);
  check_plan(module, graph, plan);
  const std::unique_ptr<const CompiledPlan> compiled = compile_plan(graph, std::move(plan), level);
  const ParallelPolicy policy;
  RunState state;
  make_run_state(*compiled, state);
  bind_dims(*compiled, policy, DimValues(), state.blocks);
  std::vector<AlignedBuffer> copies;  // operands may lie anywhere
  std::vector<char*> inputs;
  for (std::span<const std::byte> operand : operands) {
    copies.emplace_back(static_cast<std::int64_t>(operand.size()));
    std::copy(operand.begin(), operand.end(), reinterpret_cast<std::byte*>(copies.back().data()));
    inputs.push_back(copies.back().data());
  }
  const AlignedBuffer arena(compiled->plan.arena_bytes), scratch(scratch_bytes(*compiled, state.blocks));
  const AlignedBuffer result(static_cast<std::int64_t>(result_bytes));
  char* const outputs[] = {result.data()};
  const RunBuffers buffers = {.arena = arena.data(),
                              .scratch = scratch.data(),
                              .scratch_stride = 0,
                              .inputs = inputs,
                              .outputs = outputs,
                              .params = {},
                              .states = {}};
  execute(*compiled, policy, buffers, state);
  const auto* bytes = reinterpret_cast<const std::byte*>(result.data());
  return {bytes, bytes + result_bytes};
}

}  // namespace

// Views, effects and regions are steps or strides of the plan; what they copy is of any dtype.
bool KernelEvaluator::computes(const OpRow& op, DType dtype, DType result) const {
  if (op.has(kView) || op.has(kEffect) || op.has(kRegionOp)) return true;
  if (op.has(kPointwise)) return find_pointwise(level_, op.name, dtype, result) != nullptr;
  return find_kernel(level_, op.name, dtype) != nullptr;
}

bool KernelEvaluator::takes_group(const OpRow& op, DType dtype) const {
  const Kernel* const kernel = find_kernel(level_, op.name, dtype);
  return kernel != nullptr && kernel->takes_group;
}

bool KernelEvaluator::computes_attention(DType dtype) const {
  return find_kernel(level_, "attention", dtype) != nullptr;
}

PanelWish KernelEvaluator::panel_wish(const OpRow& op, DType dtype, std::size_t operand, std::size_t rank,
                                      const Attrs& attrs) const {
  if (op.has(kView) || op.has(kEffect) || op.has(kRegionOp) || op.has(kPointwise)) return {};
  const Kernel* kernel = find_kernel(level_, op.name, dtype);
  return kernel == nullptr ? PanelWish{} : ingot::panel_wish(*kernel, operand, rank, attrs);
}

TensorData KernelEvaluator::lay(const TensorType& type, const TensorData& data, const Layout& from,
                                const Layout& to) const {
  const auto begin = std::chrono::steady_clock::now();
  TensorData laid = from.in_panels() || !to.in_panels() ? Evaluator::lay(type, data, from, to)
                                                        : shared_panels(type, data, to, level_, num_threads_);
  if (lay_ns_ != nullptr) *lay_ns_ += (std::chrono::steady_clock::now() - begin) / std::chrono::nanoseconds(1);
  return laid;
}

std::vector<std::byte> KernelEvaluator::evaluate(const OpRow& op, std::span<const TensorType> operand_types,
                                                 std::span<const std::span<const std::byte>> operands,
                                                 const Attrs& attrs, const TensorType& result_type) const {
  try {
    const auto result_bytes = static_cast<std::size_t>(num_bytes(result_type).constant());
    return run_module(make_node_module(op, operand_types, attrs, result_type), operands, result_bytes, level_);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return {};  // it would fail at run time, or no kernel computes it: the run says so
  }
}

}  // namespace ingot
