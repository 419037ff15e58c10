// What tests see of the fake device: counts of what was asked of it. The environment says what it should get wrong:
//   FAKE_DEVICE_VERSION=N     the interface version it claims      FAKE_DEVICE_COUNT=N   how many devices there are
//   FAKE_DEVICE_MEMORY=N      bytes of a device                    FAKE_DEVICE_WITHOUT=OP  an op it has no kernel for
//   FAKE_DEVICE_REFUSES=1  every patch                    FAKE_DEVICE_BRANCHES=0  graphs cannot have branches
//   FAKE_DEVICE_FAILS=N       launches from number N on fail (of all that are run in this process)
#pragma once

#include <cstdint>

namespace ingot::fake {

struct Counts {
  std::int64_t allocations = 0, allocated_bytes = 0;  // of device memory: made so far; held now
  std::int64_t host_allocations = 0;
  std::int64_t steps = 0, streams = 0, graphs = 0, events = 0;  // that exist now
  std::int64_t launches = 0;                                    // that were run, by graphs too
  std::int64_t captures = 0, patches = 0, patched_launches = 0, replays = 0, uploads = 0, downloads = 0;
  std::int64_t synchronizations = 0, waits = 0;  // of the host; of one stream for another
  std::int64_t measurements = 0;                 // of limits
};
using GetCounts = const Counts* (*)();
inline constexpr char kGetCountsName[] = "fake_device_counts";

}  // namespace ingot::fake
