// The passes of the pipeline, one file each, and what they share. Private to optimize/.
#pragma once

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "optimize/pass.h"

namespace ingot {

bool fold_constants(const PassContext& context);
bool merge_common_subexpressions(const PassContext& context);
bool remove_dead_code(const PassContext& context);
bool simplify_algebra(const PassContext& context);
bool hoist_from_loops(const PassContext& context);
bool fuse_pointwise(const PassContext& context);
bool fuse_attention(const PassContext& context);
bool fuse_contractions(const PassContext& context);
bool panel_params(const PassContext& context);
bool lay_weights(const PassContext& context);

// Renumbers nodes and values in the order of the regions and drops those that no region reaches. Every pass that
// changed the graph ends with it, because no other part of the library accepts a dangling node or value. Linear.
void compact(Graph& graph);

// Names for params that a pass adds, none of them taken: "folded.0", "folded.1", ...
class NewNames {
 public:
  NewNames(const Module& module, std::string prefix) : module_(module), prefix_(std::move(prefix)) {}
  std::string next();

 private:
  const Module& module_;
  std::string prefix_;
  std::set<std::string> taken_;  // empty before the first
  int number_ = 0;
};

// Region `index` of `owner`; the graph's body where `owner` is not valid. The reference lives until a node is added.
Region& region_of(Graph& graph, NodeId owner, std::size_t index);

// Calls visit(operand) for every value that the node reads: its operands and, for region ops, all that its regions read
// or return (values defined inside them included).
template <class Visit>
void for_each_read(const Graph& graph, const Node& node, Visit&& visit) {
  for (const ValueId operand : node.operands) visit(operand);
  for (const Region& region : node.regions) {
    for (const NodeId inner : region.nodes) for_each_read(graph, graph.node(inner), visit);
    for (const ValueId value : region.returns) visit(value);
  }
}

// True when the node or one inside its regions has one of these traits.
bool has_trait_inside(const Graph& graph, const Node& node, std::uint32_t traits);

bool is_fused(const Node& node);

}  // namespace ingot
