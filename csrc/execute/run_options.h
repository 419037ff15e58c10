// What a caller may ask of one run, and what a profiled run reports.
#pragma once

#include <cstdint>

namespace ingot {

struct RunOptions {
  std::int64_t max_steps = 0;                    // of the step loop; 0: no limit
  bool (*interrupted)(void* context) = nullptr;  // polled between steps, at most about every 20 ms; true stops the run
  void* interrupt_context = nullptr;
  // Of a program on a device, whose arrays all lie there: the run takes its place in the order of this stream of the
  // caller's, as other libraries know it, and may still be in progress when the call returns.
  bool has_stream = false;
  void* stream = nullptr;
};

struct StepProfile {  // one per step of the plan
  std::int64_t calls = 0, total_ns = 0;
};

}  // namespace ingot
