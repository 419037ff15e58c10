#include "evaluator.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "arrays.h"
#include "base/error.h"
#include "execute/executor.h"
#include "execute/levels.h"
#include "packed_params.h"
#include "plan/plan.h"

namespace ingot {

// One node as a program of its own, for constant operands of these types.
struct KernelEvaluator::NodeProgram {
  std::vector<TensorType> operand_types;
  TensorType result_type;
  Module module;
  std::unique_ptr<const CompiledPlan> compiled;  // of its graph

  const Node& node() const { return module.graphs[0].nodes[0]; }
};

namespace {

// To the last bit: 0.0 and -0.0 differ; so do two nan, which only costs a program more.
bool same_attrs(const Attrs& a, const Attrs& b) {
  const auto same_sign = [](const AttrValue& x, const AttrValue& y) {
    const auto *p = std::get_if<double>(&x), *q = std::get_if<double>(&y);
    return p == nullptr || q == nullptr || std::signbit(*p) == std::signbit(*q);
  };
  return a == b && std::equal(a.begin(), a.end(), b.begin(), same_sign);
}

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

std::vector<std::byte> run_node(const CompiledPlan& compiled, std::span<const std::span<const std::byte>> operands,
                                std::size_t result_bytes) {
  const ParallelPolicy policy;
  RunState state;
  make_run_state(compiled, state);
  bind_dims(compiled, policy, DimValues(), state.blocks);
  std::vector<AlignedBuffer> copies;  // operands may lie anywhere
  std::vector<char*> inputs;
  for (std::span<const std::byte> operand : operands) {
    copies.emplace_back(static_cast<std::int64_t>(operand.size()));
    std::copy(operand.begin(), operand.end(), reinterpret_cast<std::byte*>(copies.back().data()));
    inputs.push_back(copies.back().data());
  }
  const AlignedBuffer arena(compiled.plan.arena_bytes), scratch(scratch_bytes(compiled, state.blocks));
  const AlignedBuffer result(static_cast<std::int64_t>(result_bytes));
  char* const outputs[] = {result.data()};
  const RunBuffers buffers = {.arena = arena.data(),
                              .scratch = scratch.data(),
                              .scratch_stride = 0,
                              .inputs = inputs,
                              .outputs = outputs,
                              .params = {},
                              .states = {}};
  execute(compiled, policy, buffers, state);
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

bool KernelEvaluator::takes_group(const Graph& graph, const GroupForm& form) const {
  const Node& anchor = graph.node(form.anchor);
  const Kernel* const kernel = find_kernel(level_, anchor.op->name, graph.value(anchor.results[0]).type.dtype);
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
  TensorData laid = shared_layout(type, data, from, to, level_, num_threads_);
  if (lay_ns_ != nullptr) *lay_ns_ += (std::chrono::steady_clock::now() - begin) / std::chrono::nanoseconds(1);
  return laid;
}

// Layers repeat: a network has many equal nodes.
const KernelEvaluator::NodeProgram& KernelEvaluator::node_program(const OpRow& op,
                                                                  std::span<const TensorType> operand_types,
                                                                  const Attrs& attrs,
                                                                  const TensorType& result_type) const {
  for (const std::shared_ptr<const NodeProgram>& known : programs_) {
    if (known->node().op == &op && known->result_type == result_type && same_attrs(known->node().attrs, attrs) &&
        std::equal(operand_types.begin(), operand_types.end(), known->operand_types.begin(),
                   known->operand_types.end())) {
      return *known;
    }
  }
  auto program = std::make_shared<NodeProgram>();
  program->operand_types.assign(operand_types.begin(), operand_types.end());
  program->result_type = result_type;
  program->module = make_node_module(op, operand_types, attrs, result_type);
  const Graph& graph = program->module.graphs[0];
  Plan plan = make_plan(program->module, graph);
  check_plan(program->module, graph, plan);
  program->compiled = compile_plan(graph, std::move(plan), &level_);
  if (programs_.size() == kMostPrograms) programs_.clear();
  programs_.push_back(std::move(program));
  return *programs_.back();
}

std::vector<std::byte> KernelEvaluator::evaluate(const OpRow& op, std::span<const TensorType> operand_types,
                                                 std::span<const std::span<const std::byte>> operands,
                                                 const Attrs& attrs, const TensorType& result_type) const {
  try {
    const auto result_bytes = static_cast<std::size_t>(num_bytes(result_type).constant());
    return run_node(*node_program(op, operand_types, attrs, result_type).compiled, operands, result_bytes);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return {};  // it would fail at run time, or no kernel computes it: the run says so
  }
}

}  // namespace ingot
