// algebra: rewrites that are exact, each a rule of a few lines.
//
//   %0 = matmul(x, w) : f32[n,8]                       %0 = permute_dims(w, axes=[1,0]) : f32[8,4]
//   %1 = permute_dims(%0, axes=[1,0]) : f32[8,n]  ->   %1 = permute_dims(x, axes=[1,0]) : f32[4,n]
//   %2 = multiply(%1, 1.0) : f32[8,n]                  %2 = matmul(%0, %1) : f32[8,n]
//   return %2                                          return %2
//
// Not among them, because a bit or a NaN could change: x + 0, x - x, x * 0, x / x. Linear.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

using Ints = std::vector<std::int64_t>;

template <class T>
bool all_equal(const TensorData& data, T wanted) {
  for (std::size_t at = 0; at + sizeof(T) <= data.size_bytes; at += sizeof(T)) {
    if (std::memcmp(data.data + at, &wanted, sizeof(T)) != 0) return false;
  }
  return data.size_bytes > 0;
}

bool is_real_signed(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF64 || dtype == DType::kI32 || dtype == DType::kI64;
}

// The order in which both permutations, one after the other, leave the axes.
Ints composed(const Ints& first, const Ints& second) {
  Ints axes;
  for (const std::int64_t axis : second) axes.push_back(first[static_cast<std::size_t>(axis)]);
  return axes;
}

bool is_identity(const Ints& axes) {
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<std::int64_t>(i)) return false;
  }
  return true;
}

// Axes 0, 1, ..., n-1, n-2.
Ints swapping_last(std::size_t rank) {
  Ints axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
  std::swap(axes[rank - 1], axes[rank - 2]);
  return axes;
}

class Rewriter {
 public:
  explicit Rewriter(const PassContext& context)
      : graph_(context.graph), replacement_(context.graph.values.size()), reads_(context.graph.values.size(), 0) {
    count_reads(graph_.body);
    for (const Update& update : graph_.updates) ++reads_[update.value.index];
  }

  bool run() {
    rewrite_region(NodeId(), 0);
    for (Update& update : graph_.updates) redirect(update.value);
    return changed_;
  }

 private:
  void count_reads(const Region& region) {
    for (const NodeId id : region.nodes) {
      for (const ValueId operand : graph_.node(id).operands) ++reads_[operand.index];
      for (const Region& inner : graph_.node(id).regions) count_reads(inner);
    }
    for (const ValueId value : region.returns) ++reads_[value.index];
  }

  void redirect(ValueId& value) const {
    if (replacement_[value.index].valid()) value = replacement_[value.index];
  }

  void rewrite_region(NodeId owner, std::size_t index) {
    const std::vector<NodeId> nodes = region_of(graph_, owner, index).nodes;
    std::vector<NodeId> kept;
    kept.reserve(nodes.size());
    for (const NodeId id : nodes) {
      for (ValueId& operand : graph_.nodes[id.index].operands) redirect(operand);
      for (std::size_t r = 0; r < graph_.node(id).regions.size(); ++r) rewrite_region(id, r);
      const std::optional<ValueId> same = rewrite(id, kept);
      if (!same) {
        kept.push_back(id);
        continue;
      }
      replacement_[graph_.node(id).results[0].index] = *same;
      reads_[same->index] += reads_[graph_.node(id).results[0].index];
      changed_ = true;
    }
    region_of(graph_, owner, index).nodes = std::move(kept);
    for (ValueId& value : region_of(graph_, owner, index).returns) redirect(value);
  }

  // The value that the node's result is, or nothing; the node may have become another one, with new ones before it.
  std::optional<ValueId> rewrite(NodeId id, std::vector<NodeId>& before) {
    const Node& node = graph_.node(id);
    if (!node.regions.empty() || node.results.size() != 1 || node.operands.empty()) return std::nullopt;
    if (node.op->has(kView)) return rewrite_view(id, before);
    if (node.op->has(kPointwise)) return rewrite_pointwise(id);
    return std::nullopt;
  }

  const TensorType& type(ValueId id) const { return graph_.value(id).type; }
  const TensorType& result_type(NodeId id) const { return type(graph_.node(id).results[0]); }

  // The node that makes the value, if it is this op.
  const Node* maker(ValueId id, std::string_view op) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kResult) return nullptr;
    const Node& node = graph_.node(value.node);
    return node.op->name == op ? &node : nullptr;
  }

  const Ints& ints(const Node& node, std::string_view name) const {
    return std::get<Ints>(node.attrs[attr_index(*node.op, name)]);
  }

  // ---- pointwise ----

  std::optional<ValueId> rewrite_pointwise(NodeId id) {
    const Node& node = graph_.node(id);
    const std::string_view op = node.op->name;
    if (op == "negative" || op == "logical_not" || op == "bitwise_invert") {
      const Node* const inner = maker(node.operands[0], op);
      if (inner != nullptr) return inner->operands[0];
    }
    if (op == "abs") {
      for (const std::string_view sign : {"negative", "abs"}) {
        const Node* const inner = maker(node.operands[0], sign);
        if (inner == nullptr) continue;
        graph_.nodes[id.index].operands[0] = inner->operands[0];
        changed_ = true;
      }
    }
    if (op == "where") limit(id);
    const std::size_t last = node.operands.size() - 1;
    const bool chooses = op == "maximum" || op == "minimum" || op == "where";
    if (chooses && node.operands[last] == node.operands[last - 1]) return unless_broadcast(id, node.operands[last]);
    return neutral(id);
  }

  // where(x <= k, k, x) -> maximum(x, k), where(x >= k, k, x) -> minimum(x, k), for a constant k that no zero of x
  // could replace with its sign changed; and the same where x has been limited on the other side, beyond k, in between.
  void limit(NodeId id) {
    const Node& node = graph_.node(id);
    const Value& condition = graph_.value(node.operands[0]);
    if (condition.kind != ValueKind::kResult) return;
    const Node& test = graph_.node(condition.node);
    const std::string_view relation = test.op->name;
    const bool low = relation == "less" || relation == "less_equal";
    if (!low && relation != "greater" && relation != "greater_equal") return;
    const std::optional<double> k = number(node.operands[1]);
    if (!k || std::isnan(*k) || !is_constant(test.operands[1], *k)) return;
    const bool strict = relation == "less" || relation == "greater";
    // A zero x beside k = 0 stays if strict, else becomes k: as maximum has it for +0 <= and -0 <, minimum the reverse.
    if (*k == 0 && std::signbit(*k) != (low == strict)) return;
    const std::string_view other_side = low ? "minimum" : "maximum";
    const Node* const limited = maker(node.operands[2], other_side);
    const bool between = limited != nullptr && limited->operands[0] == test.operands[0] &&
                         lies_beyond(number(limited->operands[1]), *k, low);
    if (node.operands[2] != test.operands[0] && !between) return;
    Node& changed = graph_.nodes[id.index];
    changed.op = find_op(low ? "maximum" : "minimum");
    changed.operands = {node.operands[2], node.operands[1]};
    --reads_[test.results[0].index];
    changed_ = true;
  }

  static bool lies_beyond(std::optional<double> other, double k, bool low) {
    return other && (low ? k < *other : *other < k);
  }

  // The one number of a constant of floats.
  std::optional<double> number(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kConstant) return std::nullopt;
    const TensorData& data = graph_.constants[value.index];
    double wanted = 0;
    if (value.type.dtype == DType::kF32 && data.size_bytes >= sizeof(float)) {
      float first = 0;
      std::memcpy(&first, data.data, sizeof(first));
      wanted = first;
    } else if (value.type.dtype == DType::kF64 && data.size_bytes >= sizeof(double)) {
      std::memcpy(&wanted, data.data, sizeof(wanted));
    } else {
      return std::nullopt;
    }
    return is_constant(id, wanted) ? std::optional(wanted) : std::nullopt;
  }

  std::optional<ValueId> unless_broadcast(NodeId id, ValueId value) const {
    if (!(type(value) == result_type(id))) return std::nullopt;
    return value;
  }

  // x * 1, x / 1, x - 0 and x + -0; of bool, x or false and x and true.
  std::optional<ValueId> neutral(NodeId id) const {
    const Node& node = graph_.node(id);
    if (node.operands.size() != 2) return std::nullopt;
    const std::string_view op = node.op->name;
    const DType dtype = type(node.operands[1]).dtype;
    const bool product = op == "multiply" || op == "logical_and", sum = op == "add" || op == "logical_or";
    if (!product && !sum && op != "divide" && op != "subtract") return std::nullopt;
    if (!is_real_signed(dtype) && dtype != DType::kBool) return std::nullopt;
    for (std::size_t side = 0; side < (product || sum ? 2u : 1u); ++side) {
      const double wanted = sum ? -0.0 : op == "subtract" ? 0.0 : 1.0;
      if (is_constant(node.operands[1 - side], wanted)) {
        if (const std::optional<ValueId> x = unless_broadcast(id, node.operands[side])) return x;
      }
    }
    return std::nullopt;
  }

  bool is_constant(ValueId id, double wanted) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kConstant) return false;
    const TensorData& data = graph_.constants[value.index];
    switch (value.type.dtype) {
      case DType::kF32:
        return all_equal(data, static_cast<float>(wanted));
      case DType::kF64:
        return all_equal(data, wanted);
      case DType::kI32:
        return all_equal(data, static_cast<std::int32_t>(wanted));
      case DType::kBool:
        return all_equal(data, static_cast<std::uint8_t>(wanted));
      default:
        return all_equal(data, static_cast<std::int64_t>(wanted));
    }
  }

  // ---- views ----

  std::optional<ValueId> rewrite_view(NodeId id, std::vector<NodeId>& before) {
    const Node& node = graph_.node(id);
    if (node.op->name == "permute_dims") {
      const Node* const inner = maker(node.operands[0], "permute_dims");
      if (inner != nullptr) {
        const Ints axes = composed(ints(*inner, "axes"), ints(node, "axes"));
        Node& changed = graph_.nodes[id.index];
        changed.operands[0] = inner->operands[0];
        changed.attrs[attr_index(*changed.op, "axes")] = axes;
        changed_ = true;
      } else {
        transpose_product(id, before);
      }
    }
    if (node.op->name == "reshape") {
      const Node* const inner = maker(node.operands[0], "reshape");
      if (inner != nullptr && num_bytes(type(inner->operands[0])) == num_bytes(result_type(id))) {
        graph_.nodes[id.index].operands[0] = inner->operands[0];
        changed_ = true;
      }
    }
    return shows_all(graph_.node(id)) ? std::optional(graph_.node(id).operands[0]) : std::nullopt;
  }

  // Whether the view is its operand, element by element.
  bool shows_all(const Node& node) const {
    if (!node.op->has(kView) || !(type(node.operands[0]) == type(node.results[0]))) return false;
    if (node.op->name == "permute_dims") return is_identity(ints(node, "axes"));
    if (node.op->name == "flip") return ints(node, "axes").empty();
    if (node.op->name != "slice") return true;  // of equal shape
    const Shape& start = std::get<Shape>(node.attrs[attr_index(*node.op, "start")]);
    const Ints& step = ints(node, "step");
    return std::all_of(start.begin(), start.end(), [](const Size& s) { return s == Size(0); }) &&
           std::all_of(step.begin(), step.end(), [](std::int64_t s) { return s == 1; });
  }

  // The transposed product of two matrices is the product of the transposed ones, in the other order: fma(a, b, c) is
  // fma(b, a, c). So the result is written in the order in which it is read.
  void transpose_product(NodeId id, std::vector<NodeId>& before) {
    const Node& node = graph_.node(id);
    const Ints& axes = ints(node, "axes");
    const Node* const product = maker(node.operands[0], "matmul");
    if (product == nullptr || reads_[node.operands[0].index] != 1 || axes != swapping_last(axes.size())) return;
    const ValueId a = product->operands[0], b = product->operands[1];
    const Origin origin = product->origin;
    const std::vector<ValueId> operands = {transposed(b, origin, before), transposed(a, origin, before)};
    Node& changed = graph_.nodes[id.index];
    changed.op = find_op("matmul");
    changed.operands = operands;
    changed.attrs = {};
    changed.origin = origin;
    changed_ = true;
  }

  ValueId transposed(ValueId value, const Origin& origin, std::vector<NodeId>& before) {
    const Node* const inner = maker(value, "permute_dims");
    const Ints axes = swapping_last(type(value).shape.size());
    if (inner != nullptr && ints(*inner, "axes") == axes) return inner->operands[0];
    const NodeId id(static_cast<std::uint32_t>(graph_.nodes.size()));
    const ValueId result(static_cast<std::uint32_t>(graph_.values.size()));
    TensorType turned = type(value);
    std::swap(turned.shape.end()[-1], turned.shape.end()[-2]);
    graph_.values.push_back({.kind = ValueKind::kResult, .type = turned, .node = id, .region = 0, .index = 0});
    replacement_.emplace_back();
    reads_.push_back(1);
    Node node;
    node.op = find_op("permute_dims");
    node.operands = {value};
    node.results = {result};
    node.attrs = {axes};
    node.origin = origin;
    graph_.nodes.push_back(std::move(node));
    before.push_back(id);
    return result;
  }

  Graph& graph_;
  std::vector<ValueId> replacement_;  // by value
  std::vector<std::size_t> reads_;    // by value
  bool changed_ = false;
};

}  // namespace

bool simplify_algebra(const PassContext& context) {
  if (!Rewriter(context).run()) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
