// Attaches tensors given by name, and shows a module's tensors as read-only arrays.
#include "bindings/tensors.h"

#include "graph/text.h"
#include "verify/verify.h"

namespace ingot::python {

namespace {

template <class Tensor>
std::uint32_t find_tensor(const std::vector<Tensor>& tensors, std::string_view kind, std::string_view name,
                          std::string_view what) {
  for (std::uint32_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].name == name) return i;
  }
  fail(ErrorCode::kArgument, concat(what, ": there is no ", kind, " '", name, "'"));
}

using Given = std::vector<std::pair<std::string, py::object>>;

TensorData take_tensor(const Given& given, const std::string& tensor_name, const TensorType& type,
                       const Layout& layout) {
  for (const auto& [name, object] : given) {
    if (name != tensor_name) continue;
    const auto [got, bytes] = read_array(object, concat("parse: ", name));
    if (!(got == type)) {
      fail(got.dtype == type.dtype ? ErrorCode::kShape : ErrorCode::kDType,
           concat("parse: ", name, ": got ", to_string(got), ", expected ", to_string(type)));
    }
    if (!layout.in_panels() || bytes.empty()) return copy_data(bytes.data(), bytes.size());
    if (!fits(layout, type)) fail(ErrorCode::kFile, concat("parse: ", name, ": ", to_string(layout), " does not fit"));
    const std::vector<std::byte> packed = panels_of_rows(type, layout, bytes);
    return copy_data(packed.data(), packed.size());
  }
  fail(ErrorCode::kArgument, concat("parse: no tensor is given for '", tensor_name, "'"));
}

}  // namespace

ModuleHandle parse_with_tensors(const py::str& text, const py::object& tensors) {
  ParsedModule parsed = parse_module(to_text(text, "parse"));
  const Given given = to_items(tensors, "tensors");
  std::size_t used = 0;
  for (Param& param : parsed.module.params) {
    if (param.alias_of) continue;
    param.data = take_tensor(given, param.name, param.type, param.layout);
    ++used;
  }
  for (std::size_t i = 0; i < parsed.module.states.size(); ++i) {
    if (!parsed.state_is_stored[i]) continue;
    State& state = parsed.module.states[i];
    state.init = take_tensor(given, state.name, state.type, kRowMajor);
    ++used;
  }
  if (used != given.size()) fail(ErrorCode::kArgument, "parse: a tensor is given that is no param or stored state");
  verify(parsed.module);
  return ModuleHandle(std::move(parsed.module));
}

std::uint32_t param_index(const Module& module, std::string_view name, std::string_view what) {
  return find_tensor(module.params, "param", name, what);
}

std::uint32_t state_index(const Module& module, std::string_view name, std::string_view what) {
  return find_tensor(module.states, "state", name, what);
}

// The view keeps the bytes alive through their owner; bytes without one belong to the module itself.
py::array param_array(const ModuleHandle& self, const py::str& name) {
  const Param& param = resolve(*self.module, param_index(*self.module, to_text(name, "param"), "param"));
  if (!param.layout.in_panels()) {
    return view_bytes(param.type, param.data.data, param.data.owner ? param.data.owner : self.module);
  }
  py::array result =
      copy_bytes(param.type, rows_of_panels(param.type, param.layout, {param.data.data, param.data.size_bytes}));
  result.attr("setflags")(false);
  return result;
}

py::array state_array(const ModuleHandle& self, const py::str& name) {
  const State& state = self.module->states[state_index(*self.module, to_text(name, "state"), "state")];
  if (state.init.data == nullptr) return copy_bytes(state.type, {});
  return view_bytes(state.type, state.init.data, state.init.owner ? state.init.owner : self.module);
}

}  // namespace ingot::python
