#include "fiber.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#define CUDA_ON_HOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CUDA_ON_HOST_ASAN 1
#endif
#endif
#ifdef CUDA_ON_HOST_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace cuda_on_host {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024, kPageBytes = 64 * 1024;

}  // namespace
}  // namespace cuda_on_host

// void cuda_on_host_switch(void** save, void* to): what a call preserves goes on the old stack, comes from the new one.
extern "C" void cuda_on_host_switch(void** save, void* to);
#if defined(__x86_64__)
asm(R"(
.text
.type cuda_on_host_switch, @function
.hidden cuda_on_host_switch
.globl cuda_on_host_switch
cuda_on_host_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_on_host_switch, .-cuda_on_host_switch
)");
static constexpr int kEntryWord = 6, kFrameWords = 8;  // after six registers; then an empty return address
#elif defined(__aarch64__)
asm(R"(
.text
.type cuda_on_host_switch, @function
.hidden cuda_on_host_switch
.globl cuda_on_host_switch
cuda_on_host_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size cuda_on_host_switch, .-cuda_on_host_switch
)");
static constexpr int kEntryWord = 11, kFrameWords = 20;  // x30; all that is saved
#endif

namespace cuda_on_host {
namespace {

[[noreturn]] void give_up(const char* problem) {
  std::fprintf(stderr, "cuda on host: %s\n", problem);
  std::abort();
}

char* new_stack() {
  // The lowest pages stay out of reach: a kernel that needs more stack ends the process, not another fiber's data.
  void* stack = mmap(nullptr, kPageBytes + kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED || mprotect(stack, kPageBytes, PROT_NONE) != 0) give_up("no memory for a stack");
  return static_cast<char*>(stack) + kPageBytes;
}

#ifdef CUDA_ON_HOST_ASAN
Fiber* left = nullptr;  // whose stack the address sanitizer tells on arrival

void leave(Fiber* from, Fiber* to) {
  left = from;
  __sanitizer_start_switch_fiber(&from->sanitizer_stack, to->stack, to->stack_bytes);
}

// Frames that were left for good keep their red zones otherwise.
void forget_frames(Fiber* fiber) {
  __asan_unpoison_memory_region(fiber->stack, fiber->stack_bytes);
}

void arrive(Fiber* here) {
  const void* stack = nullptr;
  std::size_t num_bytes = 0;
  __sanitizer_finish_switch_fiber(here == nullptr ? nullptr : here->sanitizer_stack, &stack, &num_bytes);
  left->stack = static_cast<char*>(const_cast<void*>(stack));
  left->stack_bytes = num_bytes;
}
#else
void leave(Fiber*, Fiber*) {}
void arrive(Fiber*) {}
void forget_frames(Fiber*) {}
#endif

void (*next_entry)() = nullptr;

void enter() {
  arrive(nullptr);
  next_entry();
  give_up("a fiber ended");
}

}  // namespace

Fiber* host_fiber() {
  static thread_local Fiber fiber;
  return &fiber;
}

Fiber* make_fiber() {
  static std::size_t num_fibers = 0;
  auto* fiber = new Fiber;
  fiber->stack = new_stack();
  // Not all at the same place in a page: their first frames would share a few lines of the caches.
  fiber->stack_bytes = kStackBytes - num_fibers++ * 13 % 512 * 64;
  return fiber;
}

void begin_fiber(Fiber* fiber, void (*entry)()) {
  next_entry = entry;  // all fibers of a process have the same
  forget_frames(fiber);
#if defined(__x86_64__) || defined(__aarch64__)
  auto* top = reinterpret_cast<std::uintptr_t*>(fiber->stack + fiber->stack_bytes) - kFrameWords;
  for (int i = 0; i < kFrameWords; ++i) top[i] = 0;
  top[kEntryWord] = reinterpret_cast<std::uintptr_t>(&enter);
  fiber->saved = top;
#else
  auto* context = static_cast<ucontext_t*>(fiber->saved);
  if (context == nullptr) context = new ucontext_t;
  getcontext(context);
  context->uc_stack.ss_sp = fiber->stack;
  context->uc_stack.ss_size = fiber->stack_bytes;
  context->uc_link = nullptr;
  makecontext(context, &enter, 0);
  fiber->saved = context;
#endif
}

void switch_fiber(Fiber* from, Fiber* to) {
  leave(from, to);
#if defined(__x86_64__) || defined(__aarch64__)
  cuda_on_host_switch(&from->saved, to->saved);
#else
  if (from->saved == nullptr) from->saved = new ucontext_t;
  swapcontext(static_cast<ucontext_t*>(from->saved), static_cast<ucontext_t*>(to->saved));
#endif
  arrive(from);
}

}  // namespace cuda_on_host
