// A session: its states, and for each graph the context in which it runs.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include "arrays.h"
#include "base/error.h"
#include "execute/executor.h"
#include "execute/pool.h"
#include "program.h"
#include "program_impl.h"
#include "signature.h"
#include "workspace.h"

namespace ingot {

namespace {

constexpr std::int64_t kNotBound = -1;

// Everything that a run of one graph needs, allocated before its first run.
struct GraphContext {
  explicit GraphContext(const Signature& signature)
      : dims(signature),
        bound(signature.dims.size(), kNotBound),
        inputs(signature.inputs.size()),
        outputs(signature.outputs.size()),
        staging(signature.inputs.size()) {
    copied.reserve(signature.inputs.size());
    extents.reserve(signature.inputs.size() + signature.outputs.size());
  }

  std::shared_ptr<const PlannedGraph> planned;
  RunState state;
  BoundDims dims;                   // of the call in progress
  std::vector<std::int64_t> bound;  // dims that state.blocks holds
  bool is_bound = false;
  std::vector<char*> inputs, outputs;
  std::vector<AlignedBuffer> staging;  // per input: room for a copy at the upper bounds, once one was needed
  std::vector<std::uint32_t> copied;   // inputs of the last run that were
  std::vector<TaggedExtent> extents;
};

bool within(const GraphContext& context, const Signature& signature) {
  if (context.planned == nullptr) return false;
  for (std::size_t i = 0; i < signature.dims.size(); ++i)
    if (context.dims.value(i) > context.planned->bounds.find(signature.dims[i].name)->second) return false;
  return true;
}

}  // namespace

struct Session::Impl {
  std::mutex mutex;
  std::shared_ptr<const Program> program;
  std::shared_ptr<const Program::Impl> core;
  std::vector<AlignedBuffer> state_buffers;
  std::vector<char*> states;
  std::vector<std::unique_ptr<GraphContext>> contexts;
  const GraphContext* last = nullptr;
  const Signature* last_signature = nullptr;
  bool broken = false;

  void reset_states();
  std::size_t state_index(std::string_view name) const;
  GraphContext& context(std::size_t graph);
  void plan_context(GraphProgram& graph, GraphContext& context, const DimValues& needed);
  void bind(GraphProgram& graph, GraphContext& context);
  char* stage(const Signature& signature, GraphContext& context, std::size_t input, const ArrayRef& array);
  RunBuffers buffers(const GraphContext& context, char* workspace) const;
};

void Session::Impl::reset_states() {
  const std::vector<State>& declared = core->optimized.states;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    const auto bytes = static_cast<std::size_t>(state_buffers[i].size_bytes());
    if (bytes == 0) continue;
    if (declared[i].init.size_bytes == 0) {
      std::memset(states[i], 0, bytes);
    } else {
      std::memcpy(states[i], declared[i].init.data, bytes);
    }
  }
  broken = false;
}

std::size_t Session::Impl::state_index(std::string_view name) const {
  const std::vector<State>& declared = core->optimized.states;
  std::string known;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (declared[i].name == name) return i;
    known += concat(known.empty() ? "" : ", ", declared[i].name);
  }
  fail(ErrorCode::kArgument,
       concat("session: no state ", name, ": expected ", known.empty() ? "none, the module has no states" : known));
}

GraphContext& Session::Impl::context(std::size_t index) {
  GraphProgram& graph = core->graph(index);
  if (contexts[index] == nullptr) {
    reserve_threads(core->policy.num_threads);
    contexts[index] = std::make_unique<GraphContext>(graph.signature);
  }
  return *contexts[index];
}

void Session::Impl::plan_context(GraphProgram& graph, GraphContext& context, const DimValues& needed) {
  context.is_bound = false;
  context.planned = core->planned_for(graph, needed);
  make_run_state(*context.planned->compiled, context.state);
}

// Brings plan and argument blocks to the dims of this call: nothing to do when they are those of the last.
void Session::Impl::bind(GraphProgram& graph, GraphContext& context) {
  const std::size_t num_dims = graph.signature.dims.size();
  bool same = context.is_bound;
  for (std::size_t i = 0; i < num_dims; ++i) same = same && context.bound[i] == context.dims.value(i);
  if (same) return;
  if (!within(context, graph.signature)) plan_context(graph, context, context.dims.values());
  context.is_bound = false;
  bind_dims(*context.planned->compiled, core->policy, context.dims.values(), context.state.blocks);
  for (std::size_t i = 0; i < num_dims; ++i) context.bound[i] = context.dims.value(i);
  context.is_bound = true;
}

// Where the plan reads this input: in place, or a row-major copy.
char* Session::Impl::stage(const Signature& signature, GraphContext& context, std::size_t input,
                           const ArrayRef& array) {
  if (is_contiguous(array) && is_aligned(array) && is_clean(array)) return static_cast<char*>(array.data);
  AlignedBuffer& staging = context.staging[input];
  const TensorType& type = signature.inputs[input];
  const std::int64_t needed = num_elements(array) * static_cast<std::int64_t>(size_bytes(type.dtype));
  if (staging.size_bytes() < needed)
    staging = AlignedBuffer(std::max(needed, num_bytes(type).evaluate(context.planned->bounds)));
  copy_array(array, staging.data());
  context.copied.push_back(static_cast<std::uint32_t>(input));
  return staging.data();
}

RunBuffers Session::Impl::buffers(const GraphContext& context, char* workspace) const {
  return {.arena = workspace,
          .scratch = workspace + context.planned->compiled->plan.arena_bytes,
          .scratch_stride = context.planned->scratch_stride,
          .inputs = context.inputs,
          .outputs = context.outputs,
          .params = core->params,
          .states = states};
}

std::shared_ptr<Session> Program::new_session() const {
  auto session = std::make_shared<Session>();
  session->impl_ = std::make_shared<Session::Impl>();
  Session::Impl& impl = *session->impl_;
  impl.program = shared_from_this();
  impl.core = impl_;
  for (const State& state : impl_->optimized.states) {
    impl.state_buffers.emplace_back(num_bytes(state.type).constant());
    impl.states.push_back(impl.state_buffers.back().data());
  }
  impl.contexts.resize(impl_->graphs.size());
  impl.reset_states();
  return session;
}

void Session::output_types(std::size_t graph, std::span<const ArrayRef> inputs, std::vector<TensorType>& types) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const Signature& signature = impl_->core->graph(graph).signature;
  GraphContext& context = impl_->context(graph);
  bind_inputs(signature, inputs, context.dims);
  types.resize(signature.outputs.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    types[i].dtype = signature.outputs[i].dtype;
    types[i].shape.resize(signature.outputs[i].shape.size());
    for (std::size_t axis = 0; axis < types[i].shape.size(); ++axis)
      types[i].shape[axis] = signature.outputs[i].shape[axis].evaluate(context.dims.values());
  }
}

void Session::run(std::size_t graph_number, std::span<const ArrayRef> inputs, std::span<const ArrayRef> outputs,
                  const RunOptions& options, std::vector<StepProfile>* profile) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  GraphProgram& graph = impl_->core->graph(graph_number);
  if (impl_->broken) fail(ErrorCode::kState, "run: a failed run left the states half written: reset the session first");
  GraphContext& context = impl_->context(graph_number);
  bind_inputs(graph.signature, inputs, context.dims);
  impl_->bind(graph, context);
  check_outputs(graph.signature, context.dims, inputs, outputs, context.extents);
  context.copied.clear();
  impl_->last = &context;
  impl_->last_signature = &graph.signature;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    context.inputs[i] = impl_->stage(graph.signature, context, i, inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) context.outputs[i] = static_cast<char*>(outputs[i].data);
  const CompiledPlan& compiled = *context.planned->compiled;
  if (profile != nullptr && profile->size() != compiled.steps.size()) profile->assign(compiled.steps.size(), {});
  const WorkspaceLease workspace(impl_->core->workspaces, context.planned->workspace_bytes);
  try {
    execute(compiled, impl_->core->policy, impl_->buffers(context, workspace.data()), context.state, options,
            profile == nullptr ? nullptr : profile->data());
  } catch (...) {
    impl_->broken = context.state.state_written;
    throw;
  }
}

void Session::reserve(std::size_t graph_number, const DimValues& dims) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  GraphProgram& graph = impl_->core->graph(graph_number);
  GraphContext& context = impl_->context(graph_number);
  DimValues needed = impl_->core->current(graph)->bounds;
  for (const auto& [name, value] : dims) {
    if (impl_->core->options.dims.contains(name)) continue;
    const auto dim = std::find_if(graph.signature.dims.begin(), graph.signature.dims.end(),
                                  [&name = name](const Dim& candidate) { return candidate.name == name; });
    if (dim == graph.signature.dims.end() || value < dim->lo || value > dim->hi)
      fail(ErrorCode::kArgument,
           concat("reserve: dim ", name, " of graph ", graph.signature.graph, " cannot be ", value));
    needed[name] = value;
  }
  impl_->plan_context(graph, context, needed);
  for (std::size_t i = 0; i < graph.signature.dims.size(); ++i)
    context.dims.set(i, needed.at(graph.signature.dims[i].name));
  impl_->bind(graph, context);
  const WorkspaceLease workspace(impl_->core->workspaces, context.planned->workspace_bytes);
  if (workspace.size_bytes() > 0) std::memset(workspace.data(), 0, static_cast<std::size_t>(workspace.size_bytes()));
}

const Program& Session::program() const {
  return *impl_->program;
}

std::vector<std::byte> Session::read_state(std::string_view name) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const AlignedBuffer& buffer = impl_->state_buffers[impl_->state_index(name)];
  const auto* bytes = reinterpret_cast<const std::byte*>(buffer.data());
  return {bytes, bytes + buffer.size_bytes()};
}

void Session::write_state(std::string_view name, const ArrayRef& value) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const std::size_t index = impl_->state_index(name);
  check_matches(concat("session: state ", name), value, impl_->core->optimized.states[index].type);
  copy_array(value, impl_->states[index]);
}

void Session::reset() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->reset_states();
}

Module Session::module_with_states() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  Module module = *impl_->core->given;
  for (std::size_t i = 0; i < module.states.size(); ++i) {
    const AlignedBuffer& buffer = impl_->state_buffers[i];
    module.states[i].init = copy_data(buffer.data(), static_cast<std::size_t>(buffer.size_bytes()));
  }
  return module;
}

std::vector<std::string> Session::last_copied_inputs() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  std::vector<std::string> names;
  if (impl_->last == nullptr) return names;
  for (std::uint32_t input : impl_->last->copied) names.push_back(impl_->last_signature->input_names[input]);
  return names;
}

}  // namespace ingot
