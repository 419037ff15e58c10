// A worker of the thread pool: spins for a region, works it off with the others, sleeps when nothing comes.
#include "execute/affinity.h"
#include "execute/float_mode.h"
#include "execute/park.h"
#include "execute/pool_state.h"

namespace ingot::pool {

namespace {

// Spinning costs a core, waking costs 12 to 31 us. Longer inside a run, where the next region is likely.
constexpr std::int64_t kSpinInRunNs = 200'000;
constexpr std::int64_t kSpinIdleNs = 50'000;
// Two looks at the clock further apart than this: the system has given the core to someone else, who would be starved.
constexpr std::int64_t kDescheduledNs = 30'000;
constexpr int kPausesPerLook = 32;

bool has_region(const Seat& seat, std::uint64_t seen) {
  return share_generation(seat.share.load(std::memory_order_acquire)) != seen;
}

// True when a region later than `seen` is published; false when it is time to sleep.
bool spin_for_region(const Pool& pool, const Seat& seat, std::uint64_t seen) {
  const std::int64_t begin_ns = now_ns();
  std::int64_t look_ns = begin_ns;
  for (;;) {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (has_region(seat, seen)) return true;
      spin_pause();
    }
    const std::int64_t now = now_ns();
    const std::int64_t bound_ns = pool.runs.load(std::memory_order_relaxed) > 0 ? kSpinInRunNs : kSpinIdleNs;
    if (now - look_ns > kDescheduledNs || now - begin_ns > bound_ns) return false;
    look_ns = now;
  }
}

// Returns when woken, or at once when a region was published before the caller could see that this worker sleeps.
void sleep(Seat& seat, std::uint64_t seen) {
  seat.asleep.store(1, std::memory_order_seq_cst);
  if (share_generation(seat.share.load(std::memory_order_seq_cst)) == seen) {
    while (seat.asleep.load(std::memory_order_seq_cst) == 1) park(seat.asleep, 1);
  }
  seat.asleep.store(0, std::memory_order_relaxed);
}

}  // namespace

void run_worker(Pool& pool, int thread) {
  const FloatMode mode;
  Seat& seat = *pool.seats[thread].load(std::memory_order_acquire);
  seat.thread_id.store(current_thread_id(), std::memory_order_release);
  std::uint64_t seen = 0;
  for (;;) {
    while (!spin_for_region(pool, seat, seen)) sleep(seat, seen);
    seen = share_generation(seat.share.load(std::memory_order_acquire));
    seat.progress.store(pack_progress(seen, true, 0), std::memory_order_release);
    const std::int64_t finished = work_off(pool, thread, seen, [&](std::int64_t done) {
      // Sequentially consistent, with its counterpart in join: either the caller sees the unit or this sees it waiting.
      seat.progress.store(pack_progress(seen, true, done), std::memory_order_seq_cst);
      if (pool.joining.load(std::memory_order_seq_cst) == 0) return;
      pool.finished.fetch_add(1, std::memory_order_release);
      unpark(pool.finished);
    });
    seat.progress.store(pack_progress(seen, false, finished), std::memory_order_release);
  }
}

}  // namespace ingot::pool
