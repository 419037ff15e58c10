// The caller's side of the thread pool: publish a region, take part, join; growing, waking, fork.
#include "execute/pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "execute/affinity.h"
#include "execute/park.h"
#include "execute/pool_state.h"

namespace ingot {

namespace {

using pool::Pool;
using pool::Seat;

constexpr std::int64_t kJoinSpinNs = 20'000;    // then a late worker is taken to be descheduled
constexpr std::int64_t kRenewMaskNs = 200'000;  // least time between two moves of the workers' masks
constexpr int kPausesPerLook = 32;

// Never destroyed: workers outlive the static objects of the process. Null before first use and in a fork's child.
std::atomic<Pool*> the_pool{nullptr};
std::atomic<Pool*> abandoned_pool{nullptr};
std::atomic<bool> fork_handler_set{false};

// Threads do not survive a fork. The parent's pool stays reachable, so that leak checkers keep quiet.
void abandon_pool_in_child() {
  if (Pool* pool = the_pool.exchange(nullptr)) {
    pool->abandoned = abandoned_pool.load();
    abandoned_pool.store(pool);
  }
}

Pool& current_pool() {
  if (Pool* pool = the_pool.load(std::memory_order_acquire)) return *pool;
  if (!fork_handler_set.exchange(true)) pthread_atfork(nullptr, nullptr, abandon_pool_in_child);
  auto pool = std::make_unique<Pool>();
  Pool* other = nullptr;
  if (!the_pool.compare_exchange_strong(other, pool.get(), std::memory_order_acq_rel)) return *other;
  return *pool.release();
}

// Signals are for the threads that the process knows of.
void start_worker(Pool& pool, int thread) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread(pool::run_worker, std::ref(pool), thread).detach();
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Throws std::system_error or std::bad_alloc.
void grow(Pool& pool, int num_workers) {
  if (pool.num_workers.load(std::memory_order_acquire) >= num_workers) return;
  const std::lock_guard<std::mutex> lock(pool.growth);
  for (int thread = pool.num_workers.load() + 1; thread <= num_workers; ++thread) {
    auto seat = std::make_unique<Seat>();
    pool.seats[thread].store(seat.get(), std::memory_order_release);
    try {
      start_worker(pool, thread);
    } catch (...) {
      pool.seats[thread].store(nullptr, std::memory_order_release);
      throw;
    }
    seat.release();
    pool.num_workers.store(thread, std::memory_order_release);
  }
}

// Threads of a team of at most num_threads, as far as the system gives workers.
int gather_team(Pool& pool, int num_threads) {
  try {
    grow(pool, num_threads - 1);
  } catch (const std::exception&) {
    // Fewer threads compute the same bits.
  }
  return std::min(num_threads, pool.num_workers.load(std::memory_order_acquire) + 1);
}

void wake(Seat& seat) {
  if (seat.asleep.load(std::memory_order_seq_cst) == 1 && seat.asleep.exchange(0) == 1) unpark(seat.asleep);
}

// Lets no worker of the team run on the caller's core, where it could only be woken to wait. Requires `busy`.
// Callers that move all the time (or several callers) are not followed at every step: a change of mask costs 1-2 us.
void keep_workers_off_caller(Pool& pool, int team) {
  const int core = current_core();
  if (core < 0 || !pool.affinity_works) return;
  std::int64_t now = 0;
  for (int thread = 1; thread < team; ++thread) {
    Seat& seat = *pool.seats[thread].load(std::memory_order_acquire);
    const int thread_id = seat.thread_id.load(std::memory_order_acquire);
    if (seat.kept_off_core == core || thread_id < 0) continue;
    if (now == 0) {
      now = now_ns();
      if (seat.kept_off_core >= 0 && now - pool.mask_renewed_ns < kRenewMaskNs) return;
      pool.mask_renewed_ns = now;
    }
    if (keep_thread_off(thread_id, core)) {
      seat.kept_off_core = core;
    } else {
      pool.affinity_works = false;
      return;
    }
  }
}

std::int64_t units_finished(const Pool& pool, int team, std::uint64_t generation) {
  std::int64_t finished = 0;
  for (int thread = 1; thread < team; ++thread) {
    const std::uint64_t progress =
        pool.seats[thread].load(std::memory_order_relaxed)->progress.load(std::memory_order_seq_cst);
    if (pool::progress_generation(progress) == generation) finished += pool::progress_finished(progress);
  }
  return finished;
}

// Moves the workers that still hold a unit onto the caller's core, which is about to become free: a descheduled one
// would otherwise wait for a quantum of the scheduler (4-8 ms). Requires `busy`.
void pull_late_workers(Pool& pool, int team, std::uint64_t generation) {
  const int core = current_core();
  if (core < 0 || !pool.affinity_works) return;
  for (int thread = 1; thread < team; ++thread) {
    Seat& seat = *pool.seats[thread].load(std::memory_order_relaxed);
    const std::uint64_t progress = seat.progress.load(std::memory_order_acquire);
    if (pool::progress_generation(progress) != generation || !pool::progress_active(progress)) continue;
    if (pull_thread_to(seat.thread_id.load(std::memory_order_acquire), core)) seat.kept_off_core = -1;
  }
}

// Sleeps until the workers have finished `expected` units; pulls them in once `patience_ns` have passed.
void sleep_until_finished(Pool& pool, int team, std::uint64_t generation, std::int64_t expected,
                          std::int64_t patience_ns) {
  const std::int64_t begin_ns = now_ns();
  bool pulled = false;
  pool.joining.store(1, std::memory_order_seq_cst);
  for (;;) {
    const std::uint32_t wakes = pool.finished.load(std::memory_order_acquire);
    if (units_finished(pool, team, generation) == expected) break;
    const std::int64_t left_ns = patience_ns - (now_ns() - begin_ns);
    if (!pulled && left_ns <= 0) {
      pull_late_workers(pool, team, generation);
      pulled = true;
    }
    park(pool.finished, wakes, pulled ? -1 : left_ns);
  }
  pool.joining.store(0, std::memory_order_relaxed);
  if (pulled) {
    pool.mask_renewed_ns = 0;
    keep_workers_off_caller(pool, team);
  }
}

// Waits for units that workers have claimed and not finished. unit_ns: what one has taken here; a healthy worker needs
// about twice as long for its last claim, at most.
void join(Pool& pool, int team, std::uint64_t generation, std::int64_t expected, std::int64_t unit_ns) {
  const std::int64_t begin_ns = now_ns();
  do {
    for (int i = 0; i < kPausesPerLook; ++i) {
      if (units_finished(pool, team, generation) == expected) return;
      spin_pause();
    }
  } while (now_ns() - begin_ns < kJoinSpinNs);
  sleep_until_finished(pool, team, generation, expected, 2 * unit_ns - kJoinSpinNs);
}

// Requires `busy` and team > 1.
void run_region(Pool& pool, ChunkFunction function, void* context, std::int64_t num_chunks, int team,
                Wake wake_sleepers) {
  keep_workers_off_caller(pool, team);
  const std::int64_t num_units = std::min(num_chunks, team * pool::kMaxShareUnits);
  const std::uint64_t generation = ++pool.generation;
  pool.function.store(function, std::memory_order_relaxed);
  pool.context.store(context, std::memory_order_relaxed);
  pool.num_chunks.store(num_chunks, std::memory_order_relaxed);
  pool.num_units.store(num_units, std::memory_order_relaxed);
  pool.team.store(team, std::memory_order_release);
  for (int thread = team - 1; thread >= 0; --thread) {
    Seat& seat = *pool.seats[thread].load(std::memory_order_acquire);
    const std::int64_t units =
        pool::part_begin(num_units, team, thread + 1) - pool::part_begin(num_units, team, thread);
    seat.share.store(pool::pack_share(generation, units), std::memory_order_seq_cst);
    if (thread > 0 && wake_sleepers == Wake::kYes) wake(seat);
  }
  const std::int64_t begin_ns = now_ns();
  const std::int64_t own = pool::work_off(pool, 0, generation, [](std::int64_t) {});
  if (units_finished(pool, team, generation) == num_units - own) return;
  join(pool, team, generation, num_units - own, own > 0 ? (now_ns() - begin_ns) / own : 0);
}

}  // namespace

void parallel_for(ChunkFunction function, void* context, std::int64_t num_chunks, int num_threads, Wake wake_sleepers) {
  if (num_chunks <= 0) return;
  int team = static_cast<int>(std::min<std::int64_t>(std::min(num_threads, kMaxThreads), num_chunks));
  if (team > 1) {
    Pool& pool = current_pool();
    team = gather_team(pool, team);
    if (team > 1 && !pool.busy.exchange(true, std::memory_order_acquire)) {
      run_region(pool, function, context, num_chunks, team, wake_sleepers);
      pool.busy.store(false, std::memory_order_release);
      return;
    }
  }
  function(context, 0, num_chunks, 0);
}

void reserve_threads(int num_threads) {
  if (num_threads <= 1) return;
  if (num_threads > kMaxThreads)
    fail(ErrorCode::kArgument, concat("threads: got ", num_threads, ", expected at most ", kMaxThreads));
  try {
    grow(current_pool(), num_threads - 1);
  } catch (const std::system_error& error) {
    fail(ErrorCode::kDevice, concat("threads: the system gives no more: ", error.what()));
  }
}

void begin_run(int num_threads) {
  if (num_threads <= 1) return;
  Pool& pool = current_pool();
  const int team = gather_team(pool, std::min(num_threads, kMaxThreads));
  pool.runs.fetch_add(1, std::memory_order_relaxed);
  if (!pool.busy.exchange(true, std::memory_order_acquire)) {
    keep_workers_off_caller(pool, team);
    pool.busy.store(false, std::memory_order_release);
  }
  for (int thread = 1; thread < team; ++thread) wake(*pool.seats[thread].load(std::memory_order_acquire));
}

void end_run() {
  Pool* pool = the_pool.load(std::memory_order_acquire);
  if (pool == nullptr || pool->runs.load(std::memory_order_relaxed) == 0) return;
  pool->runs.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace ingot
