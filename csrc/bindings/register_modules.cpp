// Module and the handles on what it holds: Value, Node, Region.
#include <pybind11/stl.h>

#include <cstring>

#include "bindings/convert.h"
#include "bindings/handles.h"
#include "bindings/module.h"
#include "bindings/tensors.h"
#include "file/file.h"
#include "graph/merge.h"
#include "graph/text.h"
#include "optimize/pass.h"
#include "pack_module.h"
#include "verify/verify.h"

namespace ingot::python {

namespace {

const char* kind_name(ValueKind kind) {
  switch (kind) {
    case ValueKind::kInput:
      return "input";
    case ValueKind::kParam:
      return "param";
    case ValueKind::kState:
      return "state";
    case ValueKind::kConstant:
      return "constant";
    case ValueKind::kResult:
      return "result";
    case ValueKind::kRegionArg:
      return "region_arg";
  }
  return "";
}

template <class Id>
std::vector<std::uint32_t> indexes(const std::vector<Id>& ids) {
  std::vector<std::uint32_t> result;
  result.reserve(ids.size());
  for (Id id : ids) result.push_back(id.index);
  return result;
}

ModuleHandle load(const py::str& path, bool copy) {
  const std::string text = to_path(path);
  py::gil_scoped_release release;
  return ModuleHandle(load_module(text, ReadOptions{.copy = copy}));
}

ModuleHandle from_bytes(const py::bytes& data) {
  const std::string_view bytes = data;
  py::gil_scoped_release release;  // bytes objects do not change, and the caller holds this one
  return ModuleHandle(load_module(std::as_bytes(std::span(bytes))));
}

ModuleHandle merge(const py::object& graphs) {
  std::vector<ModuleHandle> keep;
  std::vector<NamedGraph> named;
  for (py::handle item : py::iter(graphs)) {
    const auto [module, graph, name] = py::cast<std::tuple<ModuleHandle, std::size_t, py::object>>(item);
    module.graph(graph);
    keep.push_back(module);
    named.push_back({module.module.get(), graph, to_text(name, "merge")});
  }
  return ModuleHandle(merge_modules(named));
}

// A copy shares the tensors' bytes: the work on it needs no interpreter lock, and nobody else sees it change.
void save(const ModuleHandle& self, const py::str& path) {
  const std::string text = to_path(path);
  const Module copy = *self.module;
  py::gil_scoped_release release;
  save_module(copy, text);
}

py::bytes to_bytes(const ModuleHandle& self) {
  std::vector<std::byte> bytes;
  const Module copy = *self.module;
  {
    py::gil_scoped_release release;
    bytes = write_module(copy);
  }
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

ModuleHandle optimized_copy(const ModuleHandle& self, const py::object& disabled) {
  const std::vector<std::string> names = to_texts(disabled, "disabled");
  Module copy = *self.module;
  py::gil_scoped_release release;
  optimize(copy, names, nullptr, true);
  return ModuleHandle(std::move(copy));
}

// Under the lock nobody adds to the module while it is copied; the copy is nobody else's.
ModuleHandle pack(const ModuleHandle& self) {
  auto copy = std::make_shared<const Module>(*self.module);
  py::gil_scoped_release release;
  return ModuleHandle(pack_module(copy));
}

ModuleHandle fetch(const ModuleHandle& self, std::size_t graph, const std::vector<std::uint32_t>& values) {
  std::vector<ValueId> ids;
  for (std::uint32_t value : values) {
    const ValueHandle handle{self, graph, ValueId(value)};
    handle.value();
    ids.push_back(handle.id);
  }
  self.graph(graph);
  return ModuleHandle(with_extra_outputs(*self.module, graph, ids));
}

std::pair<ModuleHandle, std::vector<std::uint32_t>> extract(const ModuleHandle& self, std::size_t graph,
                                                            std::uint32_t node, std::size_t region) {
  RegionHandle{self, graph, NodeId(node), region}.region();
  if (!NodeId(node).valid()) fail(ErrorCode::kArgument, "extract_region: there is no such node");
  ExtractedRegion extracted = extract_region(*self.module, self.graph(graph), NodeId(node), region);
  return {ModuleHandle(std::move(extracted.module)), indexes(extracted.captured)};
}

void set_metadata(const ModuleHandle& self, const py::object& mapping) {
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : to_items(mapping, "metadata")) {
    if (key == "ingot.module") fail(ErrorCode::kArgument, "metadata: the key 'ingot.module' is reserved");
    metadata[key] = to_text(value, concat("metadata: ", key));
  }
  self.module->metadata = std::move(metadata);
}

py::list dims(const ModuleHandle& self) {
  py::list result;
  for (const Dim& dim : self.module->dims) {
    const py::object hi = dim.hi == kUnbounded ? py::object(py::none()) : py::object(py::int_(dim.hi));
    result.append(py::make_tuple(dim.name, dim.lo, hi));
  }
  return result;
}

std::vector<std::string> guards(const ModuleHandle& self) {
  std::vector<std::string> texts;
  for (const Guard& guard : self.module->guards) texts.push_back(guard.to_string());
  return texts;
}

// (name, dtype, shape) of params or states.
template <class Tensor>
py::list describe(const std::vector<Tensor>& tensors) {
  py::list result;
  for (const Tensor& tensor : tensors) {
    result.append(py::make_tuple(tensor.name, name(tensor.type.dtype), from_shape(tensor.type.shape)));
  }
  return result;
}

std::vector<std::string> graph_names(const ModuleHandle& self) {
  std::vector<std::string> names;
  for (const Graph& graph : self.module->graphs) names.push_back(graph.name);
  return names;
}

// (name, value) of a graph's inputs or outputs.
std::vector<std::pair<std::string, ValueHandle>> named_values(const ModuleHandle& self, std::size_t graph,
                                                              const std::vector<std::string>& names,
                                                              const std::vector<ValueId>& ids) {
  std::vector<std::pair<std::string, ValueHandle>> result;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    result.emplace_back(i < names.size() ? names[i] : std::string(), ValueHandle{self, graph, ids[i]});
  }
  return result;
}

std::vector<std::pair<std::string, std::uint32_t>> updates(const ModuleHandle& self, std::size_t graph) {
  std::vector<std::pair<std::string, std::uint32_t>> result;
  for (const Update& update : self.graph(graph).updates) {
    result.emplace_back(self.module->states.at(update.state).name, update.value.index);
  }
  return result;
}

template <class Handle, class Id, class Items>
std::vector<Handle> handles(const ModuleHandle& self, std::size_t graph, const Items& items) {
  std::vector<Handle> result;
  result.reserve(items.size());
  for (std::uint32_t i = 0; i < items.size(); ++i) result.push_back({self, graph, Id(i)});
  return result;
}

py::array constant(const ModuleHandle& self, std::size_t graph, std::uint32_t value) {
  const Value& v = ValueHandle{self, graph, ValueId(value)}.value();
  if (v.kind != ValueKind::kConstant) {
    fail(ErrorCode::kArgument, concat("constant: value ", value, " is no constant but: ", kind_name(v.kind)));
  }
  const TensorData& data = self.graph(graph).constants.at(v.index);
  return copy_bytes(v.type, {data.data, data.data + data.size_bytes});
}

void register_handles(py::module_& m) {
  py::class_<ValueHandle>(m, "Value", py::is_final(), "A value of a graph: a handle.")
      .def_property_readonly("id", [](const ValueHandle& self) { return self.id.index; })
      .def_property_readonly("kind", [](const ValueHandle& self) { return kind_name(self.value().kind); })
      .def_property_readonly("dtype", [](const ValueHandle& self) { return name(self.value().type.dtype); })
      .def_property_readonly("shape", [](const ValueHandle& self) { return from_shape(self.value().type.shape); })
      .def_property_readonly("name", [](const ValueHandle& self) { return self.name(); });
  py::class_<RegionHandle>(m, "Region", py::is_final())
      .def_property_readonly("args", [](const RegionHandle& self) { return indexes(self.region().args); })
      .def_property_readonly("nodes", [](const RegionHandle& self) { return indexes(self.region().nodes); })
      .def_property_readonly("returns", [](const RegionHandle& self) { return indexes(self.region().returns); });
  py::class_<NodeHandle>(m, "Node", py::is_final())
      .def_property_readonly("op", [](const NodeHandle& self) { return self.node().op->name; })
      .def_property_readonly("operands", [](const NodeHandle& self) { return indexes(self.node().operands); })
      .def_property_readonly("results", [](const NodeHandle& self) { return indexes(self.node().results); })
      .def_property_readonly("attrs",
                             [](const NodeHandle& self) { return from_attrs(*self.node().op, self.node().attrs); })
      .def_property_readonly("regions",
                             [](const NodeHandle& self) {
                               std::vector<RegionHandle> regions;
                               for (std::size_t i = 0; i < self.node().regions.size(); ++i) {
                                 regions.push_back({self.owner, self.graph, self.id, i});
                               }
                               return regions;
                             })
      .def_property_readonly("origin", [](const NodeHandle& self) {
        const Origin& origin = self.node().origin;
        return py::make_tuple(origin.file, origin.line, origin.composite);
      });
}

using ModuleClass = py::class_<ModuleHandle>;

void add_actions(ModuleClass& c) {
  c.def(py::init<>())
      .def_static("parse", &parse_with_tensors, py::arg("text"), py::arg("tensors") = py::dict(),
                  "Parses, attaches a tensor to every param and stored state, verifies.")
      .def_static("load", &load, py::arg("path"), py::arg("copy") = false)
      .def_static("from_bytes", &from_bytes, py::arg("data"))
      .def_static("merge", &merge, py::arg("graphs"))
      .def("text", [](const ModuleHandle& self) { return print_module(*self.module); })
      .def("verify", [](const ModuleHandle& self) { verify(*self.module); })
      .def("save", &save, py::arg("path"))
      .def("to_bytes", &to_bytes)
      .def("optimize", &optimized_copy, py::arg("disabled") = py::tuple(), "An optimized copy.")
      .def("pack", &pack, "A copy with params laid as programs of this processor read them.")
      .def("with_extra_outputs", &fetch, py::arg("graph"), py::arg("values"))
      .def("extract_region", &extract, py::arg("graph"), py::arg("node"), py::arg("region"));
}

void add_tables(ModuleClass& c) {
  c.def_property(
       "metadata", [](const ModuleHandle& self) { return self.module->metadata; }, &set_metadata)
      .def_property_readonly("dims", &dims)
      .def_property_readonly("guards", &guards)
      .def_property_readonly("params", [](const ModuleHandle& self) { return describe(self.module->params); })
      .def_property_readonly("states", [](const ModuleHandle& self) { return describe(self.module->states); })
      .def("param", &param_array, py::arg("name"))
      .def("state", &state_array, py::arg("name"))
      .def_property_readonly("graphs", &graph_names);
}

void add_graphs(ModuleClass& c) {
  const auto graph = py::arg("graph");
  c.def(
       "graph_text",
       [](const ModuleHandle& self, std::size_t index) { return print_graph(*self.module, self.graph(index)); }, graph)
      .def(
          "inputs",
          [](const ModuleHandle& self, std::size_t index) {
            const Graph& g = self.graph(index);
            return named_values(self, index, g.input_names, g.body.args);
          },
          graph)
      .def(
          "outputs",
          [](const ModuleHandle& self, std::size_t index) {
            const Graph& g = self.graph(index);
            return named_values(self, index, g.output_names, g.body.returns);
          },
          graph)
      .def("updates", &updates, graph)
      .def(
          "values",
          [](const ModuleHandle& self, std::size_t index) {
            return handles<ValueHandle, ValueId>(self, index, self.graph(index).values);
          },
          graph)
      .def(
          "nodes",
          [](const ModuleHandle& self, std::size_t index) {
            return handles<NodeHandle, NodeId>(self, index, self.graph(index).nodes);
          },
          graph)
      .def(
          "body",
          [](const ModuleHandle& self, std::size_t index) {
            self.graph(index);
            return RegionHandle{self, index, NodeId(), 0};
          },
          graph)
      .def("constant", &constant, graph, py::arg("value"));
}

}  // namespace

void register_modules(py::module_& m) {
  register_handles(m);
  ModuleClass c(m, "Module", py::is_final(), "What a file holds: dims, params, states and one or more graphs.");
  add_actions(c);
  add_tables(c);
  add_graphs(c);
}

}  // namespace ingot::python
