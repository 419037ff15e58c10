// Thread affinity of Linux, and the number of processors.
#include "execute/affinity.h"

#include <algorithm>
#include <thread>

#include "execute/pool.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace ingot {

#if defined(__linux__)

namespace {

// The mask of the process's first thread: what taskset and the container gave it. False on machines with more cores
// than a cpu_set_t holds.
bool process_mask(cpu_set_t& mask) {
  CPU_ZERO(&mask);
  return sched_getaffinity(getpid(), sizeof(mask), &mask) == 0;
}

}  // namespace

int current_core() {
  return sched_getcpu();
}

int current_thread_id() {
  return static_cast<int>(syscall(SYS_gettid));
}

bool keep_thread_off(int thread_id, int core) {
  cpu_set_t mask;
  if (core < 0 || core >= CPU_SETSIZE || !process_mask(mask)) return false;
  CPU_CLR(static_cast<unsigned>(core), &mask);
  return CPU_COUNT(&mask) > 0 && sched_setaffinity(thread_id, sizeof(mask), &mask) == 0;
}

bool pull_thread_to(int thread_id, int core) {
  cpu_set_t mask;
  if (core < 0 || core >= CPU_SETSIZE || !process_mask(mask)) return false;
  if (!CPU_ISSET(static_cast<unsigned>(core), &mask)) return false;
  CPU_ZERO(&mask);
  CPU_SET(static_cast<unsigned>(core), &mask);
  return sched_setaffinity(thread_id, sizeof(mask), &mask) == 0;
}

int num_processors() {
  cpu_set_t mask;
  if (process_mask(mask)) return std::clamp(CPU_COUNT(&mask), 1, kMaxThreads);
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

#else

int current_core() {
  return -1;
}

int current_thread_id() {
  return -1;
}

bool keep_thread_off(int, int) {
  return false;
}

bool pull_thread_to(int, int) {
  return false;
}

int num_processors() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
}

#endif

}  // namespace ingot
