// Numbers the regions of a graph, finds shared bytes and their readers.
#include "plan/analysis.h"

#include <algorithm>

#include "base/error.h"

namespace ingot::planning {

bool is_loop(const Node& node) {
  return node.op->name == "while" || node.op->name == "scan";
}

LoopForm loop_form(const Node& node) {
  if (node.op->name == "while") return {false, node.operands.size()};
  return {true, static_cast<std::size_t>(std::get<std::int64_t>(node.attrs[attr_index(*node.op, "carries")]))};
}

bool carry_unchanged(const Node& node, std::size_t i) {
  const Region& body = node.regions.back();
  return body.returns[i] == body.args[i];
}

Analysis::Analysis(const Graph& graph)
    : graph_(graph),
      node_region_(graph.nodes.size(), 0),
      first_inner_(graph.nodes.size(), 0),
      may_fail_(graph.nodes.size(), false),
      root_(graph.values.size()),
      num_uses_(graph.values.size(), 0) {
  std::vector<ValueId> state_root;
  for (std::uint32_t i = 0; i < graph.values.size(); ++i) {
    root_[i] = ValueId(i);
    if (graph.values[i].kind != ValueKind::kState) continue;
    const std::uint32_t state = graph.values[i].index;
    if (state >= state_root.size()) state_root.resize(state + 1);
    if (!state_root[state].valid()) state_root[state] = ValueId(i);
    root_[i] = state_root[state];
  }
  regions_.emplace_back();
  visit(0);
  for (const Update& update : graph.updates) add_use(0, NodeId(), update.value);
  sort_uses();
}

const Region& Analysis::region(std::uint32_t id) const {
  const RegionInfo& info = regions_[id];
  return info.owner.valid() ? graph_.node(info.owner).regions[info.index] : graph_.body;
}

void Analysis::visit(std::uint32_t region_id) {
  for (const NodeId id : region(region_id).nodes) visit_node(region_id, id);
  for (const ValueId value : region(region_id).returns) add_use(region_id, NodeId(), value);
}

void Analysis::visit_node(std::uint32_t region_id, NodeId id) {
  const Node& node = graph_.node(id);
  node_region_[id.index] = region_id;
  for (const ValueId operand : node.operands) add_use(region_id, id, operand);
  may_fail_[id.index] = node.op->has(kMayFail) || node.op->has(kEffect);
  first_inner_[id.index] = static_cast<std::uint32_t>(regions_.size());
  for (std::uint32_t r = 0; r < node.regions.size(); ++r) {
    regions_.push_back({.owner = id, .index = r, .parent = region_id});
  }
  if (is_loop(node)) set_arg_roots(node);
  for (std::size_t r = 0; r < node.regions.size(); ++r) {
    visit(inner_region(id, r));
    for (const NodeId inner : node.regions[r].nodes) {
      if (may_fail_[inner.index]) may_fail_[id.index] = true;
    }
  }
  set_result_roots(node);
}

void Analysis::add_use(std::uint32_t region, NodeId node, ValueId value) {
  ++num_uses_[value.index];
  raw_uses_.emplace_back(root_[value.index], Use{region, node});
}

void Analysis::set_arg_roots(const Node& node) {
  for (std::size_t i = 0; i < loop_form(node).num_carries; ++i) {
    if (!carry_unchanged(node, i)) continue;
    for (const Region& region : node.regions) set_root(region.args[i], node.operands[i]);
  }
}

void Analysis::set_result_roots(const Node& node) {
  if (node.op->has(kView)) set_root(node.results[0], node.operands[0]);
  if (is_loop(node)) {
    for (std::size_t i = 0; i < loop_form(node).num_carries; ++i) {
      if (carry_unchanged(node, i)) set_root(node.results[i], node.operands[i]);
    }
  }
  if (node.op->name != "fused") return;
  const Region& body = node.regions[0];
  for (std::size_t i = 0; i < node.results.size(); ++i) {
    const Value& returned = graph_.value(body.returns[i]);
    const bool inside = returned.kind == ValueKind::kResult &&
                        regions_[node_region_[returned.node.index]].owner == graph_.value(node.results[i]).node;
    if (!inside) set_root(node.results[i], body.returns[i]);
    const auto first = std::find(body.returns.begin(), body.returns.end(), body.returns[i]) - body.returns.begin();
    if (static_cast<std::size_t>(first) < i) set_root(node.results[i], node.results[static_cast<std::size_t>(first)]);
  }
}

void Analysis::sort_uses() {
  use_begin_.assign(graph_.values.size() + 1, 0);
  for (const auto& [root, use] : raw_uses_) ++use_begin_[root.index + 1];
  for (std::size_t i = 1; i < use_begin_.size(); ++i) use_begin_[i] += use_begin_[i - 1];
  uses_.resize(raw_uses_.size());
  std::vector<std::uint32_t> next(use_begin_.begin(), use_begin_.end() - 1);
  for (const auto& [root, use] : raw_uses_) uses_[next[root.index]++] = use;
  raw_uses_.clear();
}

std::span<const Use> Analysis::uses_of_root(ValueId root) const {
  const std::span<const Use> all(uses_);
  return all.subspan(use_begin_[root.index], use_begin_[root.index + 1] - use_begin_[root.index]);
}

std::uint32_t Analysis::position_in(std::uint32_t region, const Use& use, const Order& order) const {
  if (use.region == region) return use.node.valid() ? order.position[use.node.index] : kAtEnd;
  std::uint32_t at = use.region;
  while (regions_[at].parent != region) {
    INGOT_CHECK(at != 0);
    at = regions_[at].parent;
  }
  return order.position[regions_[at].owner.index];
}

Order Analysis::given_order() const {
  Order order;
  order.position.assign(graph_.nodes.size(), 0);
  for (std::uint32_t r = 0; r < regions_.size(); ++r) {
    order.nodes.push_back(region(r).nodes);
    for (std::uint32_t i = 0; i < order.nodes[r].size(); ++i) order.position[order.nodes[r][i].index] = i;
  }
  return order;
}

}  // namespace ingot::planning
