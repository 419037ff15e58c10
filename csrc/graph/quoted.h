// Names and strings of the text form: which may stand bare, how the others are quoted (as JSON strings), and how a
// piece of somebody's input is shown in an error message. Used by the text form and by the file's header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ingot {

// Position of the first byte that is not UTF-8 (no surrogates, nothing overlong), or npos. Linear.
std::size_t find_invalid_utf8(std::string_view text);

// [A-Za-z_][A-Za-z0-9_]*
bool is_identifier(std::string_view text);
// An identifier that cannot be read as a literal: not true, false, inf or nan.
bool is_plain_name(std::string_view text);
// [A-Za-z0-9_./-]+
bool is_plain_origin(std::string_view text);
// 1 to kMaxNameBytes bytes of UTF-8 without control characters: what may name anything in a module.
bool is_valid_name(std::string_view text);

// A JSON string with its quotes: the shortest escapes, everything from U+0020 on but " and \ as it is.
void append_quoted(std::string& out, std::string_view text);
// The name itself if it is plain, else quoted.
void append_name(std::string& out, std::string_view name);

enum class UnquoteError : std::uint8_t { kNone, kUnterminated, kControl, kEscape, kSurrogate, kTooLong };
std::string_view describe(UnquoteError error);
// Reads a JSON string whose opening quote is text[position]; appends its contents to `out` and moves `position` past
// the closing quote, or to the offending byte. Requires valid UTF-8.
UnquoteError read_quoted(std::string_view text, std::size_t& position, std::string& out, std::size_t max_bytes);

// At most 40 bytes of `text` between single quotes, on one line, for error messages.
std::string excerpt(std::string_view text);
// A message cut to `max_bytes` at a character's end, with "..." where something was cut.
std::string clip(std::string_view message, std::size_t max_bytes);

}  // namespace ingot
