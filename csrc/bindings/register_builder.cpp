// Builder: appends nodes to a new graph of a module.
#include <pybind11/stl.h>

#include "bindings/convert.h"
#include "bindings/handles.h"
#include "bindings/module.h"
#include "bindings/tensors.h"
#include "graph/builder.h"
#include "graph/quoted.h"

namespace ingot::python {

namespace {

TensorType to_type(const py::object& dtype, const py::object& shape, std::string_view what) {
  TensorType type{to_dtype(dtype, what), to_shape(shape, what)};
  if (type.shape.size() > kMaxRank) {
    fail(ErrorCode::kShape, concat(what, ": got rank ", type.shape.size(), ", expected at most ", kMaxRank));
  }
  return type;
}

// The core's builder, with values checked to be of its own graph.
class Builder {
 public:
  Builder(const ModuleHandle& module, const py::str& name)
      : owner_(module), graph_(module.module->graphs.size()), builder_(*module.module, to_text(name, "graph")) {}

  void declare_dim(const py::str& name_text, std::int64_t lo, std::optional<std::int64_t> hi) {
    const Dim dim{to_text(name_text, "dim"), lo, hi.value_or(kUnbounded)};
    if (!is_identifier(dim.name)) fail(ErrorCode::kArgument, concat("dim: '", dim.name, "' is no identifier"));
    if (lo < 0 || dim.hi < lo) {
      fail(ErrorCode::kArgument,
           concat("dim ", dim.name, ": got the range ", lo, "..", dim.hi, ", expected 0 <= lo <= hi"));
    }
    for (const Dim& known : module().dims) {
      if (known.name != dim.name) continue;
      if (known == dim) return;
      fail(ErrorCode::kArgument,
           concat("dim ", dim.name, ": got two ranges, ", known.lo, "..", known.hi, " and ", lo, "..", dim.hi));
    }
    module().dims.push_back(dim);
  }

  ValueHandle add_input(const py::str& name, const py::object& dtype, const py::object& shape) {
    std::string text = to_text(name, "input");
    TensorType type = to_type(dtype, shape, concat("input ", text));
    return handle(builder_.add_input(std::move(text), std::move(type)));
  }

  ValueHandle add_param(const py::str& name, const py::object& array) {
    std::string text = new_tensor_name(name);
    auto [type, bytes] = read_array(array, concat("param ", text));
    Param param;
    param.name = std::move(text);
    param.type = std::move(type);
    param.data = copy_data(bytes.data(), bytes.size());
    return use_new_param(std::move(param));
  }

  ValueHandle add_param_alias(const py::str& name, const py::str& target) {
    Param param;
    param.name = new_tensor_name(name);
    std::uint32_t index = param_index(module(), to_text(target, "param"), "param alias");
    if (module().params[index].alias_of) index = *module().params[index].alias_of;
    param.type = module().params[index].type;
    param.layout = module().params[index].layout;
    param.alias_of = index;
    return use_new_param(std::move(param));
  }

  ValueHandle add_state(const py::str& name, const py::object& array, bool zeros) {
    std::string text = new_tensor_name(name);
    auto [type, bytes] = read_array(array, concat("state ", text));
    State state;
    state.name = std::move(text);
    state.type = std::move(type);
    if (!zeros) state.init = copy_data(bytes.data(), bytes.size());
    module().states.push_back(std::move(state));
    return handle(builder_.use_state(static_cast<std::uint32_t>(module().states.size() - 1)));
  }

  ValueHandle add_constant(const py::object& array) {
    const auto [type, bytes] = read_array(array, "constant");
    return handle(builder_.add_constant(type, bytes));
  }

  std::vector<ValueHandle> add_node(const py::str& op, const py::object& operands, const py::object& attrs,
                                    const py::object& origin) {
    const OpRow& row = to_op(to_text(op, "op"));
    return to_handles(builder_.add_node(row, to_ids(operands), to_attrs(row, attrs), to_origin(origin)));
  }

  void begin_node(const py::str& op, const py::object& operands, const py::object& attrs, const py::object& origin) {
    const OpRow& row = to_op(to_text(op, "op"));
    builder_.begin_node(row, to_ids(operands), to_attrs(row, attrs), to_origin(origin));
  }

  std::vector<ValueHandle> begin_region(const py::object& args) {
    std::vector<TensorType> types;
    for (py::handle item : py::iter(args)) {
      const auto [dtype, shape] = py::cast<std::pair<py::object, py::object>>(item);
      types.push_back(to_type(dtype, shape, "region argument"));
    }
    return to_handles(builder_.begin_region(types));
  }

  void end_region(const py::object& returns) { builder_.end_region(to_ids(returns)); }
  std::vector<ValueHandle> end_node() { return to_handles(builder_.end_node()); }

  void abandon_node() { builder_.abandon_node(); }

  void add_update(const py::str& state, const py::object& value) {
    builder_.add_update(state_index(module(), to_text(state, "update"), "update"), to_id(value));
  }

  void set_outputs(const py::object& values, const py::object& names) {
    builder_.set_outputs(to_ids(values), to_texts(names, "outputs"));
  }

 private:
  Module& module() const { return *owner_.module; }
  ValueHandle handle(ValueId id) const { return {owner_, graph_, id}; }

  std::string new_tensor_name(const py::str& name) const {
    std::string text = to_text(name, "name");
    if (!is_valid_name(text)) fail(ErrorCode::kArgument, concat(excerpt(text), " cannot name a param or state"));
    const auto same = [&](const auto& tensor) { return tensor.name == text; };
    if (std::ranges::any_of(module().params, same) || std::ranges::any_of(module().states, same)) {
      fail(ErrorCode::kArgument, concat("name: there is already a param or state ", excerpt(text)));
    }
    return text;
  }

  ValueHandle use_new_param(Param param) {
    module().params.push_back(std::move(param));
    return handle(builder_.use_param(static_cast<std::uint32_t>(module().params.size() - 1)));
  }

  ValueId to_id(py::handle object) const {
    if (!py::isinstance<ValueHandle>(object)) {
      fail(ErrorCode::kArgument, concat("value: got ", type_name(object), ", expected a Value"));
    }
    const auto& value = py::cast<const ValueHandle&>(object);
    if (value.owner.module != owner_.module || value.graph != graph_) {
      fail(ErrorCode::kArgument, "value: it belongs to another graph");
    }
    return value.id;
  }

  std::vector<ValueId> to_ids(const py::object& values) const {
    std::vector<ValueId> ids;
    for (py::handle item : py::iter(values)) ids.push_back(to_id(item));
    return ids;
  }

  std::vector<ValueHandle> to_handles(const std::vector<ValueId>& ids) const {
    std::vector<ValueHandle> handles;
    for (ValueId id : ids) handles.push_back(handle(id));
    return handles;
  }

  static Origin to_origin(const py::object& origin) {
    const auto [file, line, composite] = py::cast<std::tuple<py::object, py::object, py::object>>(origin);
    const std::int64_t number = to_int(line, "origin");
    if (number < 0 || number > INT32_MAX) fail(ErrorCode::kArgument, concat("origin: got line ", number));
    return {to_text(file, "origin"), static_cast<std::int32_t>(number), to_text(composite, "origin")};
  }

  ModuleHandle owner_;
  std::size_t graph_;
  GraphBuilder builder_;
};

// A method whose `self` must be a Builder: pybind11 would hand None to a plain member function as a null pointer.
template <class Result, class... Args>
auto method(Result (Builder::*function)(Args...)) {
  return [function](Builder& self, Args... args) { return (self.*function)(std::forward<Args>(args)...); };
}

}  // namespace

void register_builder(py::module_& m) {
  const auto op = py::arg("op"), operands = py::arg("operands"), attrs = py::arg("attrs"), origin = py::arg("origin");
  const auto name = py::arg("name"), value = py::arg("value");
  py::class_<Builder>(m, "Builder", py::is_final(), "Appends nodes to a new graph of `module`.")
      .def(py::init<const ModuleHandle&, const py::str&>(), py::arg("module"), name)
      .def("declare_dim", method(&Builder::declare_dim), name, py::arg("lo"), py::arg("hi"))
      .def("add_input", method(&Builder::add_input), name, py::arg("dtype"), py::arg("shape"))
      .def("add_param", method(&Builder::add_param), name, py::arg("array"))
      .def("add_param_alias", method(&Builder::add_param_alias), name, py::arg("target"))
      .def("add_state", method(&Builder::add_state), name, py::arg("array"), py::arg("zeros"))
      .def("add_constant", method(&Builder::add_constant), py::arg("array"))
      .def("add_node", method(&Builder::add_node), op, operands, attrs, origin)
      .def("begin_node", method(&Builder::begin_node), op, operands, attrs, origin)
      .def("begin_region", method(&Builder::begin_region), py::arg("args"))
      .def("end_region", method(&Builder::end_region), py::arg("returns"))
      .def("end_node", method(&Builder::end_node))
      .def("abandon_node", method(&Builder::abandon_node))
      .def("add_update", method(&Builder::add_update), py::arg("state"), value)
      .def("set_outputs", method(&Builder::set_outputs), py::arg("values"), py::arg("names"));
}

}  // namespace ingot::python
