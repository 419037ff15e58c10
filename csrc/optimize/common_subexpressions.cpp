// common_subexpressions: one node instead of several equal ones.
//
//   %0 = add(x, y) : f32[4]                   %0 = add(x, y) : f32[4]
//   %1 = add(y, x) : f32[4]            ->     %1 = multiply(%0, %0) : f32[4]
//   %2 = multiply(%0, %1) : f32[4]            return %1
//   return %2
//
// Exact: a pure node with the same op, operands and attributes gives the same bits; operands of a commutative op may
// come in any order. A node merges with one defined earlier in its own region or in a region around it, whose origin
// stays. Effects and nodes with regions are left alone. Params with two names, equal constants and repeated uses of a
// param or a state become one value. Cost: linear, one hash lookup a node.
#include <algorithm>
#include <bit>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

void append(std::string& key, std::int64_t number) {
  key += std::to_string(number);
  key += ',';
}

void append(std::string& key, const AttrValue& attr) {
  key += static_cast<char>('a' + attr.index());
  if (const auto* number = std::get_if<std::int64_t>(&attr)) append(key, *number);
  if (const auto* number = std::get_if<double>(&attr)) append(key, std::bit_cast<std::int64_t>(*number));
  if (const auto* flag = std::get_if<bool>(&attr)) append(key, std::int64_t{*flag});
  if (const auto* text = std::get_if<std::string>(&attr)) key += concat(text->size(), ':', *text);
  if (const auto* numbers = std::get_if<std::vector<std::int64_t>>(&attr)) {
    for (const std::int64_t number : *numbers) append(key, number);
  }
  if (const auto* size = std::get_if<Size>(&attr)) key += size->to_string();
  if (const auto* shape = std::get_if<Shape>(&attr)) key += to_string(*shape);
  if (const auto* dtype = std::get_if<DType>(&attr)) append(key, static_cast<std::int64_t>(*dtype));
}

class Merger {
 public:
  explicit Merger(const PassContext& context)
      : module_(context.module), graph_(context.graph), replacement_(context.graph.values.size()) {}

  bool run() {
    merge_leaves();
    merge_region(graph_.body);
    for (Update& update : graph_.updates) redirect(update.value);
    return changed_;
  }

 private:
  // Params (under their first name), states and constants, each once.
  void merge_leaves() {
    for (std::uint32_t i = 0; i < graph_.values.size(); ++i) {
      const Value& value = graph_.values[i];
      std::string key;
      if (value.kind == ValueKind::kParam) {
        const std::optional<std::uint32_t> alias_of = module_.params[value.index].alias_of;
        key = concat("param ", alias_of.value_or(value.index));
      } else if (value.kind == ValueKind::kState) {
        key = concat("state ", value.index);
      } else if (value.kind == ValueKind::kConstant) {
        const TensorData& data = graph_.constants[value.index];
        key = concat("constant ", to_string(value.type), ' ');
        key.append(reinterpret_cast<const char*>(data.data), data.size_bytes);
      } else {
        continue;
      }
      const auto [place, inserted] = leaves_.try_emplace(std::move(key), i);
      if (!inserted) replacement_[i] = ValueId(place->second);
    }
  }

  void redirect(ValueId& value) {
    const ValueId target = replacement_[value.index];
    if (!target.valid()) return;
    value = target;
    changed_ = true;
  }

  void merge_region(Region& region) {
    std::vector<std::string> scope;  // keys to forget at the region's end
    std::vector<NodeId> kept;
    kept.reserve(region.nodes.size());
    for (const NodeId id : region.nodes) {
      if (!merge_node(graph_.nodes[id.index], scope)) kept.push_back(id);
    }
    region.nodes = std::move(kept);
    for (ValueId& value : region.returns) redirect(value);
    for (const std::string& key : scope) seen_.erase(key);
  }

  // True when the node goes.
  bool merge_node(Node& node, std::vector<std::string>& scope) {
    for (ValueId& operand : node.operands) redirect(operand);
    if (is_fused(node)) {
      redirect_reads(node.regions[0]);
      return false;
    }
    for (Region& region : node.regions) merge_region(region);
    if (!node.regions.empty() || node.op->has(kEffect) || node.results.size() != 1) return false;
    std::string key = key_of(node);
    const auto [place, inserted] = seen_.try_emplace(key, node.results[0]);
    if (inserted) {
      scope.push_back(std::move(key));
      return false;
    }
    replacement_[node.results[0].index] = place->second;
    return changed_ = true;
  }

  // A group keeps its own nodes; only what they read from outside is redirected.
  void redirect_reads(Region& region) {
    for (const NodeId id : region.nodes) {
      for (ValueId& operand : graph_.nodes[id.index].operands) redirect(operand);
    }
    for (ValueId& value : region.returns) redirect(value);
  }

  static std::string key_of(const Node& node) {
    std::vector<ValueId> operands = node.operands;
    if (node.op->has(kCommutative)) std::sort(operands.begin(), operands.end());
    std::string key(node.op->name);
    key += '(';
    for (const ValueId operand : operands) append(key, std::int64_t{operand.index});
    for (const AttrValue& attr : node.attrs) append(key, attr);
    return key;
  }

  const Module& module_;
  Graph& graph_;
  std::vector<ValueId> replacement_;
  std::unordered_map<std::string, std::uint32_t> leaves_;  // looked up only, never iterated
  std::unordered_map<std::string, ValueId> seen_;
  bool changed_ = false;
};

}  // namespace

bool merge_common_subexpressions(const PassContext& context) {
  if (!Merger(context).run()) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
