// Words of a strict JSON: see json.h.
#include "file/json.h"

#include <algorithm>

#include "base/error.h"
#include "graph/quoted.h"

namespace ingot {

void JsonReader::skip_blanks() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
    ++at_;
  }
}

bool JsonReader::accept(char c) {
  skip_blanks();
  if (at_ == text_.size() || text_[at_] != c) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char c) {
  if (!accept(c)) fail_here(concat("expected '", c, "'"));
}

std::string JsonReader::expect_string(std::size_t max_bytes, std::string_view what) {
  skip_blanks();
  if (at_ == text_.size() || text_[at_] != '"') fail_here(concat("expected ", what));
  std::string out;
  const std::size_t start = at_;
  const UnquoteError error = read_quoted(text_, at_, out, max_bytes);
  if (error == UnquoteError::kTooLong) {
    fail(ErrorCode::kLimit,
         concat("file: byte ", file_offset_ + start, ": ", what, " of more than ", max_bytes, " bytes"));
  }
  if (error != UnquoteError::kNone) fail_here(describe(error));
  return out;
}

std::uint64_t JsonReader::expect_integer(std::string_view what) {
  skip_blanks();
  const std::size_t start = at_;
  std::uint64_t value = 0;
  bool fits = true;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
    const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
    fits = fits && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, digit, &value);
    ++at_;
  }
  const std::size_t digits = at_ - start;
  at_ = std::min(start, text_.size());
  if (digits == 0) fail_here(concat("expected ", what));
  if (digits > 1 && text_[start] == '0') fail_here(concat(what, " has a leading zero"));
  if (!fits) fail_here(concat(what, " does not fit 64 bits"));
  at_ = start + digits;
  if (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == 'e' || text_[at_] == 'E')) {
    fail_here(concat(what, " is not an integer"));
  }
  return value;
}

void JsonReader::expect_end() {
  while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  if (at_ < text_.size()) fail_here("expected nothing but spaces after the header");
}

void JsonReader::fail_here(std::string_view message) const {
  const std::string got = at_ >= text_.size() ? "the end of the header" : excerpt(text_.substr(at_));
  fail(ErrorCode::kFile,
       concat("file: byte ", file_offset_ + std::min(at_, text_.size()), ": ", message, ": got ", got));
}

}  // namespace ingot
