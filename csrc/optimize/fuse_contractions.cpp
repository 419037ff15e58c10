// Two passes that take contractions into groups.
//
// fuse_contractions: a group (or a pointwise node alone) that reads the result of a contraction, which nothing else
// reads, runs on that result tile by tile, before it leaves the cache.
//
//   %0 = matmul(x, w) : f32[n,8]                  %1 = fused() : f32[n,8] {
//   %1 = add(%0, b) : f32[n,8]            ->        body() {
//   return %1                                         %2 = matmul(x, w) : f32[n,8]
//                                                     %3 = add(%2, b) : f32[n,8]
//                                                     return %3 ...
//
// A group on several contractions goes to the last one; what it computes from another one alone is first split off, as
// a group on that one:
//
//   %2 = fused() : f32[n,8] {                     %2 = fused() : f32[n,8] {
//     body() {                                      body() {
//       %3 = multiply(%0, s) : f32[n,8]     ->        %0 = matmul(x, w) : f32[n,8]
//       %4 = add(%3, %1) : f32[n,8]                   %3 = multiply(%0, s) : f32[n,8] ...
//       return %4 ...                             %5 = fused() : f32[n,8] {
//                                                   body() {
//                                                     %1 = matmul(y, v) : f32[n,8]
//                                                     %4 = add(%2, %1) : f32[n,8] ...
//
// fuse_attention: matmul, a group of rows on its result, matmul with the group's only result become one group, which
// runs on some rows at a time: the scores never lie in memory as a whole.
//
// Exact: the same ops in the same order. No cycle arises, because what moves is read by the group alone and moves to
// where the group stands.
#include <algorithm>

#include "base/error.h"
#include "optimize/group_form.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

class ContractionFuser {
 public:
  ContractionFuser(const PassContext& context)
      : graph_(context.graph),
        dims_(context.module.dims),
        evaluator_(*context.evaluator),
        reads_(context.graph.values.size(), 0),
        region_of_(context.graph.nodes.size(), 0),
        gone_(context.graph.nodes.size(), false) {
    count_reads(graph_.body);
    for (const Update& update : graph_.updates) ++reads_[update.value.index];
  }

  bool run(bool attention) {
    attention_ = attention;
    fuse_region(NodeId(), 0);
    return changed_;
  }

 private:
  void count_reads(const Region& region) {
    const std::uint32_t number = ++num_regions_;
    for (const NodeId id : region.nodes) {
      region_of_[id.index] = number;
      for (const ValueId operand : graph_.node(id).operands) ++reads_[operand.index];
      for (const Region& inner : graph_.node(id).regions) count_reads(inner);
    }
    for (const ValueId value : region.returns) ++reads_[value.index];
  }

  void fuse_region(NodeId owner, std::size_t index) {
    const std::vector<NodeId> nodes = region_of(graph_, owner, index).nodes;
    std::vector<NodeId> kept;
    for (const NodeId id : nodes) {
      const bool whole = is_fused(graph_.node(id));
      for (std::size_t r = 0; !whole && r < graph_.node(id).regions.size(); ++r) fuse_region(id, r);
      if (!attention_) split_group(id, kept);
      kept.push_back(attention_ ? fuse_scores(id) : fuse_product(id));
    }
    std::erase_if(kept, [&](NodeId id) { return gone_[id.index]; });
    region_of(graph_, owner, index).nodes = std::move(kept);
  }

  std::vector<NodeId> members(NodeId id) const {
    return is_fused(graph_.node(id)) ? graph_.node(id).regions[0].nodes : std::vector<NodeId>{id};
  }

  std::size_t reads_by(std::span<const NodeId> nodes, ValueId value) const {
    std::size_t reads = 0;
    for (const NodeId reader : nodes) {
      const std::vector<ValueId>& operands = graph_.node(reader).operands;
      reads += static_cast<std::size_t>(std::count(operands.begin(), operands.end(), value));
    }
    return reads;
  }

  // The contractions beside `id` whose results the members alone read, in order.
  std::vector<NodeId> anchors_of(NodeId id, std::span<const NodeId> nodes, const Shape& space) const {
    std::vector<NodeId> found;
    for (const NodeId member : nodes) {
      for (const ValueId operand : graph_.node(member).operands) {
        const Value& value = graph_.value(operand);
        if (value.kind != ValueKind::kResult || !(value.type.shape == space)) continue;
        const bool beside = region_of_[value.node.index] == region_of_[id.index] && !gone_[value.node.index];
        if (!beside || !graph_.node(value.node).op->has(kContraction)) continue;
        if (has_few_outputs(graph_, graph_.node(value.node))) continue;
        if (reads_by(nodes, operand) != reads_[operand.index]) continue;
        const auto place =
            std::find_if(found.begin(), found.end(), [&](NodeId other) { return other.index >= value.node.index; });
        if (place == found.end() || *place != value.node) found.insert(place, value.node);
      }
    }
    return found;
  }

  // The members that compute one value from this contraction and from what is no member's result, which the others
  // read; empty if there are none such.
  std::vector<NodeId> part_on(NodeId anchor, const Region& body) const {
    std::vector<NodeId> part;
    const auto has = [](std::span<const NodeId> nodes, NodeId id) {
      return std::count(nodes.begin(), nodes.end(), id) > 0;
    };
    for (const NodeId member : body.nodes) {
      bool reads = false, alone = graph_.node(member).op->has(kPointwise);
      for (const ValueId operand : graph_.node(member).operands) {
        if (graph_.value(operand).kind != ValueKind::kResult) continue;
        const NodeId from = graph_.value(operand).node;
        const bool own = from == anchor || has(part, from);
        reads = reads || own;
        alone = alone && (own || !has(body.nodes, from));
      }
      if (reads && alone) part.push_back(member);
    }
    std::vector<ValueId> made = {graph_.node(anchor).results[0]};
    for (const NodeId member : part) made.push_back(graph_.node(member).results[0]);
    const auto leaves = [&](ValueId value) {
      return reads_by(part, value) < reads_by(body.nodes, value) ||
             std::count(body.returns.begin(), body.returns.end(), value) > 0;
    };
    const bool returned = std::count(body.returns.begin(), body.returns.end(), made.back()) > 0;
    made.pop_back();
    if (returned || std::any_of(made.begin(), made.end(), leaves)) part.clear();
    return part;
  }

  // nodes: a contraction and the members on its result.
  bool takes_group(std::span<const NodeId> nodes) const {
    const std::optional<GroupForm> form = group_form(graph_, dims_, nodes);
    return form && evaluator_.takes_group(graph_, *form);
  }

  // Of a group on several contractions: what it computes from one alone becomes a group on that one.
  void split_group(NodeId id, std::vector<NodeId>& kept) {
    if (!is_fused(graph_.node(id))) return;
    const std::optional<GroupForm> form = group_form(graph_, dims_, members(id));
    if (!form || form->anchor.valid() || form->row_axes > 0) return;
    std::vector<NodeId> anchors = anchors_of(id, members(id), form->space);
    for (std::size_t i = 0; i + 1 < anchors.size(); ++i) {
      std::vector<NodeId> part = part_on(anchors[i], graph_.node(id).regions[0]);
      if (part.empty()) continue;
      std::vector<NodeId> nodes = part;
      nodes.insert(nodes.begin(), anchors[i]);
      if (!takes_group(nodes)) continue;
      std::erase_if(graph_.nodes[id.index].regions[0].nodes,
                    [&](NodeId member) { return std::count(part.begin(), part.end(), member) > 0; });
      kept.push_back(wrap(part.back(), std::move(nodes)));
      region_of_.back() = region_of_[id.index];
    }
  }

  const TensorType& result_type(NodeId id) const { return graph_.value(graph_.node(id).results[0]).type; }

  // `id`, or the group that takes its place.
  NodeId fuse_product(NodeId id) {
    if (!graph_.node(id).op->has(kPointwise) && !is_fused(graph_.node(id))) return id;
    std::vector<NodeId> nodes = members(id);
    const std::optional<GroupForm> form = group_form(graph_, dims_, nodes);
    if (!form || form->anchor.valid() || form->row_axes > 0) return id;
    const std::vector<NodeId> anchors = anchors_of(id, nodes, form->space);
    if (anchors.empty()) return id;
    const NodeId anchor = anchors.back();
    nodes.insert(nodes.begin(), anchor);
    if (!takes_group(nodes)) return id;
    if (!is_fused(graph_.node(id))) return wrap(id, std::move(nodes));
    graph_.nodes[id.index].regions[0].nodes = std::move(nodes);
    remove(anchor);
    return id;
  }

  NodeId fuse_scores(NodeId id) {
    if (graph_.node(id).op->name != "matmul" || !evaluator_.computes_attention(result_type(id).dtype)) return id;
    const ValueId weights = graph_.node(id).operands[0];
    const Value& value = graph_.value(weights);
    if (value.kind != ValueKind::kResult || !is_fused(graph_.node(value.node)) || reads_[weights.index] != 1) return id;
    const NodeId group = value.node;
    const Region& body = graph_.node(group).regions[0];
    if (body.returns.size() != 1 || body.returns[0] != graph_.node(body.nodes.back()).results[0]) return id;
    std::vector<NodeId> nodes = body.nodes;
    const std::optional<GroupForm> form = group_form(graph_, dims_, nodes);
    if (!form || form->anchor.valid() || form->row_axes != 1 || gone_[group.index]) return id;
    if (region_of_[group.index] != region_of_[id.index]) return id;
    const std::vector<NodeId> anchors = anchors_of(group, nodes, form->space);
    if (anchors.empty()) return id;
    const NodeId anchor = anchors.back();
    if (result_type(anchor).dtype != result_type(id).dtype) return id;
    const ValueId inner = body.returns[0];
    nodes.insert(nodes.begin(), anchor);
    nodes.push_back(id);
    graph_.nodes[id.index].operands[0] = inner;
    if (!group_form(graph_, dims_, nodes)) {
      graph_.nodes[id.index].operands[0] = weights;
      return id;
    }
    remove(group);
    return wrap(id, std::move(nodes));
  }

  void remove(NodeId id) {
    gone_[id.index] = true;
    changed_ = true;
  }

  // A group of these nodes, the last of which is `id`, whose result becomes the group's.
  NodeId wrap(NodeId id, std::vector<NodeId> nodes) {
    for (const NodeId node : nodes) {
      if (node != id) remove(node);
    }
    const NodeId group(static_cast<std::uint32_t>(graph_.nodes.size()));
    const ValueId outer = graph_.node(id).results[0], inner(static_cast<std::uint32_t>(graph_.values.size()));
    graph_.values.push_back(graph_.value(outer));
    graph_.values[outer.index].node = group;
    graph_.nodes[id.index].results[0] = inner;
    Node node;
    node.op = find_op("fused");
    node.origin = graph_.node(id).origin;
    node.results = {outer};
    node.regions.push_back({.args = {}, .nodes = std::move(nodes), .returns = {inner}});
    graph_.nodes.push_back(std::move(node));
    region_of_.push_back(region_of_[id.index]);
    gone_.push_back(false);
    return group;
  }

  Graph& graph_;
  std::span<const Dim> dims_;
  const Evaluator& evaluator_;
  std::vector<std::size_t> reads_;        // by value
  std::vector<std::uint32_t> region_of_;  // by node
  std::vector<bool> gone_;                // by node: part of a group, or replaced by one
  std::uint32_t num_regions_ = 0;
  bool attention_ = false;
  bool changed_ = false;
};

bool fuse(const PassContext& context, bool attention) {
  if (context.evaluator == nullptr || !ContractionFuser(context).run(attention)) return false;
  compact(context.graph);
  return true;
}

}  // namespace

bool fuse_attention(const PassContext& context) {
  return fuse(context, true);
}

bool fuse_contractions(const PassContext& context) {
  return fuse(context, false);
}

}  // namespace ingot
