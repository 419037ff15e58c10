// Program: compiles a module. The interpreter lock is released while it does.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/handles.h"
#include "bindings/module.h"
#include "bindings/plans.h"
#include "explain.h"
#include "fast.h"

namespace ingot::python {

namespace {

std::shared_ptr<ProgramHandle> make_handle(std::shared_ptr<Program> program) {
  auto handle = std::make_shared<ProgramHandle>();
  handle->module = ModuleHandle(Module(program->module()));
  handle->optimized = ModuleHandle(Module(program->optimized()));
  handle->program = std::move(program);
  return handle;
}

std::shared_ptr<ProgramHandle> compile(const ModuleHandle& module, int num_threads, const py::str& level,
                                       const py::object& dims, std::int64_t max_memory,
                                       const py::object& disabled_passes, bool always_parallel, const py::str& device,
                                       const py::object& fast) {
  if (num_threads < 0) fail(ErrorCode::kArgument, concat("num_threads: got ", num_threads, ", expected >= 0"));
  if (max_memory < 0) fail(ErrorCode::kArgument, concat("max_memory: got ", max_memory, ", expected >= 0"));
  CompileOptions options;
  options.device = to_text(device, "device");
  options.num_threads = num_threads;
  options.level = to_text(level, "level");
  options.dims = to_dim_values(dims);
  options.max_memory_bytes = max_memory;
  options.disabled_passes = to_texts(disabled_passes, "disabled_passes");
  options.fast = to_texts(fast, "fast");
  options.always_parallel = always_parallel;
  // The program gets a copy (tensors shared), so that a builder cannot change what was compiled.
  const auto copy = std::make_shared<const Module>(*module.module);
  py::gil_scoped_release release;
  return make_handle(Program::compile(copy, options));
}

std::shared_ptr<ProgramHandle> with_params(const ProgramHandle& self, const py::object& params) {
  std::vector<std::pair<std::string, ArrayRef>> refs;
  std::vector<py::object> keep;
  for (auto& [name, given] : to_items(params, "with_params")) {
    const std::string label = concat("with_params: ", name);
    py::object array = given;
    std::optional<ArrayRef> ref = view_array(require_array(array, label), label);
    if (!ref) {
      array = array.attr("copy")();
      ref = view_array(require_array(array, label), label);
    }
    refs.emplace_back(name, *ref);
    keep.push_back(std::move(array));
  }
  py::gil_scoped_release release;
  return make_handle(self.program->with_params(refs));
}

// profile: (calls, total nanoseconds) of every step, as Session.profile gives them.
std::string explain_program(const ProgramHandle& self, std::size_t graph, const py::list& profile, std::int64_t runs) {
  self.module.graph(graph);
  std::vector<StepProfile> steps;
  for (const py::handle item : profile) {
    if (!py::isinstance<py::tuple>(item) || py::len(item) != 2)
      fail(ErrorCode::kArgument, concat("explain: profile: got ", type_name(item), ", expected (calls, nanoseconds)"));
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    steps.push_back({to_int(pair[0], "explain: calls"), to_int(pair[1], "explain: nanoseconds")});
  }
  const Measured measured{steps, runs};
  py::gil_scoped_release release;
  return explain(*self.program, graph, runs > 0 ? &measured : nullptr);
}

// (flops, cached bytes, bytes from memory) per nanosecond of one thread at best.
std::tuple<double, double, double> limits(const ProgramHandle& self) {
  py::gil_scoped_release release;
  const MachineLimits& limits = self.program->limits();
  return {limits.flops_per_ns, limits.cached_bytes_per_ns, limits.memory_bytes_per_ns};
}

// Nanoseconds that one call of each step would take at best.
std::vector<double> least_times(const ProgramHandle& self, std::size_t graph) {
  self.module.graph(graph);
  py::gil_scoped_release release;
  std::vector<double> times;
  for (const StepWork& work : self.program->work(graph)) times.push_back(self.program->limits().least_ns(work));
  return times;
}

SessionHandle new_session(const ProgramHandle& self) {
  py::gil_scoped_release release;
  return {self.shared_from_this(), self.program->new_session()};
}

}  // namespace

void register_programs(py::module_& m) {
  register_plan(m);
  py::tuple names(fast_names().size());
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = py::str(std::string(fast_names()[i]));
  m.attr("FAST") = names;
  py::class_<ProgramHandle, std::shared_ptr<ProgramHandle>>(m, "Program", py::is_final(),
                                                            "Immutable; shared between threads.")
      .def(py::init(&compile), py::arg("module"), py::kw_only(), py::arg("num_threads") = 0, py::arg("level") = "",
           py::arg("dims") = py::dict(), py::arg("max_memory") = 0, py::arg("disabled_passes") = py::tuple(),
           py::arg("always_parallel") = false, py::arg("device") = "cpu", py::arg("fast") = py::tuple())
      .def_property_readonly("module", [](const ProgramHandle& self) { return self.module; })
      .def_property_readonly("optimized", [](const ProgramHandle& self) { return self.optimized; })
      .def_property_readonly("num_threads",
                             [](const ProgramHandle& self) { return self.program->options().num_threads; })
      .def_property_readonly("device", [](const ProgramHandle& self) { return self.program->options().device; })
      .def_property_readonly(
          "fast", [](const ProgramHandle& self) { return py::tuple(py::cast(self.program->options().fast)); })
      .def_property_readonly("level", [](const ProgramHandle& self) { return self.program->options().level; })
      .def(
          "graph_index",
          [](const ProgramHandle& self, const py::str& name) {
            return self.program->graph_index(to_text(name, "graph"));
          },
          py::arg("name"))
      .def("plan", &make_plan_handle, py::arg("graph"), py::arg("dims"))
      .def("explain", &explain_program, py::arg("graph"), py::arg("profile") = py::list(), py::arg("runs") = 0)
      .def("limits", &limits)
      .def("least_times", &least_times, py::arg("graph"))
      .def("new_session", &new_session)
      .def("with_params", &with_params, py::arg("params"));
}

}  // namespace ingot::python
