// ingot-run: loads a .ingot file and runs it. Parses the command line, does what it asks, maps failures to exit codes.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>

#include "base/error.h"
#include "execute/levels.h"
#include "execute/pool.h"
#include "explain.h"
#include "file/file.h"
#include "graph/text.h"
#include "tools/arguments.h"
#include "tools/files.h"
#include "tools/inputs.h"
#include "tools/json.h"
#include "tools/load.h"
#include "tools/report.h"
#include "tools/verify.h"

namespace ingot::tools {

namespace {

void print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) throw Failure(kCannotRun, "cannot write to standard output");
}

std::size_t find_graph(const Program& program, const Arguments& arguments) {
  return at_stage(Stage::kCompile, [&] { return program.graph_index(arguments.graph); });
}

std::string output_name(const Graph& graph, std::size_t i) {
  return graph.output_names[i].empty() ? std::to_string(i) : graph.output_names[i];
}

std::size_t find_output(const Graph& graph, const std::string& name, const char* option) {
  std::string known;
  for (std::size_t i = 0; i < graph.output_names.size(); ++i) {
    if (output_name(graph, i) == name) return i;
    known += (i == 0 ? "" : ", ") + output_name(graph, i);
  }
  throw Failure(kWrongUsage, concat(option, ": there is no output '", name, "': the outputs are ", known));
}

std::vector<ArrayRef> to_refs(const std::vector<Tensor>& tensors) {
  std::vector<ArrayRef> refs;
  for (const Tensor& tensor : tensors) refs.push_back(tensor.ref());
  return refs;
}

std::vector<Tensor> make_outputs(Session& session, std::size_t graph, const std::vector<ArrayRef>& inputs) {
  std::vector<TensorType> types;
  session.output_types(graph, inputs, types);
  std::vector<Tensor> outputs;
  for (const TensorType& type : types) {
    std::vector<std::int64_t> shape;
    for (const Size& size : type.shape) shape.push_back(size.constant());
    outputs.push_back(make_tensor(type.dtype, std::move(shape)));
    fill_zeros(outputs.back());  // touches the pages: the first timed run does not pay for them
  }
  return outputs;
}

void reserve(Session& session, std::size_t graph, const std::vector<ArrayRef>& inputs, StartTimes& times) {
  const std::int64_t begin = now_ns();
  session.reserve(graph, session.program().bind(graph, inputs));
  times.reserve_ns = now_ns() - begin;
  times.ready_ns += times.reserve_ns;
}

// One run, then the warm-up, then the timed runs. Nothing is allocated once the first run is done.
void run_graph(Session& session, std::size_t graph, const std::vector<ArrayRef>& inputs,
               const std::vector<ArrayRef>& outputs, const Arguments& arguments, Report& report) {
  const RunOptions options{.max_steps = arguments.max_steps};
  report.run_ns.assign(static_cast<std::size_t>(arguments.repeat), 0);
  const std::int64_t begin = now_ns();
  session.run(graph, inputs, outputs, options);
  report.first_run_ns = now_ns() - begin;
  for (std::int64_t i = 0; i < arguments.warmup; ++i) session.run(graph, inputs, outputs, options);
  for (std::int64_t& elapsed_ns : report.run_ns) {
    const std::int64_t start = now_ns();
    session.run(graph, inputs, outputs, options);
    elapsed_ns = now_ns() - start;
  }
  std::sort(report.run_ns.begin(), report.run_ns.end());
}

std::vector<ProfiledStep> profile_graph(Session& session, std::size_t graph, const std::vector<ArrayRef>& inputs,
                                        const std::vector<ArrayRef>& outputs, const Arguments& arguments,
                                        const Plan& plan) {
  const Program& program = session.program();
  const DimValues dims = program.bind(graph, inputs);
  const std::vector<StepWork> works = program.work(graph, dims);
  std::vector<StepProfile> profile;
  const RunOptions options{.max_steps = arguments.max_steps};
  for (std::int64_t i = 0; i < std::max<std::int64_t>(arguments.repeat, 1); ++i) {
    session.run(graph, inputs, outputs, options, &profile);
  }
  const Graph& optimized = program.optimized().graphs[graph];
  std::vector<ProfiledStep> steps;
  for (std::size_t i = 0; i < profile.size() && i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    ProfiledStep entry{step.kernel,         "",       profile[i].calls,
                       profile[i].total_ns, works[i], program.limits().least_ns(works[i])};
    if (step.kind != StepKind::kKernel) entry.kernel = "(control)";
    for (const GroupInstruction& instruction : step.group) entry.kernel += concat(" ", instruction.op->name);
    if (step.node.valid() && !optimized.node(step.node).origin.file.empty()) {
      entry.where = concat(optimized.node(step.node).origin.file, ":", optimized.node(step.node).origin.line);
    }
    steps.push_back(std::move(entry));
  }
  return steps;
}

Comparison compare(const Graph& graph, const NameAndText& expected, const std::vector<Tensor>& outputs,
                   double tolerance) {
  const Tensor& got = outputs[find_output(graph, expected.name, "--expect")];
  const Tensor wanted = at_stage(Stage::kInputs, [&] { return read_npy(expected.text); });
  Comparison result{expected.name, expected.text, 0, tolerance, ""};
  if (got.type() != wanted.type()) {
    result.mismatch = concat("got ", got.type(), ", expected ", wanted.type());
  } else if (wanted.columns_first && wanted.shape.size() > 1) {
    result.mismatch = "the file is in Fortran order: save a C-contiguous array";
  } else {
    result.difference = largest_difference(got, wanted);
  }
  return result;
}

void fill_outputs(const Graph& graph, const Arguments& arguments, const std::vector<Tensor>& outputs, Report& report) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    report.outputs.push_back({output_name(graph, i), outputs[i].type(), "", summarize(outputs[i])});
  }
  for (const NameAndText& output : arguments.outputs) {
    const std::size_t i = find_output(graph, output.name, "--output");
    at_stage(Stage::kRun, [&] { write_npy(output.text, outputs[i]); });
    report.outputs[i].file = output.text;
  }
  for (const NameAndText& expected : arguments.expected) {
    report.comparisons.push_back(compare(graph, expected, outputs, arguments.tolerance));
  }
}

// Wrong names are found before anything runs.
void check_output_names(const Graph& graph, const Arguments& arguments) {
  for (const NameAndText& output : arguments.outputs) find_output(graph, output.name, "--output");
  for (const NameAndText& expected : arguments.expected) find_output(graph, expected.name, "--expect");
}

int run_model(const Arguments& arguments) {
  Report report;
  const std::shared_ptr<Program> program = load_program(arguments, &report.start);
  const std::size_t index = find_graph(*program, arguments);
  const Graph& graph = program->module().graphs[index];
  check_output_names(graph, arguments);
  const std::vector<Tensor> inputs =
      at_stage(Stage::kInputs, [&] { return make_inputs(program->module(), graph, arguments); });
  const std::vector<ArrayRef> input_refs = to_refs(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto same = [&](const NameAndText& input) { return input.name == graph.input_names[i]; };
    const auto source = std::find_if(arguments.inputs.begin(), arguments.inputs.end(), same);
    report.inputs.push_back({graph.input_names[i], inputs[i].type(), source->text});
  }
  std::vector<Tensor> outputs;
  Plan plan;
  at_stage(Stage::kRun, [&] {
    const std::shared_ptr<Session> session = program->new_session();
    outputs = make_outputs(*session, index, input_refs);
    const std::vector<ArrayRef> output_refs = to_refs(outputs);
    reserve(*session, index, input_refs, report.start);
    run_graph(*session, index, input_refs, output_refs, arguments, report);
    plan = program->plan(index);
    if (arguments.profile) {
      report.profile = profile_graph(*session, index, input_refs, output_refs, arguments, plan);
    }
  });
  report.model = arguments.model;
  report.graph = graph.name;
  report.device = program->options().device;
  report.level = program->options().level;
  report.threads = program->options().num_threads;
  report.arena_bytes = plan.arena_bytes;
  report.lower_bound_bytes = plan.lower_bound_bytes;
  report.optimal = plan.optimal;
  report.any_order_bound_bytes = plan.schedule_free_bound_bytes;
  report.peak_resident_bytes = peak_resident_bytes();
  report.warmup = arguments.warmup;
  fill_outputs(graph, arguments, outputs, report);
  print(arguments.json ? to_json(report) : to_text(report));
  const auto failed = [](const Comparison& comparison) { return !comparison.ok(); };
  return std::any_of(report.comparisons.begin(), report.comparisons.end(), failed) ? kCheckFailed : kDone;
}

std::string to_print(const Arguments& arguments) {
  if (arguments.action == Action::kPrintGraph) {
    const Module module = at_stage(Stage::kLoad, [&] { return load_module(arguments.model); });
    if (arguments.graph.empty()) return print_module(module);
    const Graph* graph = module.find_graph(arguments.graph);
    if (graph == nullptr) throw Failure(kWrongUsage, concat("--graph: there is no graph '", arguments.graph, "'"));
    return print_graph(module, *graph);
  }
  const std::shared_ptr<Program> program = load_program(arguments);
  if (arguments.action == Action::kPrintOptimized) {
    const Module& module = program->optimized();
    const std::size_t only = arguments.graph.empty() ? 0 : find_graph(*program, arguments);
    std::string text = arguments.graph.empty() ? print_module(module) : print_graph(module, module.graphs[only]);
    for (std::size_t i = only; i < (arguments.graph.empty() ? module.graphs.size() : only + 1); ++i)
      text += explain_groups(*program, i, "# ");
    return text;
  }
  const std::size_t index = find_graph(*program, arguments);
  return at_stage(Stage::kCompile, [&] {
    const Plan plan = program->plan(index, arguments.dims);
    if (arguments.action == Action::kDrawPlan) return draw_plan(plan);
    return print_plan(program->optimized(), program->optimized().graphs[index], plan) +
           explain_steps(*program, index, arguments.dims);
  });
}

// What an action printed, as it is or as the one field of a JSON object.
void print_result(const Arguments& arguments, const char* key, const std::string& text) {
  if (!arguments.json) return print(text.ends_with('\n') ? text : text + "\n");
  JsonWriter json;
  json.begin_object();
  json.key(key);
  json.string(text);
  json.end_object();
  print(json.text() + "\n");
}

std::string describe_processor() {
  std::string text = "levels of this processor, slowest first:";
  for (const KernelTable* table : available_levels()) text += concat(" ", table->level);
  const KernelTable& level = at_stage(Stage::kCompile, []() -> const KernelTable& { return choose_level(); });
  return concat(text, "\nused: ", level.level, "\nprocessors: ", num_processors());
}

int act(const Arguments& arguments) {
  switch (arguments.action) {
    case Action::kHelp:
      print(help_text());
      return kDone;
    case Action::kVersion:
      print_result(
          arguments, "version",
          concat("ingot-run " INGOT_VERSION " (format ", kFormatVersion, ", numerics ", kNumericsVersion, ")"));
      return kDone;
    case Action::kProcessor:
      print_result(arguments, "cpu", describe_processor());
      return kDone;
    case Action::kVerify:
      if (arguments.model == "-") {
        serve_verification();
        return kDone;
      }
      at_stage(Stage::kLoad, [&] { verify_file(arguments.model); });
      print_result(arguments, "verify", "ok");
      return kDone;
    case Action::kPack:
      pack_model(arguments);
      print_result(arguments, "pack", arguments.packed);
      return kDone;
    case Action::kPrintGraph:
    case Action::kPrintOptimized:
    case Action::kPrintPlan:
    case Action::kDrawPlan:
      print_result(arguments, "text", to_print(arguments));
      return kDone;
    case Action::kRun:
      return run_model(arguments);
  }
  return kCannotRun;
}

int report_failure(const char* message, int code) {
  std::fprintf(stderr, "ingot-run: %s\n", one_line(message, 2000).c_str());
  return code;
}

}  // namespace

}  // namespace ingot::tools

int main(int argc, char** argv) {
  using namespace ingot::tools;
  try {
    return act(parse_arguments(argc, argv));
  } catch (const Failure& failure) {
    return report_failure(failure.what(), failure.code());
  } catch (const std::bad_alloc&) {
    return report_failure("out of memory", kCannotRun);
  } catch (const std::exception& error) {
    return report_failure(error.what(), kCannotRun);
  }
}
