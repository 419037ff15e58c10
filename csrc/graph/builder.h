// The only way to add a node. Runs the op's rules at every call, so that a wrong call fails where it is made.
// Thread rule: one builder, one thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot {

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
  // region rules (regions.h) and returns the results.
  void begin_node(const OpRow& op, std::vector<ValueId> operands, Attrs attrs, Origin origin);
  std::vector<ValueId> begin_region(std::span<const TensorType> arg_types);
  void end_region(std::vector<ValueId> returns);
  std::vector<ValueId> end_node();

  void add_update(std::uint32_t state_index, ValueId value);  // top level only
  void set_outputs(std::vector<ValueId> outputs, std::vector<std::string> names);

 private:
  struct OpenNode;
  Module& module_;
  std::size_t graph_index_;
  std::vector<OpenNode> open_;
  // (implementation members as needed)
};

struct NamedAttr {
  std::string name;
  AttrValue value;
};
// Fills defaults, orders by the row's specs, checks kinds; an int is taken where a float or a size is wanted.
// Throws ArgumentError: "sum: no attribute 'axs': expected axes, keepdims".
Attrs complete_attrs(const OpRow& op, std::span<const NamedAttr> given);

}  // namespace ingot
