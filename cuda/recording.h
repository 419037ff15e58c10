// What lies between begin and end of a capture or of a patch.
#pragma once

#include <vector>

#include "cuda/chain.h"
#include "cuda/stream.h"

namespace ingot::cuda {

// A branch or a loop that is being captured.
struct OpenBody {
  Chain outer;                            // in which its node is the last
  unsigned long long repeats, otherwise;  // conditions: of a loop to go on, of an if to come to the other branch
};

struct Part {
  std::size_t child;      // of the graph's parts that are not empty
  std::size_t num_nodes;  // 0: it is empty
};

struct Recording {
  OwnedGraph whole;
  Chain chain;  // where what is enqueued goes: `whole`, or the innermost body
  std::vector<OpenBody> bodies;
  bool has_conditions = false;
  std::vector<cudaGraphNode_t> children;  // the parts that are not empty
  std::vector<Part> parts;
  DeviceGraph* patched = nullptr;  // null: it is a capture
  std::size_t next_part = 0;       // of `patched`
  bool refused = false;
};

}  // namespace ingot::cuda
