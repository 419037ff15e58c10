// Random modules: whatever the passes and the planner do, the plan computes what the graph says, on every binding of
// the dims, from an arena full of garbage; check_plan accepts it; no plan is below its lower bound.
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "base/error.h"
#include "graph/text.h"
#include "optimize/pass.h"
#include "plan/plan.h"
#include "random_module.h"
#include "small_machine.h"
#include "small_ops.h"
#include "verify/verify.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// Folds with the small machine's ops.
class SmallEvaluator final : public Evaluator {
 public:
  bool takes_group(const Graph&, const GroupForm&) const override { return false; }
  bool computes_attention(DType) const override { return false; }
  bool computes(const OpRow&, DType, DType) const override { return true; }
  std::vector<std::byte> evaluate(const OpRow& op, std::span<const TensorType> operand_types,
                                  std::span<const std::span<const std::byte>> operands, const Attrs& attrs,
                                  const TensorType& result_type) const override {
    if (result_type.dtype != DType::kI64) return {};
    std::vector<Numbers> numbers;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if (operand_types[i].dtype != DType::kI64) return {};
      const auto* begin = reinterpret_cast<const std::int64_t*>(operands[i].data());
      numbers.push_back({operand_types[i], {begin, begin + operands[i].size() / sizeof(std::int64_t)}});
    }
    const Numbers result = apply(op, attrs, numbers, result_type, {});
    const auto bytes = std::as_bytes(std::span(result.elements));
    return {bytes.begin(), bytes.end()};
  }
};

RunInputs make_inputs(std::int64_t n) {
  RunInputs inputs{.dims = {{"n", n}}, .inputs = {}, .states = {}};
  const auto numbers = [](Shape shape, std::int64_t first) {
    Numbers result{{DType::kI64, std::move(shape)}, {}};
    for (std::int64_t i = 0; i < num_elements(result.type.shape).constant(); ++i) {
      result.elements.push_back((first + i * 7) % 11 - 5);
    }
    return result;
  };
  inputs.inputs = {numbers({n, 3}, 1), numbers({4}, 2), numbers({}, 3)};
  inputs.states = {numbers({4}, 4), numbers({4}, 5), numbers({}, 6)};
  return inputs;
}

void check_seed(std::uint64_t seed, bool optimized) {
  Module module = random_module(seed);
  CAPTURE(seed);
  CAPTURE(optimized);
  verify(module);
  const Module given = module;
  const SmallEvaluator evaluator;
  if (optimized) optimize(module, {}, seed % 2 == 0 ? nullptr : &evaluator, true);
  CAPTURE(print_module(given));
  CAPTURE(print_module(module));
  const Graph& graph = module.graphs[0];
  const Plan plan = make_plan(module, graph);
  CAPTURE(print_plan(module, graph, plan));
  REQUIRE_NOTHROW(check_plan(module, graph, plan));
  REQUIRE(plan.arena_bytes >= plan.lower_bound_bytes);
  for (const std::int64_t n : {0, 1, 4, 6}) {
    CAPTURE(n);
    const RunInputs inputs = make_inputs(n);
    RunResult wanted, got;
    REQUIRE_NOTHROW(wanted = evaluate_graph(given, given.graphs[0], inputs));
    REQUIRE_NOTHROW(got = run_plan(module, graph, plan, inputs));
    REQUIRE(got.outputs == wanted.outputs);
    REQUIRE(got.states == wanted.states);
  }
}

}  // namespace

TEST_CASE("plans of random modules compute what the graphs say") {
  const char* count = std::getenv("INGOT_PLAN_SEEDS");
  const char* first = std::getenv("INGOT_PLAN_FIRST_SEED");
  const std::uint64_t begin = first != nullptr ? std::stoull(first) : 0;
  const std::uint64_t seeds = count != nullptr ? std::stoull(count) : 300;
  for (std::uint64_t seed = begin; seed < begin + seeds; ++seed) {
    check_seed(seed, false);
    check_seed(seed, true);
  }
}
