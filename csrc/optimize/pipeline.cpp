// The ordered list of passes and the driver that runs it on every graph of a module.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "optimize/passes.h"
#include "verify/verify.h"

namespace ingot {
namespace {

// Folding first, so that equal folded values merge; merging before removal, so that what it orphans goes; fusion last,
// because a group hides its nodes from the other passes. How params lie is chosen last, by who still reads them.
constexpr std::array kPipeline = {
    Pass{"fold_constants", fold_constants},
    Pass{"algebra", simplify_algebra},
    Pass{"common_subexpressions", merge_common_subexpressions},
    Pass{"dead_code", remove_dead_code},
    Pass{"hoist_from_loops", hoist_from_loops},
    Pass{"fuse_pointwise", fuse_pointwise},
    Pass{"fuse_attention", fuse_attention},
    Pass{"fuse_contractions", fuse_contractions},
    Pass{.name = "panel_params", .run = panel_params, .of_module = true},
    Pass{.name = "lay_weights", .run = lay_weights, .of_module = true},
    Pass{.name = "strips", .run = nullptr, .of_plan = true},
};

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_names(std::span<const std::string> disabled) {
  for (const std::string& name : disabled) {
    const auto same = [&](const Pass& pass) { return pass.name == name; };
    if (std::any_of(kPipeline.begin(), kPipeline.end(), same)) continue;
    std::string known;
    for (const Pass& pass : kPipeline) known += concat(known.empty() ? "" : ", ", pass.name);
    fail(ErrorCode::kArgument, concat("optimize: no pass of this name: got '", name, "', expected one of ", known));
  }
}

}  // namespace

std::span<const Pass> pipeline() {
  return kPipeline;
}

void optimize(Module& module, std::span<const std::string> disabled, const Evaluator* evaluator, bool verify_each) {
  check_names(disabled);
  const auto run = [&](const Pass& pass, Graph& graph) {
    if (contains(disabled, pass.name) || pass.of_plan) return;
    const bool changed = pass.run({.module = module, .graph = graph, .evaluator = evaluator});
    if (changed && verify_each) verify(module);
  };
  for (Graph& graph : module.graphs) {
    for (const Pass& pass : kPipeline) {
      if (!pass.of_module) run(pass, graph);
    }
  }
  for (const Pass& pass : kPipeline) {
    if (pass.of_module) run(pass, module.graphs.front());
  }
}

}  // namespace ingot
