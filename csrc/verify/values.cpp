// Laws of the values of a graph, whether a node uses them or not: indexes into tables, types, sizes that fit 64 bits.
#include <algorithm>
#include <array>
#include <limits>

#include "base/checked.h"
#include "graph/budgets.h"
#include "graph/quoted.h"
#include "verify/laws.h"

namespace ingot::laws {

namespace {

std::string value_label(const Graph& graph, std::size_t index) {
  return concat("graph ", excerpt(graph.name), ": value ", index, " of the table");
}

void index_is_inside(std::size_t index, std::size_t count, const Graph& graph, std::size_t value) {
  if (index >= count) fail_law(value_label(graph, value) + ": its index is out of range");
}

void type_matches(const TensorType& type, const TensorType& declared, const Graph& graph, std::size_t value) {
  if (type == declared) return;
  fail_law(concat(value_label(graph, value), ": is ", to_string(type), " but its table says ", to_string(declared)));
}

void value_points_into_table(const Context& context, const Graph& graph, std::size_t i) {
  const Value& value = graph.values[i];
  const Module& module = context.module;
  switch (value.kind) {
    case ValueKind::kInput:
      return index_is_inside(value.index, graph.body.args.size(), graph, i);
    case ValueKind::kParam:
      index_is_inside(value.index, module.params.size(), graph, i);
      return type_matches(value.type, module.params[value.index].type, graph, i);
    case ValueKind::kState:
      index_is_inside(value.index, module.states.size(), graph, i);
      return type_matches(value.type, module.states[value.index].type, graph, i);
    case ValueKind::kConstant:
      return index_is_inside(value.index, graph.constants.size(), graph, i);
    case ValueKind::kResult:
      index_is_inside(value.node.index, graph.nodes.size(), graph, i);
      return index_is_inside(value.index, graph.node(value.node).results.size(), graph, i);
    case ValueKind::kRegionArg:
      index_is_inside(value.node.index, graph.nodes.size(), graph, i);
      index_is_inside(value.region, graph.node(value.node).regions.size(), graph, i);
      return index_is_inside(value.index, graph.node(value.node).regions[value.region].args.size(), graph, i);
  }
  fail_law(value_label(graph, i) + ": unknown kind");
}

// The product of constant sizes and the element's size; checked.
bool constant_bytes_fit(const TensorType& type) {
  std::int64_t bytes = static_cast<std::int64_t>(size_bytes(type.dtype));
  for (const Size& size : type.shape) {  // a zero does not excuse the sizes around it: strides use them
    const std::optional<std::int64_t> product = checked_mul(bytes, std::max<std::int64_t>(size.constant(), 1));
    if (!product) return false;
    bytes = *product;
  }
  return true;
}

// -1 where a size is not constant. Requires sizes whose product fits.
std::int64_t constant_elements(const TensorType& type) {
  std::int64_t count = 1;
  for (const Size& size : type.shape) {
    if (!size.is_constant()) return -1;
    count *= size.constant();
  }
  return count;
}

void symbolic_sizes_fit(const Context& context, const TensorType& type, const std::string& where) {
  bool is_bounded = true;
  for (const Size& size : type.shape) {
    dims_are_declared(context, size);
    if (size.interval(context.module.dims).hi < 0) fail_law(concat(where, ": size ", size.to_string(), " is negative"));
    for (const std::string& name : size.dims()) {
      for (const Dim& dim : context.module.dims) is_bounded &= dim.name != name || dim.hi != kUnbounded;
    }
  }
  if (num_bytes(type).interval(context.module.dims).hi == std::numeric_limits<std::int64_t>::max() && is_bounded) {
    fail_law(concat(where, ": ", to_string(type), " overflows 64 bits at the dims' upper bounds"));
  }
}

bool is_symbolic(const TensorType& type) {
  return std::any_of(type.shape.begin(), type.shape.end(), [](const Size& size) { return !size.is_constant(); });
}

void value_size_fits(const Context& context, const Graph& graph, std::size_t i) {
  const TensorType& type = graph.values[i].type;
  if (!is_dtype(type.dtype)) fail_law(value_label(graph, i) + ": unknown dtype");
  if (type.shape.size() > kMaxRank) {
    fail_law(concat(value_label(graph, i), ": rank above ", kMaxRank), ErrorCode::kLimit);
  }
  for (const Size& size : type.shape) {
    if (size.is_constant() && size.constant() < 0) {
      fail_law(concat(value_label(graph, i), ": size ", size.constant(), " is negative"));
    }
  }
  if (is_symbolic(type)) {
    as_file_error([&] { return value_label(graph, i); },
                  [&] { symbolic_sizes_fit(context, type, value_label(graph, i)); });
  } else if (!constant_bytes_fit(type)) {
    fail_law(concat(value_label(graph, i), ": ", to_string(type), " overflows 64 bits"));
  }
}

}  // namespace

void dims_are_declared(const Context& context, const Size& size) {
  if (size.is_constant()) return;
  for (const std::string& name : size.dims()) {
    if (!context.dim_names.contains(name)) fail(ErrorCode::kFile, concat("there is no dim ", excerpt(name)));
  }
}

void values_point_into_tables(const Context& context, const Graph& graph) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) value_points_into_table(context, graph, i);
}

// Neighbours tend to have one type: the last few symbolic types that passed are not checked again.
void value_sizes_fit(const Context& context, const Graph& graph) {
  std::array<const TensorType*, 8> passed{};
  std::size_t next = 0;
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const TensorType& type = graph.values[i].type;
    const auto same = [&](const TensorType* other) { return other != nullptr && *other == type; };
    if (std::any_of(passed.begin(), passed.end(), same)) continue;
    value_size_fits(context, graph, i);
    passed[next++ % passed.size()] = &type;
  }
}

void constants_are_small(const Graph& graph) {
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    const Value& value = graph.values[i];
    if (value.kind != ValueKind::kConstant) continue;
    const TensorData& data = graph.constants[value.index];
    if (info(value.type.dtype).kind == DTypeKind::kComplex) {
      fail_law(value_label(graph, i) + ": a complex constant must be a param");
    }
    const std::int64_t count = constant_elements(value.type);
    if (count < 0 || count > kMaxConstantElements) {
      fail_law(concat(value_label(graph, i), ": a constant needs constant sizes and at most ", kMaxConstantElements,
                      " elements: got ", to_string(value.type)));
    }
    const std::size_t expected = static_cast<std::size_t>(count) * size_bytes(value.type.dtype);
    if (data.size_bytes != expected || (expected > 0 && data.data == nullptr)) {
      fail_law(concat(value_label(graph, i), ": got ", data.size_bytes, " bytes, expected ", expected));
    }
    if (!bools_are_sound(value.type.dtype, data)) fail_law(value_label(graph, i) + ": a bool that is neither 0 nor 1");
  }
}

}  // namespace ingot::laws
