// The only way to add a node. Runs the op's rules at every call, so that a wrong call fails where it is made.
// Thread rule: one builder, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace ingot {

// Where a builder's rules put undecided conditions: into module.guards, each once, when the call that asked succeeds.
class GuardRecorder final : public GuardSink {
 public:
  explicit GuardRecorder(Module& module) : module_(module) {}
  void add(const Guard& guard) override;
  void commit();   // appends what was added since the last commit
  void discard();  // forgets it
  void truncate(std::size_t num_guards);

 private:
  struct Less {
    bool operator()(const Guard& a, const Guard& b) const;
  };
  Module& module_;
  std::set<Guard, Less> known_;  // of module.guards, the first num_known_
  std::size_t num_known_ = 0;
  std::vector<Guard> pending_;
};

class GraphBuilder {
 public:
  // Adds a graph of this name to `module` (borrowed; must outlive the builder). Undecided size conditions are appended
  // to module.guards.
  GraphBuilder(Module& module, std::string graph_name);
  // Continues an existing graph: passes use it. `graph` must belong to `module`.
  GraphBuilder(Module& module, Graph& graph);

  Graph& graph();  // stays valid only until another graph is added to the module
  Module& module() { return module_; }

  ValueId add_input(std::string name, TensorType type);
  ValueId use_param(std::uint32_t param_index);  // the same value at every call
  ValueId use_state(std::uint32_t state_index);
  // bytes: row-major, type has constant sizes and at most 16 elements. Equal constants give equal values.
  ValueId add_constant(TensorType type, std::span<const std::byte> bytes);

  // Appends to the innermost open region. `attrs` must be complete (see complete_attrs).
  // Returns the results: one, none for an effect.
  std::vector<ValueId> add_node(const OpRow& op, std::vector<ValueId> operands, Attrs attrs, Origin origin);

  // Region ops: begin_node, then for each region begin_region / nodes / end_region, then end_node, which checks the
  // region rules (regions.h) and returns the results. If end_node throws, the node is gone as if never begun.
  void begin_node(const OpRow& op, std::vector<ValueId> operands, Attrs attrs, Origin origin);
  std::vector<ValueId> begin_region(std::span<const TensorType> arg_types);
  void end_region(std::vector<ValueId> returns);
  std::vector<ValueId> end_node();
  // Takes back the innermost begun node with all that was added since: after an error inside a region.
  void abandon_node();
  std::size_t num_open_nodes() const { return open_.size(); }

  void add_update(std::uint32_t state_index, ValueId value);  // top level only
  void set_outputs(std::vector<ValueId> outputs, std::vector<std::string> names);

 private:
  struct OpenNode {
    NodeId id;
    bool in_region = false;
    std::uint32_t scope = 0;                                       // of the open region
    std::size_t num_values, num_nodes, num_constants, num_guards;  // when it was begun
  };

  void index_values();
  void index_region(const Region& region, std::uint32_t scope);
  ValueId add_value(Value value, std::uint32_t scope);
  std::vector<ValueId> add_results(NodeId node, std::vector<TensorType> types);
  Region& current_region(std::string_view what);
  std::uint32_t current_scope() const { return open_.empty() ? 0 : open_.back().scope; }
  void require_visible(ValueId id, std::string_view user) const;
  void require_top_level(std::string_view what) const;
  void require_declared(const Size& size, std::string_view user) const;
  void check_call(const OpRow& op, const std::vector<ValueId>& operands, const Attrs& attrs) const;

  Module& module_;
  std::size_t graph_index_;
  GuardRecorder guards_;
  std::vector<OpenNode> open_;
  std::vector<ValueId> param_values_, state_values_;    // by index in the module; invalid: not used yet
  std::unordered_map<std::string, ValueId> constants_;  // by type and bytes
  std::vector<std::uint32_t> scopes_;                   // per value: the region it is defined in, 0: top level
  std::vector<bool> scope_is_open_;
};

struct NamedAttr {
  std::string name;
  AttrValue value;
};
// Fills defaults, orders by the row's specs, checks kinds; an int is taken where a float or a size is wanted.
// Throws ArgumentError: "sum: no attribute 'axs': expected axes, keepdims".
Attrs complete_attrs(const OpRow& op, std::span<const NamedAttr> given);

}  // namespace ingot
