// The table of error codes, and the two functions that throw.
#include "base/error.h"

#include <charconv>

#include <array>
#include <utility>

namespace ingot {
namespace {

constexpr std::array<ErrorInfo, 11> kErrors = {{
    {ErrorCode::kShape, "ShapeError", "Sizes do not fit together."},
    {ErrorCode::kDType, "DTypeError", "An op or a kernel does not take this dtype."},
    {ErrorCode::kArgument, "ArgumentError", "A name, count, attribute or option is wrong."},
    {ErrorCode::kRecord, "RecordError", "Recording cannot capture this."},
    {ErrorCode::kFile, "FileError", "Text or bytes break a rule of the file format."},
    {ErrorCode::kRange, "RangeError", "An index lies outside its axis at run time."},
    {ErrorCode::kAbort, "AbortError", "The condition of an abort in the module held."},
    {ErrorCode::kLimit, "LimitError", "A budget of memory, steps, nodes or nesting is exceeded."},
    {ErrorCode::kState, "StateError", "The session must be reset before it can run again."},
    {ErrorCode::kDevice, "DeviceError", "A device, the file system or the operating system failed."},
    {ErrorCode::kInternal, "InternalError", "An invariant of the library is broken: this is always a bug."},
}};

}  // namespace

std::span<const ErrorInfo> error_table() {
  return kErrors;
}

void fail(ErrorCode code, std::string message) {
  throw Error(code, std::move(message));
}

void fail_internal(const char* file, int line, const char* condition) {
  throw Error(ErrorCode::kInternal, concat("internal error: ", file, ":", line, ": ", condition, " does not hold"));
}

void append_text(std::string& text, std::string_view value) {
  text += value;
}

void append_text(std::string& text, char value) {
  text += value;
}

void append_text(std::string& text, std::int64_t value) {
  text += std::to_string(value);
}

void append_text(std::string& text, std::uint64_t value) {
  text += std::to_string(value);
}

void append_text(std::string& text, double value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof(digits), value).ptr);
}

}  // namespace ingot
