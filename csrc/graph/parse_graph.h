// Reads one graph of the text: statements and regions in parse_graph.cpp; operands, literals and attributes in
// parse_operands.cpp. Private to the parser.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/parse_state.h"

namespace ingot {

class GraphParser {
 public:
  GraphParser(ParseState& state, Graph& graph)
      : state_(state),
        lexer_(state.lexer),
        graph_(graph),
        graph_number_(static_cast<std::uint32_t>(state.result.module.graphs.size())),
        constants_(0, NameHash{hash_seed()}),
        output_names_(0, NameHash{hash_seed()}) {}

  void read();

 private:
  struct BareLiteral {
    std::size_t operand;
    std::string_view token;
  };

  void read_inputs();
  void read_body_statement(std::uint32_t scope, bool& returned);
  void read_update();
  void read_outputs();

  void read_node(Region& region, std::uint32_t scope, int depth, std::string_view op_name);
  void read_result_numbers();
  void read_arguments(Node& node);
  bool read_operand(Node& node);
  void resolve_bare_literals(Node& node);
  void read_result_types(const Node& node);
  void read_origin(Origin& origin);
  void read_origin_part(std::string& out);
  void read_regions(Node& node, NodeId id, int depth);
  void read_region(Node& node, NodeId id, std::size_t index, int depth);
  void read_region_args(Region& region, NodeId id, std::size_t index, std::uint32_t scope);

  std::int64_t read_number();
  ValueId read_value();
  ValueId find_number();
  ValueId use_name(std::string_view name);
  ValueId use_table_value(ParseState::TableValue& entry, ValueKind kind, std::uint32_t index, const TensorType& type);
  ValueId read_typed_literal(std::string_view* bare_token);
  ValueId add_constant(const TensorType& type, std::span<const std::string_view> tokens);
  ValueId add_value(Value value);
  void define(std::int64_t number, ValueId value, std::uint32_t scope);

  void read_attr(const OpRow& op, std::string_view name, Attrs& attrs);
  AttrValue read_attr_value(AttrKind kind);

  ParseState& state_;
  Lexer& lexer_;
  Graph& graph_;
  std::uint32_t graph_number_;
  std::unordered_map<std::string, ValueId, NameHash> constants_;  // by dtype, shape and bytes
  NameSet output_names_;

  // Of the statement being read; a statement's words end before its regions begin, except what read_node keeps.
  std::vector<std::int64_t> numbers_;
  std::vector<ValueId> operands_;
  std::vector<BareLiteral> bare_literals_;
  std::vector<TensorType> types_;
  std::vector<bool> attr_is_given_;
};

}  // namespace ingot
