// What caller and workers of the thread pool share. Private to pool.cpp and pool_worker.cpp.
// Every word that two threads touch is atomic; a region's description may be read only after a successful claim of that
// region, because the caller cannot leave a region, and so not overwrite it, while a claimed unit is unfinished.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "execute/pool.h"

namespace ingot::pool {

inline constexpr std::size_t kLineBytes = 128;  // two cache lines: processors fetch them in pairs

// A share of a region: generation (40 bits), next unit (12 bits), end (12 bits), both relative to the share's begin.
// A claim is a compare-and-swap of the whole word, so a claim made for a region that has ended fails.
inline constexpr int kUnitBits = 12;
inline constexpr std::int64_t kMaxShareUnits = (1 << kUnitBits) - 1;
inline constexpr std::uint64_t kOneUnit = std::uint64_t{1} << kUnitBits;

inline std::uint64_t pack_share(std::uint64_t generation, std::int64_t end) {
  return generation << (2 * kUnitBits) | static_cast<std::uint64_t>(end);
}
inline std::uint64_t share_generation(std::uint64_t word) {
  return word >> (2 * kUnitBits);
}
inline std::int64_t share_next(std::uint64_t word) {
  return static_cast<std::int64_t>(word >> kUnitBits & (kOneUnit - 1));
}
inline std::int64_t share_end(std::uint64_t word) {
  return static_cast<std::int64_t>(word & (kOneUnit - 1));
}

// Progress of a worker: generation (40 bits), whether it is looking for or doing work (1 bit), units finished (23
// bits).
inline constexpr int kCountBits = 23;
inline std::uint64_t pack_progress(std::uint64_t generation, bool active, std::int64_t finished) {
  return generation << (kCountBits + 1) | std::uint64_t{active} << kCountBits | static_cast<std::uint64_t>(finished);
}
inline std::uint64_t progress_generation(std::uint64_t word) {
  return word >> (kCountBits + 1);
}
inline bool progress_active(std::uint64_t word) {
  return (word >> kCountBits & 1) != 0;
}
inline std::int64_t progress_finished(std::uint64_t word) {
  return static_cast<std::int64_t>(word & ((std::uint64_t{1} << kCountBits) - 1));
}

// One seat per thread of a region: seat 0 is the caller's, the others have a worker each.
struct Seat {
  alignas(kLineBytes) std::atomic<std::uint64_t> share{0};
  std::atomic<std::uint32_t> asleep{0};  // 1: the worker sleeps, or is about to, on this word
  alignas(kLineBytes) std::atomic<std::uint64_t> progress{0};
  std::atomic<int> thread_id{-1};
  int kept_off_core = -1;  // guarded by Pool::busy
};

struct Pool {
  // The region in work; written by the caller before it publishes the shares.
  alignas(kLineBytes) std::atomic<ChunkFunction> function{nullptr};
  std::atomic<void*> context{nullptr};
  std::atomic<std::int64_t> num_chunks{0}, num_units{0};
  std::atomic<int> team{0};                // threads of the region
  std::atomic<std::uint32_t> joining{0};   // 1: the caller sleeps on `finished`, or is about to
  std::atomic<std::uint32_t> finished{0};  // counts the wakes of a sleeping caller

  alignas(kLineBytes) std::atomic<bool> busy{false};  // a region is in work
  std::uint64_t generation = 0;                       // guarded by busy, as the next two
  std::int64_t mask_renewed_ns = 0;
  bool affinity_works = true;
  std::atomic<int> runs{0};
  std::atomic<int> num_workers{0};

  std::mutex growth;
  Seat caller_seat;
  std::atomic<Seat*> seats[kMaxThreads] = {&caller_seat};  // 0 .. num_workers are set
  Pool* abandoned = nullptr;  // the parent's, in a child of fork: unused, but still reachable
};

// First chunk of a unit, and first unit of a share: as even as possible.
inline std::int64_t part_begin(std::int64_t total, std::int64_t parts, std::int64_t part) {
  const std::int64_t rest = total % parts;
  return total / parts * part + (part < rest ? part : rest);
}

// Claims and runs units of the region, the thread's own share first, until none is left; returns their number.
// A claim takes half of what is left, so that few claims do for a share and the last ones are small; others take from
// the share's end. after_units(finished) runs after each.
template <class AfterUnits>
std::int64_t work_off(Pool& pool, int thread, std::uint64_t generation, AfterUnits after_units) {
  std::int64_t finished = 0;
  const int team = pool.team.load(std::memory_order_acquire);  // a later region's, at worst: then no claim succeeds
  for (int turn = 0; turn < team; ++turn) {
    const int owner = (thread + turn) % team;
    std::atomic<std::uint64_t>& share = pool.seats[owner].load(std::memory_order_relaxed)->share;
    std::uint64_t word = share.load(std::memory_order_acquire);
    while (share_generation(word) == generation && share_next(word) < share_end(word)) {
      const std::int64_t claim = (share_end(word) - share_next(word) + 1) / 2;
      const std::uint64_t rest =
          turn == 0 ? word + static_cast<std::uint64_t>(claim) * kOneUnit : word - static_cast<std::uint64_t>(claim);
      if (!share.compare_exchange_weak(word, rest, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      const std::int64_t chunks = pool.num_chunks.load(std::memory_order_relaxed);
      const std::int64_t units = pool.num_units.load(std::memory_order_relaxed);
      const std::int64_t unit =
          part_begin(units, team, owner) + (turn == 0 ? share_next(word) : share_end(word) - claim);
      pool.function.load(std::memory_order_relaxed)(pool.context.load(std::memory_order_relaxed),
                                                    part_begin(chunks, units, unit),
                                                    part_begin(chunks, units, unit + claim), thread);
      after_units(finished += claim);
      word = share.load(std::memory_order_acquire);
    }
  }
  return finished;
}

// Body of a worker's thread; never returns. `seat` is its own.
void run_worker(Pool& pool, int seat);

}  // namespace ingot::pool
