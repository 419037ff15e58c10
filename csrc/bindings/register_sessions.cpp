// Session: runs graphs. The interpreter lock is released around everything that computes or may wait, so that a
// session's own lock is never waited for while it is held.
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/convert.h"
#include "bindings/device_arrays.h"
#include "bindings/handles.h"
#include "bindings/module.h"
#include "bindings/run_unlocked.h"
#include "bindings/tensors.h"

namespace ingot::python {

namespace {

// ---- running -------------------------------------------------------------------------------------------------------

std::int64_t to_max_steps(std::int64_t max_steps) {
  if (max_steps < 0) fail(ErrorCode::kArgument, concat("run: max_steps: got ", max_steps, ", expected >= 0"));
  return max_steps;
}

const Graph& graph_of(const SessionHandle& self, std::size_t graph) {
  return self.program->module.graph(graph);
}

// "input x", made only where a message needs it.
std::string input_label(const Graph& graph, std::size_t i) {
  return concat("run: input ", i < graph.input_names.size() ? graph.input_names[i] : std::to_string(i));
}

// The items of a list or tuple, borrowed: the hot path makes no objects. Anything else becomes a tuple first.
py::object to_sequence(const py::object& given, std::string_view what) {
  if (PyList_CheckExact(given.ptr()) || PyTuple_CheckExact(given.ptr())) return given;
  if (PyUnicode_Check(given.ptr()) || py::array::check_(given)) {
    fail(ErrorCode::kArgument, concat("run: ", what, ": got ", type_name(given), ", expected a list of arrays"));
  }
  auto items = py::reinterpret_steal<py::object>(PySequence_Tuple(given.ptr()));
  if (!items) throw py::error_already_set();
  return items;
}

// Arrays of a program on a device may lie there. The session's lock is waited for without the interpreter's.
ImportedArray read_on_device(const Call& call, const SessionHandle& self, std::size_t graph, const py::object& item,
                             const std::string& label) {
  constexpr std::uintptr_t kLegacyStream = 1;  // what DLPack calls the stream that CUDA calls 0 too
  if (call->has_stream)
    return read_device_array(item, call->stream == nullptr ? reinterpret_cast<void*>(kLegacyStream) : call->stream,
                             label);
  void* stream = nullptr;
  {
    py::gil_scoped_release release;
    stream = self.session->native_stream(graph);
  }
  return read_device_array(item, stream, label);
}

void read_stream(const Call& call, const py::object& stream) {
  if (stream.is_none()) return;
  const std::int64_t handle = to_int(stream, "run: stream");
  if (handle < 0) fail(ErrorCode::kArgument, concat("run: stream: got ", handle, ", expected a stream's address"));
  call->has_stream = true;
  call->stream = reinterpret_cast<void*>(static_cast<std::uintptr_t>(handle));
}

bool is_on_device(const SessionHandle& self) {
  return self.program->program->device() != nullptr;
}

void read_inputs(const Call& call, const SessionHandle& self, std::size_t number, const py::object& given) {
  const Graph& graph = graph_of(self, number);
  const py::object items = to_sequence(given, "inputs");
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    const auto index = static_cast<std::size_t>(i);
    auto item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i));
    if (!py::array::check_(item)) {
      if (!is_on_device(self)) require_array(item, input_label(graph, index));
      ImportedArray imported = read_on_device(call, self, number, item, input_label(graph, index));
      call->inputs.push_back(imported.array);
      call->keep.push_back(std::move(imported.owner));
      continue;
    }
    std::optional<ArrayRef> ref;
    try {
      ref = view_array(require_array(item, ""), "");
    } catch (const Error& error) {
      fail(error.code(), input_label(graph, index) + error.message());
    }
    if (!ref) {  // a copy is aligned and contiguous
      item = item.attr("copy")();
      ref = view_array(require_array(item, ""), "");
    }
    call->inputs.push_back(*ref);
    call->keep.push_back(std::move(item));
  }
}

void read_outputs(const Call& call, const SessionHandle& self, std::size_t graph, const py::object& given) {
  const py::object items = to_sequence(given, "outputs");
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.ptr()); ++i) {
    const auto item = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(items.ptr(), i));
    const auto label = [&] { return concat("run: output ", i); };
    if (!py::array::check_(item)) {
      if (!is_on_device(self)) require_array(item, label());
      ImportedArray imported = read_on_device(call, self, graph, item, label());
      if (imported.read_only) fail(ErrorCode::kArgument, label() + ": the array is read-only");
      call->outputs.push_back(imported.array);
      call->keep.push_back(std::move(imported.owner));
      continue;
    }
    const py::array& array = require_array(item, "");
    if (!array.writeable()) fail(ErrorCode::kArgument, label() + ": the array is read-only");
    if ((array.flags() & py::array::c_style) == 0)
      fail(ErrorCode::kArgument, label() + ": the array is not contiguous");
    std::optional<ArrayRef> ref;
    try {
      ref = view_array(array, "");
    } catch (const Error& error) {
      fail(error.code(), label() + error.message());
    }
    if (!ref) fail(ErrorCode::kArgument, label() + ": the array is not aligned to its elements");
    call->outputs.push_back(*ref);
    call->keep.push_back(item);
  }
}

// Where an input lies on the device, so do the outputs.
py::object new_output(const Call& call, const SessionHandle& self, const TensorType& type) {
  const auto lies_there = [](const ArrayRef& input) { return input.device != kHost; };
  if (std::none_of(call->inputs.begin(), call->inputs.end(), lies_there)) {
    py::array array = new_array(type);
    call->outputs.push_back(view_array(array, "run: output").value());
    return array;
  }
  auto array = std::make_shared<DeviceArray>(self.program->program->device(), type);
  call->outputs.push_back(array->ref());
  return py::cast(std::move(array));
}

py::list run(const SessionHandle& self, std::size_t graph, const py::object& inputs, std::int64_t max_steps) {
  to_max_steps(max_steps);
  const Call call;
  read_inputs(call, self, graph, inputs);
  {
    py::gil_scoped_release release;
    self.session->output_types(graph, call->inputs, call->types);
  }
  py::list results(call->types.size());
  for (std::size_t i = 0; i < call->types.size(); ++i) {
    PyList_SET_ITEM(results.ptr(), static_cast<Py_ssize_t>(i), new_output(call, self, call->types[i]).release().ptr());
  }
  run_unlocked(max_steps,
               [&](const RunOptions& options) { self.session->run(graph, call->inputs, call->outputs, options); });
  return results;
}

void run_into(const SessionHandle& self, std::size_t graph, const py::object& inputs, const py::object& outputs,
              std::int64_t max_steps, const py::object& stream) {
  to_max_steps(max_steps);
  const Call call;
  read_stream(call, stream);
  read_inputs(call, self, graph, inputs);
  read_outputs(call, self, graph, outputs);
  run_unlocked(max_steps, [&](RunOptions options) {
    options.has_stream = call->has_stream;
    options.stream = call->stream;
    self.session->run(graph, call->inputs, call->outputs, options);
  });
}

std::vector<std::pair<std::int64_t, std::int64_t>> profile(const SessionHandle& self, std::size_t graph,
                                                           const py::object& inputs, std::int64_t runs) {
  if (runs < 1) fail(ErrorCode::kArgument, concat("profile: runs: got ", runs, ", expected >= 1"));
  const Call call;
  read_inputs(call, self, graph, inputs);
  {
    py::gil_scoped_release release;
    self.session->output_types(graph, call->inputs, call->types);
  }
  for (const TensorType& type : call->types) {
    call->keep.push_back(new_output(call, self, type));
  }
  std::vector<StepProfile> steps;
  run_unlocked(0, [&](const RunOptions& options) {
    for (std::int64_t i = 0; i < runs; ++i) {
      self.session->run(graph, call->inputs, call->outputs, options, &steps);
    }
  });
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (const StepProfile& step : steps) result.emplace_back(step.calls, step.total_ns);
  return result;
}

// ---- sessions ------------------------------------------------------------------------------------------------------

void reserve(const SessionHandle& self, std::size_t graph, const py::object& dims) {
  graph_of(self, graph);
  const DimValues values = to_dim_values(dims);
  py::gil_scoped_release release;
  self.session->reserve(graph, values);
}

py::array read_state(const SessionHandle& self, const py::str& name) {
  const std::string text = to_text(name, "state");
  const Module& module = *self.program->module.module;
  const TensorType type = module.states[state_index(module, text, "read_state")].type;
  std::vector<std::byte> bytes;
  {
    py::gil_scoped_release release;
    bytes = self.session->read_state(text);
  }
  return copy_bytes(type, bytes);
}

void write_state(const SessionHandle& self, const py::str& name, const py::object& value) {
  const std::string text = to_text(name, "state");
  const std::string label = concat("state ", text);
  py::object array = value;
  std::optional<ArrayRef> ref = view_array(require_array(array, label), label);
  if (!ref) {
    array = array.attr("copy")();
    ref = view_array(require_array(array, label), label);
  }
  py::gil_scoped_release release;
  self.session->write_state(text, *ref);
}

ModuleHandle module_with_states(const SessionHandle& self) {
  py::gil_scoped_release release;
  return ModuleHandle(self.session->module_with_states());
}

}  // namespace

void register_sessions(py::module_& m) {
  const auto graph = py::arg("graph"), inputs = py::arg("inputs");
  const auto max_steps = py::arg("max_steps") = 0;
  py::class_<SessionHandle>(m, "Session", py::is_final(), "One copy of every state; one call at a time.")
      .def("run", &run, graph, inputs, max_steps,
           "Fresh outputs: DeviceArrays where an input lies on the program's device. Releases the interpreter lock "
           "while it "
           "works.")
      .def("run_into", &run_into, graph, inputs, py::arg("outputs"), max_steps, py::arg("stream") = py::none())
      .def("profile", &profile, graph, inputs, py::arg("runs"), "(calls, total nanoseconds) of every step.")
      .def("reserve", &reserve, graph, py::arg("dims"))
      .def("read_state", &read_state, py::arg("name"))
      .def("write_state", &write_state, py::arg("name"), py::arg("value"))
      .def("reset",
           [](const SessionHandle& self) {
             py::gil_scoped_release release;
             self.session->reset();
           })
      .def("module_with_states", &module_with_states)
      .def("last_copied_inputs", [](const SessionHandle& self) {
        py::gil_scoped_release release;
        return self.session->last_copied_inputs();
      });
}

}  // namespace ingot::python
