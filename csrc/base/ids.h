// Index types: an index into one table cannot be used for another.
#pragma once

#include <compare>
#include <cstdint>

namespace ingot {

template <class Tag>
struct Id {
  static constexpr std::uint32_t kNone = 0xffffffffu;
  std::uint32_t index = kNone;

  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t i) : index(i) {}
  constexpr bool valid() const { return index != kNone; }
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using ValueId = Id<struct ValueTag>;    // into Graph::values
using NodeId = Id<struct NodeTag>;      // into Graph::nodes
using SlotId = Id<struct SlotTag>;      // into Plan::slots
using BufferId = Id<struct BufferTag>;  // into Plan::buffers

}  // namespace ingot
