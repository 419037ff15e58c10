// What the planner asks about a graph: where nodes lie, which values share bytes, who reads them, what may fail.
// Private to plan/. Linear in the graph (times the nesting).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot::planning {

// Regions are numbered, outer before inner; 0 is the graph's body. The regions of a node have consecutive numbers.
struct RegionInfo {
  NodeId owner;             // not valid for the body
  std::uint32_t index = 0;  // of the owner's regions
  std::uint32_t parent = 0;
};

// A place where a value is read: by a node of `region`, or (node not valid) returned from it.
struct Use {
  std::uint32_t region = 0;
  NodeId node;
};

// The order in which the nodes of every region run: a legal one, not always the graph's.
struct Order {
  std::vector<std::vector<NodeId>> nodes;  // by region
  std::vector<std::uint32_t> position;     // by node: in its region's list
  friend bool operator==(const Order&, const Order&) = default;
};
inline constexpr std::uint32_t kAtEnd = std::numeric_limits<std::uint32_t>::max();  // position of a region's returns

class Analysis {
 public:
  explicit Analysis(const Graph& graph);

  const Graph& graph() const { return graph_; }
  const Region& region(std::uint32_t id) const;
  std::size_t num_regions() const { return regions_.size(); }
  std::uint32_t region_of(NodeId node) const { return node_region_[node.index]; }
  // Number of region `index` of a node.
  std::uint32_t inner_region(NodeId node, std::size_t index) const {
    return first_inner_[node.index] + static_cast<std::uint32_t>(index);
  }
  // The node itself or one inside it can report an error.
  bool may_fail(NodeId node) const { return may_fail_[node.index]; }

  // The value whose bytes this one may show: through views, unchanged carries and results of groups that are operands.
  // All values of one state have one root.
  ValueId root(ValueId value) const { return root_[value.index]; }
  // How often exactly this value is read or returned (not through views of it).
  std::uint32_t num_uses(ValueId value) const { return num_uses_[value.index]; }
  // Everything that reads the root's bytes, views themselves included, because a view may have to be copied.
  std::span<const Use> uses_of_root(ValueId root) const;
  // When, seen from `region`, that use happens. Requires: the use lies in `region` or deeper.
  std::uint32_t position_in(std::uint32_t region, const Use& use, const Order& order) const;

  Order given_order() const;

 private:
  void visit(std::uint32_t region_id);
  void visit_node(std::uint32_t region_id, NodeId id);
  void add_use(std::uint32_t region, NodeId node, ValueId value);
  void set_root(ValueId value, ValueId source) { root_[value.index] = root_[source.index]; }
  void set_arg_roots(const Node& node);
  void set_result_roots(const Node& node);
  void sort_uses();

  const Graph& graph_;  // borrowed
  std::vector<RegionInfo> regions_;
  std::vector<std::uint32_t> node_region_, first_inner_;
  std::vector<bool> may_fail_;
  std::vector<ValueId> root_;
  std::vector<std::uint32_t> num_uses_;
  std::vector<std::pair<ValueId, Use>> raw_uses_;
  std::vector<std::uint32_t> use_begin_;  // by root
  std::vector<Use> uses_;
};

// Carries are the operands of a while and the first ones of a scan.
struct LoopForm {
  bool is_scan = false;
  std::size_t num_carries = 0;
};
bool is_loop(const Node& node);
LoopForm loop_form(const Node& node);
// The body returns carry i as it came: no buffer, no copy.
bool carry_unchanged(const Node& node, std::size_t i);

}  // namespace ingot::planning
