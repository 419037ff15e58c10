// Collects guards of one call and appends the new ones to the module.
#include <utility>

#include "graph/builder.h"

namespace ingot {

bool GuardRecorder::Less::operator()(const Guard& a, const Guard& b) const {
  if (a.relation != b.relation) return a.relation < b.relation;
  return compare(a.difference, b.difference) < 0;
}

void GuardRecorder::add(const Guard& guard) {
  while (num_known_ < module_.guards.size()) known_.insert(module_.guards[num_known_++].normalized());
  const Guard normal = guard.normalized();
  if (!known_.contains(normal)) pending_.push_back(normal);
}

void GuardRecorder::commit() {
  for (Guard& guard : pending_) {
    if (known_.insert(guard).second) {
      module_.guards.push_back(std::move(guard));
      ++num_known_;
    }
  }
  pending_.clear();
}

void GuardRecorder::discard() {
  pending_.clear();
}

void GuardRecorder::truncate(std::size_t num_guards) {
  if (module_.guards.size() <= num_guards) return;
  module_.guards.erase(module_.guards.begin() + static_cast<std::ptrdiff_t>(num_guards), module_.guards.end());
  known_.clear();
  num_known_ = 0;
}

}  // namespace ingot
