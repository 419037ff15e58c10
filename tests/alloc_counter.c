/* Preloaded into a process, counts its calls of malloc and kin, of all threads. The process asks through
 * dlsym("num_allocations"); with ALLOC_COUNTER_FILE set, the total at the end is written there as well.
 * glibc only: the real functions are its __libc_* names. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static long count;

static void add_one(void) {
  __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);
}

long num_allocations(void) {
  return __atomic_load_n(&count, __ATOMIC_RELAXED);
}

void* malloc(size_t size) {
  add_one();
  return __libc_malloc(size);
}

void* calloc(size_t n, size_t size) {
  add_one();
  return __libc_calloc(n, size);
}

void* realloc(void* old, size_t size) {
  add_one();
  return __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
  add_one();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

int posix_memalign(void** result, size_t alignment, size_t size) {
  void* memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}

__attribute__((destructor)) static void report(void) {
  const char* path = getenv("ALLOC_COUNTER_FILE");
  if (path == NULL) return;
  char text[32];
  const int length = snprintf(text, sizeof(text), "%ld\n", num_allocations());
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file < 0 || write(file, text, (size_t)length) != length) _exit(99);
  close(file);
}
