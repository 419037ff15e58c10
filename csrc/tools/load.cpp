#include "tools/load.h"

#include <time.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

#include "file/file.h"
#include "pack_module.h"

namespace ingot::tools {

namespace {

// Before main, the process's time is the processor time that it has used: the system tells its start only in jiffies.
const std::int64_t main_began_ns = now_ns();
const std::int64_t before_main_ns = [] {
  struct timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}();

std::int64_t since_process_start_ns() {
  return before_main_ns + now_ns() - main_began_ns;
}

std::shared_ptr<const Module> load(const Arguments& arguments) {
  return at_stage(Stage::kLoad, [&] { return std::make_shared<const Module>(load_module(arguments.model)); });
}

CompileOptions compile_options(const Arguments& arguments) {
  CompileOptions options;
  options.device = arguments.device;
  options.num_threads = arguments.threads;
  options.level = arguments.level;
  options.max_memory_bytes = arguments.max_memory_bytes;
  options.disabled_passes = arguments.disabled_passes;
  options.fast = arguments.fast;
  return options;
}

}  // namespace

ExitCode exit_code(Stage stage, ErrorCode code) {
  if (code == ErrorCode::kDevice || code == ErrorCode::kInternal || code == ErrorCode::kState) return kCannotRun;
  switch (stage) {
    case Stage::kLoad:
      return kInvalidFile;
    case Stage::kCompile:
      return code == ErrorCode::kArgument ? kWrongUsage : kCannotRun;
    case Stage::kInputs:
      return code == ErrorCode::kFile ? kInvalidFile : kWrongUsage;
    case Stage::kRun:
      if (code == ErrorCode::kRange || code == ErrorCode::kAbort) return kCheckFailed;
      return code == ErrorCode::kLimit ? kCannotRun : kWrongUsage;
  }
  return kCannotRun;
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t peak_resident_bytes() {
  constexpr std::string_view kField = "VmHWM:";  // getrusage would count what ran before exec
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(kField)) return std::strtoll(line.c_str() + kField.size(), nullptr, 10) * 1024;
  }
  return 0;
}

std::shared_ptr<Program> load_program(const Arguments& arguments, StartTimes* times) {
  const std::int64_t begin = now_ns();
  const std::shared_ptr<const Module> module = load(arguments);
  const std::int64_t loaded = now_ns();
  const auto program = at_stage(Stage::kCompile, [&] { return Program::compile(module, compile_options(arguments)); });
  if (times != nullptr) {
    *times = {.load_ns = loaded - begin, .compile = program->compile_times(), .ready_ns = since_process_start_ns()};
  }
  return program;
}

void pack_model(const Arguments& arguments) {
  const std::shared_ptr<const Module> module = load(arguments);
  at_stage(Stage::kCompile, [&] { save_module(pack_module(module, compile_options(arguments)), arguments.packed); });
}

}  // namespace ingot::tools
