#include "optimize/legalize.h"

#include <utility>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

std::optional<DType> wider(DType dtype) {
  switch (dtype) {
    case DType::kF16:
    case DType::kBF16:
      return DType::kF32;
    case DType::kI8:
    case DType::kI16:
    case DType::kU8:
    case DType::kU16:
      return DType::kI32;
    default:
      return std::nullopt;
  }
}

// Whether the result is of the dtype that the op computes on. A cast's never is: it names its own.
bool follows(const OpRow& op, DType dtype, DType result) {
  return op.dtype_rule != DTypeRule::kConvert && dtype == result;
}

class Legalizer {
 public:
  Legalizer(Graph& graph, const Evaluator& evaluator) : graph_(graph), evaluator_(evaluator) {}

  bool run() {
    legalize_region(NodeId(), 0);
    return changed_;
  }

 private:
  void legalize_region(NodeId owner, std::size_t index) {
    const std::vector<NodeId> nodes = region_of(graph_, owner, index).nodes;
    std::vector<NodeId> rebuilt;
    rebuilt.reserve(nodes.size());
    for (const NodeId id : nodes) {
      for (std::size_t r = 0; r < graph_.node(id).regions.size(); ++r) legalize_region(id, r);
      legalize_node(id, rebuilt);
    }
    region_of(graph_, owner, index).nodes = std::move(rebuilt);
  }

  // Appends the node, with what it needs before and after it.
  void legalize_node(NodeId id, std::vector<NodeId>& region) {
    const OpRow& op = *graph_.node(id).op;
    if (op.has(kRegionOp) || op.has(kEffect)) return region.push_back(id);
    const DType result = graph_.value(graph_.node(id).results[0]).type.dtype;
    const DType given = operand_dtype(id).value_or(result);
    const std::optional<DType> computed = computing_dtype(op, given, result, evaluator_);
    if (!computed) fail_kernel(id, given, result);
    if (computed == given) return region.push_back(id);
    changed_ = true;
    widen_operands(id, given, *computed, region);
    region.push_back(id);
    if (follows(op, given, result)) narrow_result(id, *computed, region);
  }

  std::optional<DType> operand_dtype(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.operands.empty()) return std::nullopt;
    return graph_.value(node.operands[value_operand(*node.op)]).type.dtype;
  }

  // Operands of other dtypes are conditions and indices; an attribute of this dtype names what the op produces.
  void widen_operands(NodeId id, DType given, DType computed, std::vector<NodeId>& region) {
    for (std::size_t i = 0; i < graph_.node(id).operands.size(); ++i) {
      const ValueId operand = graph_.node(id).operands[i];
      if (graph_.value(operand).type.dtype != given) continue;
      const ValueId wide = add_value(operand, computed);
      add_cast(operand, wide, graph_.node(id).origin, region);
      graph_.nodes[id.index].operands[i] = wide;
    }
    Node& node = graph_.nodes[id.index];
    if (node.op->dtype_rule == DTypeRule::kProduce) node.attrs[attr_index(*node.op, "dtype")] = computed;
  }

  // The node gets a new result; the old one, which others read, becomes that of a cast.
  void narrow_result(NodeId id, DType computed, std::vector<NodeId>& region) {
    const ValueId narrow = graph_.node(id).results[0];
    const ValueId wide = add_value(narrow, computed);
    graph_.values[wide.index].node = id;
    graph_.nodes[id.index].results[0] = wide;
    add_cast(wide, narrow, graph_.node(id).origin, region);
  }

  ValueId add_value(ValueId like, DType dtype) {
    const ValueId id(static_cast<std::uint32_t>(graph_.values.size()));
    Value value = {.kind = ValueKind::kResult, .type = graph_.value(like).type, .node = {}, .region = 0, .index = 0};
    value.type.dtype = dtype;
    graph_.values.push_back(std::move(value));
    return id;
  }

  void add_cast(ValueId from, ValueId to, const Origin& origin, std::vector<NodeId>& region) {
    const NodeId id(static_cast<std::uint32_t>(graph_.nodes.size()));
    Value& value = graph_.values[to.index];
    value.node = id;
    Node cast{.op = find_op("cast"), .operands = {from}, .results = {to}, .attrs = {}, .regions = {}, .origin = origin};
    cast.attrs.emplace_back(value.type.dtype);
    graph_.nodes.push_back(std::move(cast));
    region.push_back(id);
  }

  [[noreturn]] void fail_kernel(NodeId id, DType given, DType result) const {
    const Node& node = graph_.node(id);
    const bool same = given == result;
    const Origin& origin = node.origin;
    fail(ErrorCode::kDType, concat(node.op->name, ": no kernel: got ", name(given), same ? "" : " to ",
                                   same ? "" : name(result), ", expected a dtype that programs compute",
                                   origin.file.empty() ? "" : concat("  (", origin.file, ":", origin.line, ")")));
  }

  Graph& graph_;
  const Evaluator& evaluator_;
  bool changed_ = false;
};

}  // namespace

std::optional<DType> computing_dtype(const OpRow& op, DType dtype, DType result, const Evaluator& evaluator) {
  if (evaluator.computes(op, dtype, result)) return dtype;
  const std::optional<DType> narrow_in = wider(dtype);
  if (!narrow_in) return std::nullopt;
  // Sizes are whole numbers of 64 bits: through float32 they would be rounded twice.
  const DType wide = op.dtype_rule == DTypeRule::kProduce ? DType::kI64 : *narrow_in;
  if (!evaluator.computes(op, wide, follows(op, dtype, result) ? wide : result)) return std::nullopt;
  return wide;
}

void legalize(Module& module, const Evaluator& evaluator) {
  for (Graph& graph : module.graphs) {
    if (Legalizer(graph, evaluator).run()) compact(graph);
  }
}

}  // namespace ingot
