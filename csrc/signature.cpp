#include "signature.h"

#include <algorithm>
#include <set>
#include <variant>

#include "base/error.h"

namespace ingot {

namespace {

std::string quote(const Signature& signature, const char* what, std::size_t index) {
  const bool output = what[0] == 'o';
  const std::string& name = (output ? signature.output_names : signature.input_names)[index];
  return concat("run: ", what, " ", name);
}

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

[[noreturn]] void fail_shape(const Signature& signature, std::size_t input, const ArrayRef& got,
                             const std::string& reason) {
  fail(ErrorCode::kShape, concat(quote(signature, "input", input), ": got ", type_string(got), ", expected ",
                                 to_string(signature.inputs[input]), reason));
}

std::string dim_values_text(const Size& size, const BoundDims& dims) {
  std::string text;
  for (const std::string& dim : size.dims())
    text += concat(text.empty() ? " with " : ", ", dim, "=", dims.values().at(dim));
  return text;
}

void check_count(std::size_t got, std::size_t expected, const char* what, const Signature& signature) {
  if (got == expected) return;
  fail(ErrorCode::kArgument, concat("run: graph ", signature.graph, ": got ", got, " ", what, ", expected ", expected));
}

void check_data(const Signature& signature, const char* what, std::size_t index, const ArrayRef& array) {
  if (array.data == nullptr && num_elements(array) != 0)
    fail(ErrorCode::kArgument, concat(quote(signature, what, index), ": its data is null"));
}

void check_input_type(const Signature& signature, std::size_t input, const ArrayRef& got) {
  const TensorType& expected = signature.inputs[input];
  if (got.dtype != expected.dtype)
    fail(ErrorCode::kDType,
         concat(quote(signature, "input", input), ": got ", name(got.dtype), ", expected ", name(expected.dtype)));
  if (got.rank != static_cast<int>(expected.shape.size()))
    fail(ErrorCode::kShape,
         concat(quote(signature, "input", input), ": got rank ", got.rank, ", expected ", to_string(expected)));
}

void check_guards(const Signature& signature, const BoundDims& dims) {
  for (const Guard& guard : signature.guards) {
    if (guard.holds(dims.values())) continue;
    fail(ErrorCode::kShape, concat("run: graph ", signature.graph, " requires ", guard.to_string(), ": got",
                                   dim_values_text(guard.difference, dims)));
  }
}

void check_output(const Signature& signature, const BoundDims& dims, std::size_t output, const ArrayRef& got) {
  const TensorType& expected = signature.outputs[output];
  if (got.dtype != expected.dtype)
    fail(ErrorCode::kDType,
         concat(quote(signature, "output", output), ": got ", name(got.dtype), ", expected ", name(expected.dtype)));
  bool same = got.rank == static_cast<int>(expected.shape.size());
  for (std::size_t axis = 0; same && axis < expected.shape.size(); ++axis)
    same = got.shape[axis] == expected.shape[axis].evaluate(dims.values());
  if (!same) {
    TensorType needed = expected;
    for (Size& size : needed.shape) size = size.evaluate(dims.values());
    const std::string shown = got.rank < 0 || got.rank > kMaxRank ? concat("rank ", got.rank) : type_string(got);
    fail(ErrorCode::kShape,
         concat(quote(signature, "output", output), ": got ", shown, ", expected ", to_string(needed)));
  }
  check_data(signature, "output", output, got);
  if (!is_contiguous(got)) fail(ErrorCode::kArgument, concat(quote(signature, "output", output), ": not contiguous"));
  if (!is_aligned(got))
    fail(ErrorCode::kArgument, concat(quote(signature, "output", output), ": not aligned to its elements"));
}

std::string describe(const Signature& signature, const TaggedExtent& array) {
  return array.is_output ? concat("output ", signature.output_names[array.index])
                         : concat("input ", signature.input_names[array.index]);
}

// Sorted by begin, an array overlaps an earlier one exactly when it overlaps the one that ends last.
void check_overlap(const Signature& signature, std::vector<TaggedExtent>& arrays) {
  std::sort(arrays.begin(), arrays.end(),
            [](const TaggedExtent& a, const TaggedExtent& b) { return a.extent.begin < b.extent.begin; });
  const TaggedExtent* last_input = nullptr;
  const TaggedExtent* last_output = nullptr;
  for (const TaggedExtent& array : arrays) {
    if (array.extent.begin == array.extent.end) continue;
    const auto overlaps = [&](const TaggedExtent* other) {
      return other != nullptr && array.extent.begin < other->extent.end;
    };
    const TaggedExtent* clash = overlaps(last_output)                     ? last_output
                                : array.is_output && overlaps(last_input) ? last_input
                                                                          : nullptr;
    if (clash != nullptr)
      fail(ErrorCode::kArgument,
           concat("run: ", describe(signature, *clash), " and ", describe(signature, array), " overlap in memory"));
    const TaggedExtent*& last = array.is_output ? last_output : last_input;
    if (last == nullptr || array.extent.end > last->extent.end) last = &array;
  }
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
  return signature;
}

BoundDims::BoundDims(const Signature& signature) {
  for (const Dim& dim : signature.dims) cells_.push_back(&values_.try_emplace(dim.name, dim.lo).first->second);
}

void bind_inputs(const Signature& signature, std::span<const ArrayRef> inputs, BoundDims& dims) {
  check_count(inputs.size(), signature.inputs.size(), "inputs", signature);
  for (std::size_t i = 0; i < inputs.size(); ++i) check_input_type(signature, i, inputs[i]);
  for (const AxisRule& rule : signature.defining) {
    const std::int64_t value = inputs[rule.input].shape[rule.axis];
    const Dim& dim = signature.dims[rule.dim];
    if (value < dim.lo || value > dim.hi)
      fail_shape(signature, rule.input, inputs[rule.input],
                 concat(" with ", dim.name, " in ", dim.lo, "..", dim.hi == kUnbounded ? "" : std::to_string(dim.hi)));
    dims.set(rule.dim, value);
  }
  for (const AxisRule& rule : signature.compared) {
    if (inputs[rule.input].shape[rule.axis] != rule.size.evaluate(dims.values()))
      fail_shape(signature, rule.input, inputs[rule.input], dim_values_text(rule.size, dims));
  }
  check_guards(signature, dims);
  for (std::size_t i = 0; i < inputs.size(); ++i) check_data(signature, "input", i, inputs[i]);
}

void check_outputs(const Signature& signature, const BoundDims& dims, std::span<const ArrayRef> inputs,
                   std::span<const ArrayRef> outputs, std::vector<TaggedExtent>& extents) {
  check_count(outputs.size(), signature.outputs.size(), "outputs", signature);
  for (std::size_t i = 0; i < outputs.size(); ++i) check_output(signature, dims, i, outputs[i]);
  extents.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    extents.push_back({.extent = extent(inputs[i]), .index = static_cast<std::uint32_t>(i), .is_output = false});
  for (std::size_t i = 0; i < outputs.size(); ++i)
    extents.push_back({.extent = extent(outputs[i]), .index = static_cast<std::uint32_t>(i), .is_output = true});
  check_overlap(signature, extents);
}

}  // namespace ingot
