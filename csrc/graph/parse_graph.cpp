// Text to module, the graphs: statements, nodes and regions. See parse.cpp.
// A node is entered into the table before the nodes of its regions, its results after them: they are not visible
// inside.
#include "graph/parse_graph.h"

#include <limits>
#include <span>

#include "graph/budgets.h"
#include "graph/quoted.h"
#include "graph/regions.h"

namespace ingot {

void GraphParser::read() {
  state_.numbers.begin_graph();
  const std::uint32_t scope = state_.numbers.open_scope();
  graph_.name = lexer_.expect_name(state_.scratch, "the graph's name");
  if (!state_.graph_names.insert(state_.storage.keep(graph_.name, state_.text)).second) {
    lexer_.fail_here(concat("graph ", excerpt(graph_.name), " is declared twice"));
  }
  read_inputs();
  lexer_.expect('{', "to open the graph");
  lexer_.skip_lines();
  bool returned = false;
  while (!returned) read_body_statement(scope, returned);
  lexer_.expect('}', "after the graph's return");
  for (const std::string& name : graph_.input_names) state_.names.erase(name);
}

void GraphParser::read_inputs() {
  lexer_.expect('(', "after the graph's name");
  if (lexer_.accept(')')) return;
  do {
    const std::string_view name = lexer_.expect_name(state_.scratch, "an input's name");
    const auto index = static_cast<std::uint32_t>(graph_.input_names.size());
    if (!state_.names.emplace(state_.storage.keep(name, state_.text), NamedItem{NamedItem::Kind::kInput, index})
             .second) {
      lexer_.fail_here(concat("the input name ", excerpt(name), " is taken"));
    }
    graph_.input_names.emplace_back(name);
    lexer_.expect(':', "after the input's name");
    graph_.body.args.push_back(
        add_value({.kind = ValueKind::kInput, .type = read_type(state_), .node = {}, .region = 0, .index = index}));
  } while (lexer_.accept(','));
  lexer_.expect(')', "after the inputs");
}

void GraphParser::read_body_statement(std::uint32_t scope, bool& returned) {
  std::string_view word;
  if (lexer_.peek() != '%') {
    word = lexer_.expect_identifier("a statement");
    if (word == "update") return read_update();
    if (word == "return") {
      returned = true;
      return read_outputs();
    }
  }
  read_node(graph_.body, scope, 0, word);
}

void GraphParser::read_update() {
  const std::string_view name = lexer_.expect_name(state_.scratch, "a state's name");
  const auto found = state_.names.find(name);
  if (found == state_.names.end() || found->second.kind != NamedItem::Kind::kState) {
    lexer_.fail_here(concat("there is no state ", excerpt(name)));
  }
  const std::uint32_t index = found->second.index;
  if (!lexer_.accept("<-")) lexer_.fail_expected("'<-'");
  graph_.updates.push_back({.state = index, .value = read_value()});
  lexer_.expect_line_end();
}

void GraphParser::read_outputs() {
  const char next = lexer_.peek();
  if (next != '}' && next != '\n') {
    do {
      graph_.body.returns.push_back(read_value());
      std::string& name = graph_.output_names.emplace_back();
      if (!lexer_.accept_word("as")) continue;
      name = lexer_.expect_name(state_.scratch, "the output's name");
      if (!output_names_.insert(state_.storage.keep(name, state_.text)).second) {
        lexer_.fail_here(concat("the output name ", excerpt(name), " is taken"));
      }
    } while (lexer_.accept(','));
  }
  lexer_.expect_line_end();
}

// `op_name` is empty when the statement begins with its results.
void GraphParser::read_node(Region& region, std::uint32_t scope, int depth, std::string_view op_name) {
  if (state_.num_nodes++ == kMaxNodes) lexer_.fail_limit(concat("more than ", kMaxNodes, " nodes"));
  numbers_.clear();
  types_.clear();
  if (op_name.empty()) {
    read_result_numbers();
    op_name = lexer_.expect_identifier("an op");
  }
  Node node;
  node.op = find_op(op_name);
  if (node.op == nullptr) lexer_.fail_here(concat("there is no op ", excerpt(op_name)));
  read_arguments(node);
  read_result_types(node);
  read_origin(node.origin);
  const NodeId id(static_cast<std::uint32_t>(graph_.nodes.size()));
  graph_.nodes.emplace_back();
  region.nodes.push_back(id);
  if (node.op->has(kRegionOp)) {
    const std::vector<std::int64_t> numbers = numbers_;  // the regions' statements use the members
    const std::vector<TensorType> types = types_;
    read_regions(node, id, depth);
    numbers_ = numbers;
    types_ = types;
  }
  node.results.reserve(numbers_.size());
  for (std::size_t i = 0; i < numbers_.size(); ++i) {
    const ValueId value = add_value({.kind = ValueKind::kResult,
                                     .type = std::move(types_[i]),
                                     .node = id,
                                     .region = 0,
                                     .index = static_cast<std::uint32_t>(i)});
    define(numbers_[i], value, scope);
    node.results.push_back(value);
  }
  graph_.nodes[id.index] = std::move(node);
  lexer_.expect_line_end();
}

void GraphParser::read_result_numbers() {
  do {
    if (numbers_.size() == kMaxOperands) lexer_.fail_limit(concat("more than ", kMaxOperands, " results"));
    numbers_.push_back(read_number());
  } while (lexer_.accept(','));
  lexer_.expect('=', "after the results");
}

void GraphParser::read_result_types(const Node& node) {
  if (numbers_.empty()) return;
  lexer_.expect(':', "and the result's type");
  do {
    if (types_.size() == numbers_.size()) break;
    types_.push_back(read_type(state_));
  } while (lexer_.accept(','));
  if (types_.size() != numbers_.size()) {
    lexer_.fail_here(concat(node.op->name, ": got ", types_.size(), " types, expected ", numbers_.size()));
  }
}

void GraphParser::read_origin(Origin& origin) {
  if (!lexer_.accept('@')) return;
  if (!lexer_.accept_word("in")) {
    read_origin_part(origin.file);
    lexer_.expect(':', "and the line's number");
    const std::int64_t line = lexer_.expect_integer("a line number", false);
    if (line > std::numeric_limits<std::int32_t>::max()) lexer_.fail_here("the line number is too large");
    origin.line = static_cast<std::int32_t>(line);
    if (!lexer_.accept_word("in")) return;
  }
  read_origin_part(origin.composite);
}

void GraphParser::read_origin_part(std::string& out) {
  if (lexer_.peek() == '"') {
    lexer_.expect_string(out, kMaxNameBytes);
    if (!is_valid_name(out)) lexer_.fail_here("an origin needs a character and no control characters");
    return;
  }
  out = lexer_.origin_word();
  if (out.empty()) lexer_.fail_expected("where the node came from");
  if (out.size() > kMaxNameBytes) lexer_.fail_limit(concat("name of more than ", kMaxNameBytes, " bytes"));
}

void GraphParser::read_regions(Node& node, NodeId id, int depth) {
  const std::span<const std::string_view> names = region_names(*node.op);
  lexer_.expect('{', "to open the regions of the op");
  if (depth == kMaxNesting) lexer_.fail_limit(concat("regions nested deeper than ", kMaxNesting));
  node.regions.resize(names.size());
  for (std::size_t r = 0; r < names.size(); ++r) {
    lexer_.skip_lines();
    lexer_.expect_word(names[r]);
    read_region(node, id, r, depth + 1);
    lexer_.expect_line_end();
  }
  lexer_.expect('}', "to close the op");
}

void GraphParser::read_region(Node& node, NodeId id, std::size_t index, int depth) {
  Region& region = node.regions[index];
  const std::uint32_t scope = state_.numbers.open_scope();
  read_region_args(region, id, index, scope);
  lexer_.expect('{', "to open the region");
  lexer_.skip_lines();
  while (true) {
    std::string_view word;
    if (lexer_.peek() != '%') {
      word = lexer_.expect_identifier("a statement");
      if (word == "return") break;
      if (word == "update") lexer_.fail_here("an update inside a region: expected at the graph's top level");
    }
    read_node(region, scope, depth, word);
  }
  const char next = lexer_.peek();
  if (next != '}' && next != '\n') {
    do {
      if (region.returns.size() == kMaxOperands) lexer_.fail_limit(concat("more than ", kMaxOperands, " returns"));
      region.returns.push_back(read_value());
    } while (lexer_.accept(','));
  }
  lexer_.expect_line_end();
  lexer_.expect('}', "after the region's return");
  state_.numbers.close_scope(scope);
}

void GraphParser::read_region_args(Region& region, NodeId id, std::size_t index, std::uint32_t scope) {
  lexer_.expect('(', "after the region's name");
  if (lexer_.accept(')')) return;
  do {
    if (region.args.size() == kMaxOperands) lexer_.fail_limit(concat("more than ", kMaxOperands, " region args"));
    if (lexer_.peek() != '%') lexer_.fail_expected("a region arg like %6");
    const std::int64_t number = read_number();
    lexer_.expect(':', "after the region arg");
    const ValueId value = add_value({.kind = ValueKind::kRegionArg,
                                     .type = read_type(state_),
                                     .node = id,
                                     .region = static_cast<std::uint32_t>(index),
                                     .index = static_cast<std::uint32_t>(region.args.size())});
    define(number, value, scope);
    region.args.push_back(value);
  } while (lexer_.accept(','));
  lexer_.expect(')', "after the region args");
}

void read_graph(ParseState& state) {
  Graph& graph = state.result.module.graphs.emplace_back();
  GraphParser(state, graph).read();
}

}  // namespace ingot
