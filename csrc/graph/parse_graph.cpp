// Text to module, the graphs: statements, regions, operands, literals, attributes. See parse.cpp.
// A node is entered into the table before the nodes of its regions, its results after them: they are not visible
// inside.
#include <array>
#include <limits>
#include <span>
#include <unordered_map>

#include "graph/budgets.h"
#include "graph/literal.h"
#include "graph/parse_state.h"
#include "graph/quoted.h"
#include "graph/regions.h"

namespace ingot {

namespace {

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

// ---- nodes and regions ----------------------------------------------------------------------------------------

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
  lexer_.expect('{', concat("to open the regions of ", node.op->name));
  if (depth == kMaxNesting) lexer_.fail_limit(concat("regions nested deeper than ", kMaxNesting));
  node.regions.resize(names.size());
  for (std::size_t r = 0; r < names.size(); ++r) {
    lexer_.skip_lines();
    lexer_.expect_word(names[r]);
    read_region(node, id, r, depth + 1);
    lexer_.expect_line_end();
  }
  lexer_.expect('}', concat("to close ", node.op->name));
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

// ---- operands and constants -----------------------------------------------------------------------------------

void GraphParser::read_arguments(Node& node) {
  const OpRow& op = *node.op;
  operands_.clear();
  bare_literals_.clear();
  attr_is_given_.assign(op.attrs.size(), false);
  node.attrs.reserve(op.attrs.size());
  for (const AttrSpec& spec : op.attrs) node.attrs.push_back(spec.default_value);
  lexer_.expect('(', concat("after ", op.name));
  if (!lexer_.accept(')')) {
    bool in_attrs = false;
    do {
      if (!in_attrs) in_attrs = !read_operand(node);
      if (in_attrs) {
        const std::string_view name = lexer_.expect_identifier("an attribute");
        lexer_.expect('=', "after the attribute's name");
        read_attr(op, name, node.attrs);
      }
    } while (lexer_.accept(','));
    lexer_.expect(')', "after the operands");
  }
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (op.attrs[i].required && !attr_is_given_[i]) {
      lexer_.fail_here(concat(op.name, ": attribute ", op.attrs[i].name, " is missing"));
    }
  }
  resolve_bare_literals(node);
  node.operands = operands_;
}

// False if an attribute stands here instead.
bool GraphParser::read_operand(Node& node) {
  const char first = lexer_.peek();
  const char* start = lexer_.position();
  if (Lexer::is_letter(first)) {
    lexer_.identifier();
    const bool is_attr = lexer_.peek() == '=';
    lexer_.move_to(start);
    if (is_attr) return false;
  }
  if (operands_.size() == kMaxOperands) {
    lexer_.fail_limit(concat(node.op->name, ": more than ", kMaxOperands, " operands"));
  }
  if (first == '%') {
    operands_.push_back(find_number());
    return true;
  }
  if (first == '{' || first == '-' || Lexer::is_digit(first)) {
    std::string_view bare;
    const ValueId value = read_typed_literal(&bare);
    if (!value.valid()) bare_literals_.push_back({operands_.size(), bare});
    operands_.push_back(value);
    return true;
  }
  if (first == '"') {
    operands_.push_back(use_name(lexer_.expect_name(state_.scratch, "an operand")));
    return true;
  }
  const std::string_view word = lexer_.expect_identifier("an operand");
  if (!is_plain_name(word)) {  // true, false, inf, nan
    lexer_.move_to(start);
    std::string_view bare;
    const ValueId value = read_typed_literal(&bare);
    if (!value.valid()) bare_literals_.push_back({operands_.size(), bare});
    operands_.push_back(value);
    return true;
  }
  operands_.push_back(use_name(word));
  return true;
}

// A bare literal has the dtype of the first operand that is no literal.
void GraphParser::resolve_bare_literals(Node& node) {
  if (bare_literals_.empty()) return;
  TensorType type;
  bool is_known = false;
  for (const ValueId operand : operands_) {
    if (!operand.valid() || graph_.value(operand).kind == ValueKind::kConstant) continue;
    type.dtype = graph_.value(operand).type.dtype;
    is_known = true;
    break;
  }
  for (const BareLiteral& literal : bare_literals_) {
    if (!is_known) {
      lexer_.fail_at(literal.token.data(),
                     concat(node.op->name, ": the literal ", excerpt(literal.token), " needs a dtype, as in 0.5:f32"));
    }
    operands_[literal.operand] = add_constant(type, std::span(&literal.token, 1));
  }
}

std::int64_t GraphParser::read_number() {
  lexer_.expect('%', "and the value's number");
  const std::int64_t number = lexer_.expect_integer("a value's number", false);
  if (!state_.numbers.is_possible(number)) lexer_.fail_limit("value number too large for this text");
  return number;
}

ValueId GraphParser::find_number() {
  const char* start = lexer_.position();
  const std::int64_t number = read_number();
  ValueId value;
  switch (state_.numbers.find(number, value)) {
    case NumberedValues::Found::kYes:
      return value;
    case NumberedValues::Found::kUndefined:
      lexer_.fail_at(start, concat("%", number, " is not defined above"));
    case NumberedValues::Found::kOutOfScope:
      break;
  }
  lexer_.fail_at(start, concat("%", number, " belongs to a region that has ended"));
}

ValueId GraphParser::read_value() {
  const char first = lexer_.peek();
  if (first == '%') return find_number();
  if (first == '{' || first == '-' || Lexer::is_digit(first)) return read_typed_literal(nullptr);
  const char* start = lexer_.position();
  if (first != '"' && !is_plain_name(lexer_.expect_identifier("a value"))) {
    lexer_.move_to(start);
    return read_typed_literal(nullptr);
  }
  lexer_.move_to(start);
  return use_name(lexer_.expect_name(state_.scratch, "a value"));
}

ValueId GraphParser::use_name(std::string_view name) {
  const auto found = state_.names.find(name);
  if (found == state_.names.end()) lexer_.fail_here(concat("there is no ", excerpt(name), " above"));
  const std::uint32_t index = found->second.index;
  const Module& module = state_.result.module;
  switch (found->second.kind) {
    case NamedItem::Kind::kInput:
      return graph_.body.args[index];
    case NamedItem::Kind::kParam:
      return use_table_value(state_.param_values[index], ValueKind::kParam, index, module.params[index].type);
    case NamedItem::Kind::kState:
      break;
  }
  return use_table_value(state_.state_values[index], ValueKind::kState, index, module.states[index].type);
}

ValueId GraphParser::use_table_value(ParseState::TableValue& entry, ValueKind kind, std::uint32_t index,
                                     const TensorType& type) {
  if (entry.graph != graph_number_) {
    entry = {.graph = graph_number_,
             .value = add_value({.kind = kind, .type = type, .node = {}, .region = 0, .index = index})};
  }
  return entry.value;
}

// A literal with its type. Where it has none and `bare_token` is not null: the token there, and no value.
ValueId GraphParser::read_typed_literal(std::string_view* bare_token) {
  std::array<std::string_view, kMaxConstantElements> tokens;
  std::size_t count = 0;
  const bool is_scalar = !lexer_.accept('{');
  if (is_scalar) {
    tokens[count++] = lexer_.literal_word();
  } else if (!lexer_.accept('}')) {
    do {
      if (count == tokens.size())
        lexer_.fail_limit(concat("constant of more than ", kMaxConstantElements, " elements"));
      tokens[count++] = lexer_.literal_word();
    } while (lexer_.accept(','));
    lexer_.expect('}', "after the elements");
  }
  if (is_scalar && bare_token != nullptr && lexer_.peek() != ':') {
    *bare_token = tokens[0];
    return {};
  }
  lexer_.expect(':', "and the literal's type");
  if (is_scalar) return add_constant({.dtype = read_dtype(state_), .shape = {}}, std::span(tokens.data(), 1));
  const TensorType type = read_type(state_);
  std::int64_t expected = 1;
  for (const Size& size : type.shape) {
    if (!size.is_constant()) lexer_.fail_here("a constant needs constant sizes");
    const bool fits = size.constant() >= 0 && !__builtin_mul_overflow(expected, size.constant(), &expected);
    if (!fits) lexer_.fail_here("the constant's sizes are out of range");
  }
  if (type.shape.empty() || static_cast<std::int64_t>(count) != expected) {
    lexer_.fail_here(concat("the literal has ", count, " elements, its type ", expected));
  }
  return add_constant(type, std::span(tokens.data(), count));
}

// Equal constants are one value.
ValueId GraphParser::add_constant(const TensorType& type, std::span<const std::string_view> tokens) {
  const std::size_t step = size_bytes(type.dtype);
  std::array<std::byte, kMaxConstantElements * 16> bytes;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (parse_element(tokens[i], type.dtype, bytes.data() + i * step)) continue;
    const std::string message = concat("the literal ", excerpt(tokens[i]), " does not fit ", name(type.dtype));
    if (tokens[i].empty()) lexer_.fail_here("an element of the literal is missing");
    lexer_.fail_at(tokens[i].data(), message);
  }
  const std::size_t total = tokens.size() * step;
  std::string key(reinterpret_cast<const char*>(bytes.data()), total);
  key.push_back(static_cast<char>(type.dtype));
  if (!type.shape.empty()) key += to_string(type.shape);
  const auto [entry, is_new] = constants_.try_emplace(std::move(key));
  if (!is_new) return entry->second;
  if (state_.num_constants++ == kMaxConstants) lexer_.fail_limit(concat("more than ", kMaxConstants, " constants"));
  const auto index = static_cast<std::uint32_t>(graph_.constants.size());
  graph_.constants.push_back(copy_data(bytes.data(), total));
  return entry->second =
             add_value({.kind = ValueKind::kConstant, .type = type, .node = {}, .region = 0, .index = index});
}

ValueId GraphParser::add_value(Value value) {
  graph_.values.push_back(std::move(value));
  return ValueId(static_cast<std::uint32_t>(graph_.values.size() - 1));
}

void GraphParser::define(std::int64_t number, ValueId value, std::uint32_t scope) {
  if (!state_.numbers.define(number, value, scope)) lexer_.fail_here(concat("%", number, " is defined twice"));
}

// ---- attributes -----------------------------------------------------------------------------------------------

void GraphParser::read_attr(const OpRow& op, std::string_view name, Attrs& attrs) {
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (op.attrs[i].name != name) continue;
    if (attr_is_given_[i]) lexer_.fail_here(concat(op.name, ": attribute ", name, " is given twice"));
    attr_is_given_[i] = true;
    attrs[i] = read_attr_value(op.attrs[i].kind);
    return;
  }
  lexer_.fail_at(name.data(), concat(op.name, ": there is no attribute ", excerpt(name)));
}

AttrValue GraphParser::read_attr_value(AttrKind kind) {
  const auto read_list = [&](auto& list, auto read_item) {
    lexer_.expect('[', "to open the list");
    if (lexer_.accept(']')) return;
    do {
      if (list.size() == kMaxOperands) lexer_.fail_limit(concat("list of more than ", kMaxOperands, " items"));
      list.push_back(read_item());
    } while (lexer_.accept(','));
    lexer_.expect(']', "after the list");
  };
  switch (kind) {
    case AttrKind::kInt:
      return lexer_.expect_integer("an integer", true);
    case AttrKind::kFloat: {
      double value = 0;
      const std::string_view token = lexer_.literal_word();
      if (!parse_float(token, value)) lexer_.fail_expected("a float");
      return value;
    }
    case AttrKind::kBool: {
      const std::string_view word = lexer_.expect_identifier("true or false");
      if (word != "true" && word != "false") lexer_.fail_expected("true or false");
      return word == "true";
    }
    case AttrKind::kString: {
      std::string value;
      lexer_.expect_string(value, kMaxTextBytes);
      return value;
    }
    case AttrKind::kInts: {
      std::vector<std::int64_t> list;
      read_list(list, [&] { return lexer_.expect_integer("an integer", true); });
      return list;
    }
    case AttrKind::kSize:
      return read_size(state_);
    case AttrKind::kSizes: {
      Shape list;
      read_list(list, [&] { return read_size(state_); });
      return list;
    }
    case AttrKind::kDType:
      break;
  }
  return read_dtype(state_);
}

}  // namespace

void read_graph(ParseState& state) {
  Graph& graph = state.result.module.graphs.emplace_back();
  GraphParser(state, graph).read();
}

}  // namespace ingot
