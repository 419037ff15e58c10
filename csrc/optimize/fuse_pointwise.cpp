// fuse_pointwise: pointwise nodes that feed each other, and reductions over the last axes of what they compute, become
// one group, run piece by piece in cache.
//
//   %0 = exp(x) : f32[n,8]                            %2 = fused() : f32[n,8] {
//   %1 = sum(%0, axes=[1], keepdims=true) : f32[n,1]    body() {
//   %2 = divide(%0, %1) : f32[n,8]               ->       %3 = exp(x) : f32[n,8]
//   return %2                                             %4 = sum(%3, axes=[1], keepdims=true) : f32[n,1]
//                                                         %5 = divide(%3, %4) : f32[n,8]
//                                                         return %5 ...
//
// Exact: every op keeps its own rounding and its order of sums; only where its result lies changes. A group is of a
// form that one step can run (group_form.h); what others need of it are its outputs; a node alone stays a plain node.
// Why no cycle arises: every node gets a level, and an edge that cannot fuse (another kind of node, another shape, the
// order of nodes that may fail) raises the level by one. Groups are connected parts of one level, so a path that leaves
// a group cannot come back to it. Cost: linear (a group being of limited size), and a heap for the final order.
#include <algorithm>
#include <cstdint>
#include <limits>
#include <queue>

#include "base/error.h"
#include "optimize/group_form.h"
#include "optimize/passes.h"

namespace ingot {
namespace {

constexpr std::uint32_t kNoUnit = 0xffffffffu;
constexpr int kNoLimit = std::numeric_limits<int>::max();

struct Edge {
  std::uint32_t from, to;  // positions in the region
  bool fusible;
};

// What moves as one in the final order: a group or a single node.
struct Unit {
  std::vector<std::uint32_t> members;  // positions, ascending
};

class RegionFuser {
 public:
  RegionFuser(Graph& graph, std::span<const Dim> dims, std::vector<std::uint32_t>& position,
              std::vector<ValueId>& replacement)
      : graph_(graph), dims_(dims), position_(position), replacement_(replacement) {}

  // True if it formed a group. `position_` is all kNoUnit before and after.
  bool run(NodeId owner, std::size_t index) {
    nodes_ = region_of(graph_, owner, index).nodes;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) position_[nodes_[i].index] = i;
    find_edges();
    set_levels();
    form_units();
    const bool grouped = units_.size() < nodes_.size();
    if (grouped) rebuild(owner, index);
    for (const NodeId id : nodes_) position_[id.index] = kNoUnit;
    return grouped;
  }

 private:
  const Node& node(std::uint32_t i) const { return graph_.node(nodes_[i]); }
  const Value& result(std::uint32_t i) const { return graph_.value(node(i).results[0]); }
  bool may_join(std::uint32_t i) const { return is_group_member(graph_, node(i)); }

  // Position of the node in this region that defines the value; kNoUnit if it comes from elsewhere.
  std::uint32_t definer(ValueId id) const {
    const Value& value = graph_.value(id);
    return value.kind == ValueKind::kResult ? position_[value.node.index] : kNoUnit;
  }

  void find_edges() {
    std::uint32_t last_failing = kNoUnit;
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      for_each_read(graph_, node(i), [&](ValueId value) {
        const std::uint32_t from = definer(value);
        if (from == kNoUnit || from == i) return;
        edges_.push_back({from, i, may_join(i) && may_join(from) && feeds(from, i)});
      });
      if (!has_trait_inside(graph_, node(i), kEffect | kMayFail)) continue;
      if (last_failing != kNoUnit) edges_.push_back({last_failing, i, false});
      last_failing = i;
    }
  }

  // Element by element, or one element for each row.
  bool feeds(std::uint32_t from, std::uint32_t to) const {
    if (node(to).op->has(kReduction)) return true;
    const Shape &given = result(from).type.shape, &made = result(to).type.shape;
    return given == made || missing_row_axes(given, made) > 0;
  }

  // As early as possible, then members up to the level of a consumer they can fuse with. Edges are sorted by
  // `to`.
  void set_levels() {
    level_.assign(nodes_.size(), 0);
    for (const Edge& edge : edges_) {
      level_[edge.to] = std::max(level_[edge.to], level_[edge.from] + (edge.fusible ? 0 : 1));
    }
    std::vector<int> limit(nodes_.size(), kNoLimit), wish(nodes_.size(), kNoLimit);
    std::size_t e = edges_.size();
    for (auto i = static_cast<std::uint32_t>(nodes_.size()); i-- > 0;) {
      if (wish[i] != kNoLimit && wish[i] == limit[i]) level_[i] = std::max(level_[i], limit[i]);
      while (e > 0 && edges_[e - 1].to == i) {
        const Edge& edge = edges_[--e];
        limit[edge.from] = std::min(limit[edge.from], level_[i] - (edge.fusible ? 0 : 1));
        if (edge.fusible) wish[edge.from] = std::min(wish[edge.from], level_[i]);
      }
    }
  }

  std::uint32_t find_root(std::uint32_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }

  // Connected parts of equal level, cut where a limit is reached; cuts follow the node order, so they make no cycle.
  void form_units() {
    parent_.resize(nodes_.size());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) parent_[i] = i;
    for (const Edge& edge : edges_) {
      if (edge.fusible && level_[edge.from] == level_[edge.to]) parent_[find_root(edge.to)] = find_root(edge.from);
    }
    std::vector<std::uint32_t> open(nodes_.size(), kNoUnit);  // the unit that a part is filling
    unit_of_.assign(nodes_.size(), kNoUnit);
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      std::uint32_t& unit = open[find_root(i)];
      if (unit == kNoUnit || !join(unit, i)) {
        unit = static_cast<std::uint32_t>(units_.size());
        units_.emplace_back();
        join(unit, i);
      }
    }
  }

  // Adds node i to a unit unless no form would hold both. The first node is always taken.
  bool join(std::uint32_t unit_index, std::uint32_t i) {
    Unit& unit = units_[unit_index];
    if (!unit.members.empty()) {
      std::vector<NodeId> together;
      for (const std::uint32_t member : unit.members) together.push_back(nodes_[member]);
      together.push_back(nodes_[i]);
      if (!group_form(graph_, dims_, together)) return false;
    }
    unit.members.push_back(i);
    unit_of_[i] = unit_index;
    return true;
  }

  // Legal order of the units that stays closest to the given one: the ready unit whose last node came first.
  std::vector<std::uint32_t> order_units() const {
    std::vector<std::vector<std::uint32_t>> followers(units_.size());
    std::vector<std::uint32_t> waiting(units_.size(), 0);
    for (const Edge& edge : edges_) {
      const std::uint32_t from = unit_of_[edge.from], to = unit_of_[edge.to];
      if (from == to) continue;
      followers[from].push_back(to);
      ++waiting[to];
    }
    using Entry = std::pair<std::uint32_t, std::uint32_t>;  // position of the last node, unit
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    const auto push = [&](std::uint32_t unit) { ready.emplace(units_[unit].members.back(), unit); };
    for (std::uint32_t u = 0; u < units_.size(); ++u) {
      if (waiting[u] == 0) push(u);
    }
    std::vector<std::uint32_t> order;
    while (!ready.empty()) {
      const std::uint32_t unit = ready.top().second;
      ready.pop();
      order.push_back(unit);
      for (const std::uint32_t follower : followers[unit]) {
        if (--waiting[follower] == 0) push(follower);
      }
    }
    INGOT_CHECK(order.size() == units_.size());
    return order;
  }

  // Which results are read outside their unit.
  std::vector<bool> find_escaping(NodeId owner, std::size_t index) {
    std::vector<bool> escapes(nodes_.size(), false);
    for (const Edge& edge : edges_) {
      if (unit_of_[edge.from] != unit_of_[edge.to]) escapes[edge.from] = true;
    }
    const auto leave = [&](ValueId value) {
      const std::uint32_t from = definer(value);
      if (from != kNoUnit) escapes[from] = true;
    };
    for (const ValueId value : region_of(graph_, owner, index).returns) leave(value);
    if (!owner.valid()) {
      for (const Update& update : graph_.updates) leave(update.value);
    }
    return escapes;
  }

  void rebuild(NodeId owner, std::size_t index) {
    const std::vector<bool> escapes = find_escaping(owner, index);
    std::vector<NodeId> rebuilt;
    for (const std::uint32_t u : order_units()) {
      const Unit& unit = units_[u];
      rebuilt.push_back(unit.members.size() == 1 ? nodes_[unit.members[0]] : add_group(unit, escapes));
    }
    region_of(graph_, owner, index).nodes = std::move(rebuilt);
  }

  NodeId add_group(const Unit& unit, const std::vector<bool>& escapes) {
    const NodeId id(static_cast<std::uint32_t>(graph_.nodes.size()));
    Node group;
    group.op = find_op("fused");
    group.origin = node(unit.members.back()).origin;
    group.regions.emplace_back();
    Region& body = group.regions[0];
    for (const std::uint32_t i : unit.members) {
      body.nodes.push_back(nodes_[i]);
      const bool unread = i == unit.members.back() && body.returns.empty();
      if (escapes[i] || unread) body.returns.push_back(node(i).results[0]);
    }
    for (std::uint32_t r = 0; r < body.returns.size(); ++r) {
      const ValueId outer(static_cast<std::uint32_t>(graph_.values.size()));
      graph_.values.push_back({.kind = ValueKind::kResult,
                               .type = graph_.value(body.returns[r]).type,
                               .node = id,
                               .region = 0,
                               .index = r});
      group.results.push_back(outer);
      replacement_[body.returns[r].index] = outer;
    }
    graph_.nodes.push_back(std::move(group));
    return id;
  }

  Graph& graph_;
  std::span<const Dim> dims_;
  std::vector<std::uint32_t>& position_;  // by node: its position in this region
  std::vector<ValueId>& replacement_;     // by value: the group's result that stands for it outside the group
  std::vector<NodeId> nodes_;
  std::vector<Edge> edges_;
  std::vector<int> level_;
  std::vector<std::uint32_t> parent_;
  std::vector<Unit> units_;
  std::vector<std::uint32_t> unit_of_;
};

class GraphFuser {
 public:
  GraphFuser(Graph& graph, std::span<const Dim> dims)
      : graph_(graph), dims_(dims), position_(graph.nodes.size(), kNoUnit), replacement_(graph.values.size()) {}

  bool run() {
    fuse_region(NodeId(), 0);
    if (!changed_) return false;
    redirect_region(graph_.body, NodeId());
    for (Update& update : graph_.updates) redirect(update.value, NodeId());
    return true;
  }

 private:
  void fuse_region(NodeId owner, std::size_t index) {
    const std::vector<NodeId> nodes = region_of(graph_, owner, index).nodes;
    for (const NodeId id : nodes) {
      if (is_fused(graph_.node(id))) continue;
      for (std::size_t r = 0; r < graph_.node(id).regions.size(); ++r) fuse_region(id, r);
    }
    changed_ |= RegionFuser(graph_, dims_, position_, replacement_).run(owner, index);
    position_.resize(graph_.nodes.size(), kNoUnit);
  }

  // Inside its own group a value keeps its name.
  void redirect(ValueId& value, NodeId group) {
    if (value.index >= replacement_.size()) return;
    const ValueId target = replacement_[value.index];
    if (target.valid() && graph_.value(target).node != group) value = target;
  }

  void redirect_region(Region& region, NodeId group) {
    for (const NodeId id : region.nodes) {
      Node& node = graph_.nodes[id.index];
      for (ValueId& operand : node.operands) redirect(operand, group);
      for (Region& inner : node.regions) redirect_region(inner, is_fused(node) ? id : group);
    }
    for (ValueId& value : region.returns) redirect(value, group);
  }

  Graph& graph_;
  std::span<const Dim> dims_;
  std::vector<std::uint32_t> position_;
  std::vector<ValueId> replacement_;
  bool changed_ = false;
};

}  // namespace

bool fuse_pointwise(const PassContext& context) {
  if (!GraphFuser(context.graph, context.module.dims).run()) return false;
  compact(context.graph);
  return true;
}

}  // namespace ingot
