// The two limits of a run that bound loops which never end: a number of steps, and a caller who gives up. Part of the
// step loop, therefore inline.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "execute/park.h"
#include "execute/run_options.h"

namespace ingot {

class RunLimits {
 public:
  explicit RunLimits(const RunOptions& options) : options_(options) {}

  // Before a step that is estimated to take cost_ns. Throws LimitError, AbortError. The clock is read only after enough
  // estimated work.
  void check(std::int64_t cost_ns) {
    if (options_.max_steps > 0 && ++steps_done_ > options_.max_steps)
      fail(ErrorCode::kLimit, concat("run: more steps than max_steps: got more than ", options_.max_steps));
    if (options_.interrupted == nullptr) return;
    work_ns_ += kStepOverheadNs + std::min(cost_ns, kMaxStepNs);
    if (work_ns_ < kLookNs) return;
    work_ns_ = 0;
    const std::int64_t now = now_ns();
    if (last_poll_ns_ != 0 && now - last_poll_ns_ < kPollNs) return;
    last_poll_ns_ = now;
    if (options_.interrupted(options_.interrupt_context)) fail(ErrorCode::kAbort, "run: interrupted");
  }

  static constexpr std::int64_t kPollNs = 20'000'000;  // between two calls of `interrupted`

 private:
  static constexpr std::int64_t kLookNs = 1'000'000;      // of estimated work between two looks at the clock
  static constexpr std::int64_t kStepOverheadNs = 100;    // for every step, so that empty loops are stopped too
  static constexpr std::int64_t kMaxStepNs = 10'000'000;  // an estimate beyond this is not believed

  const RunOptions& options_;
  std::int64_t steps_done_ = 0, work_ns_ = 0, last_poll_ns_ = 0;
};

}  // namespace ingot
