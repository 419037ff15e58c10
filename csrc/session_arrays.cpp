// The careful way through a run: any arrays, wherever they lie, and a message for what is wrong with them; what a graph
// needs before its first run.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "execute/pool.h"
#include "session_impl.h"

namespace ingot {

namespace {

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

GraphContext& Session::Impl::context(std::size_t index) {
  const GraphProgram& graph = core->graph(index);
  if (contexts[index] == nullptr) {
    auto context = std::make_unique<GraphContext>(graph.signature);
    if (core->device == nullptr) {
      reserve_threads(core->policy.num_threads);
    } else {
      context->device = std::make_unique<DeviceSession>(core->device);
    }
    contexts[index] = std::move(context);
  }
  return *contexts[index];
}

void Session::Impl::plan_context(std::size_t graph, GraphContext& context, const DimValues& needed) {
  context.is_bound = false;
  context.planned = nullptr;  // until there is room for it
  std::shared_ptr<const PlannedGraph> planned = core->planned_for(core->graph(graph), needed);
  for (std::size_t i = 0; i < context.upper.size(); ++i)
    context.upper[i] = planned->bounds.at(context.signature->dims[i].name);
  make_run_state(*planned->compiled, context.state);
  if (context.device != nullptr) context.device->plan(*planned);
  context.planned = std::move(planned);
}

void Session::Impl::execute_on_device(GraphContext& context, std::span<const ArrayRef> inputs,
                                      std::span<const ArrayRef> outputs, const RunOptions& options,
                                      StepProfile* profile) {
  const DeviceSession::Slots slots = {context.inputs, context.outputs, context.copied};
  last = &context;
  context.state.state_written = false;
  finish_runs(&context);
  try {
    context.device->run(*context.planned, states, inputs, outputs, slots, context.state, options, profile);
  } catch (...) {
    broken = context.state.state_written;
    throw;
  }
}

// Arrays lie in the host's memory, or in that of the program's own device.
void Session::Impl::check_places(const Signature& signature, std::span<const ArrayRef> inputs,
                                 std::span<const ArrayRef> outputs) const {
  const auto check = [&](const ArrayRef& array, const char* what, const std::string& name) {
    if (array.device == kHost) return;
    const auto wrong = [&](const std::string& problem) {
      fail(ErrorCode::kArgument, concat("run: ", what, " ", name, ": ", problem));
    };
    if (core->device == nullptr || core->device->index() != array.device)
      wrong(concat("lies on device ", array.device, ", expected the host or ", core->options.device));
    if (num_elements(array) > 0 && core->device->api().owns(core->device->context(), array.data) == 0)
      wrong(concat("its address is not in the memory of ", core->options.device));
    if (!is_aligned(array)) wrong("not aligned to its elements");
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) check(inputs[i], "input", signature.input_names[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) check(outputs[i], "output", signature.output_names[i]);
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
  if (options.has_stream && context.device == nullptr)
    fail(ErrorCode::kArgument, "run: a stream is given: expected a program on a device");
  bind_inputs(*context.signature, inputs, context.dims);
  impl_->bind(graph, context);
  check_outputs(*context.signature, context.dims, inputs, outputs, context.extents);
  impl_->check_places(*context.signature, inputs, outputs);
  context.copied.clear();
  const std::size_t num_steps = context.planned->compiled->steps.size();
  if (profile != nullptr && profile->size() != num_steps) profile->assign(num_steps, {});
  StepProfile* const steps = profile == nullptr ? nullptr : profile->data();
  if (context.device != nullptr) return impl_->execute_on_device(context, inputs, outputs, options, steps);
  for (std::size_t i = 0; i < inputs.size(); ++i) context.inputs[i] = stage(context, i, inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) context.outputs[i] = static_cast<char*>(outputs[i].data);
  impl_->execute_bound(context, options, steps);
}

}  // namespace ingot
