// The runs of one plan at one set of sizes, by the addresses that they were given, and which of them have a graph. The
// first run of all is walked, because a caller may come with other sizes every time; the second one is captured. An
// array that was seen at two addresses *moves*: the steps that touch such arrays are parts of the graph (device/api.h),
// so that a run at addresses never seen patches a graph instead of being captured. Inside of a branch that depends on
// data there are no parts: where one touches what moves, new addresses are walked. Who comes back with the same
// addresses gets a graph to keep.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "device/device.h"
#include "device/device_buffers.h"
#include "execute/bind.h"

namespace ingot {

enum class RunWay : std::uint8_t {
  kWalk,
  kCapture,  // into the run's graph, and replay that
  kPatch,    // the run's graph, which is one of other addresses, and replay it
  kReplay,
};

struct KnownRun {
  OwnedGraph graph;  // of other addresses, perhaps, unless it is captured
  bool is_captured = false;
  bool came_back = false;
  std::uint64_t parts_version = 0;     // of the graph's parts
  std::int64_t first_state_order = 0;  // of the graph's launches the first that writes a state
  std::int64_t last_use = 0;           // 0: never
  char* arena = nullptr;
  std::vector<char*> arrays;  // inputs, outputs
  std::vector<DeviceTransfer> uploads, downloads;
};

// Thread rule: one run at a time.
class KnownRuns {
 public:
  // What was captured is of another plan, or of other sizes.
  void forget();
  // Which way a run goes, and its entry, of which the caller keeps what is said of its graph true; where it may
  // not be replayed it is noted only.
  struct Choice {
    KnownRun& run;
    RunWay way;
  };
  Choice choose(const CompiledPlan& compiled, const DeviceRunBuffers& buffers, bool may_replay);

  // Per step: 1 where it touches an array that moves. Empty: there are no parts. A graph that is captured now has those
  // of parts_version().
  const std::vector<std::uint8_t>& parts() const { return parts_; }
  std::uint64_t parts_version() const { return parts_version_; }

 private:
  KnownRun* find(const DeviceRunBuffers& buffers);
  KnownRun& least_wanted();
  KnownRun* find_donor(const DeviceRunBuffers& buffers, KnownRun& given_up);
  void note(const DeviceRunBuffers& buffers, KnownRun& run) const;
  void note_moves(const RunBuffers& slots);
  void find_parts(const CompiledPlan& compiled);

  std::array<KnownRun, 4> runs_;
  std::int64_t num_runs_ = 0;        // since they were forgotten
  std::vector<std::uint8_t> moves_;  // per input, per output
  std::size_t num_inputs_ = 0;
  std::vector<std::uint8_t> parts_;
  std::uint64_t parts_version_ = 0;  // of what moves
  bool parts_found_ = false;         // parts_ are of this version
  bool can_patch_ = true;            // no part would lie inside of a branch
};

}  // namespace ingot
