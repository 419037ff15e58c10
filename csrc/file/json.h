// The JSON that a header may hold, read word by word: the caller asks for what the format wants next, and anything else
// is an error naming the byte. So there is no tree, no recursion and no nesting deeper than the format's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ingot {

class JsonReader {
 public:
  // `text` is borrowed and must be valid UTF-8; it begins at byte `file_offset` of the file.
  JsonReader(std::string_view text, std::size_t file_offset) : text_(text), file_offset_(file_offset) {}

  bool accept(char c);
  void expect(char c);
  // A string's contents. `max_bytes` is a budget (LimitError).
  std::string expect_string(std::size_t max_bytes, std::string_view what);
  // 0 or [1-9][0-9]*, below 2^64.
  std::uint64_t expect_integer(std::string_view what);
  // Nothing but spaces up to the end.
  void expect_end();

  // "file: byte 132: <message>"
  [[noreturn]] void fail_here(std::string_view message) const;

 private:
  void skip_blanks();

  std::string_view text_;
  std::size_t file_offset_;
  std::size_t at_ = 0;
};

}  // namespace ingot
