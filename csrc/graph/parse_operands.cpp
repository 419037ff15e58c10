// Text to module, what stands between a node's parentheses: operands, literals, attributes. See parse_graph.h.
#include <array>
#include <span>

#include "graph/budgets.h"
#include "graph/literal.h"
#include "graph/parse_graph.h"
#include "graph/quoted.h"

namespace ingot {

void GraphParser::read_arguments(Node& node) {
  const OpRow& op = *node.op;
  operands_.clear();
  bare_literals_.clear();
  attr_is_given_.assign(op.attrs.size(), false);
  node.attrs.reserve(op.attrs.size());
  for (const AttrSpec& spec : op.attrs) node.attrs.push_back(spec.default_value);
  lexer_.expect('(', "after the op");
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

}  // namespace ingot
