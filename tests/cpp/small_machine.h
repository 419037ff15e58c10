// A second, slow meaning of graphs and plans, for tests of the planner: whole numbers only, one element at a time,
// every address checked. evaluate_graph() follows the regions; run_plan() follows the steps over an arena full of
// garbage.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "plan/plan.h"

namespace ingot::testing {

// Elements in row-major order; bool is 0 or 1. All sizes of the type are constants.
struct Numbers {
  TensorType type;
  std::vector<std::int64_t> elements;
  friend bool operator==(const Numbers&, const Numbers&) = default;
};

struct RunResult {
  std::vector<Numbers> outputs;
  std::vector<Numbers> states;  // after the run
  friend bool operator==(const RunResult&, const RunResult&) = default;
};

struct RunInputs {
  DimValues dims;
  std::vector<Numbers> inputs, states;
};

RunResult evaluate_graph(const Module& module, const Graph& graph, const RunInputs& inputs);
RunResult run_plan(const Module& module, const Graph& graph, const Plan& plan, const RunInputs& inputs);

}  // namespace ingot::testing
