// The rarer words of the text form and every error of the parser: see parse_lexer.h.
#include "graph/parse_lexer.h"

#include <algorithm>
#include <charconv>

#include "graph/budgets.h"
#include "graph/quoted.h"

namespace ingot {

std::string_view Lexer::expect_identifier(std::string_view what) {
  const std::string_view word = identifier();
  if (word.empty()) fail_expected(what);
  return word;
}

bool Lexer::accept_word(std::string_view word) {
  const char* start = at_;
  if (identifier() == word) return true;
  at_ = start;
  return false;
}

void Lexer::expect_word(std::string_view word) {
  if (!accept_word(word)) fail_expected(concat("'", word, "'"));
}

std::int64_t Lexer::expect_integer(std::string_view what, bool may_be_negative) {
  peek();
  if (at_ != end_ && *at_ == '-' && !may_be_negative) fail_expected(what);
  std::int64_t value = 0;
  const std::from_chars_result result = std::from_chars(at_, end_, value);
  if (result.ec == std::errc::result_out_of_range) fail_here(concat(what, " does not fit 64 bits"));
  if (result.ec != std::errc()) fail_expected(what);
  at_ = result.ptr;
  return value;
}

std::string_view Lexer::literal_word() {
  peek();
  const char* start = at_;
  while (at_ != end_ && (is_letter(*at_) || is_digit(*at_) || *at_ == '.' || *at_ == '+' || *at_ == '-')) ++at_;
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::string_view Lexer::origin_word() {
  peek();
  const char* start = at_;
  while (at_ != end_ && (is_letter(*at_) || is_digit(*at_) || *at_ == '.' || *at_ == '/' || *at_ == '-')) ++at_;
  return {start, static_cast<std::size_t>(at_ - start)};
}

void Lexer::expect_string(std::string& out, std::size_t max_bytes) {
  if (peek() != '"') fail_expected("a quoted string");
  std::size_t position = static_cast<std::size_t>(at_ - begin_);
  const std::string_view text(begin_, static_cast<std::size_t>(end_ - begin_));
  const UnquoteError error = read_quoted(text, position, out, max_bytes);
  if (error == UnquoteError::kTooLong) fail_limit(concat("string of more than ", max_bytes, " bytes"));
  if (error != UnquoteError::kNone) fail_at(begin_ + std::min(position, text.size()), describe(error));
  at_ = begin_ + position;
}

std::string_view Lexer::expect_name(std::string& storage, std::string_view what) {
  if (peek() == '"') {
    storage.clear();
    expect_string(storage, kMaxNameBytes);
    if (!is_valid_name(storage)) fail_here("a name needs at least one character and no control characters");
    return storage;
  }
  const std::string_view word = expect_identifier(what);
  if (!is_plain_name(word)) fail_here(concat("the name ", excerpt(word), " must be quoted"));
  if (word.size() > kMaxNameBytes) fail_limit(concat("name of more than ", kMaxNameBytes, " bytes"));
  return word;
}

void Lexer::expect_line_end() {
  const char next = peek();
  if (next == '}' || at_ == end_) return;
  if (next != '\n') fail_expected("the end of the line");
  skip_lines();
}

void Lexer::fail_at(const char* where, std::string_view message, ErrorCode code) const {
  const auto line = std::count(begin_, where, '\n') + 1;
  const char* line_begin = where;
  while (line_begin != begin_ && line_begin[-1] != '\n') --line_begin;
  std::string one_line(message);
  for (char& c : one_line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (find_invalid_utf8(one_line) != std::string::npos) {  // a message of parse_size may cut a character in two
    for (char& c : one_line) c = static_cast<unsigned char>(c) < 0x80 ? c : '?';
  }
  fail(code, concat("text: line ", line, ", column ", where - line_begin + 1, ": ", one_line));
}

void Lexer::fail_expected(std::string_view what) const {
  const char* stop = std::find(word_, end_, '\n');
  const std::string_view line(word_, static_cast<std::size_t>(stop - word_));
  const std::string got = word_ == end_ ? "the end of the text" : line.empty() ? "the end of the line" : excerpt(line);
  fail_at(word_, concat("expected ", what, ": got ", got));
}

}  // namespace ingot
