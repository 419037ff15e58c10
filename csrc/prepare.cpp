#include "prepare.h"

#include <cstring>
#include <utility>
#include <variant>
#include <vector>

#include "arrays.h"
#include "base/error.h"

namespace ingot {

namespace {

void substitute(Shape& shape, const DimValues& values) {
  for (Size& size : shape) size = size.substitute(values);
}

void substitute(Graph& graph, const DimValues& values) {
  for (Value& value : graph.values) substitute(value.type.shape, values);
  for (Node& node : graph.nodes) {
    for (AttrValue& attr : node.attrs) {
      if (Shape* sizes = std::get_if<Shape>(&attr)) substitute(*sizes, values);
      if (Size* size = std::get_if<Size>(&attr)) *size = size->substitute(values);
    }
  }
}

void check_dim(const Module& module, const std::string& name, std::int64_t value) {
  std::string known;
  for (const Dim& dim : module.dims) {
    if (dim.name == name) {
      if (value >= dim.lo && value <= dim.hi) return;
      fail(ErrorCode::kArgument, concat("compile: dim ", name, ": got ", value, ", expected ", dim.lo, "..",
                                        dim.hi == kUnbounded ? "" : std::to_string(dim.hi)));
    }
    known += concat(known.empty() ? "" : ", ", dim.name);
  }
  fail(ErrorCode::kArgument,
       concat("compile: no dim ", name, ": expected ", known.empty() ? "none, the module has no dims" : known));
}

// The array of a tensor that lies row-major at `data`.
ArrayRef row_major(const TensorType& type, const std::byte* data) {
  ArrayRef array;
  array.data = const_cast<std::byte*>(data);
  array.dtype = type.dtype;
  array.rank = static_cast<int>(type.shape.size());
  std::int64_t stride = static_cast<std::int64_t>(size_bytes(type.dtype));
  for (int axis = array.rank - 1; axis >= 0; --axis) {
    array.shape[axis] = type.shape[static_cast<std::size_t>(axis)].constant();
    array.strides[axis] = stride;
    stride *= array.shape[axis];
  }
  return array;
}

std::int64_t stored_bytes(const TensorType& type, const Layout& layout) {
  return num_bytes({type.dtype, stored_shape(type, layout)}).constant();
}

void check_length(std::string_view what, const std::string& name, const TensorData& data, std::int64_t expected) {
  if (static_cast<std::int64_t>(data.size_bytes) == expected) return;
  fail(ErrorCode::kArgument,
       concat("compile: ", what, " ", name, ": got ", data.size_bytes, " bytes of data, expected ", expected));
}

void clean(const TensorType& type, TensorData& data) {
  const ArrayRef array = row_major(type, data.data);
  if (data.size_bytes == 0 || (is_aligned(array) && is_clean(array))) return;
  AlignedBuffer copy(static_cast<std::int64_t>(data.size_bytes));
  copy_array(array, copy.data());
  data = copy_data(copy.data(), data.size_bytes);
}

}  // namespace

void fix_dims(Module& module, const DimValues& values) {
  if (values.empty()) return;
  for (const auto& [name, value] : values) check_dim(module, name, value);
  for (Graph& graph : module.graphs) substitute(graph, values);
  std::vector<Guard> guards;
  for (Guard& guard : module.guards) {
    const Guard fixed = {.relation = guard.relation, .difference = guard.difference.substitute(values)};
    if (!fixed.difference.is_constant()) {
      guards.push_back(fixed);
    } else if (!fixed.holds({})) {
      fail(ErrorCode::kShape, concat("compile: the dims given break the guard ", guard.to_string()));
    }
  }
  module.guards = std::move(guards);
  std::erase_if(module.dims, [&](const Dim& dim) { return values.contains(dim.name); });
}

void prepare_data(Module& module, const Evaluator* to_rows) {
  for (Param& param : module.params) {
    const Layout layout = param.layout;
    if (to_rows != nullptr) param.layout = kRowMajor;
    if (param.alias_of) continue;
    check_length("param", param.name, param.data, stored_bytes(param.type, layout));
    if (!(param.layout == layout)) param.data = to_rows->lay(param.type, param.data, layout, kRowMajor);
    clean({param.type.dtype, stored_shape(param.type, param.layout)}, param.data);
  }
  for (State& state : module.states) {
    if (state.init.size_bytes == 0) continue;
    check_length("state", state.name, state.init, num_bytes(state.type).constant());
    clean(state.type, state.init);
  }
}

}  // namespace ingot
