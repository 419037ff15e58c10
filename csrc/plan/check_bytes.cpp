#include "plan/check_bytes.h"

#include <algorithm>
#include <iterator>

namespace ingot::checking {

void Ownership::stamp(std::int64_t begin, std::int64_t end, std::uint64_t owner) {
  if (begin == end) return;
  cut(begin);
  cut(end);
  ranges_.erase(ranges_.lower_bound(begin), ranges_.lower_bound(end));
  ranges_[begin] = {end, owner};
}

bool Ownership::owns(std::int64_t begin, std::int64_t end, std::uint64_t owner) const {
  if (begin == end) return true;
  const auto next = ranges_.upper_bound(begin);
  if (next == ranges_.begin()) return false;
  const Range& range = std::prev(next)->second;
  return range.owner == owner && range.end >= end;
}

void Ownership::cut(std::int64_t at) {
  const auto next = ranges_.upper_bound(at);
  if (next == ranges_.begin()) return;
  const auto range = std::prev(next);
  if (range->first == at || range->second.end <= at) return;
  ranges_[at] = range->second;
  range->second.end = at;
}

void SlotBytes::pair(std::uint32_t step, SlotId slot, SlotId other) {
  SlotId& partner = partner_[slot.index];
  if (partner.valid() && partner != other) break_law(step, "a slot swaps with two others");
  partner = other;
}

std::size_t SlotBytes::leader(SlotId slot) const {
  const SlotId partner = partner_[slot.index];
  return partner.valid() ? std::min(slot, partner).index : slot.index;
}

template <class Visit>
void SlotBytes::for_each_buffer(SlotId slot, Visit&& visit) const {
  if (plan_.slots[slot.index].kind != SlotKind::kArena) return;
  visit(plan_.buffers[plan_.slots[slot.index].index]);
  const SlotId partner = partner_[slot.index];
  if (partner.valid()) visit(plan_.buffers[plan_.slots[partner.index].index]);
}

bool SlotBytes::intact(SlotId slot) const {
  bool whole = true;
  const std::uint64_t stamp = stamps_[leader(slot)];
  for_each_buffer(slot, [&](const Buffer& buffer) {
    whole = whole && stamp != 0 && ranges_.owns(buffer.offset, buffer.offset + buffer.max_bytes, stamp);
  });
  return whole;
}

void SlotBytes::claim(SlotId slot) {
  stamps_[leader(slot)] = ++last_stamp_;
  for_each_buffer(
      slot, [&](const Buffer& buffer) { ranges_.stamp(buffer.offset, buffer.offset + buffer.max_bytes, last_stamp_); });
}

}  // namespace ingot::checking
