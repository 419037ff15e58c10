// The answers are for programs: one line, bounded, without control characters, whatever is in the file.
#include "tools/verify.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include "file/file.h"
#include "tools/json.h"

namespace ingot::tools {

namespace {

constexpr std::size_t kMaxAnswerBytes = 400;

std::string answer(const std::string& path) {
  try {
    verify_file(path);
    return "ok";
  } catch (const std::bad_alloc&) {
    return "error: out of memory";
  } catch (const std::exception& error) {
    return one_line(std::string("error: ") + error.what(), kMaxAnswerBytes);
  }
}

struct Free {
  void operator()(char* memory) const { std::free(memory); }
};

}  // namespace

void verify_file(const std::string& path) {
  load_module(path);  // checks all of it
}

void serve_verification() {
  std::unique_ptr<char, Free> line;
  std::size_t capacity = 0;
  while (true) {
    char* memory = line.release();
    const ssize_t length = getline(&memory, &capacity, stdin);
    line.reset(memory);
    if (length < 0) return;
    std::string_view path(memory, static_cast<std::size_t>(length));
    if (path.ends_with('\n')) path.remove_suffix(1);
    const std::string reply = answer(std::string(path)) + "\n";
    if (std::fputs(reply.c_str(), stdout) < 0 || std::fflush(stdout) != 0) return;  // nobody listens any more
  }
}

}  // namespace ingot::tools
