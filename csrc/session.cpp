// A session's states, and what prepares it for runs; runs are in session_run.cpp.
#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "execute/pool.h"
#include "session_impl.h"

namespace ingot {

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
  parallel_for([](void*, std::int64_t, std::int64_t, int) {}, nullptr, impl_->core->policy.num_threads,
               impl_->core->policy.num_threads);  // threads are on processors of their own after their first region
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
  for (std::uint32_t input : impl_->last->copied) names.push_back(impl_->last->signature->input_names[input]);
  return names;
}

}  // namespace ingot
