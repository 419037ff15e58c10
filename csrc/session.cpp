// A session's states, and what prepares it for runs; runs are in session_run.cpp.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "base/error.h"
#include "execute/pool.h"
#include "session_impl.h"

namespace ingot {

// On a device all states lie in one block.
void Session::Impl::place_states() {
  const std::vector<State>& declared = core->optimized.states;
  std::vector<std::int64_t> offsets;
  std::int64_t total = 0;
  for (std::size_t i = 0; i < declared.size(); ++i) {
    offsets.push_back(total);
    total += checked_align_up(static_cast<std::int64_t>(state_bytes(i)), kDeviceAlignment).value_or(0);
  }
  if (core->device != nullptr) state_memory = DeviceMemory(core->device, total);
  for (std::size_t i = 0; i < declared.size(); ++i) {
    if (core->device == nullptr) state_buffers.emplace_back(static_cast<std::int64_t>(state_bytes(i)));
    states.push_back(core->device == nullptr ? state_buffers[i].data() : state_memory.data() + offsets[i]);
  }
}

void Session::Impl::finish_runs(const GraphContext* besides) const {
  for (const std::unique_ptr<GraphContext>& context : contexts)
    if (context != nullptr && context->device != nullptr && context.get() != besides) context->device->finish();
}

void Session::Impl::reset_states() {
  const std::vector<State>& declared = core->optimized.states;
  for (std::size_t i = 0; i < declared.size(); ++i)
    put_state(i, declared[i].init.size_bytes == 0 ? nullptr : declared[i].init.data);
  broken = false;
}

std::size_t Session::Impl::state_bytes(std::size_t state) const {
  return static_cast<std::size_t>(num_bytes(core->optimized.states[state].type).constant());
}

void Session::Impl::put_state(std::size_t state, const void* from) {
  const std::size_t bytes = state_bytes(state);
  if (bytes == 0) return;
  finish_runs();
  if (core->device != nullptr) {
    const auto count = static_cast<std::int64_t>(bytes);
    return from == nullptr ? core->device->clear(states[state], count)
                           : core->device->upload(states[state], from, count);
  }
  from == nullptr ? std::memset(states[state], 0, bytes) : std::memcpy(states[state], from, bytes);
}

void Session::Impl::get_state(std::size_t state, void* to) const {
  const std::size_t bytes = state_bytes(state);
  if (bytes == 0) return;
  finish_runs();
  if (core->device != nullptr) return core->device->download(to, states[state], static_cast<std::int64_t>(bytes));
  std::memcpy(to, states[state], bytes);
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

std::shared_ptr<Session> Program::new_session() const {
  auto session = std::make_shared<Session>();
  session->impl_ = std::make_shared<Session::Impl>();
  Session::Impl& impl = *session->impl_;
  impl.program = shared_from_this();
  impl.core = impl_;
  impl.place_states();
  impl.contexts.resize(impl_->graphs.size());
  impl.reset_states();
  return session;
}

void Session::reserve(std::size_t graph, const DimValues& dims) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  GraphContext& context = impl_->context(graph);
  const Signature& signature = *context.signature;
  DimValues needed = impl_->core->current(impl_->core->graph(graph))->bounds;
  for (const auto& [name, value] : dims) {
    if (impl_->core->options.dims.contains(name)) continue;
    const auto dim = std::find_if(signature.dims.begin(), signature.dims.end(),
                                  [&name = name](const Dim& candidate) { return candidate.name == name; });
    if (dim == signature.dims.end() || value < dim->lo || value > dim->hi)
      fail(ErrorCode::kArgument, concat("reserve: dim ", name, " of graph ", signature.graph, " cannot be ", value));
    needed[name] = value;
  }
  impl_->plan_context(graph, context, needed);
  for (std::size_t i = 0; i < context.dims.size(); ++i) context.dims[i] = needed.at(signature.dims[i].name);
  impl_->bind(graph, context);
  if (context.device != nullptr) return context.device->reserve_staging();
  parallel_for([](void*, std::int64_t, std::int64_t, int) {}, nullptr, impl_->core->policy.num_threads,
               impl_->core->policy.num_threads);  // threads are on processors of their own after their first region
  {
    const WorkspaceLease workspace(impl_->core->workspaces, context.planned->workspace_bytes);
    if (workspace.size_bytes() > 0) std::memset(workspace.data(), 0, static_cast<std::size_t>(workspace.size_bytes()));
  }
  impl_->warm_up(context);
}

void* Session::native_stream(std::size_t graph) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const GraphContext& context = impl_->context(graph);
  INGOT_CHECK(context.device != nullptr);
  return impl_->core->device->api().native_stream(context.device->stream());
}

const Program& Session::program() const {
  return *impl_->program;
}

std::vector<std::byte> Session::read_state(std::string_view name) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const std::size_t index = impl_->state_index(name);
  std::vector<std::byte> bytes(impl_->state_bytes(index));
  impl_->get_state(index, bytes.data());
  return bytes;
}

void Session::write_state(std::string_view name, const ArrayRef& value) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  const std::size_t index = impl_->state_index(name);
  check_matches(concat("session: state ", name), value, impl_->core->optimized.states[index].type);
  if (impl_->core->device == nullptr) return copy_array(value, impl_->states[index]);
  const AlignedBuffer rows(static_cast<std::int64_t>(impl_->state_bytes(index)));
  copy_array(value, rows.data());
  impl_->put_state(index, rows.data());
}

void Session::reset() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->reset_states();
}

Module Session::module_with_states() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  Module module = *impl_->core->given;
  for (std::size_t i = 0; i < module.states.size(); ++i) {
    const AlignedBuffer buffer(static_cast<std::int64_t>(impl_->state_bytes(i)));
    impl_->get_state(i, buffer.data());
    module.states[i].init = copy_data(buffer.data(), static_cast<std::size_t>(buffer.size_bytes()));
  }
  return module;
}

std::vector<std::string> Session::last_copied_inputs() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  std::vector<std::string> names;
  if (impl_->last == nullptr) return names;
  for (std::uint32_t input : impl_->last->copied) names.push_back(impl_->last->signature->input_names[input]);
  return names;
}

}  // namespace ingot
