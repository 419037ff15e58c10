// Offsets for buffers with lifetimes. Private to plan/; plain numbers, so that a hard case is a table one can mail.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ingot::planning {

// Bytes needed during the steps first .. last, both included.
struct Span {
  std::int64_t bytes = 0;
  std::uint32_t first = 0, last = 0;
};

struct ArenaLayout {
  std::vector<std::int64_t> offsets;
  std::int64_t total_bytes = 0;
};

// The most bytes alive at one step: no layout can be smaller.
std::int64_t lower_bound(std::span<const Span> spans);

// Offsets without overlap among spans that live at the same time. Up to kPortfolioSpans a portfolio of greedy orders
// with best fit (quadratic), then, where it misses the bound and there are at most kSearchSpans, a branch and bound
// that begins at the bound and takes at most kSearchWork elementary steps, a fraction of a second; above, one sweep
// over time with an ordered free list, O(n log n). Deterministic.
inline constexpr std::size_t kPortfolioSpans = 2048;
inline constexpr std::size_t kSearchSpans = 1024;
inline constexpr std::int64_t kSearchBytes = std::int64_t{1} << 60;  // sums of two stay numbers
inline constexpr std::int64_t kSearchWork = 200'000'000;
ArenaLayout assign_offsets(std::span<const Span> spans);

}  // namespace ingot::planning
