// ingot_program_*: loading a file and saying what is in it.
#include <cstddef>
#include <string>

#include "base/error.h"
#include "capi/handles.h"
#include "file/file.h"

namespace ingot::capi {

namespace {

std::vector<std::string> to_names(const char* const* names, std::size_t count, const char* field, const char* what) {
  std::vector<std::string> result;
  if (count > 0) require(names, "ingot_options", field);
  for (std::size_t i = 0; i < count; ++i) {
    require(names[i], "ingot_options", what);
    result.emplace_back(names[i]);
  }
  return result;
}

CompileOptions to_compile_options(const ingot_options& options) {
  CompileOptions result;
  if (options.num_threads < 0 || options.max_memory_bytes < 0) {
    fail(ErrorCode::kArgument, "ingot_options: num_threads and max_memory_bytes must not be negative");
  }
  result.num_threads = options.num_threads;
  result.max_memory_bytes = options.max_memory_bytes;
  if (options.level != nullptr) result.level = options.level;
  if (options.device != nullptr) result.device = options.device;
  result.dims = to_dims(options.dims, options.num_dims, "ingot_options");
  result.disabled_passes =
      to_names(options.disabled_passes, options.num_disabled_passes, "disabled_passes", "the name of a pass");
  result.fast = to_names(options.fast, options.num_fast, "fast", "the name of a freedom");
  return result;
}

ingot_options read_options(const ingot_options* options) {
  ingot_options read = INGOT_OPTIONS_INIT;
  if (options != nullptr) read_struct(&read, sizeof(read), offsetof(ingot_options, device), options, "ingot_options");
  return read;
}

std::vector<ingot_tensor_text> describe(const Graph& graph, const std::vector<ValueId>& ids,
                                        const std::vector<std::string>& names) {
  std::vector<ingot_tensor_text> texts;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    texts.push_back({i < names.size() ? names[i] : std::string(), to_string(graph.value(ids[i]).type)});
  }
  return texts;
}

ingot_program* make_program(Module&& module, const ingot_options& options) {
  auto result = std::make_unique<ingot_program>();
  for (const Graph& graph : module.graphs) {
    result->graphs.push_back(
        {describe(graph, graph.body.args, graph.input_names), describe(graph, graph.body.returns, graph.output_names)});
  }
  for (const State& state : module.states) result->states.push_back({state.name, to_string(state.type)});
  result->program = Program::compile(std::make_shared<const Module>(std::move(module)), to_compile_options(options));
  return result.release();
}

const Graph& find_graph(const ingot_program* program, std::size_t graph) {
  const Module& module = program->program->module();
  if (graph >= module.graphs.size()) {
    fail(ErrorCode::kArgument, concat("there is no graph ", graph, ": the module has ", module.graphs.size()));
  }
  return module.graphs[graph];
}

void fill_info(ingot_tensor_info* info, const ingot_tensor_text& text, const TensorType& type) {
  if (info->size < sizeof(ingot_tensor_info)) {
    fail(ErrorCode::kArgument, "ingot_tensor_info: its size is not set: start from INGOT_TENSOR_INFO_INIT");
  }
  *info = {.size = info->size,
           .name = text.name.c_str(),
           .type = text.type.c_str(),
           .dtype = from_dtype(type.dtype),
           .rank = static_cast<std::int32_t>(type.shape.size()),
           .shape = {}};
  for (std::size_t i = 0; i < type.shape.size(); ++i) {
    info->shape[i] = type.shape[i].is_constant() ? type.shape[i].constant() : -1;
  }
}

void check_index(std::size_t index, std::size_t count, const char* what) {
  if (index >= count) fail(ErrorCode::kArgument, concat("there is no ", what, " ", index, ": there are ", count));
}

}  // namespace

}  // namespace ingot::capi

namespace capi = ingot::capi;

extern "C" {

ingot_status ingot_program_load(const char* path, const ingot_options* options, ingot_program** program) {
  return capi::guarded([&] {
    capi::require(path, "ingot_program_load", "path");
    capi::require(program, "ingot_program_load", "program");
    const ingot_options read = capi::read_options(options);
    *program = capi::make_program(ingot::load_module(path, {.copy = read.copy_file != 0}), read);
  });
}

ingot_status ingot_program_load_bytes(const void* bytes, size_t size_bytes, const ingot_options* options,
                                      ingot_program** program) {
  return capi::guarded([&] {
    capi::require(bytes, "ingot_program_load_bytes", "bytes");
    capi::require(program, "ingot_program_load_bytes", "program");
    const ingot_options read = capi::read_options(options);
    const std::span<const std::byte> span(static_cast<const std::byte*>(bytes), size_bytes);
    *program = capi::make_program(ingot::load_module(span), read);
  });
}

void ingot_program_free(ingot_program* program) {
  delete program;
}

size_t ingot_program_num_graphs(const ingot_program* program) {
  return program == nullptr ? 0 : program->graphs.size();
}

size_t ingot_program_num_inputs(const ingot_program* program, size_t graph) {
  return graph < ingot_program_num_graphs(program) ? program->graphs[graph].inputs.size() : 0;
}

size_t ingot_program_num_outputs(const ingot_program* program, size_t graph) {
  return graph < ingot_program_num_graphs(program) ? program->graphs[graph].outputs.size() : 0;
}

size_t ingot_program_num_states(const ingot_program* program) {
  return program == nullptr ? 0 : program->states.size();
}

const char* ingot_program_graph_name(const ingot_program* program, size_t graph) {
  if (graph >= ingot_program_num_graphs(program)) return nullptr;
  return program->program->module().graphs[graph].name.c_str();
}

ingot_status ingot_program_find_graph(const ingot_program* program, const char* name, size_t* graph) {
  return capi::guarded([&] {
    capi::require(program, "ingot_program_find_graph", "program");
    capi::require(graph, "ingot_program_find_graph", "graph");
    *graph = program->program->graph_index(name == nullptr ? "" : name);
  });
}

ingot_status ingot_program_input(const ingot_program* program, size_t graph, size_t index, ingot_tensor_info* info) {
  return capi::guarded([&] {
    capi::require(program, "ingot_program_input", "program");
    capi::require(info, "ingot_program_input", "info");
    const ingot::Graph& g = capi::find_graph(program, graph);
    capi::check_index(index, g.body.args.size(), "input");
    capi::fill_info(info, program->graphs[graph].inputs[index], g.value(g.body.args[index]).type);
  });
}

ingot_status ingot_program_output(const ingot_program* program, size_t graph, size_t index, ingot_tensor_info* info) {
  return capi::guarded([&] {
    capi::require(program, "ingot_program_output", "program");
    capi::require(info, "ingot_program_output", "info");
    const ingot::Graph& g = capi::find_graph(program, graph);
    capi::check_index(index, g.body.returns.size(), "output");
    capi::fill_info(info, program->graphs[graph].outputs[index], g.value(g.body.returns[index]).type);
  });
}

ingot_status ingot_program_state(const ingot_program* program, size_t index, ingot_tensor_info* info) {
  return capi::guarded([&] {
    capi::require(program, "ingot_program_state", "program");
    capi::require(info, "ingot_program_state", "info");
    capi::check_index(index, program->states.size(), "state");
    capi::fill_info(info, program->states[index], program->program->module().states[index].type);
  });
}

ingot_status ingot_program_arena_bytes(const ingot_program* program, size_t graph, int64_t* arena_bytes) {
  return capi::guarded([&] {
    capi::require(program, "ingot_program_arena_bytes", "program");
    capi::require(arena_bytes, "ingot_program_arena_bytes", "arena_bytes");
    capi::find_graph(program, graph);
    *arena_bytes = program->program->plan(graph).arena_bytes;
  });
}

}  // extern "C"
