#include "large_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace ingot {

namespace {

// Of addresses: what is not used costs nothing. Each block twice the one before, for its last page is seldom full.
constexpr std::size_t kFirstBlock = 32 * kLargePage, kLargestBlock = 8 * kFirstBlock;
constexpr std::size_t kSmall = std::size_t{64} << 10;  // not worth a page of its own, let alone a large one
constexpr std::size_t kCacheLine = 64;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::byte* take(std::size_t size_bytes, std::size_t alignment) {
  return static_cast<std::byte*>(::operator new(size_bytes, std::align_val_t{alignment}, std::nothrow));
}

void free(const void* memory, std::size_t alignment) {
  ::operator delete(const_cast<void*>(memory), std::align_val_t{alignment});
}

}  // namespace

struct LargePages::Block {
  std::byte* memory;
  std::size_t size_bytes, used = 0;

  explicit Block(std::size_t size) : memory(take(size, kLargePage)), size_bytes(size) {}
  ~Block() { free(memory, kLargePage); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
};

std::shared_ptr<LargePages::Block> LargePages::block_with(std::size_t size_bytes) {
  std::shared_ptr<Block> block = last_.lock();
  if (block != nullptr && block->size_bytes - block->used >= size_bytes) return block;
  const std::size_t wanted = block == nullptr ? kFirstBlock : std::min(2 * block->size_bytes, kLargestBlock);
  block = std::make_shared<Block>(std::max(round_up(size_bytes, kLargePage), wanted));
  if (block->memory == nullptr) return nullptr;
  ::madvise(block->memory, block->size_bytes, MADV_HUGEPAGE);  // a wish: nothing depends on it
  last_ = block;
  return block;
}

std::shared_ptr<std::byte> LargePages::allocate(std::size_t size_bytes) {
  if (size_bytes < kSmall) {
    std::byte* const memory = take(size_bytes, kCacheLine);
    return {memory, [](const std::byte* p) { free(p, kCacheLine); }};
  }
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGE_SIZE));
  const std::size_t size = round_up(size_bytes, page);  // so that each can be given back alone
  std::shared_ptr<Block> block = block_with(size);
  if (block == nullptr) return nullptr;
  std::byte* const memory = block->memory + block->used;
  block->used += size;
  return {memory, [block, size](std::byte* p) { ::madvise(p, size, MADV_DONTNEED); }};
}

}  // namespace ingot
