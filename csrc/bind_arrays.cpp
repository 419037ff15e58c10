// Arrays against a signature: plain ones in numbers alone, any ones with a message for what is wrong.
#include <algorithm>

#include "base/error.h"
#include "signature.h"

namespace ingot {

namespace {

std::string quote(const Signature& signature, const char* what, std::size_t index) {
  const bool output = what[0] == 'o';
  const std::string& name = (output ? signature.output_names : signature.input_names)[index];
  return concat("run: ", what, " ", name);
}

[[noreturn]] void fail_shape(const Signature& signature, std::size_t input, const ArrayRef& got,
                             const std::string& reason) {
  fail(ErrorCode::kShape, concat(quote(signature, "input", input), ": got ", type_string(got), ", expected ",
                                 to_string(signature.inputs[input]), reason));
}

std::string dim_values_text(const Size& size, const DimValues& dims) {
  std::string text;
  for (const std::string& dim : size.dims()) text += concat(text.empty() ? " with " : ", ", dim, "=", dims.at(dim));
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

bool holds(const Signature& signature, std::size_t guard, const std::int64_t* dims) {
  const std::int64_t difference = signature.sizes.evaluate(signature.guard_entries[guard], dims);
  return signature.guards[guard].relation == Guard::Relation::kEqual ? difference == 0 : difference >= 0;
}

void check_guards(const Signature& signature, const BoundDims& dims) {
  for (std::size_t i = 0; i < signature.guards.size(); ++i) {
    if (holds(signature, i, dims.data())) continue;
    const Guard& guard = signature.guards[i];
    fail(ErrorCode::kShape, concat("run: graph ", signature.graph, " requires ", guard.to_string(), ": got",
                                   dim_values_text(guard.difference, named_dims(signature, dims))));
  }
}

std::int64_t axis_size(const Signature& signature, const TypeNumbers& type, int axis, const std::int64_t* dims) {
  const std::int64_t size = type.shape[axis];
  return size == kSymbolic ? signature.sizes.evaluate(type.entries[axis], dims) : size;
}

bool has_shape(const Signature& signature, const TypeNumbers& type, const std::int64_t* dims,
               const std::int64_t* shape) {
  for (int axis = 0; axis < type.rank; ++axis)
    if (shape[axis] != axis_size(signature, type, axis, dims)) return false;
  return true;
}

void check_output(const Signature& signature, const BoundDims& dims, std::size_t output, const ArrayRef& got) {
  const TensorType& expected = signature.outputs[output];
  if (got.dtype != expected.dtype)
    fail(ErrorCode::kDType,
         concat(quote(signature, "output", output), ": got ", name(got.dtype), ", expected ", name(expected.dtype)));
  const TypeNumbers& numbers = signature.output_numbers[output];
  if (got.rank != numbers.rank || !has_shape(signature, numbers, dims.data(), got.shape)) {
    TensorType needed = expected;
    for (Size& size : needed.shape) size = size.evaluate(named_dims(signature, dims));
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

Extent extent(const PlainArray& array, const TypeNumbers& type) {
  const auto begin = reinterpret_cast<std::uintptr_t>(array.data);
  std::int64_t bytes = type.element_bytes;
  for (int axis = 0; axis < type.rank; ++axis) bytes *= array.shape[axis];
  return {begin, begin + static_cast<std::uintptr_t>(bytes)};
}

bool overlap(const Extent& a, const Extent& b) {
  return a.begin < b.end && b.begin < a.end && a.begin != a.end && b.begin != b.end;
}

}  // namespace

void bind_inputs(const Signature& signature, std::span<const ArrayRef> inputs, BoundDims& dims) {
  check_count(inputs.size(), signature.inputs.size(), "inputs", signature);
  for (std::size_t i = 0; i < inputs.size(); ++i) check_input_type(signature, i, inputs[i]);
  for (const AxisRule& rule : signature.defining) {
    const std::int64_t value = inputs[rule.input].shape[rule.axis];
    const Dim& dim = signature.dims[rule.dim];
    if (value < dim.lo || value > dim.hi)
      fail_shape(signature, rule.input, inputs[rule.input],
                 concat(" with ", dim.name, " in ", dim.lo, "..", dim.hi == kUnbounded ? "" : std::to_string(dim.hi)));
    dims[rule.dim] = value;
  }
  for (const AxisRule& rule : signature.compared) {
    if (inputs[rule.input].shape[rule.axis] != signature.sizes.evaluate(rule.entry, dims.data()))
      fail_shape(signature, rule.input, inputs[rule.input], dim_values_text(rule.size, named_dims(signature, dims)));
  }
  check_guards(signature, dims);
  for (std::size_t i = 0; i < inputs.size(); ++i) check_data(signature, "input", i, inputs[i]);
}

bool match_inputs(const Signature& signature, std::span<const PlainArray> inputs, std::int64_t* dims) {
  if (inputs.size() != signature.inputs.size()) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TypeNumbers& type = signature.input_numbers[i];
    for (int axis = 0; axis < type.rank; ++axis)
      if (type.shape[axis] != kSymbolic && inputs[i].shape[axis] != type.shape[axis]) return false;
  }
  for (const AxisRule& rule : signature.defining) {
    const std::int64_t value = inputs[rule.input].shape[rule.axis];
    if (value < signature.dims[rule.dim].lo || value > signature.dims[rule.dim].hi) return false;
    dims[rule.dim] = value;
  }
  for (const AxisRule& rule : signature.compared) {
    if (signature.input_numbers[rule.input].shape[rule.axis] != kSymbolic) continue;
    if (inputs[rule.input].shape[rule.axis] != signature.sizes.evaluate(rule.entry, dims)) return false;
  }
  for (std::size_t i = 0; i < signature.guards.size(); ++i)
    if (!holds(signature, i, dims)) return false;
  return true;
}

void evaluate_shape(const Signature& signature, const TypeNumbers& type, const std::int64_t* dims,
                    std::int64_t* shape) {
  for (int axis = 0; axis < type.rank; ++axis) shape[axis] = axis_size(signature, type, axis, dims);
}

bool match_outputs(const Signature& signature, const std::int64_t* dims, std::span<const PlainArray> inputs,
                   std::span<const PlainArray> outputs) {
  if (outputs.size() != signature.outputs.size()) return false;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (!has_shape(signature, signature.output_numbers[i], dims, outputs[i].shape)) return false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Extent output = extent(outputs[i], signature.output_numbers[i]);
    for (std::size_t j = 0; j < inputs.size(); ++j)
      if (overlap(output, extent(inputs[j], signature.input_numbers[j]))) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (overlap(output, extent(outputs[j], signature.output_numbers[j]))) return false;
  }
  return true;
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
