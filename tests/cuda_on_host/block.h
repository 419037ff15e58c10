// Runs the blocks of one launch, one after the other, in an order drawn from the seed. The threads of a block run one
// at a time, each until it waits for others; which one goes on is drawn too, so that a result that depends on the order
// of threads without a barrier between them changes with the seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "vectors.h"

namespace cuda_on_host {

struct Launch {
  const void* kernel = nullptr;
  dim3 grid, block;
  std::size_t shared_bytes = 0;
  std::function<void()> thread;
};

// "": done. Else why no device would have to give a result: threads that wait for each other in vain, a mask without
// the lane itself. Requires that no other thread of the host runs one.
std::string run_launch(const Launch& launch, std::uint64_t seed);

}  // namespace cuda_on_host
