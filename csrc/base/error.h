// Errors: one code per class of failure, one exception type, one message form.
// Takes a code and a message, gives an exception that every boundary (Python, C, runner) maps one to one.
// Nothing in this library aborts or prints: it lives inside someone else's process.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ingot {

enum class ErrorCode : std::uint8_t {
  kShape,     // sizes that do not fit together
  kDType,     // a dtype that the op or the kernel does not take
  kArgument,  // a wrong name, count, attribute or option
  kRecord,    // something that recording cannot capture
  kFile,      // text or bytes that break a rule of the format
  kRange,     // an index out of range at run time
  kAbort,     // an `abort` of the module whose condition held
  kLimit,     // a budget (memory, steps, nodes, nesting) is exceeded
  kState,     // a session that must be reset before it can run again
  kDevice,    // a device, file system or operating system failure
  kInternal,  // a broken invariant of this library: always a bug
};

struct ErrorInfo {
  ErrorCode code;
  std::string_view name;      // class name in Python: "ShapeError"
  std::string_view sentence;  // for docs/errors.md
};

// All codes, in the order of the enum.
std::span<const ErrorInfo> error_table();

class Error : public std::exception {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ErrorCode code_;
  std::string message_;
};

// Message form: "<op or stage>: <what is wrong>: got <value>, expected <value>".
[[noreturn]] void fail(ErrorCode code, std::string message);
[[noreturn]] void fail_internal(const char* file, int line, const char* condition);

// Throws InternalError with file and line when an invariant of this library does not hold.
#define INGOT_CHECK(condition) ((condition) ? (void)0 : ::ingot::fail_internal(__FILE__, __LINE__, #condition))

// Each appends the text of one value; out of line, because messages are many and rarely made.
void append_text(std::string& text, std::string_view value);
void append_text(std::string& text, char value);
void append_text(std::string& text, std::int64_t value);
void append_text(std::string& text, std::uint64_t value);
void append_text(std::string& text, double value);

template <class Part>
void append_part(std::string& text, const Part& part) {
  if constexpr (std::is_same_v<Part, char>) {
    append_text(text, part);
  } else if constexpr (std::is_floating_point_v<Part>) {
    append_text(text, static_cast<double>(part));
  } else if constexpr (std::is_unsigned_v<Part>) {
    append_text(text, static_cast<std::uint64_t>(part));
  } else if constexpr (std::is_integral_v<Part>) {
    append_text(text, static_cast<std::int64_t>(part));
  } else {
    append_text(text, std::string_view(part));
  }
}

// Joins its arguments as text: concat("got ", 3, ", expected ", name).
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (append_part(text, parts), ...);
  return text;
}

}  // namespace ingot
