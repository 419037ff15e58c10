// Memory that runs lend from their program: arena and scratch of one run, shared by idle sessions. Part of program.
// Thread rule: take and give may be called from any thread.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "arrays.h"

namespace ingot {

class WorkspacePool {
 public:
  // The smallest free buffer that is large enough; else a new one, in place of a smaller free one.
  AlignedBuffer take(std::int64_t num_bytes);
  // Allocates nothing.
  void give(AlignedBuffer buffer);

 private:
  std::mutex mutex_;
  std::vector<AlignedBuffer> free_;
  std::size_t num_buffers_ = 0;  // free and lent; free_ has room for all
};

// A buffer for the length of a run.
class WorkspaceLease {
 public:
  WorkspaceLease(WorkspacePool& pool, std::int64_t num_bytes) : pool_(pool), buffer_(pool.take(num_bytes)) {}
  ~WorkspaceLease() { pool_.give(std::move(buffer_)); }
  WorkspaceLease(const WorkspaceLease&) = delete;
  WorkspaceLease& operator=(const WorkspaceLease&) = delete;
  char* data() const { return buffer_.data(); }
  std::int64_t size_bytes() const { return buffer_.size_bytes(); }

 private:
  WorkspacePool& pool_;
  AlignedBuffer buffer_;
};

}  // namespace ingot
