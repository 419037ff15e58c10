// Sleeping and waking on a 32-bit word, the clock, and the pause of a spin loop.
// Linux sleeps on a futex; elsewhere std::atomic's wait is used, which has no time limit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#endif

namespace ingot {

inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Sleeps while the word is `expected`, until unpark or, where the system can, limit_ns (< 0: none). May return early.
inline void park(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::int64_t limit_ns = -1) {
#if defined(__linux__)
  static_assert(sizeof(word) == sizeof(std::uint32_t));
  const timespec limit = {.tv_sec = static_cast<time_t>(limit_ns / 1'000'000'000),
                          .tv_nsec = static_cast<long>(limit_ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, limit_ns < 0 ? nullptr : &limit, nullptr, 0);
#else
  (void)limit_ns;
  word.wait(expected);
#endif
}

// Wakes whoever sleeps on the word; its value must have changed before.
inline void unpark(std::atomic<std::uint32_t>& word) {
#if defined(__linux__)
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
  word.notify_all();
#endif
}

}  // namespace ingot
