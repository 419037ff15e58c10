// Signatures: what a graph's callers must hand in, listed once.
#include "signature.h"

#include <algorithm>
#include <set>
#include <variant>

#include "base/error.h"

namespace ingot {

namespace {

void add_dims(const Shape& shape, std::set<std::string>& dims) {
  for (const Size& size : shape) {
    if (size.is_constant()) continue;
    for (std::string& dim : size.dims()) dims.insert(std::move(dim));
  }
}

// Every dim that a type or an attribute of the graph names.
std::set<std::string> dims_of(const Graph& graph) {
  std::set<std::string> dims;
  for (const Value& value : graph.values) add_dims(value.type.shape, dims);
  for (const Node& node : graph.nodes) {
    for (const AttrValue& attr : node.attrs) {
      if (const Shape* sizes = std::get_if<Shape>(&attr)) add_dims(*sizes, dims);
      if (const Size* size = std::get_if<Size>(&attr)) add_dims({*size}, dims);
    }
  }
  return dims;
}

void add_axes(Signature& signature) {
  std::vector<bool> defined(signature.dims.size(), false);
  for (std::size_t input = 0; input < signature.inputs.size(); ++input) {
    const Shape& shape = signature.inputs[input].shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      AxisRule rule = {
          .input = static_cast<std::uint32_t>(input), .axis = static_cast<std::uint32_t>(axis), .size = shape[axis]};
      const std::optional<std::string> name = shape[axis].as_dim();
      const auto dim = std::find_if(signature.dims.begin(), signature.dims.end(),
                                    [&](const Dim& candidate) { return name.has_value() && candidate.name == *name; });
      rule.dim = static_cast<std::uint32_t>(dim - signature.dims.begin());
      if (dim != signature.dims.end() && !defined[rule.dim]) {
        defined[rule.dim] = true;
        signature.defining.push_back(rule);
      } else {
        signature.compared.push_back(rule);
      }
    }
  }
  for (std::size_t i = 0; i < defined.size(); ++i) {
    const std::string& name = signature.dims[i].name;
    if (!defined[i])
      fail(ErrorCode::kArgument, concat("compile: dim ", name, " of graph ", signature.graph,
                                        " is not the size of any input: give dims={'", name, "': ...}"));
  }
}

TypeNumbers to_numbers(const TensorType& type, SizeTable& sizes) {
  TypeNumbers numbers = {.rank = static_cast<int>(type.shape.size()),
                         .dtype = type.dtype,
                         .element_bytes = static_cast<std::int64_t>(size_bytes(type.dtype))};
  for (std::size_t axis = 0; axis < type.shape.size(); ++axis) {
    const Size& size = type.shape[axis];
    numbers.shape[axis] = size.is_constant() ? size.constant() : kSymbolic;
    if (!size.is_constant()) numbers.entries[axis] = sizes.add(size);
  }
  return numbers;
}

// Needs the dims in their order.
void add_numbers(Signature& signature) {
  std::vector<std::string> names;
  for (const Dim& dim : signature.dims) names.push_back(dim.name);
  signature.sizes = SizeTable(std::move(names));
  for (const TensorType& type : signature.inputs) {
    signature.input_numbers.push_back(to_numbers(type, signature.sizes));
    signature.has_bool_inputs = signature.has_bool_inputs || type.dtype == DType::kBool;
  }
  for (const TensorType& type : signature.outputs)
    signature.output_numbers.push_back(to_numbers(type, signature.sizes));
  for (AxisRule& rule : signature.compared) rule.entry = signature.sizes.add(rule.size);
  for (const Guard& guard : signature.guards) signature.guard_entries.push_back(signature.sizes.add(guard.difference));
}

}  // namespace

Signature make_signature(const Module& module, const Graph& graph) {
  Signature signature;
  signature.graph = graph.name;
  signature.input_names = graph.input_names;
  for (ValueId input : graph.body.args) signature.inputs.push_back(graph.value(input).type);
  for (std::size_t i = 0; i < graph.body.returns.size(); ++i) {
    signature.outputs.push_back(graph.value(graph.body.returns[i]).type);
    signature.output_names.push_back(graph.output_names[i].empty() ? std::to_string(i) : graph.output_names[i]);
  }
  const std::set<std::string> used = dims_of(graph);
  for (const Dim& dim : module.dims)
    if (used.contains(dim.name)) signature.dims.push_back(dim);
  for (const Guard& guard : module.guards) {
    const std::vector<std::string> named = guard.difference.dims();
    if (std::all_of(named.begin(), named.end(), [&](const std::string& dim) { return used.contains(dim); }))
      signature.guards.push_back(guard);
  }
  add_axes(signature);
  add_numbers(signature);
  return signature;
}

DimValues named_dims(const Signature& signature, const BoundDims& dims) {
  DimValues values;
  for (std::size_t i = 0; i < signature.dims.size(); ++i) values.emplace(signature.dims[i].name, dims[i]);
  return values;
}

}  // namespace ingot
