// The short way through a run: it takes plain arrays and gives up, with nothing done, wherever there is more to do than
// to compute. Session::run (session_arrays.cpp) takes any arrays and reports what is wrong with them.
#include <algorithm>

#include "session_impl.h"

namespace ingot {

namespace {

constexpr std::int64_t kShortRunNs = 20'000;
constexpr RunOptions kNoOptions;

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

}  // namespace

bool GraphContext::covers_dims() const {
  return planned != nullptr && std::equal(dims.begin(), dims.end(), upper.begin(),
                                          [](std::int64_t dim, std::int64_t most) { return dim <= most; });
}

void Session::Impl::bind(std::size_t graph, GraphContext& context) {
  if (context.is_bound_to_dims()) return;
  if (!context.covers_dims()) plan_context(graph, context, named_dims(*context.signature, context.dims));
  context.is_bound = false;
  bind_dims(*context.planned->compiled, core->policy, context.dims, context.state.blocks);
  if (context.device != nullptr) context.device->bind(*context.signature, context.dims);
  context.bound = context.dims;
  context.is_bound = true;
}

RunBuffers Session::Impl::buffers_of(const GraphContext& context, const WorkspaceLease& workspace) const {
  return {.arena = workspace.data(),
          .scratch = workspace.data() + context.planned->compiled->plan.arena_bytes,
          .scratch_stride = context.planned->scratch_stride,
          .shared = workspace.data() + context.planned->compiled->plan.arena_bytes + context.planned->shared_offset,
          .inputs = context.inputs,
          .outputs = context.outputs,
          .params = core->params,
          .states = states};
}

void Session::Impl::execute_bound(GraphContext& context, const RunOptions& options, StepProfile* profile) {
  const PlannedGraph& planned = *context.planned;
  const WorkspaceLease workspace(core->workspaces, planned.workspace_bytes);
  last = &context;
  try {
    execute(*planned.compiled, core->policy, buffers_of(context, workspace), context.state, options, profile);
  } catch (...) {
    broken = context.state.state_written;
    throw;
  }
}

bool Session::run_short(std::size_t graph, std::span<const PlainArray> inputs, std::span<const PlainArray> outputs,
                        Fresh fresh) {
  const std::unique_lock<std::mutex> lock(impl_->mutex, std::try_to_lock);
  if (!lock.owns_lock() || impl_->broken || graph >= impl_->contexts.size()) return false;
  GraphContext* context = impl_->contexts[graph].get();
  if (context == nullptr || context->planned == nullptr || context->device != nullptr)
    return false;  // prepares first, or waits
  if (!match_inputs(*context->signature, inputs, context->dims.data()) || !context->covers_dims()) return false;
  impl_->bind(graph, *context);
  if (context->state.blocks.run_ns > kShortRunNs) return false;
  if (fresh == Fresh::kNo && !match_outputs(*context->signature, context->dims.data(), inputs, outputs)) return false;
  if (context->signature->has_bool_inputs && !all_clean(*context->signature, inputs)) return false;
  context->copied.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i) context->inputs[i] = static_cast<char*>(inputs[i].data);
  for (std::size_t i = 0; i < outputs.size(); ++i) context->outputs[i] = static_cast<char*>(outputs[i].data);
  impl_->execute_bound(*context, kNoOptions, nullptr);
  return true;
}

}  // namespace ingot
