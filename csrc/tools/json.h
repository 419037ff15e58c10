// Writes JSON that is valid whatever the names in it: UTF-8 is repaired, numbers that JSON lacks become null.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ingot::tools {

// `text` with every byte that is not UTF-8 replaced, so that it can be quoted or shown.
std::string repair_utf8(std::string_view text);
// One line for a terminal: repaired, control characters replaced, cut at max_bytes.
std::string one_line(std::string_view text, std::size_t max_bytes);

class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void string(std::string_view value);
  void integer(std::int64_t value);
  void number(double value);
  void boolean(bool value);

  // The text so far; complete when every object and array is closed.
  const std::string& text() const { return text_; }

 private:
  void open(char bracket);
  void close(char bracket);
  void separate();
  std::string text_;
  bool first_ = true;  // nothing stands before the next item
};

}  // namespace ingot::tools
