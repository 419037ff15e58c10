// Whose bytes lie in the arena, as check_memory.cpp walks the steps. Private to check_plan.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "plan/check.h"

namespace ingot::checking {

// Disjoint ranges of the arena with a stamp each.
class Ownership {
 public:
  void stamp(std::int64_t begin, std::int64_t end, std::uint64_t owner);
  bool owns(std::int64_t begin, std::int64_t end, std::uint64_t owner) const;

 private:
  struct Range {
    std::int64_t end = 0;
    std::uint64_t owner = 0;
  };

  void cut(std::int64_t at);

  std::map<std::int64_t, Range> ranges_;  // by begin
};

// The bytes of slots' buffers. Two slots that swap own both buffers.
class SlotBytes {
 public:
  explicit SlotBytes(const Plan& plan) : plan_(plan), partner_(plan.slots.size()), stamps_(plan.slots.size(), 0) {}

  // `step` swaps the two.
  void pair(std::uint32_t step, SlotId slot, SlotId other);
  SlotId partner(SlotId slot) const { return partner_[slot.index]; }  // not valid: none
  // Whether what was claimed for the slot still is its own. Of slots outside the arena it is.
  bool intact(SlotId slot) const;
  void claim(SlotId slot);

 private:
  // The slot, or of a swapped pair the one with the lower number, whose stamp counts for both.
  std::size_t leader(SlotId slot) const;
  template <class Visit>
  void for_each_buffer(SlotId slot, Visit&& visit) const;

  const Plan& plan_;
  std::vector<SlotId> partner_;        // by slot: the one it swaps with
  std::vector<std::uint64_t> stamps_;  // by leader: on all its bytes; 0: never written
  Ownership ranges_;
  std::uint64_t last_stamp_ = 0;
};

}  // namespace ingot::checking
