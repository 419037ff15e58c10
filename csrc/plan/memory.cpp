// Offsets: a greedy portfolio, a bounded exact search, a sweep for very long plans.
#include "plan/memory.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>

#include "base/checked.h"
#include "base/error.h"
#include "plan/memory_search.h"

namespace ingot::planning {
namespace {

bool together(const Span& a, const Span& b) {
  return a.first <= b.last && b.first <= a.last;
}

std::int64_t add_bytes(std::int64_t a, std::int64_t b) {
  const std::optional<std::int64_t> sum = checked_add(a, b);
  if (!sum) fail(ErrorCode::kShape, concat("plan: the arena's size overflows: got ", a, " + ", b, " bytes"));
  return *sum;
}

// Places spans in the given order, each into the tightest gap among those that live with it, else above them all: right
// above, or, with a ceiling that leaves room, right below the ceiling. The latter makes a chain, where each span lives
// with the next, grow from both ends and reach its bound.
ArenaLayout place_in_order(std::span<const Span> spans, std::span<const std::uint32_t> order, std::int64_t ceiling) {
  ArenaLayout layout{.offsets = std::vector<std::int64_t>(spans.size(), 0)};
  std::vector<std::uint32_t> placed;  // by offset
  for (const std::uint32_t s : order) {
    if (spans[s].bytes == 0) continue;
    std::int64_t top = 0, best = -1, best_gap = 0;
    for (const std::uint32_t p : placed) {
      if (!together(spans[p], spans[s])) continue;
      const std::int64_t gap = layout.offsets[p] - top;
      if (gap >= spans[s].bytes && (best < 0 || gap < best_gap)) {
        best = top;
        best_gap = gap;
      }
      top = std::max(top, layout.offsets[p] + spans[p].bytes);
    }
    if (best < 0) best = top > 0 && ceiling - top >= spans[s].bytes ? ceiling - spans[s].bytes : top;
    layout.offsets[s] = best;
    layout.total_bytes = std::max(layout.total_bytes, add_bytes(layout.offsets[s], spans[s].bytes));
    const auto lower = [&](std::uint32_t a, std::uint32_t b) { return layout.offsets[a] < layout.offsets[b]; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), s, lower), s);
  }
  return layout;
}

std::uint32_t length(const Span& span) {
  return span.last - span.first;
}

using SpanLess = bool (*)(const Span&, const Span&);
constexpr std::array<SpanLess, 4> kPortfolio = {
    [](const Span& a, const Span& b) { return a.bytes > b.bytes; },
    [](const Span& a, const Span& b) { return length(a) != length(b) ? length(a) > length(b) : a.bytes > b.bytes; },
    [](const Span& a, const Span& b) { return a.first != b.first ? a.first < b.first : a.bytes > b.bytes; },
    [](const Span& a, const Span& b) { return a.last != b.last ? a.last > b.last : a.bytes > b.bytes; },
};

ArenaLayout place_greedily(std::span<const Span> spans, std::int64_t bound) {
  ArenaLayout best;
  std::vector<std::uint32_t> order(spans.size());
  for (std::size_t strategy = 0; strategy < kPortfolio.size(); ++strategy) {
    std::iota(order.begin(), order.end(), 0u);
    const auto less = [&](std::uint32_t a, std::uint32_t b) { return kPortfolio[strategy](spans[a], spans[b]); };
    std::stable_sort(order.begin(), order.end(), less);
    for (const std::int64_t ceiling : {std::int64_t{0}, bound}) {
      ArenaLayout layout = place_in_order(spans, order, ceiling);
      const bool first = strategy == 0 && ceiling == 0;
      if (first || layout.total_bytes < best.total_bytes) best = std::move(layout);
      if (best.total_bytes == bound) return best;
    }
  }
  return best;
}

// Searches below ceilings that close in on the bound: first the bound itself, then what is left of the gap.
ArenaLayout search(std::span<const Span> spans, std::int64_t bound, ArenaLayout best) {
  std::int64_t work = kSearchWork;
  std::int64_t low = bound;  // nothing was found below
  for (std::int64_t ceiling = bound; ceiling < best.total_bytes && work > 0;) {
    std::int64_t share = ceiling == bound ? work / 2 : work / 4;
    const std::int64_t given = share;
    if (std::optional<std::vector<std::int64_t>> offsets = search_offsets(spans, ceiling, share)) {
      best.offsets = *std::move(offsets);
      best.total_bytes = 0;
      for (std::size_t s = 0; s < spans.size(); ++s) {
        if (spans[s].bytes > 0) best.total_bytes = std::max(best.total_bytes, best.offsets[s] + spans[s].bytes);
      }
      if (ceiling == bound) break;
    } else {
      low = ceiling;
    }
    work -= given - share;
    const std::int64_t middle = low + (best.total_bytes - low) / 2;
    if (middle == low || (best.total_bytes - low) * 256 < bound) break;
    ceiling = middle;
  }
  return best;
}

// Free bytes below the top, by offset and by size; neighbours are always joined.
class FreeList {
 public:
  std::int64_t take(std::int64_t bytes) {
    const auto fit = by_size_.lower_bound({bytes, 0});
    if (fit != by_size_.end()) {
      const auto [size, offset] = *fit;
      remove(offset, size);
      if (size > bytes) insert(offset + bytes, size - bytes);
      return offset;
    }
    std::int64_t offset = top_;
    if (!by_offset_.empty()) {
      const auto [last, size] = *by_offset_.rbegin();
      if (last + size == top_) {
        offset = last;
        remove(last, size);
      }
    }
    top_ = add_bytes(offset, bytes);
    return offset;
  }

  void give_back(std::int64_t offset, std::int64_t bytes) {
    auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && next->first == offset + bytes) {
      const auto [after, size] = *next;
      bytes += size;
      remove(after, size);
    }
    next = by_offset_.lower_bound(offset);
    if (next != by_offset_.begin()) {
      const auto [before, size] = *std::prev(next);
      if (before + size == offset) {
        remove(before, size);
        offset = before;
        bytes += size;
      }
    }
    insert(offset, bytes);
  }

  std::int64_t top() const { return top_; }

 private:
  void insert(std::int64_t offset, std::int64_t size) {
    by_offset_[offset] = size;
    by_size_.insert({size, offset});
  }
  void remove(std::int64_t offset, std::int64_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
  }

  std::map<std::int64_t, std::int64_t> by_offset_;
  std::set<std::pair<std::int64_t, std::int64_t>> by_size_;
  std::int64_t top_ = 0;
};

ArenaLayout sweep(std::span<const Span> spans) {
  ArenaLayout layout{.offsets = std::vector<std::int64_t>(spans.size(), 0)};
  std::vector<std::uint32_t> starts(spans.size());
  std::iota(starts.begin(), starts.end(), 0u);
  std::vector<std::uint32_t> ends = starts;
  std::stable_sort(starts.begin(), starts.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return spans[a].first < spans[b].first; });
  std::stable_sort(ends.begin(), ends.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return spans[a].last < spans[b].last; });
  FreeList free;
  std::size_t ended = 0;
  for (const std::uint32_t s : starts) {
    for (; spans[ends[ended]].last < spans[s].first; ++ended) {
      const std::uint32_t e = ends[ended];
      if (spans[e].bytes > 0) free.give_back(layout.offsets[e], spans[e].bytes);
    }
    if (spans[s].bytes > 0) layout.offsets[s] = free.take(spans[s].bytes);
  }
  layout.total_bytes = free.top();
  return layout;
}

}  // namespace

std::int64_t lower_bound(std::span<const Span> spans) {
  std::map<std::uint64_t, std::int64_t> change;  // by step: bytes that begin there less those that ended before
  for (const Span& span : spans) {
    change[span.first] = add_bytes(change[span.first], span.bytes);
    std::int64_t& ended = change[std::uint64_t{span.last} + 1];
    ended = add_bytes(ended, -span.bytes);
  }
  std::int64_t alive = 0, most = 0;
  for (const auto& [step, bytes] : change) {
    alive = add_bytes(alive, bytes);
    most = std::max(most, alive);
  }
  return most;
}

ArenaLayout assign_offsets(std::span<const Span> spans) {
  if (spans.size() > kPortfolioSpans) return sweep(spans);
  const std::int64_t bound = lower_bound(spans);
  ArenaLayout layout = place_greedily(spans, bound);
  if (layout.total_bytes == bound || spans.size() > kSearchSpans || layout.total_bytes > kSearchBytes) return layout;
  return search(spans, bound, std::move(layout));
}

}  // namespace ingot::planning
