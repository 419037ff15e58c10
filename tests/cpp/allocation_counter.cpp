#include "allocation_counter.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define INGOT_COUNTS_ALLOCATIONS
#endif

namespace ingot::testing {

namespace {
std::atomic<std::int64_t> allocations{0};
}

std::int64_t num_allocations() {
  return allocations.load();
}

#if defined(INGOT_COUNTS_ALLOCATIONS)

bool can_count_allocations() {
  return true;
}

}  // namespace ingot::testing

// Definitions in the executable take the place of the C library's, which stay reachable under these names.
extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) {
  ingot::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  ingot::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, bytes);
}

void* realloc(void* data, std::size_t bytes) {
  ingot::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(data, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ingot::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void** data, std::size_t alignment, std::size_t bytes) {
  ingot::testing::allocations.fetch_add(1, std::memory_order_relaxed);
  *data = __libc_memalign(alignment, bytes);
  return *data == nullptr ? ENOMEM : 0;
}

}  // extern "C"

#else

bool can_count_allocations() {
  return false;
}

}  // namespace ingot::testing

#endif
