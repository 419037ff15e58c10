// Threads that take turns on one thread of the host: a stack each, and a switch that saves what a call preserves.
#pragma once

#include <cstddef>

namespace cuda_on_host {

struct Fiber {
  void* saved = nullptr;  // the stack pointer while it does not run
  char* stack = nullptr;  // its lowest address; null: the host's own stack
  std::size_t stack_bytes = 0;
  void* sanitizer_stack = nullptr;
};

// Of the thread that calls, and new ones. They live as long as the process: kernels reuse them.
Fiber* host_fiber();
Fiber* make_fiber();

// The fiber runs `entry` when it is switched to next, whatever it did before. entry must never return.
void begin_fiber(Fiber* fiber, void (*entry)());
void switch_fiber(Fiber* from, Fiber* to);

}  // namespace cuda_on_host
