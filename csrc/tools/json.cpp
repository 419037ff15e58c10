// Separators are put by what stands before; text is quoted by the text form's own function.
#include "tools/json.h"

#include <charconv>
#include <cmath>

#include "graph/quoted.h"

namespace ingot::tools {

std::string repair_utf8(std::string_view text) {
  std::string result;
  while (true) {
    const std::size_t bad = find_invalid_utf8(text);
    result += text.substr(0, bad);
    if (bad == std::string_view::npos) return result;
    result += "\xef\xbf\xbd";  // U+FFFD, the replacement character
    text.remove_prefix(bad + 1);
  }
}

std::string one_line(std::string_view text, std::size_t max_bytes) {
  std::string result = repair_utf8(text);
  for (char& c : result) {
    if ((c >= 0 && c < ' ') || c == '\x7f') c = ' ';
  }
  if (result.size() <= max_bytes) return result;
  std::size_t end = max_bytes - 3;
  while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xc0) == 0x80) --end;  // whole characters only
  return result.substr(0, end) + "...";
}

void JsonWriter::separate() {
  if (!first_) text_ += ", ";
  first_ = false;
}

void JsonWriter::open(char bracket) {
  separate();
  text_ += bracket;
  first_ = true;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  first_ = false;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_quoted(text_, repair_utf8(name));
  text_ += ": ";
  first_ = true;
}

void JsonWriter::string(std::string_view value) {
  separate();
  append_quoted(text_, repair_utf8(value));
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  text_ += std::to_string(value);
}

void JsonWriter::number(double value) {
  separate();
  char digits[32];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  if (!std::isfinite(value) || error != std::errc()) {
    text_ += "null";
  } else {
    text_.append(digits, end);
  }
}

void JsonWriter::boolean(bool value) {
  separate();
  text_ += value ? "true" : "false";
}

}  // namespace ingot::tools
