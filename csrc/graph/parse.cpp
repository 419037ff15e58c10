// Text to module, the declarations: dims, guards, params, states. One pass; a name is known from its declaration on.
// Takes hostile text: every loop is bounded by the text, every budget is checked before anything is stored.
#include <array>
#include <limits>

#include "graph/budgets.h"
#include "graph/parse_state.h"
#include "graph/quoted.h"

namespace ingot {

namespace {

int read_version(ParseState& state, std::string_view word) {
  Lexer& lexer = state.lexer;
  lexer.expect_word(word);
  const std::int64_t version = lexer.expect_integer("a version", false);
  if (version < 1 || version > std::numeric_limits<int>::max()) lexer.fail_here("the version is out of range");
  return static_cast<int>(version);
}

void read_versions(ParseState& state) {
  Lexer& lexer = state.lexer;
  Module& module = state.result.module;
  lexer.skip_lines();
  module.format_version = read_version(state, "ingot");
  if (module.format_version != kFormatVersion) {
    lexer.fail_here(concat("format version ", module.format_version, ": this runtime reads version ", kFormatVersion));
  }
  lexer.expect_line_end();
  module.numerics_version = read_version(state, "numerics");
  lexer.expect_line_end();
}

void read_dim(ParseState& state) {
  Lexer& lexer = state.lexer;
  Module& module = state.result.module;
  const std::string_view name = lexer.expect_identifier("the dim's name");
  if (name.size() > kMaxNameBytes) lexer.fail_limit(concat("name of more than ", kMaxNameBytes, " bytes"));
  if (name == "floordiv") lexer.fail_here("a dim cannot be called floordiv");
  if (state.dims.contains(name)) lexer.fail_here(concat("dim ", excerpt(name), " is declared twice"));
  if (module.dims.size() == kMaxDims) lexer.fail_limit(concat("more than ", kMaxDims, " dims"));
  lexer.expect_word("in");
  Dim dim{.name = std::string(name), .lo = lexer.expect_integer("the lower end", false), .hi = kUnbounded};
  if (!lexer.accept("..")) lexer.fail_expected("'..'");
  if (Lexer::is_digit(lexer.peek())) {
    dim.hi = lexer.expect_integer("the upper end", false);
    if (dim.hi == kUnbounded) lexer.fail_here("the upper end is too large: leave it out for no bound");
    if (dim.hi < dim.lo) lexer.fail_here("the upper end is below the lower end");
  }
  state.dims.emplace(name, Size::dim(name));
  module.dims.push_back(std::move(dim));
}

void read_guard(ParseState& state) {
  Lexer& lexer = state.lexer;
  Module& module = state.result.module;
  if (module.guards.size() == kMaxGuards) lexer.fail_limit(concat("more than ", kMaxGuards, " guards"));
  Guard guard;
  guard.difference = read_size(state);
  if (lexer.accept("==")) {
    guard.relation = Guard::Relation::kEqual;
  } else if (lexer.accept(">=")) {
    guard.relation = Guard::Relation::kAtLeast;
  } else {
    lexer.fail_expected("'==' or '>='");
  }
  if (lexer.expect_integer("0", false) != 0) lexer.fail_expected("0");
  module.guards.push_back(std::move(guard));
}

// The name of a new param or state, entered into the table.
std::string read_table_name(ParseState& state, NamedItem item, std::string_view what) {
  Lexer& lexer = state.lexer;
  const std::string_view name = lexer.expect_name(state.scratch, what);
  const bool is_new = state.names.emplace(state.storage.keep(name, state.text), item).second;
  if (!is_new) lexer.fail_here(concat("the name ", excerpt(name), " is declared twice"));
  return std::string(name);
}

// "= target" of a second name.
void read_alias(ParseState& state, Param& param) {
  Lexer& lexer = state.lexer;
  const std::vector<Param>& params = state.result.module.params;
  const std::string_view target = lexer.expect_name(state.scratch, "a param's name");
  const auto found = state.names.find(target);
  if (found == state.names.end() || found->second.kind != NamedItem::Kind::kParam ||
      found->second.index == params.size()) {
    lexer.fail_here(concat("there is no param ", excerpt(target), " above"));
  }
  const Param& original = params[found->second.index];
  if (original.alias_of) lexer.fail_here(concat(excerpt(target), " is itself a second name"));
  param.type = original.type;
  param.layout = original.layout;
  param.alias_of = found->second.index;
}

// "panel16" or "panel16(0,2,3,1)"; whether the type can lie so is for the verifier to say.
Layout read_layout(Lexer& lexer) {
  lexer.expect_word("panel16");
  if (!lexer.accept('(')) return panels_of({1, 0});
  std::vector<std::int64_t> order;
  do {
    const std::int64_t axis = lexer.expect_integer("an axis", false);
    if (axis < 0 || axis >= kMaxRank || order.size() == kMaxRank)
      lexer.fail_here("a layout names the axes of its param");
    order.push_back(axis);
  } while (lexer.accept(','));
  lexer.expect(')', "after the axes");
  return panels_of(order);
}

void read_param(ParseState& state) {
  Lexer& lexer = state.lexer;
  std::vector<Param>& params = state.result.module.params;
  Param param;
  const auto index = static_cast<std::uint32_t>(params.size());
  param.name = read_table_name(state, {NamedItem::Kind::kParam, index}, "the param's name");
  if (lexer.accept('=')) {
    read_alias(state, param);
  } else {
    lexer.expect(':', "or '=' after the param's name");
    param.type = read_type(state);
    if (lexer.accept_word("layout")) param.layout = read_layout(lexer);
  }
  params.push_back(std::move(param));
  state.param_values.emplace_back();
}

void read_state(ParseState& state) {
  Lexer& lexer = state.lexer;
  Module& module = state.result.module;
  State declared;
  const auto index = static_cast<std::uint32_t>(module.states.size());
  declared.name = read_table_name(state, {NamedItem::Kind::kState, index}, "the state's name");
  lexer.expect(':', "after the state's name");
  declared.type = read_type(state);
  lexer.expect('=', "and the state's initial value");
  const bool is_stored = lexer.accept_word("stored");
  if (is_stored) {
    try {
      const Size bytes = num_bytes(declared.type);
      if (!bytes.is_constant() || bytes.constant() <= 0)
        lexer.fail_here("a stored state needs a constant size above 0");
      declared.init.size_bytes = static_cast<std::size_t>(bytes.constant());
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kFile) throw;
      lexer.fail_here(error.message());
    }
  } else if (!lexer.accept_word("zeros")) {
    lexer.fail_expected("'zeros' or 'stored'");
  }
  module.states.push_back(std::move(declared));
  state.result.state_is_stored.push_back(is_stored);
  state.state_values.emplace_back();
}

void read_declaration(ParseState& state) {
  Lexer& lexer = state.lexer;
  const std::string_view word = lexer.expect_identifier("dim, guard, param, state or graph");
  if (word == "dim") {
    read_dim(state);
  } else if (word == "guard") {
    read_guard(state);
  } else if (word == "param") {
    read_param(state);
  } else if (word == "state") {
    read_state(state);
  } else if (word == "graph") {
    read_graph(state);
  } else {
    lexer.fail_expected("dim, guard, param, state or graph");
  }
  if (lexer.peek() == '}') lexer.fail_expected("the end of the line");
  lexer.expect_line_end();
}

}  // namespace

DType read_dtype(ParseState& state) {
  const std::string_view word = state.lexer.expect_identifier("a dtype");
  const std::optional<DType> dtype = dtype_from_name(word);
  if (!dtype) state.lexer.fail_here(concat("there is no dtype ", excerpt(word)));
  return *dtype;
}

Size read_size(ParseState& state) {
  Lexer& lexer = state.lexer;
  const char first = lexer.peek();
  const char* start = lexer.position();
  const auto ends_here = [&] {
    const char next = lexer.peek();
    return next == ',' || next == ']' || next == ')';
  };
  if (Lexer::is_digit(first)) {
    const std::int64_t value = lexer.expect_integer("a size", false);
    if (ends_here()) return Size(value);
  } else if (Lexer::is_letter(first)) {
    const auto dim = state.dims.find(lexer.identifier());
    if (dim != state.dims.end() && ends_here()) return dim->second;
  }
  lexer.move_to(start);
  try {
    std::string_view rest = lexer.rest();
    Size size = parse_size(rest);
    for (const std::string& name : size.dims()) {
      if (!state.dims.contains(name)) lexer.fail_here(concat("there is no dim ", excerpt(name), " above"));
    }
    lexer.move_to(rest.data());
    return size;
  } catch (const Error& error) {
    if (error.message().starts_with("text: ")) throw;
    lexer.fail_at(start, error.message());
  }
}

TensorType read_type(ParseState& state) {
  Lexer& lexer = state.lexer;
  TensorType type;
  type.dtype = read_dtype(state);
  lexer.expect('[', "after the dtype");
  if (lexer.accept(']')) return type;
  std::array<Size, kMaxRank> sizes;
  std::size_t rank = 0;
  do {
    if (rank == kMaxRank) lexer.fail_limit(concat("a shape of rank above ", kMaxRank));
    sizes[rank++] = read_size(state);
  } while (lexer.accept(','));
  lexer.expect(']', "after the sizes");
  type.shape.reserve(rank);
  for (std::size_t i = 0; i < rank; ++i) type.shape.push_back(std::move(sizes[i]));
  return type;
}

ParsedModule parse_module(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    fail(ErrorCode::kLimit, concat("text: too long: got ", text.size(), " bytes, expected at most ", kMaxTextBytes));
  }
  ParseState state(text);
  if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos) {
    state.lexer.fail_at(text.data() + bad, "not UTF-8");
  }
  read_versions(state);
  while (!state.lexer.at_text_end()) read_declaration(state);
  return std::move(state.result);
}

}  // namespace ingot
