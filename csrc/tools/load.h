// From the command line to a program, or to a packed file; what a failure on the way means for the exit code.
#pragma once

#include <cstdint>
#include <memory>
#include <new>

#include "base/error.h"
#include "program.h"
#include "tools/arguments.h"

namespace ingot::tools {

// Where a failure happened says what it means: bytes of a file, the call's own arguments, or this machine.
enum class Stage { kLoad, kCompile, kInputs, kRun };

ExitCode exit_code(Stage stage, ErrorCode code);

// Runs `work` and gives its failures the exit code of the stage.
template <class Work>
auto at_stage(Stage stage, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Failure(exit_code(stage, error.code()), error.message());
  } catch (const std::bad_alloc&) {
    throw Failure(kCannotRun, "out of memory");
  }
}

struct StartTimes {
  std::int64_t load_ns = 0;  // mapping, parsing, checking the file
  CompileTimes compile;
  std::int64_t reserve_ns = 0;  // memory, argument blocks and threads of the first run
  std::int64_t ready_ns = 0;    // all of it since the process began; what inputs and outputs take is not counted
};

std::int64_t now_ns();
// The most memory of this process that lay in the machine's at once, mapped files included; 0 where the system does
// not tell.
std::int64_t peak_resident_bytes();

std::shared_ptr<Program> load_program(const Arguments& arguments, StartTimes* times = nullptr);
// Writes arguments.packed.
void pack_model(const Arguments& arguments);

}  // namespace ingot::tools
