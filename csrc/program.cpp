// The public face of a program; the work is in program_impl.cpp and session.cpp.
#include "program.h"

#include <algorithm>
#include <utility>

#include "arrays.h"
#include "base/error.h"
#include "program_impl.h"
#include "signature.h"
#include "step_work.h"

namespace ingot {

std::shared_ptr<Program> Program::compile(std::shared_ptr<const Module> module, const CompileOptions& options) {
  auto program = std::make_shared<Program>();
  program->impl_ = std::make_shared<const Impl>(std::move(module), options);
  return program;
}

const Module& Program::module() const {
  return *impl_->given;
}

const Module& Program::optimized() const {
  return impl_->optimized;
}

const CompileOptions& Program::options() const {
  return impl_->options;
}

const std::shared_ptr<const Device>& Program::device() const {
  return impl_->device;
}

std::size_t Program::graph_index(std::string_view name) const {
  const std::vector<Graph>& graphs = impl_->given->graphs;
  if (name.empty() && graphs.size() == 1) return 0;
  std::string known;
  for (std::size_t i = 0; i < graphs.size(); ++i) {
    if (graphs[i].name == name) return i;
    known += concat(known.empty() ? "" : ", ", graphs[i].name);
  }
  const std::string wanted = name.empty() ? "no graph is named, and there are several" : concat("no graph ", name);
  fail(ErrorCode::kArgument, concat("program: ", wanted, ": expected one of ", known));
}

const CompileTimes& Program::compile_times() const {
  return impl_->times;
}

namespace {

// Replaces bounds by the dims that are given; false if there are none.
bool tighten(const Signature& signature, const DimValues& fixed, const DimValues& dims, DimValues& bounds) {
  bool is_tight = false;
  for (const auto& [name, value] : dims) {
    const auto dim = std::find_if(signature.dims.begin(), signature.dims.end(),
                                  [&name = name](const Dim& candidate) { return candidate.name == name; });
    const bool is_fixed = fixed.contains(name);
    if (is_fixed ? fixed.at(name) != value : dim == signature.dims.end() || value < dim->lo || value > dim->hi)
      fail(ErrorCode::kArgument, concat("plan: dim ", name, " of graph ", signature.graph, " cannot be ", value));
    if (is_fixed) continue;
    bounds[name] = value;
    is_tight = true;
  }
  return is_tight;
}

}  // namespace

Plan Program::plan(std::size_t graph_number, const DimValues& dims) const {
  GraphProgram& graph = impl_->graph(graph_number);
  const std::shared_ptr<const PlannedGraph> current = impl_->current(graph);
  DimValues bounds = current->bounds;
  const bool is_tight = tighten(graph.signature, impl_->options.dims, dims, bounds);
  return is_tight ? impl_->plan_for(graph, bounds) : current->compiled->plan;
}

DimValues Program::bounds(std::size_t graph) const {
  return impl_->current(impl_->graph(graph))->bounds;
}

std::vector<StepWork> Program::work(std::size_t graph_number, const DimValues& dims) const {
  GraphProgram& graph = impl_->graph(graph_number);
  const std::shared_ptr<const PlannedGraph> current = impl_->current(graph);
  DimValues bounds = current->bounds;
  std::unique_ptr<const CompiledPlan> tight;
  if (tighten(graph.signature, impl_->options.dims, dims, bounds))
    tight =
        compile_plan(*graph.graph, impl_->plan_for(graph, bounds), impl_->device == nullptr ? impl_->level : nullptr);
  return measure_steps(tight == nullptr ? *current->compiled : *tight, impl_->policy, bounds);
}

std::vector<std::string> Program::step_codes(std::size_t graph) const {
  const std::shared_ptr<const PlannedGraph> current = impl_->current(impl_->graph(graph));
  std::vector<std::string> codes(current->compiled->steps.size());
  for (std::size_t i = 0; i < codes.size() && current->device_plan != nullptr; ++i) {
    const DeviceStep* step = current->device_plan->steps[i].get();
    if (step != nullptr) codes[i] = impl_->device->api().describe_step(step);
  }
  return codes;
}

const MachineLimits& Program::limits() const {
  return impl_->device != nullptr ? measure_limits(*impl_->device) : measure_limits(*impl_->level);
}

DimValues Program::bind(std::size_t graph_number, std::span<const ArrayRef> inputs) const {
  const Signature& signature = impl_->graph(graph_number).signature;
  BoundDims dims(signature.dims.size());
  bind_inputs(signature, inputs, dims);
  DimValues values = named_dims(signature, dims);
  values.insert(impl_->options.dims.begin(), impl_->options.dims.end());
  return values;
}

bool Program::output_shapes(std::size_t graph, std::span<const PlainArray> inputs, std::int64_t* shapes) const {
  constexpr std::size_t kMaxDims = 32;
  std::int64_t dims[kMaxDims];
  const Signature& signature = impl_->graph(graph).signature;
  if (signature.dims.size() > kMaxDims || !match_inputs(signature, inputs, dims)) return false;
  for (const TypeNumbers& output : signature.output_numbers) {
    evaluate_shape(signature, output, dims, shapes);
    shapes += output.rank;
  }
  return true;
}

std::shared_ptr<Program> Program::with_params(std::span<const std::pair<std::string, ArrayRef>> params) const {
  auto module = std::make_shared<Module>(*impl_->given);
  for (const auto& [name, array] : params) {
    const auto found = std::find_if(module->params.begin(), module->params.end(),
                                    [&name = name](const Param& param) { return param.name == name; });
    if (found == module->params.end()) fail(ErrorCode::kArgument, concat("with_params: no param ", name));
    Param& param = found->alias_of ? module->params[*found->alias_of] : *found;
    check_matches(concat("with_params: ", name), array, param.type);
    AlignedBuffer rows(num_bytes(param.type).constant());
    copy_array(array, rows.data());
    param.data = copy_data(rows.data(), static_cast<std::size_t>(rows.size_bytes()));
    param.layout = kRowMajor;
  }
  for (Param& param : module->params) {
    if (param.alias_of) param.layout = module->params[*param.alias_of].layout;
  }
  return compile(std::move(module), impl_->options);  // params may have been folded into others
}

}  // namespace ingot
