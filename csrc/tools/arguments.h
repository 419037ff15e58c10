// The command line of ingot-run. Strict: an unknown option, a repeated one, a number that is not one, is wrong usage.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/size.h"

namespace ingot::tools {

// Ends the program with one line on standard error.
enum ExitCode : int { kDone = 0, kCheckFailed = 1, kWrongUsage = 2, kInvalidFile = 3, kCannotRun = 4 };

class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

struct NameAndText {
  std::string name, text;
};

enum class Action {
  kRun,
  kHelp,
  kVersion,
  kProcessor,
  kVerify,
  kPack,
  kPrintGraph,
  kPrintOptimized,
  kPrintPlan,
  kDrawPlan
};

struct Arguments {
  Action action = Action::kRun;
  std::string model;
  std::string packed;  // of kPack: the file to write
  std::string graph;
  std::vector<NameAndText> inputs;   // name=FILE or rand or zeros
  std::vector<NameAndText> outputs;  // name=FILE
  std::vector<NameAndText> expected;
  DimValues dims;
  std::vector<std::string> disabled_passes, fast;
  std::int64_t repeat = 0;  // timed runs; 0: one run, not timed
  std::int64_t warmup = 0;
  int threads = 0;
  std::string device, level;
  std::int64_t max_memory_bytes = 0, max_steps = 0;
  std::uint64_t seed = 0;
  double tolerance = 0;
  bool profile = false, json = false;
};

// Throws Failure with kWrongUsage.
Arguments parse_arguments(int argc, const char* const* argv);
const char* help_text();

}  // namespace ingot::tools
