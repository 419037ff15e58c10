// Groups in words. The optimized graph is looked at as if nothing were fused: a group's results stand for the values
// inside it, so that any two neighbours can be asked whether they would make one group.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "execute/levels.h"
#include "explain.h"
#include "fast.h"
#include "fast_evaluator.h"
#include "graph/text.h"
#include "optimize/group_form.h"

namespace ingot {
namespace {

bool is_group(const Node& node) {
  return node.op->name == "fused";
}

class GroupExplainer {
 public:
  GroupExplainer(const Program& program, std::size_t graph, std::string_view prefix)
      : program_(program),
        module_(program.optimized()),
        graph_(module_.graphs[graph]),
        flat_(graph_),
        numbers_(number_values(graph_)),
        evaluator_(choose_level(program.options().level), 1, nullptr, program.device().get(),
                   parse_fast(program.options().fast)),
        prefix_(prefix),
        bounds_(program.bounds(graph)),
        readers_(graph_.values.size()) {
    unfuse(flat_.body);
    for (const Update& update : graph_.updates) readers_[inner(update.value).index].insert(kOutside);
  }

  std::string run() {
    explain_region(graph_.body);
    return std::move(text_);
  }

 private:
  static constexpr std::uint32_t kOutside = 0xffffffffu;  // a reader that is no node: an output, an update

  // The value inside a group that one of its results stands for.
  ValueId inner(ValueId id) const {
    const Value& value = graph_.value(id);
    if (value.kind != ValueKind::kResult || !is_group(graph_.node(value.node))) return id;
    return graph_.node(value.node).regions[0].returns[value.index];
  }

  // A unit (a group, or a node alone) reads what its nodes read and what the regions inside it read.
  void unfuse(const Region& region) {
    for (const NodeId id : region.nodes) {
      units_.push_back(id);
      for (ValueId& operand : flat_.nodes[id.index].operands) read(operand);
      for (const Region& nested : graph_.node(id).regions) {
        if (!is_group(graph_.node(id))) {
          unfuse(nested);
          continue;
        }
        for (const NodeId member : nested.nodes)
          for (ValueId& operand : flat_.nodes[member.index].operands) read(operand);
      }
      units_.pop_back();
    }
    for (const ValueId value : region.returns) readers_[inner(value).index].insert(kOutside);
  }

  void read(ValueId& operand) {
    operand = inner(operand);
    for (const NodeId unit : units_) readers_[operand.index].insert(unit.index);
  }

  std::span<const NodeId> members(const NodeId& unit) const {
    return is_group(graph_.node(unit)) ? std::span<const NodeId>(graph_.node(unit).regions[0].nodes)
                                       : std::span<const NodeId>(&unit, 1);
  }

  std::string ops(NodeId unit) const {
    std::string text;
    for (const NodeId id : members(unit)) text += concat(text.empty() ? "" : " + ", graph_.node(id).op->name);
    return text;
  }

  std::string value_name(NodeId unit) const {
    const Node& node = graph_.node(unit);
    return node.results.empty() ? "" : print_value(module_, graph_, numbers_, node.results[0]) + " ";
  }

  // "%3 (exp + add)", "%7 (exp .. add, 9 ops)"; nodes without a result have no name.
  std::string name(NodeId unit) const {
    const std::span<const NodeId> nodes = members(unit);
    const auto op = [&](NodeId id) { return graph_.node(id).op->name; };
    const bool few = nodes.size() <= 3;
    return concat(value_name(unit), "(", few ? ops(unit) : concat(op(nodes.front()), " .. ", op(nodes.back())),
                  few ? "" : concat(", ", nodes.size(), " ops"), ")");
  }

  std::int64_t saved_bytes(NodeId unit) const {
    const Region& body = graph_.node(unit).regions[0];
    std::int64_t bytes = 0;
    for (const NodeId id : body.nodes) {
      for (const ValueId result : graph_.node(id).results) {
        if (std::find(body.returns.begin(), body.returns.end(), result) == body.returns.end())
          bytes += num_bytes(graph_.value(result).type).evaluate(bounds_);
      }
    }
    return bytes;
  }

  bool may_group(NodeId unit) const {
    const Node& node = graph_.node(unit);
    return is_group(node) || node.op->has(kContraction) || is_group_member(graph_, node);
  }

  // Units that read the results of `unit` in its own region, in order.
  std::vector<NodeId> consumers(NodeId unit, const Region& region) const {
    std::set<std::uint32_t> found;
    for (const NodeId id : members(unit)) {
      for (const ValueId result : graph_.node(id).results)
        found.insert(readers_[result.index].begin(), readers_[result.index].end());
    }
    std::vector<NodeId> units;
    for (const NodeId id : region.nodes) {
      if (id != unit && found.contains(id.index)) units.push_back(id);
    }
    return units;
  }

  // The node between them through which a path leads from `from` to `to`; not valid: there is none.
  NodeId node_between(NodeId from, NodeId to, const Region& region) const {
    std::set<std::uint32_t> reached;
    for (const NodeId next : consumers(from, region))
      if (next != to) reached.insert(next.index);
    for (const NodeId id : region.nodes) {
      if (!reached.contains(id.index)) continue;
      for (const NodeId next : consumers(id, region)) {
        if (next == to) return id;
        reached.insert(next.index);
      }
    }
    return NodeId();
  }

  std::string why_not_taken(const Node& anchor) const {
    if (evaluator_.is_fast(anchor.op->name, nullptr, graph_.value(anchor.results[0]).type.dtype))
      return concat("fast gives ", anchor.op->name, " to the device's library, which adds nothing but a float32 bias");
    return concat("the kernel of ", anchor.op->name, " takes no group");
  }

  std::string why_apart(NodeId from, NodeId to, const Region& region) const {
    const Node& first = graph_.node(members(from).front());
    if (first.op->has(kView) || graph_.node(to).op->has(kView)) return "a view, read where it lies if a kernel can";
    std::vector<NodeId> together(members(from).begin(), members(from).end());
    together.insert(together.end(), members(to).begin(), members(to).end());
    std::string_view why;
    const std::optional<GroupForm> form = group_form(flat_, module_.dims, together, &why);
    if (!form) return std::string(why);
    if (first.op->has(kContraction)) {
      if (readers_[first.results[0].index].size() > 1) return "the product's result is read elsewhere too";
      if (form->anchor.valid() && !evaluator_.takes_group(flat_, *form)) return why_not_taken(first);
    }
    if (const NodeId between = node_between(from, to, region); between.valid())
      return concat("a path from one to the other leads through ", name(between));
    std::string off;
    for (const std::string& pass : program_.options().disabled_passes) off += concat(off.empty() ? "" : ", ", pass);
    if (!off.empty()) return concat("switched off: ", off);
    return "what feeds both, or reads both, lets only one of them join";
  }

  void line(std::string_view text) { text_ += concat(prefix_, text, "\n"); }

  void explain_region(const Region& region) {
    for (const NodeId unit : region.nodes) {
      const Node& node = graph_.node(unit);
      if (!may_group(unit)) {
        for (const Region& nested : node.regions) explain_region(nested);
        continue;
      }
      explain_unit(unit);
      for (const NodeId from : region.nodes) {
        if (may_group(from) || !reads(unit, from) || is_view_of_data(from)) continue;
        line(concat("  not with ", name(from), ", which it reads: ", why_apart(from, unit, region)));
      }
      for (const NodeId to : consumers(unit, region))
        line(concat("  not with ", name(to), ", which reads it: ", why_apart(unit, to, region)));
    }
  }

  void explain_unit(NodeId unit) {
    const Node& node = graph_.node(unit);
    const std::string at = node.origin.file.empty() ? "" : concat("  @ ", node.origin.file, ":", node.origin.line);
    if (is_group(node)) {
      line(concat("group ", value_name(unit), "(", ops(unit),
                  "): ", short_number(static_cast<double>(saved_bytes(unit))), "B of results never lie in memory", at));
    } else {
      line(concat("alone ", name(unit), at));
    }
  }

  bool reads(NodeId unit, NodeId from) const {
    const std::vector<ValueId>& results = graph_.node(from).results;
    return std::any_of(results.begin(), results.end(),
                       [&](ValueId result) { return readers_[result.index].contains(unit.index); });
  }

  // Inputs, params and constants seen through views are read as they lie: there is nothing to fuse.
  bool is_view_of_data(NodeId id) const {
    const Node& node = graph_.node(id);
    if (!node.op->has(kView)) return false;
    const Value& source = graph_.value(node.operands[0]);
    return source.kind != ValueKind::kResult || is_view_of_data(source.node);
  }

  const Program& program_;
  const Module& module_;
  const Graph& graph_;
  Graph flat_;  // with the operands that it had if nothing were fused
  const std::vector<std::uint32_t> numbers_;
  const FastEvaluator evaluator_;
  const std::string_view prefix_;
  const DimValues bounds_;
  std::vector<NodeId> units_;                     // around the node in work, outermost first
  std::vector<std::set<std::uint32_t>> readers_;  // by value
  std::string text_;
};

}  // namespace

std::string explain_groups(const Program& program, std::size_t graph, std::string_view prefix) {
  return GroupExplainer(program, graph, prefix).run();
}

}  // namespace ingot
