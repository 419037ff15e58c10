#include "block.h"

#include <algorithm>
#include <cfenv>
#include <cstring>
#include <numeric>
#include <vector>

#include "device_code.h"
#include "emulator.h"
#include "fiber.h"

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace cuda_on_host {
namespace {

constexpr unsigned kLanes = 32;

enum class State { kFresh, kReady, kAtBlockBarrier, kInWarp, kReturned };
enum class WarpWork { kNone, kBarrier, kExchange, kVote };

struct Thread {
  State state = State::kFresh;
  uint3 index = {};
  Fiber* fiber = nullptr;
};

// What the lanes of a warp do together, from the first that comes to the last.
struct Warp {
  WarpWork work = WarpWork::kNone;
  unsigned mask = 0, arrived = 0;
  std::uint64_t bits[kLanes];
  int source[kLanes];
  std::uint64_t result[kLanes];
};

struct Block {
  const Launch* launch = nullptr;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<unsigned> order;  // in which fresh threads begin
  unsigned num_begun = 0, num_at_barrier = 0, num_returned = 0;
  std::vector<unsigned> ready;
  unsigned current = 0;
  std::string problem;
  Fiber* host = nullptr;
};

Block block;
std::vector<Fiber*>& fibers = *new std::vector<Fiber*>;  // all there are, for as long as the process lives
std::vector<Fiber*> idle;                                // of them: begun, between two threads or before the first
Fiber* starting = nullptr;
std::vector<char> shared_memory;
std::uint64_t random_state;

// The upper half of a linear congruence: drawn at every switch, so that it must be cheap.
std::uint32_t draw() {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<std::uint32_t>(random_state >> 32);
}

unsigned draw_below(std::size_t n) {
  return static_cast<unsigned>(std::uint64_t{draw()} * n >> 32);
}

Thread& current() {
  return block.threads[block.current];
}

void run_threads();

Fiber* idle_fiber() {
  if (idle.empty()) {
    fibers.push_back(make_fiber());
    idle.push_back(fibers.back());
    begin_fiber(idle.back(), run_threads);
  }
  starting = idle.back();
  idle.pop_back();
  return starting;
}

// Which fiber goes on: that of a thread that may, one that begins threads, or the host's when there is nothing to do.
Fiber* next_fiber() {
  const bool any_fresh = block.num_begun < block.threads.size();
  if (!block.problem.empty() || (block.ready.empty() && !any_fresh)) return block.host;
  if (any_fresh && (block.ready.empty() || draw_below(2) == 0)) return idle_fiber();
  std::swap(block.ready[draw_below(block.ready.size())], block.ready.back());
  block.current = block.ready.back();
  block.ready.pop_back();
  threadIdx = current().index;
  return current().fiber;
}

void wait(State state) {
  Thread& thread = current();
  thread.state = state;
  if (Fiber* next = next_fiber(); next != thread.fiber) switch_fiber(thread.fiber, next);
}

void let_run(unsigned thread) {
  block.threads[thread].state = State::kReady;
  block.ready.push_back(thread);
}

// The life of a fiber: it runs fresh threads as long as there are any. Threads that never wait all run on one.
void run_threads() {
  Fiber* const self = starting;
  for (;;) {
    while (block.num_begun < block.threads.size()) {
      block.current = block.order[block.num_begun++];
      current().fiber = self;
      threadIdx = current().index;
      block.launch->thread();
      current().state = State::kReturned;
      ++block.num_returned;
    }
    Fiber* next = next_fiber();
    idle.push_back(self);
    switch_fiber(self, next);
  }
}

void shuffle_order() {
  for (unsigned i = static_cast<unsigned>(block.order.size()); i > 1; --i) {
    std::swap(block.order[i - 1], block.order[draw_below(i)]);
  }
}

std::string where() {
  return "block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " +
         std::to_string(blockIdx.z) + "), thread (" + std::to_string(threadIdx.x) + ", " + std::to_string(threadIdx.y) +
         ", " + std::to_string(threadIdx.z) + ")";
}

std::string stuck() {
  unsigned in_warp = 0;
  for (const Thread& thread : block.threads) in_warp += thread.state == State::kInWarp;
  return "threads wait for others in vain: " + std::to_string(block.num_at_barrier) + " at __syncthreads, " +
         std::to_string(in_warp) + " at operations of warps, " + std::to_string(block.num_returned) +
         " have returned, in block (" + std::to_string(blockIdx.x) + ", " + std::to_string(blockIdx.y) + ", " +
         std::to_string(blockIdx.z) + ")";
}

// What a problem leaves behind in the middle of kernels is forgotten.
void restart_fibers() {
  idle = fibers;
  for (Fiber* fiber : fibers) begin_fiber(fiber, run_threads);
}

void begin_block() {
  for (Thread& thread : block.threads) thread.state = State::kFresh;
  for (Warp& warp : block.warps) warp.work = WarpWork::kNone;
  block.num_begun = block.num_at_barrier = block.num_returned = 0;
  block.ready.clear();
  fill_unwritten(dynamic_shared_memory(), block.launch->shared_bytes);
}

void run_block() {
  begin_block();
  shuffle_order();
  switch_fiber(block.host, next_fiber());
  if (block.problem.empty() && block.num_returned != block.threads.size()) block.problem = stuck();
  if (!block.problem.empty()) restart_fibers();
}

void prepare(const Launch& launch, std::uint64_t seed) {
  random_state = seed;
  block.launch = &launch;
  block.host = host_fiber();
  block.problem.clear();
  blockDim = launch.block;
  gridDim = launch.grid;
  const unsigned num_threads = launch.block.x * launch.block.y * launch.block.z;
  block.threads.assign(num_threads, {});
  block.warps.assign((num_threads + kLanes - 1) / kLanes, {});
  block.order.resize(num_threads);
  std::iota(block.order.begin(), block.order.end(), 0u);
  for (unsigned i = 0; i < num_threads; ++i) {
    block.threads[i].index = {i % launch.block.x, i / launch.block.x % launch.block.y,
                              i / launch.block.x / launch.block.y};
  }
  shared_memory.resize(std::max(shared_memory.size(), launch.shared_bytes + 16));
}

// Lanes that the last warp of a block lacks are in no mask.
unsigned lanes_of(unsigned warp) {
  const std::size_t rest = block.threads.size() - std::size_t{warp} * kLanes;
  return rest >= kLanes ? ~0u : (1u << rest) - 1;
}

void finish(Warp& warp, unsigned first) {
  unsigned holds = 0;
  for (unsigned i = 0; i < kLanes; ++i) holds |= warp.bits[i] != 0 && warp.arrived >> i & 1 ? 1u << i : 0;
  for (unsigned i = 0; i < kLanes; ++i) {
    if (!(warp.arrived >> i & 1)) continue;
    const auto source = static_cast<unsigned>(warp.source[i]) % kLanes;
    const std::uint64_t seen = warp.arrived >> source & 1 ? warp.bits[source] : kUnwritten;
    warp.result[i] = warp.work == WarpWork::kVote ? holds : seen;
    if (first + i != block.current) let_run(first + i);
  }
  warp.work = WarpWork::kNone;
  warp.arrived = 0;
}

std::uint64_t meet(WarpWork work, unsigned mask, std::uint64_t bits, int source) {
  const unsigned number = block.current / kLanes, lane = block.current % kLanes;
  Warp& warp = block.warps[number];
  mask &= lanes_of(number);
  if (!(mask >> lane & 1)) stop_kernel("a thread is not in the mask that it gives");
  if (warp.work == WarpWork::kNone) {
    warp.work = work;
    warp.mask = mask;
  }
  if (warp.work != work) stop_kernel("the threads of a warp are at different operations");
  if (warp.mask != mask) stop_kernel("the threads of a warp give different masks");
  warp.arrived |= 1u << lane;
  warp.bits[lane] = bits;
  warp.source[lane] = source;
  if (warp.arrived == mask) {
    finish(warp, number * kLanes);
  } else {
    wait(State::kInWarp);
  }
  return warp.result[lane];
}

}  // namespace

std::string run_launch(const Launch& launch, std::uint64_t seed) {
  std::fenv_t environment;
  std::fegetenv(&environment);
  std::fesetenv(FE_DFL_ENV);  // a device rounds to nearest and keeps subnormals, whatever the caller's thread does
  prepare(launch, seed);
  const std::uint64_t num_blocks = std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const std::uint64_t first = draw_below(std::min<std::uint64_t>(num_blocks, UINT32_MAX));
  const bool backwards = draw_below(2) == 0;
  for (std::uint64_t i = 0; i < num_blocks && block.problem.empty(); ++i) {
    const std::uint64_t at = (first + (backwards ? num_blocks - i : i)) % num_blocks;
    blockIdx = {static_cast<unsigned>(at % launch.grid.x), static_cast<unsigned>(at / launch.grid.x % launch.grid.y),
                static_cast<unsigned>(at / launch.grid.x / launch.grid.y)};
    run_block();
  }
  std::fesetenv(&environment);
  return block.problem;
}

char* dynamic_shared_memory() {
  const auto address = reinterpret_cast<std::uintptr_t>(shared_memory.data());
  return shared_memory.data() + (16 - address % 16) % 16;
}

int lane() {
  return static_cast<int>(block.current % kLanes);
}

void block_barrier() {
  if (++block.num_at_barrier < block.threads.size()) return wait(State::kAtBlockBarrier);
  block.num_at_barrier = 0;
  for (unsigned i = 0; i < block.threads.size(); ++i) {
    if (i != block.current) let_run(i);
  }
}

void warp_barrier(unsigned mask) {
  meet(WarpWork::kBarrier, mask, 0, 0);
}

std::uint64_t exchange(unsigned mask, std::uint64_t bits, int source) {
  return meet(WarpWork::kExchange, mask, bits, source);
}

unsigned vote(unsigned mask, bool holds) {
  return static_cast<unsigned>(meet(WarpWork::kVote, mask, holds, 0));
}

void stop_kernel(const char* problem) {
  block.problem = std::string(problem) + ": " + where();
  switch_fiber(current().fiber, block.host);
  __builtin_unreachable();
}

}  // namespace cuda_on_host
