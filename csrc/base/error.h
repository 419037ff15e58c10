// Errors: one code per class of failure, one exception type, one message form.
// Takes a code and a message, gives an exception that every boundary (Python, C, runner) maps one to one.
// Nothing in this library aborts or prints: it lives inside someone else's process.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <sstream>
#include <string>
#include <string_view>

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

// Joins its arguments as text: concat("got ", 3, ", expected ", name).
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return std::move(stream).str();
}

}  // namespace ingot
