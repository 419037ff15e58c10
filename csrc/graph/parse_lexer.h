// The words of the text form: a cursor over borrowed text, no copies, no tokens stored. Blanks and comments are skipped
// before every word; a line's end is a word of its own, because a statement is one line.
// Private to the parser.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/error.h"

namespace ingot {

class Lexer {
 public:
  explicit Lexer(std::string_view text)
      : begin_(text.data()), at_(text.data()), word_(text.data()), end_(text.data() + text.size()) {}

  // The next character that is no blank, '\0' at the end of the text. Errors point here until the next call.
  char peek() {
    while (at_ != end_) {
      if (*at_ == ' ' || *at_ == '\t' || *at_ == '\r') {
        ++at_;
      } else if (*at_ == '#') {
        skip_comment();
      } else {
        break;
      }
    }
    word_ = at_;
    return at_ != end_ ? *at_ : '\0';
  }

  bool accept(char c) {
    if (peek() != c || at_ == end_) return false;
    ++at_;
    return true;
  }
  void expect(char c, std::string_view context) {
    if (!accept(c)) fail_expected(concat("'", c, "' ", context));
  }
  // Two or three characters in a row, like "<-".
  bool accept(std::string_view word) {
    peek();
    if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0) {
      return false;
    }
    at_ += word.size();
    return true;
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  // An identifier, or nothing.
  std::string_view identifier() {
    if (!is_letter(peek())) return {};
    const char* start = at_;
    while (at_ != end_ && (is_letter(*at_) || is_digit(*at_))) ++at_;
    return {start, static_cast<std::size_t>(at_ - start)};
  }
  std::string_view expect_identifier(std::string_view what);
  void expect_word(std::string_view word);
  bool accept_word(std::string_view word);

  // [0-9]+ that fits; -?[0-9]+ where `may_be_negative`.
  std::int64_t expect_integer(std::string_view what, bool may_be_negative);
  // The characters a literal can have: letters, digits, '.', '+', '-'.
  std::string_view literal_word();
  // The characters a bare origin word can have.
  std::string_view origin_word();
  // A JSON string appended to `out`.
  void expect_string(std::string& out, std::size_t max_bytes);
  // An identifier, or a quoted name unescaped into `storage`.
  std::string_view expect_name(std::string& storage, std::string_view what);

  // The end of a statement: one or more line ends, or a '}' that follows.
  void expect_line_end();
  void skip_lines() {
    while (peek() == '\n') ++at_;
  }
  bool at_text_end() { return peek() == '\0' && at_ == end_; }

  const char* position() const { return at_; }
  const char* word() const { return word_; }  // where the last word began
  // Goes back to, or on to, a position inside the text.
  void move_to(const char* position) { at_ = word_ = position; }
  std::string_view rest() const { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  // "text: line 3, column 7: <message>", at the last word or at `where`.
  [[noreturn]] void fail_here(std::string_view message) const { fail_at(word_, message); }
  [[noreturn]] void fail_at(const char* where, std::string_view message, ErrorCode code = ErrorCode::kFile) const;
  [[noreturn]] void fail_limit(std::string_view message) const { fail_at(word_, message, ErrorCode::kLimit); }
  // "expected <what>: got <the input here>"
  [[noreturn]] void fail_expected(std::string_view what) const;

 private:
  void skip_comment() {
    const void* line_end = std::memchr(at_, '\n', static_cast<std::size_t>(end_ - at_));
    at_ = line_end != nullptr ? static_cast<const char*>(line_end) : end_;
  }

  const char* begin_;
  const char* at_;
  const char* word_;
  const char* end_;
};

}  // namespace ingot
