// Names and strings of the text form: see quoted.h. Takes and gives bytes only; knows nothing of modules.
#include "graph/quoted.h"

#include <cstring>
#include <optional>

#include "graph/budgets.h"

namespace ingot {

namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Length of the UTF-8 sequence at text[i], 0 if it is none.
std::size_t sequence_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char first = byte(i);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() - i < length) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte(i + k) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(i + 1);
  if (first == 0xe0 && second < 0xa0) return 0;   // overlong
  if (first == 0xed && second >= 0xa0) return 0;  // surrogates
  if (first == 0xf0 && second < 0x90) return 0;   // overlong
  if (first == 0xf4 && second >= 0x90) return 0;  // past U+10FFFF
  return length;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto push = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  }
}

void append_control(std::string& out, char c) {
  out += "\\u00";
  out.push_back(kHexDigits[static_cast<unsigned char>(c) >> 4]);
  out.push_back(kHexDigits[static_cast<unsigned char>(c) & 15]);
}

// The four hexadecimal digits at text[position].
std::optional<std::uint32_t> read_hex4(std::string_view text, std::size_t position) {
  if (text.size() - position < 4) return std::nullopt;
  std::uint32_t code = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    const char c = text[position + k];
    std::uint32_t digit;
    if (is_digit(c)) {
      digit = static_cast<std::uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<std::uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<std::uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
    code = code << 4 | digit;
  }
  return code;
}

// The escape whose backslash is text[position - 1]; `position` moves past it.
UnquoteError read_escape(std::string_view text, std::size_t& position, std::string& out) {
  if (position >= text.size()) return UnquoteError::kUnterminated;
  const char c = text[position];
  static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
  if (const std::size_t k = kFrom.find(c); k != std::string_view::npos) {
    out.push_back(kTo[k]);
    ++position;
    return UnquoteError::kNone;
  }
  if (c != 'u') return UnquoteError::kEscape;
  const std::optional<std::uint32_t> high = read_hex4(text, position + 1);
  if (!high) return UnquoteError::kEscape;
  std::uint32_t code = *high;
  std::size_t length = 5;
  if (code >= 0xdc00 && code <= 0xdfff) return UnquoteError::kSurrogate;
  if (code >= 0xd800 && code <= 0xdbff) {
    if (text.substr(position + 5, 2) != "\\u") return UnquoteError::kSurrogate;
    const std::optional<std::uint32_t> low = read_hex4(text, position + 7);
    if (!low || *low < 0xdc00 || *low > 0xdfff) return UnquoteError::kSurrogate;
    code = 0x10000 + ((code - 0xd800) << 10) + (*low - 0xdc00);
    length = 11;
  }
  append_utf8(out, code);
  position += length;
  return UnquoteError::kNone;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint64_t word;
    if (text.size() - i >= sizeof word) {  // eight ASCII bytes at a time
      std::memcpy(&word, text.data() + i, sizeof word);
      if ((word & 0x8080808080808080u) == 0) {
        i += sizeof word;
        continue;
      }
    }
    const std::size_t length = sequence_length(text, i);
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

bool is_identifier(std::string_view text) {
  if (text.empty() || !is_letter(text[0])) return false;
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c)) return false;
  }
  return true;
}

bool is_plain_name(std::string_view text) {
  return is_identifier(text) && text != "true" && text != "false" && text != "inf" && text != "nan";
}

bool is_plain_origin(std::string_view text) {
  for (const char c : text) {
    if (!is_letter(c) && !is_digit(c) && c != '.' && c != '/' && c != '-') return false;
  }
  return !text.empty();
}

bool is_valid_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  for (const char c : text) {
    if (is_control(c)) return false;
  }
  return find_invalid_utf8(text) == std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    static constexpr std::string_view kPlain = "\"\\\b\f\n\r\t", kShort = "\"\\bfnrt";
    if (const std::size_t k = kPlain.find(c); k != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kShort[k]);
    } else if (is_control(c)) {
      append_control(out, c);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void append_name(std::string& out, std::string_view name) {
  if (is_plain_name(name)) {
    out += name;
  } else {
    append_quoted(out, name);
  }
}

std::string_view describe(UnquoteError error) {
  switch (error) {
    case UnquoteError::kNone:
      return "no error";
    case UnquoteError::kUnterminated:
      return "string without an end";
    case UnquoteError::kControl:
      return "control character in a string";
    case UnquoteError::kEscape:
      return "unknown escape in a string";
    case UnquoteError::kSurrogate:
      return "lone surrogate in a string";
    case UnquoteError::kTooLong:
      return "string too long";
  }
  return "error";
}

UnquoteError read_quoted(std::string_view text, std::size_t& position, std::string& out, std::size_t max_bytes) {
  ++position;
  const std::size_t start = out.size();
  while (true) {
    std::size_t run = position;  // everything up to the next special byte is taken at once
    while (run < text.size() && text[run] != '"' && text[run] != '\\' &&
           static_cast<unsigned char>(text[run]) >= 0x20) {
      ++run;
    }
    if (run - position > max_bytes - (out.size() - start)) return UnquoteError::kTooLong;
    out.append(text, position, run - position);
    position = run;
    if (position >= text.size()) return UnquoteError::kUnterminated;
    if (text[position] == '"') break;
    if (text[position] != '\\') return UnquoteError::kControl;
    ++position;
    if (const UnquoteError error = read_escape(text, position, out); error != UnquoteError::kNone) return error;
    if (out.size() - start > max_bytes) return UnquoteError::kTooLong;
  }
  ++position;
  return UnquoteError::kNone;
}

std::string excerpt(std::string_view text) {
  static constexpr std::size_t kMaxShown = 40;
  std::string out = "'";
  std::size_t i = 0;
  while (i < text.size() && i < kMaxShown) {
    const std::size_t length = sequence_length(text, i);
    if (length == 0 || is_control(text[i])) {
      out += "\\x";
      out.push_back(kHexDigits[static_cast<unsigned char>(text[i]) >> 4]);
      out.push_back(kHexDigits[static_cast<unsigned char>(text[i]) & 15]);
      ++i;
    } else {
      out.append(text, i, length);
      i += length;
    }
  }
  out += i < text.size() ? "...'" : "'";
  return out;
}

std::string clip(std::string_view message, std::size_t max_bytes) {
  if (message.size() <= max_bytes) return std::string(message);
  std::size_t end = max_bytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xc0) == 0x80) --end;
  return std::string(message.substr(0, end)) + "...";
}

}  // namespace ingot
