// The memory of a fake device: pages that cannot be touched but while the device works, so that a test ends with a
// signal where the core reads device memory as if it were the host's.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <mutex>

namespace ingot::fake {

class Memory {
 public:
  // Null where that would be more than `limit` bytes in all.
  char* allocate(std::int64_t num_bytes, std::int64_t limit) {
    const std::lock_guard<std::recursive_mutex> lock(mutex_);
    if (num_bytes > limit - held_bytes_) return nullptr;
    void* const block = ::mmap(nullptr, pages(num_bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return nullptr;
    blocks_[static_cast<char*>(block)] = num_bytes;
    held_bytes_ += num_bytes;
    return static_cast<char*>(block);
  }

  void release(char* address) {
    const std::lock_guard<std::recursive_mutex> lock(mutex_);
    const auto block = blocks_.find(address);
    held_bytes_ -= block->second;
    ::munmap(address, pages(block->second));
    blocks_.erase(block);
  }

  bool owns(const void* address) {
    const std::lock_guard<std::recursive_mutex> lock(mutex_);
    auto* const at = static_cast<char*>(const_cast<void*>(address));
    const auto after = blocks_.upper_bound(at);
    return after != blocks_.begin() && at < std::prev(after)->first + std::prev(after)->second;
  }

  std::int64_t held_bytes() const { return held_bytes_; }

  // While the device works.
  class Access {
   public:
    explicit Access(Memory& memory) : memory_(memory), lock_(memory.mutex_) { memory_.protect(PROT_READ | PROT_WRITE); }
    ~Access() { memory_.protect(PROT_NONE); }
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

   private:
    Memory& memory_;
    std::lock_guard<std::recursive_mutex> lock_;
  };

 private:
  static std::size_t pages(std::int64_t num_bytes) {
    return (static_cast<std::size_t>(num_bytes) + 4095) / 4096 * 4096;
  }

  void protect(int rights) {
    for (const auto& [address, num_bytes] : blocks_) ::mprotect(address, pages(num_bytes), rights);
  }

  std::recursive_mutex mutex_;
  std::map<char*, std::int64_t> blocks_;
  std::int64_t held_bytes_ = 0;
};

}  // namespace ingot::fake
