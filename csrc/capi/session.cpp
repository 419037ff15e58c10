// ingot_session_*: running graphs and reaching states.
#include <cstring>

#include "base/error.h"
#include "base/scratch.h"
#include "capi/handles.h"
#include "file/file.h"

namespace ingot::capi {

namespace {

struct CallScratch {
  std::vector<ArrayRef> inputs, outputs;
  std::vector<TensorType> types;
};

void read_tensors(const ingot_tensor* tensors, std::size_t count, const char* what, bool needs_data,
                  std::vector<ArrayRef>& arrays) {
  arrays.clear();
  if (count > 0) require(tensors, "ingot_session_run", what);
  for (std::size_t i = 0; i < count; ++i) arrays.push_back(to_array(tensors[i], what, i, needs_data));
}

void check_graph(const ingot_session* session, std::size_t graph) {
  const std::size_t count = session->program->module().graphs.size();
  if (graph >= count) fail(ErrorCode::kArgument, concat("there is no graph ", graph, ": the module has ", count));
}

// The caller's callback answers with an int, the core's asks for a bool.
bool ask_caller(void* context) {
  const auto* options = static_cast<const ingot_run_options*>(context);
  return options->interrupted(options->interrupt_context) != 0;
}

RunOptions to_run_options(ingot_run_options& options) {
  if (options.max_steps < 0) fail(ErrorCode::kArgument, "ingot_run_options: max_steps must not be negative");
  RunOptions result{.max_steps = options.max_steps};
  if (options.interrupted != nullptr) {
    result.interrupted = &ask_caller;
    result.interrupt_context = &options;
  }
  return result;
}

// The texts of an output are the program's; concrete types are not, so `type` is null there.
void fill_concrete(ingot_tensor_info& info, const TensorType& type, const std::string& name) {
  if (info.size < sizeof(ingot_tensor_info)) {
    fail(ErrorCode::kArgument, "ingot_tensor_info: its size is not set: start from INGOT_TENSOR_INFO_INIT");
  }
  info = {.size = info.size,
          .name = name.c_str(),
          .type = nullptr,
          .dtype = from_dtype(type.dtype),
          .rank = static_cast<std::int32_t>(type.shape.size()),
          .shape = {}};
  for (std::size_t i = 0; i < type.shape.size(); ++i) info.shape[i] = type.shape[i].constant();
}

}  // namespace

}  // namespace ingot::capi

namespace capi = ingot::capi;

extern "C" {

ingot_status ingot_session_new(const ingot_program* program, ingot_session** session) {
  return capi::guarded([&] {
    capi::require(program, "ingot_session_new", "program");
    capi::require(session, "ingot_session_new", "session");
    auto made = std::make_unique<ingot_session>();
    made->program = program->program;
    made->session = program->program->new_session();
    *session = made.release();
  });
}

void ingot_session_free(ingot_session* session) {
  delete session;
}

ingot_status ingot_session_reset(ingot_session* session) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_reset", "session");
    session->session->reset();
  });
}

ingot_status ingot_session_run(ingot_session* session, size_t graph, const ingot_tensor* inputs, size_t num_inputs,
                               const ingot_tensor* outputs, size_t num_outputs, const ingot_run_options* options) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_run", "session");
    capi::check_graph(session, graph);
    ingot_run_options read = INGOT_RUN_OPTIONS_INIT;
    if (options != nullptr) capi::read_struct(&read, sizeof(read), sizeof(read), options, "ingot_run_options");
    const ingot::ScratchLease<capi::CallScratch> scratch;
    capi::read_tensors(inputs, num_inputs, "input", true, scratch->inputs);
    capi::read_tensors(outputs, num_outputs, "output", true, scratch->outputs);
    session->session->run(graph, scratch->inputs, scratch->outputs, capi::to_run_options(read));
  });
}

ingot_status ingot_session_output_shapes(ingot_session* session, size_t graph, const ingot_tensor* inputs,
                                         size_t num_inputs, ingot_tensor_info* infos, size_t num_infos) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_output_shapes", "session");
    capi::check_graph(session, graph);
    const ingot::Graph& g = session->program->module().graphs[graph];
    if (num_infos != g.body.returns.size()) {
      ingot::fail(ingot::ErrorCode::kArgument,
                  ingot::concat("got ", num_infos, " infos, expected ", g.body.returns.size(), ", one per output"));
    }
    if (num_infos > 0) capi::require(infos, "ingot_session_output_shapes", "infos");
    const ingot::ScratchLease<capi::CallScratch> scratch;
    capi::read_tensors(inputs, num_inputs, "input", false, scratch->inputs);
    session->session->output_types(graph, scratch->inputs, scratch->types);
    for (std::size_t i = 0; i < num_infos; ++i) {
      capi::fill_concrete(infos[i], scratch->types.at(i), g.output_names.at(i));
    }
  });
}

ingot_status ingot_session_reserve(ingot_session* session, size_t graph, const ingot_dim* dims, size_t num_dims) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_reserve", "session");
    capi::check_graph(session, graph);
    session->session->reserve(graph, capi::to_dims(dims, num_dims, "ingot_session_reserve"));
  });
}

ingot_status ingot_session_read_state(ingot_session* session, const char* name, void* data, size_t size_bytes) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_read_state", "session");
    capi::require(name, "ingot_session_read_state", "name");
    const std::vector<std::byte> bytes = session->session->read_state(name);
    if (bytes.size() != size_bytes) {
      ingot::fail(ingot::ErrorCode::kArgument,
                  ingot::concat("state ", name, ": got a buffer of ", size_bytes, " bytes, expected ", bytes.size()));
    }
    if (size_bytes == 0) return;
    capi::require(data, "ingot_session_read_state", "data");
    std::memcpy(data, bytes.data(), size_bytes);
  });
}

ingot_status ingot_session_write_state(ingot_session* session, const char* name, const ingot_tensor* value) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_write_state", "session");
    capi::require(name, "ingot_session_write_state", "name");
    capi::require(value, "ingot_session_write_state", "value");
    session->session->write_state(name, capi::to_array(*value, "state", 0, true));
  });
}

ingot_status ingot_session_save(ingot_session* session, const char* path) {
  return capi::guarded([&] {
    capi::require(session, "ingot_session_save", "session");
    capi::require(path, "ingot_session_save", "path");
    ingot::save_module(session->session->module_with_states(), path);
  });
}

}  // extern "C"
