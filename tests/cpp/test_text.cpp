// The text form: printing and parsing undo each other, literals keep every bit, and whatever is wrong is one clear
// error.
#include <doctest/doctest.h>

#include <chrono>
#include <cstring>
#include <random>

#include "graph/budgets.h"
#include "graph/literal.h"
#include "graph/quoted.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

std::string round_trip(std::string_view text) {
  return print_module(parse_module(text).module);
}

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_module(text); });
}

std::string statement_error(const std::string& statements) {
  return parse_error(with_statements(statements));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Reads back what it prints, bit for bit.
void check_element(DType dtype, const std::byte* bytes) {
  std::string text;
  append_element(text, dtype, bytes);
  std::byte back[16];
  REQUIRE_MESSAGE(parse_element(text, dtype, back), text);
  CHECK_MESSAGE(std::memcmp(bytes, back, size_bytes(dtype)) == 0, text);
}

}  // namespace

TEST_CASE("printing a parsed module gives the text back") {
  CHECK(round_trip(kSample) == kSample);
  CHECK(round_trip(round_trip(kSample)) == kSample);
}

TEST_CASE("the sample is a valid module") {
  verified(kSample);
}

TEST_CASE("a stored state is listed and has its size but no bytes") {
  const ParsedModule parsed = parse_module(kSample);
  CHECK(parsed.state_is_stored == std::vector<bool>{true, false});
  CHECK(parsed.module.states[0].init.size_bytes == 48);
  CHECK(parsed.module.states[0].init.data == nullptr);
  CHECK(parsed.module.states[1].init.size_bytes == 0);
}

TEST_CASE("comments, blank lines and spaces mean nothing") {
  const std::string spaced =
      "# a comment\n\n  ingot   1 # v\r\nnumerics 1\n\ngraph g ( x :f32[ 4 ] ) { # open\n\n\t%5=add ( x , 1.0 ) "
      ":f32[4]\n"
      "  return %5 }\n# end";
  CHECK(round_trip(spaced) ==
        "ingot 1\nnumerics 1\ngraph g(x: f32[4]) {\n  %0 = add(x, 1.0) : f32[4]\n  return %0\n}\n");
}

TEST_CASE("defaults are not printed and attributes may come in any order") {
  const std::string text = with_statements("  %0 = sum(x, keepdims=false, axes=[0]) : f32[]\n  return %0\n");
  CHECK(contains(round_trip(text), "%0 = sum(x, axes=[0]) : f32[]\n"));
}

TEST_CASE("a literal is bare exactly when its dtype is the first other operand's") {
  const std::string text = with_statements(
      "  %0 = add(2:f32, x) : f32[4]\n  %1 = where(b, 1.0:f32, x) : f32[4]\n  %2 = add(x, {1.0}:f32[1]) : f32[4]\n"
      "  %3 = add(1:i64, 2:i64) : i64[]\n  return %0, %1, %2, %3, true:bool\n");
  const std::string printed = round_trip(text);
  CHECK(contains(printed, "add(2.0, x)"));
  CHECK(contains(printed, "where(b, 1.0:f32, x)"));
  CHECK(contains(printed, "add(x, {1.0}:f32[1])"));
  CHECK(contains(printed, "add(1:i64, 2:i64)"));
  CHECK(contains(printed, "true:bool"));
}

TEST_CASE("equal literals are one value") {
  const Module module = parse_module(with_statements("  %0 = add(x, 1.0) : f32[4]\n  %1 = add(%0, 1.0) : f32[4]\n"
                                                     "  return %1\n"))
                            .module;
  CHECK(module.graphs[0].constants.size() == 1);
}

TEST_CASE("every 16-bit float reads back to its own bits") {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    const std::uint32_t exponent = dtype == DType::kF16 ? 0x7c00 : 0x7f80;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
      if ((bits & 0x7fff) > exponent) continue;  // NaN has one form
      const auto value = static_cast<std::uint16_t>(bits);
      check_element(dtype, reinterpret_cast<const std::byte*>(&value));
    }
  }
}

TEST_CASE("random numbers of every dtype read back to their own bits") {
  std::mt19937_64 random(1);
  for (const DTypeInfo& dtype : dtype_table()) {
    if (dtype.kind == DTypeKind::kComplex) continue;
    for (int i = 0; i < 2000; ++i) {
      std::uint64_t bits = random();
      if (dtype.kind == DTypeKind::kBool) bits &= 1;
      std::string text;
      append_element(text, dtype.dtype, reinterpret_cast<const std::byte*>(&bits));
      if (text != "nan") check_element(dtype.dtype, reinterpret_cast<const std::byte*>(&bits));
      if (dtype.kind == DTypeKind::kFloat) CHECK(text.find_first_of(".ein") != std::string::npos);
    }
  }
}

TEST_CASE("a number that does not fit its dtype is an error") {
  std::byte bytes[16];
  for (const std::string_view token : {"300", "-129", "1.5", "true", "", "+1", "0x1", "inf"}) {
    CHECK_FALSE(parse_element(token, DType::kI8, bytes));
  }
  for (const std::string_view token :
       {"1e999", "-1e39", "1e-999", "1.", ".5", "infinity", "-nan", "0x1p3", "1e", "--1", "1 "}) {
    CHECK_FALSE(parse_element(token, DType::kF32, bytes));
  }
  CHECK_FALSE(parse_element("65520.0", DType::kF16, bytes));
  CHECK(parse_element("65519.9", DType::kF16, bytes));
  CHECK_FALSE(parse_element("3.4e38", DType::kBF16, bytes));
  CHECK(parse_element("3.39e38", DType::kBF16, bytes));
  CHECK_FALSE(parse_element("-1", DType::kU8, bytes));
  CHECK_FALSE(parse_element("1", DType::kBool, bytes));
  CHECK_FALSE(parse_element("1.0", DType::kC64, bytes));
}

TEST_CASE("names that are no identifiers are quoted and read back") {
  for (const std::string_view name :
       {"a b", "true", "nan", "1x", "caf\xc3\xa9", "\xf0\x9f\x98\x80", "a\"b\\c", "x.y"}) {
    std::string quoted;
    append_name(quoted, name);
    CHECK(quoted[0] == '"');
    std::string back;
    std::size_t position = 0;
    CHECK(read_quoted(quoted, position, back, 100) == UnquoteError::kNone);
    CHECK(back == name);
    CHECK(position == quoted.size());
  }
}

TEST_CASE("escapes of JSON strings are read strictly") {
  const auto read = [](std::string_view text) {
    std::string out;
    std::size_t position = 0;
    return read_quoted(text, position, out, 8);
  };
  CHECK(read(R"("\u00e9\ud83d\ude00")") == UnquoteError::kNone);
  CHECK(read(R"("\x41")") == UnquoteError::kEscape);
  CHECK(read(R"("\u12")") == UnquoteError::kEscape);
  CHECK(read(R"("\ud800")") == UnquoteError::kSurrogate);
  CHECK(read(R"("\ud800\u0041")") == UnquoteError::kSurrogate);
  CHECK(read(R"("\udc00")") == UnquoteError::kSurrogate);
  CHECK(read("\"a\nb\"") == UnquoteError::kControl);
  CHECK(read("\"abc") == UnquoteError::kUnterminated);
  CHECK(read("\"abc\\") == UnquoteError::kUnterminated);
  CHECK(read("\"123456789\"") == UnquoteError::kTooLong);
}

TEST_CASE("UTF-8 is checked strictly") {
  CHECK(find_invalid_utf8("plain text of more than eight bytes") == std::string_view::npos);
  CHECK(find_invalid_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf") == std::string_view::npos);
  for (const std::string_view bad :
       {"\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\x80"}) {
    CHECK(find_invalid_utf8("12345678" + std::string(bad)) == 8);
  }
}

TEST_CASE("errors name line and column and quote little of the input") {
  CHECK(parse_error("") == "FileError: text: line 1, column 1: expected 'ingot': got the end of the text");
  CHECK(parse_error("ingot 2\n") ==
        "FileError: text: line 1, column 7: format version 2: this runtime reads version 1");
  CHECK(statement_error("  %0 = nope(x) : f32[4]\n") == "FileError: text: line 7, column 8: there is no op 'nope'");
  const std::string message = statement_error("  %0 = add(" + std::string(10000, 'z') + ", x)\n");
  CHECK(message.size() < 150);
  CHECK(parse_error("ingot 1\nnumerics 1\n\xff") == "FileError: text: line 3, column 1: not UTF-8");
}

TEST_CASE("undefined, repeated and hidden names are errors") {
  CHECK(contains(statement_error("  %0 = add(x, %1) : f32[4]\n  return %0\n"), "%1 is not defined above"));
  CHECK(contains(statement_error("  %0 = add(x, %0) : f32[4]\n  return %0\n"), "%0 is not defined above"));
  CHECK(contains(statement_error("  %0 = exp(x) : f32[4]\n  %0 = exp(x) : f32[4]\n  return %0\n"),
                 "%0 is defined twice"));
  CHECK(contains(statement_error("  %0 = exp(q) : f32[4]\n  return %0\n"), "there is no 'q' above"));
  CHECK(contains(statement_error("  update w <- x\n  return x\n"), "there is no state 'w'"));
  const std::string region =
      "  %0 = if(b) : f32[4] {\n    then() {\n      %1 = exp(x) : f32[4]\n      return %1\n    }\n"
      "    else() {\n      return ";
  CHECK(contains(statement_error(region + "%1\n    }\n  }\n  return %0\n"), "%1 belongs to a region that has ended"));
  CHECK(contains(statement_error(region + "%0\n    }\n  }\n  return %0\n"), "%0 is not defined above"));
  CHECK(contains(statement_error(region + "x\n    }\n  }\n  return %1\n"), "%1 belongs to a region that has ended"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam a: f32[1]\nstate a: f32[1] = zeros\n"), "declared twice"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam a: f32[1]\ngraph g(a: f32[1]) {\n"), "is taken"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam a = a\n"), "there is no param 'a' above"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam a: f32[n]\n"), "there is no dim 'n' above"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam true: f32[1]\n"), "must be quoted"));
  CHECK(contains(statement_error("  return x as a, x as a\n"), "the output name 'a' is taken"));
}

TEST_CASE("values of one graph are not visible in the next") {
  const std::string text = with_statements("  %0 = exp(x) : f32[4]\n  return %0\n");
  CHECK(contains(parse_error(text + "graph h(y: f32[4]) {\n  return %0\n}\n"), "%0 is not defined above"));
  CHECK(contains(parse_error(text + "graph h(y: f32[4]) {\n  return x\n}\n"), "there is no 'x' above"));
  CHECK(parse_error(text + "graph h(x: f32[4]) {\n  %0 = exp(x) : f32[4]\n  return %0\n}\n") == "");
}

TEST_CASE("wrong attributes and literals are errors") {
  CHECK(contains(statement_error("  %0 = sum(x) : f32[]\n"), "attribute axes is missing"));
  CHECK(contains(statement_error("  %0 = sum(x, axis=[0]) : f32[]\n"), "there is no attribute 'axis'"));
  CHECK(contains(statement_error("  %0 = sum(x, axes=[0], axes=[0]) : f32[]\n"), "given twice"));
  CHECK(contains(statement_error("  %0 = sum(x, axes=0) : f32[]\n"), "expected '['"));
  CHECK(contains(statement_error("  %0 = sum(axes=[0], x) : f32[]\n"), "expected '='"));
  CHECK(contains(statement_error("  %0 = cast(x, dtype=f31) : f32[4]\n"), "there is no dtype 'f31'"));
  CHECK(contains(statement_error("  %0 = add(1, 2) : f32[]\n"), "needs a dtype"));
  CHECK(contains(statement_error("  %0 = add(x, 300:i8) : f32[4]\n"), "'300' does not fit i8"));
  CHECK(contains(statement_error("  %0 = add(x, {1, 2}:f32[3]) : f32[4]\n"), "has 2 elements, its type 3"));
  CHECK(contains(statement_error("  %0 = add(x, {1, }:f32[2]) : f32[4]\n"), "missing"));
  CHECK(contains(statement_error("  %0 = add(x, {1}:f32[n]) : f32[4]\n"), "constant sizes"));
}

TEST_CASE("budgets stop the parser before it stores anything") {
  std::string elements = "{0";
  for (int i = 0; i < 16; ++i) elements += ", 0";
  CHECK(contains(statement_error("  %0 = add(x, " + elements + "}:f32[17]) : f32[4]\n"), "LimitError"));
  CHECK(contains(statement_error("  %0 = exp(x) : f32[1,1,1,1,1,1,1,1,1]\n"), "LimitError"));
  CHECK(contains(statement_error("  %99999999 = exp(x) : f32[4]\n"), "LimitError"));
  std::string operands = "x";
  for (std::size_t i = 0; i < kMaxOperands; ++i) operands += ",x";
  CHECK(contains(statement_error("  %0 = concat(" + operands + ", axis=0) : f32[4]\n"), "LimitError"));
  std::string dims = "ingot 1\nnumerics 1\n";
  for (std::size_t i = 0; i <= kMaxDims; ++i) dims += "dim d" + std::to_string(i) + " in 0..\n";
  CHECK(contains(parse_error(dims), "LimitError"));
  CHECK(contains(parse_error(std::string(kMaxTextBytes + 1, ' ')), "LimitError: text: too long"));
  CHECK(contains(parse_error("ingot 1\nnumerics 1\nparam \"" + std::string(2000, 'a') + "\": f32[1]\n"), "LimitError"));
}

TEST_CASE("regions nest 64 deep and no deeper") {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += "fused() {\nbody() {\n";
    for (int i = 0; i < depth; ++i) text += "return\n}\n}\n";
    return with_statements(text + "return x\n");
  };
  CHECK(parse_error(nested(64)) == "");
  CHECK(contains(parse_error(nested(65)), "LimitError"));
  CHECK(contains(parse_error(nested(100000)), "LimitError"));
}

TEST_CASE("deep brackets and endless strings do not descend") {
  for (const std::string_view piece : {"(", "[", "{", "\"", "n*(", "floordiv(", "-", "%"}) {
    std::string long_text;
    for (int i = 0; i < 100000; ++i) long_text += piece;
    CHECK(contains(parse_error("ingot 1\nnumerics 1\ndim n in 0..\nguard " + long_text), "Error: text: line 4"));
    CHECK(contains(statement_error("  %0 = add(" + long_text), "Error: text: line 7"));
  }
}

TEST_CASE("an origin prints and reads back in every form") {
  for (const std::string origin : {"@ model.py:12", "@ model.py:12 in relu.1", "@ in relu.1", "@ \"in\":3 in \"in\"",
                                   "@ \"a b.py\":1", "@ \"<stdin>\":7 in \"my op\""}) {
    const std::string text = with_statements("  %0 = exp(x) : f32[4]  " + origin + "\n  return %0\n");
    CHECK(round_trip(text) == text);
  }
}

TEST_CASE("parsing is linear in the text") {
  const auto elapsed_for = [](int count) {
    std::string text = "  %0 = add(x, w) : f32[4]\n";
    for (int i = 1; i < count; ++i) {
      text += "  %" + std::to_string(i) + " = add(%" + std::to_string(i - 1) + ", w) : f32[4]  @ model.py:12\n";
    }
    text = with_statements(text + "  return x\n");
    const auto start = std::chrono::steady_clock::now();
    parse_module(text);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  elapsed_for(1000);
  const double small = elapsed_for(4000);
  CHECK(elapsed_for(64000) < 16 * 10 * small + 0.05);  // a quadratic parser would take 256 times as long
}
