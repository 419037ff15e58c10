// The two ways through a run. `run` takes any arrays and reports what is wrong with them; `run_short` takes plain ones
// and gives up, with nothing done, wherever there is more to do than to compute.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "execute/pool.h"
#include "session_impl.h"

namespace ingot {

namespace {

constexpr std::int64_t kShortRunNs = 20'000;

bool all_clean(const Signature& signature, std::span<const PlainArray> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TypeNumbers& type = signature.input_numbers[i];
    if (type.dtype != DType::kBool) continue;
    std::int64_t count = 1;
    for (int axis = 0; axis < type.rank; ++axis) count *= inputs[i].shape[axis];
    if (!is_clean(static_cast<const char*>(inputs[i].data), count)) return false;
  }
  return true;
}

// Where the plan reads this input: in place, or a row-major copy.
char* stage(GraphContext& context, std::size_t input, const ArrayRef& array) {
  if (is_contiguous(array) && is_aligned(array) && is_clean(array)) return static_cast<char*>(array.data);
  AlignedBuffer& staging = context.staging[input];
  const TensorType& type = context.signature->inputs[input];
  const std::int64_t needed = num_elements(array) * static_cast<std::int64_t>(size_bytes(type.dtype));
  if (staging.size_bytes() < needed)
    staging = AlignedBuffer(std::max(needed, num_bytes(type).evaluate(context.planned->bounds)));
  copy_array(array, staging.data());
  context.copied.push_back(static_cast<std::uint32_t>(input));
  return staging.data();
}

}  // namespace

GraphContext::GraphContext(const Signature& graph_signature)
    : signature(&graph_signature),
      upper(graph_signature.dims.size()),
      dims(graph_signature.dims.size()),
      bound(graph_signature.dims.size()),
      inputs(graph_signature.inputs.size()),
      outputs(graph_signature.outputs.size()),
      staging(graph_signature.inputs.size()) {
  copied.reserve(graph_signature.inputs.size());
  extents.reserve(graph_signature.inputs.size() + graph_signature.outputs.size());
}

bool GraphContext::covers_dims() const {
  return planned != nullptr && std::equal(dims.begin(), dims.end(), upper.begin(),
                                          [](std::int64_t dim, std::int64_t most) { return dim <= most; });
}

GraphContext& Session::Impl::context(std::size_t index) {
  const GraphProgram& graph = core->graph(index);
  if (contexts[index] == nullptr) {
    reserve_threads(core->policy.num_threads);
    contexts[index] = std::make_unique<GraphContext>(graph.signature);
  }
  return *contexts[index];
}

void Session::Impl::plan_context(std::size_t graph, GraphContext& context, const DimValues& needed) {
  context.is_bound = false;
  context.planned = core->planned_for(core->graph(graph), needed);
  for (std::size_t i = 0; i < context.upper.size(); ++i)
    context.upper[i] = context.planned->bounds.at(context.signature->dims[i].name);
  make_run_state(*context.planned->compiled, context.state);
}

void Session::Impl::bind(std::size_t graph, GraphContext& context) {
  if (context.is_bound_to_dims()) return;
  if (!context.covers_dims()) plan_context(graph, context, named_dims(*context.signature, context.dims));
  context.is_bound = false;
  bind_dims(*context.planned->compiled, core->policy, context.dims, context.state.blocks);
  context.bound = context.dims;
  context.is_bound = true;
}

void Session::Impl::execute_bound(GraphContext& context, const RunOptions& options, StepProfile* profile) {
  const PlannedGraph& planned = *context.planned;
  const WorkspaceLease workspace(core->workspaces, planned.workspace_bytes);
  const RunBuffers buffers = {.arena = workspace.data(),
                              .scratch = workspace.data() + planned.compiled->plan.arena_bytes,
                              .scratch_stride = planned.scratch_stride,
                              .inputs = context.inputs,
                              .outputs = context.outputs,
                              .params = core->params,
                              .states = states};
  last = &context;
  try {
    execute(*planned.compiled, core->policy, buffers, context.state, options, profile);
  } catch (...) {
    broken = context.state.state_written;
    throw;
  }
}

void Session::output_types(std::size_t graph, std::span<const ArrayRef> inputs, std::vector<TensorType>& types) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  GraphContext& context = impl_->context(graph);
  const Signature& signature = *context.signature;
  bind_inputs(signature, inputs, context.dims);
  types.resize(signature.outputs.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    std::int64_t shape[kMaxRank];
    evaluate_shape(signature, signature.output_numbers[i], context.dims.data(), shape);
    types[i].dtype = signature.outputs[i].dtype;
    types[i].shape.assign(shape, shape + signature.output_numbers[i].rank);
  }
}

void Session::run(std::size_t graph, std::span<const ArrayRef> inputs, std::span<const ArrayRef> outputs,
                  const RunOptions& options, std::vector<StepProfile>* profile) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  GraphContext& context = impl_->context(graph);
  if (impl_->broken) fail(ErrorCode::kState, "run: a failed run left the states half written: reset the session first");
  bind_inputs(*context.signature, inputs, context.dims);
  impl_->bind(graph, context);
  check_outputs(*context.signature, context.dims, inputs, outputs, context.extents);
  context.copied.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) context.inputs[i] = stage(context, i, inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) context.outputs[i] = static_cast<char*>(outputs[i].data);
  const std::size_t num_steps = context.planned->compiled->steps.size();
  if (profile != nullptr && profile->size() != num_steps) profile->assign(num_steps, {});
  impl_->execute_bound(context, options, profile == nullptr ? nullptr : profile->data());
}

bool Session::run_short(std::size_t graph, std::span<const PlainArray> inputs, std::span<const PlainArray> outputs,
                        Fresh fresh) {
  const std::unique_lock<std::mutex> lock(impl_->mutex, std::try_to_lock);
  if (!lock.owns_lock() || impl_->broken || graph >= impl_->contexts.size()) return false;
  GraphContext* context = impl_->contexts[graph].get();
  if (context == nullptr || context->planned == nullptr) return false;  // the first run prepares
  if (!match_inputs(*context->signature, inputs, context->dims.data()) || !context->covers_dims()) return false;
  impl_->bind(graph, *context);
  if (context->state.blocks.run_ns > kShortRunNs) return false;
  if (fresh == Fresh::kNo && !match_outputs(*context->signature, context->dims.data(), inputs, outputs)) return false;
  if (context->signature->has_bool_inputs && !all_clean(*context->signature, inputs)) return false;
  context->copied.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) context->inputs[i] = static_cast<char*>(inputs[i].data);
  for (std::size_t i = 0; i < outputs.size(); ++i) context->outputs[i] = static_cast<char*>(outputs[i].data);
  impl_->execute_bound(*context, {}, nullptr);
  return true;
}

}  // namespace ingot
