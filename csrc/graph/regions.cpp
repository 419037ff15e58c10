// The rules of if, while, scan and fused. Types must agree by form: a value of another form of the same size passes
// through a reshape first, which records the guard.
#include "graph/regions.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "base/error.h"

namespace ingot {
namespace {

constexpr std::array<std::string_view, 2> kIfRegions = {"then", "else"};
constexpr std::array<std::string_view, 2> kWhileRegions = {"cond", "body"};
constexpr std::array<std::string_view, 1> kBodyRegion = {"body"};

const TensorType& type_of(const Graph& graph, ValueId id) {
  INGOT_CHECK(id.index < graph.values.size());
  return graph.value(id).type;
}

[[noreturn]] void fail_node(const Node& node, ErrorCode code, std::string_view message) {
  fail(code, concat(node.op->name, ": ", message));
}

void require_operands(const Node& node, std::size_t least, std::size_t most, std::string_view expected) {
  if (node.operands.size() >= least && node.operands.size() <= most) return;
  fail_node(node, ErrorCode::kArgument,
            concat("wrong number of operands: got ", node.operands.size(), ", expected ", expected));
}

void require_attrs(const Node& node) {
  const std::span<const AttrSpec> specs = node.op->attrs;
  bool fits = node.attrs.size() == specs.size();
  for (std::size_t i = 0; fits && i < specs.size(); ++i) {
    fits = node.attrs[i].index() == static_cast<std::size_t>(specs[i].kind);
  }
  if (!fits) fail_node(node, ErrorCode::kArgument, "attributes do not fit the row");
}

void require_types(const Graph& graph, const Node& node, std::string_view what, std::span<const ValueId> values,
                   std::span<const TensorType> types) {
  if (values.size() != types.size()) {
    fail_node(node, ErrorCode::kArgument,
              concat(what, ": wrong number of values: got ", values.size(), ", expected ", types.size()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    const TensorType& got = type_of(graph, values[i]);
    if (got == types[i]) continue;
    fail_node(
        node, got.dtype == types[i].dtype ? ErrorCode::kShape : ErrorCode::kDType,
        concat(what, ": types differ: got ", to_string(got), " as value ", i, ", expected ", to_string(types[i])));
  }
}

std::vector<TensorType> types_of(const Graph& graph, std::span<const ValueId> values) {
  std::vector<TensorType> types;
  types.reserve(values.size());
  for (const ValueId id : values) types.push_back(type_of(graph, id));
  return types;
}

// The number of carried values of a scan, checked against its operands.
std::size_t scan_carries(const Node& node) {
  require_attrs(node);
  const std::int64_t carries = std::get<std::int64_t>(node.attrs[0]);
  if (carries < 0 || static_cast<std::uint64_t>(carries) > node.operands.size()) {
    fail_node(node, ErrorCode::kArgument,
              concat("carries does not fit: got ", carries, ", expected 0 to ", node.operands.size(),
                     ", the number of operands"));
  }
  return static_cast<std::size_t>(carries);
}

std::vector<TensorType> scan_arg_types(const Graph& graph, const Node& node) {
  const std::size_t carries = scan_carries(node);
  std::vector<TensorType> types;
  types.reserve(node.operands.size() + 1);
  for (std::size_t i = 0; i < node.operands.size(); ++i) {
    if (i == carries) types.push_back({DType::kI64, {}});
    TensorType type = type_of(graph, node.operands[i]);
    if (i >= carries) {
      if (type.shape.empty()) {
        fail_node(node, ErrorCode::kShape, concat("operand ", i, " has no axis to scan: got ", to_string(type)));
      }
      type.shape.erase(type.shape.begin());
    }
    types.push_back(std::move(type));
  }
  if (carries == node.operands.size()) types.push_back({DType::kI64, {}});
  return types;
}

std::vector<TensorType> infer_if(const Graph& graph, const Node& node) {
  require_operands(node, 1, 1, "1 (condition)");
  const TensorType& condition = type_of(graph, node.operands[0]);
  if (!(condition == TensorType{DType::kBool, {}})) {
    fail_node(node, condition.dtype == DType::kBool ? ErrorCode::kShape : ErrorCode::kDType,
              concat("condition has the wrong type: got ", to_string(condition), ", expected bool[]"));
  }
  std::vector<TensorType> types = types_of(graph, node.regions[0].returns);
  require_types(graph, node, "else does not match then", node.regions[1].returns, types);
  return types;
}

std::vector<TensorType> infer_while(const Graph& graph, const Node& node) {
  require_operands(node, 1, node.operands.size(), "one or more (init)");
  const TensorType condition{DType::kBool, {}};
  require_types(graph, node, "cond returns", node.regions[0].returns, std::span(&condition, 1));
  std::vector<TensorType> types = types_of(graph, node.operands);
  require_types(graph, node, "body returns", node.regions[1].returns, types);
  return types;
}

// The results of a scan beyond the carried values: what the body returns, stacked.
TensorType stacked(const ShapeContext& context, TensorType type, const Size& length) {
  type.shape.insert(type.shape.begin(), length);
  check_type(context, type);
  return type;
}

std::vector<TensorType> infer_scan(const Graph& graph, const Node& node, const ShapeContext& context) {
  const std::size_t carries = scan_carries(node);
  const Size& length = std::get<Size>(node.attrs[1]);
  if (!context.proves_at_least(length, 0)) {
    context.require_at_least(length, 0, concat("length is negative: got ", length.to_string()));
  }
  for (std::size_t i = carries; i < node.operands.size(); ++i) {
    const TensorType& type = type_of(graph, node.operands[i]);
    if (type.shape[0] == length) continue;
    context.require_equal(type.shape[0], length,
                          concat("operand ", i, " does not have the length: got ", to_string(type), ", expected ",
                                 length.to_string(), " as first size"));
  }
  const std::vector<ValueId>& returns = node.regions[0].returns;
  if (returns.size() < carries) {
    fail_node(node, ErrorCode::kArgument,
              concat("body returns: wrong number of values: got ", returns.size(), ", expected at least ", carries));
  }
  const std::span<const ValueId> all(returns);
  std::vector<TensorType> types = types_of(graph, std::span(node.operands).first(carries));
  require_types(graph, node, "body returns", all.first(carries), types);
  for (const ValueId id : all.subspan(carries)) types.push_back(stacked(context, type_of(graph, id), length));
  return types;
}

std::vector<TensorType> infer_fused(const Graph& graph, const Node& node) {
  require_operands(node, 0, 0, "none");
  const Region& body = node.regions[0];
  std::unordered_set<std::uint32_t> own_results;
  for (const NodeId id : body.nodes) {
    INGOT_CHECK(id.index < graph.nodes.size());
    const Node& inner = graph.node(id);
    if ((inner.op->traits & (kPointwise | kReduction | kContraction)) == 0) {
      fail_node(node, ErrorCode::kArgument,
                concat("body holds ", inner.op->name, ", expected pointwise ops, reductions and contractions only"));
    }
    for (const ValueId result : inner.results) own_results.insert(result.index);
  }
  for (const ValueId id : body.returns) {
    if (!own_results.contains(id.index)) {
      fail_node(node, ErrorCode::kArgument, "body returns a value that it does not compute");
    }
  }
  return types_of(graph, body.returns);
}

}  // namespace

std::span<const std::string_view> region_names(const OpRow& op) {
  INGOT_CHECK(op.has(kRegionOp));
  if (op.name == "if") return kIfRegions;
  if (op.name == "while") return kWhileRegions;
  return kBodyRegion;
}

std::vector<TensorType> region_arg_types(const Graph& graph, const Node& node, std::size_t region) {
  INGOT_CHECK(region < region_names(*node.op).size());
  if (node.op->name == "while") return types_of(graph, node.operands);
  if (node.op->name == "scan") return scan_arg_types(graph, node);
  return {};
}

std::vector<TensorType> infer_region_node(const Graph& graph, const Node& node, std::span<const Dim> dims,
                                          GuardSink* guards) {
  const std::span<const std::string_view> names = region_names(*node.op);
  require_attrs(node);
  if (node.regions.size() != names.size()) {
    fail_node(node, ErrorCode::kArgument,
              concat("wrong number of regions: got ", node.regions.size(), ", expected ", names.size()));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    require_types(graph, node, concat("args of ", names[i]), node.regions[i].args, region_arg_types(graph, node, i));
  }
  if (node.op->name == "if") return infer_if(graph, node);
  if (node.op->name == "while") return infer_while(graph, node);
  if (node.op->name == "scan") {
    return infer_scan(graph, node, ShapeContext{.dims = dims, .guards = guards, .op = node.op->name});
  }
  return infer_fused(graph, node);
}

}  // namespace ingot
