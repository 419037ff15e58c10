#include "workspace.h"

#include <algorithm>
#include <utility>

namespace ingot {

AlignedBuffer WorkspacePool::take(std::int64_t num_bytes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto smaller = [](const AlignedBuffer& a, const AlignedBuffer& b) { return a.size_bytes() < b.size_bytes(); };
  std::size_t best = free_.size();
  for (std::size_t i = 0; i < free_.size(); ++i) {
    if (free_[i].size_bytes() < num_bytes) continue;
    if (best == free_.size() || smaller(free_[i], free_[best])) best = i;
  }
  if (best < free_.size()) {
    std::swap(free_[best], free_.back());
    AlignedBuffer buffer = std::move(free_.back());
    free_.pop_back();
    return buffer;
  }
  if (free_.empty()) {
    free_.reserve(num_buffers_ + 1);
    AlignedBuffer buffer(num_bytes);
    ++num_buffers_;
    return buffer;
  }
  const auto outgrown = std::max_element(free_.begin(), free_.end(), smaller);
  *outgrown = AlignedBuffer();  // first, so that both are never held together
  AlignedBuffer buffer(num_bytes);
  free_.erase(outgrown);
  return buffer;
}

void WorkspacePool::give(AlignedBuffer buffer) {
  const std::lock_guard<std::mutex> lock(mutex_);
  free_.push_back(std::move(buffer));
}

}  // namespace ingot
