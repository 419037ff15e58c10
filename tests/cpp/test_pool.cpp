// The thread pool: every chunk runs exactly once, whoever calls, and nothing is left behind.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "execute/pool.h"

using ingot::parallel_for;
using ingot::Wake;

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;  // it forbids threads after a fork
#else
inline constexpr bool kThreadSanitizer = false;
#endif

namespace {

struct Counts {
  std::vector<std::atomic<int>> hits;
  std::atomic<int> highest_thread{0};
  explicit Counts(std::size_t n) : hits(n) {}
};

void count(void* context, std::int64_t begin, std::int64_t end, int thread) {
  Counts& counts = *static_cast<Counts*>(context);
  for (std::int64_t i = begin; i < end; ++i) counts.hits[static_cast<std::size_t>(i)].fetch_add(1);
  int highest = counts.highest_thread.load();
  while (thread > highest && !counts.highest_thread.compare_exchange_weak(highest, thread)) {
  }
}

bool each_once(const Counts& counts) {
  for (const std::atomic<int>& hit : counts.hits)
    if (hit.load() != 1) return false;
  return true;
}

struct Sum {
  const std::vector<std::int64_t>* values;
  std::vector<std::int64_t> partial;  // plain on purpose: the thread sanitizer checks the hand-over
};

void add_chunk(void* context, std::int64_t begin, std::int64_t end, int) {
  Sum& sum = *static_cast<Sum*>(context);
  for (std::int64_t chunk = begin; chunk < end; ++chunk) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < 64; ++i) total += (*sum.values)[static_cast<std::size_t>(chunk) * 64 + i];
    sum.partial[static_cast<std::size_t>(chunk)] = total;
  }
}

}  // namespace

TEST_CASE("every chunk runs exactly once for any count and team") {
  for (int num_threads : {1, 2, 3, 5}) {
    for (std::size_t n : {0u, 1u, 2u, 3u, 7u, 8u, 16u, 100u, 4095u, 4096u, 30000u}) {
      Counts counts(n);
      parallel_for(count, &counts, static_cast<std::int64_t>(n), num_threads);
      CHECK(each_once(counts));
      CHECK(counts.highest_thread.load() < num_threads);
    }
  }
}

TEST_CASE("a claim takes half of what is left of a share") {
  struct Claims {
    Counts counts{64};
    std::atomic<int> calls{0};
  } claims;
  const auto work = [](void* context, std::int64_t begin, std::int64_t end, int thread) {
    Claims& c = *static_cast<Claims*>(context);
    c.calls.fetch_add(1);
    count(&c.counts, begin, end, thread);
  };
  parallel_for(work, &claims, 64, 2);
  CHECK(each_once(claims.counts));
  CHECK(claims.calls.load() <= 2 * 6);  // 16, 8, 4, 2, 1, 1, whoever takes them
}

TEST_CASE("a huge count is cut without overflow") {
  std::atomic<std::int64_t> total{0};
  const auto add = [](void* context, std::int64_t begin, std::int64_t end, int) {
    static_cast<std::atomic<std::int64_t>*>(context)->fetch_add(end - begin);
  };
  parallel_for(add, &total, INT64_MAX, 3);
  CHECK(total.load() == INT64_MAX);
}

TEST_CASE("plain memory is handed over in many short regions") {
  std::vector<std::int64_t> values(64 * 16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i);
  Sum sum{&values, std::vector<std::int64_t>(16)};
  ingot::reserve_threads(3);
  ingot::begin_run(3);
  for (int region = 0; region < 3000; ++region) {
    values[static_cast<std::size_t>(region) % values.size()] += 1;
    parallel_for(add_chunk, &sum, 16, 2 + region % 2, region % 4 == 0 ? Wake::kYes : Wake::kNo);
    std::int64_t expected = 0, total = 0;
    for (std::int64_t value : values) expected += value;
    for (std::int64_t value : sum.partial) total += value;
    REQUIRE(total == expected);
  }
  ingot::end_run();
}

TEST_CASE("workers that fell asleep take part again") {
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    Counts counts(64);
    parallel_for(count, &counts, 64, 2);
    CHECK(each_once(counts));
  }
}

TEST_CASE("a sleeping worker wakes for a long region") {
  std::atomic<int> by_worker{0};
  const auto work = [](void* context, std::int64_t begin, std::int64_t end, int thread) {
    if (thread > 0) static_cast<std::atomic<int>*>(context)->fetch_add(static_cast<int>(end - begin));
    std::this_thread::sleep_for(std::chrono::milliseconds(end - begin));
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  parallel_for(work, &by_worker, 16, 2);
  CHECK(by_worker.load() > 0);
}

TEST_CASE("the caller waits for a worker that is late") {
  std::atomic<int> done{0};
  const auto work = [](void* context, std::int64_t begin, std::int64_t end, int thread) {
    if (thread > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    static_cast<std::atomic<int>*>(context)->fetch_add(static_cast<int>(end - begin));
  };
  for (int round = 1; round <= 10; ++round) {
    parallel_for(work, &done, 4, 2);
    REQUIRE(done.load() == 4 * round);
  }
}

TEST_CASE("a region inside a chunk runs alone and is complete") {
  struct Outer {
    Counts inner{40};
  } outer;
  const auto work = [](void* context, std::int64_t begin, std::int64_t end, int) {
    struct Shifted {
      Counts* counts;
      std::int64_t chunk;
    };
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      Shifted shifted{&static_cast<Outer*>(context)->inner, chunk};
      parallel_for(
          [](void* c, std::int64_t b, std::int64_t e, int) {
            const Shifted& s = *static_cast<Shifted*>(c);
            count(s.counts, s.chunk * 10 + b, s.chunk * 10 + e, 0);
          },
          &shifted, 10, 2);
    }
  };
  parallel_for(work, &outer, 4, 2);
  CHECK(each_once(outer.inner));
}

TEST_CASE("callers in several threads do not disturb each other") {
  std::atomic<bool> good{true};
  const auto caller = [&good] {
    for (int round = 0; round < 300; ++round) {
      Counts counts(20);
      ingot::begin_run(2);
      parallel_for(count, &counts, 20, 2);
      ingot::end_run();
      if (!each_once(counts)) good = false;
    }
  };
  std::thread first(caller), second(caller), third(caller);
  first.join();
  second.join();
  third.join();
  CHECK(good.load());
}

TEST_CASE("a child of fork builds its own pool") {
  if (kThreadSanitizer) return;
  Counts before(50);
  parallel_for(count, &before, 50, 2);
  const pid_t child = fork();
  if (child == 0) {
    Counts counts(500);
    ingot::begin_run(3);
    parallel_for(count, &counts, 500, 3);
    ingot::end_run();
    _exit(each_once(counts) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  Counts after(50);
  parallel_for(count, &after, 50, 2);
  CHECK(each_once(after));
}

TEST_CASE("a process may end while workers spin") {
  if (kThreadSanitizer) return;
  std::cout.flush();
  const pid_t child = fork();
  if (child == 0) {
    Counts counts(50);
    ingot::begin_run(2);
    parallel_for(count, &counts, 50, 2);
    std::exit(each_once(counts) ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("there is a processor") {
  CHECK(ingot::num_processors() >= 1);
}
