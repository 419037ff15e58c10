// Branch and bound over layouts in which every span rests on the bottom or on another span: spans are placed by
// ascending offset, each on what is placed below it. After M. D. Moffitt, "MiniMalloc: a lightweight memory allocator
// for hardware-accelerated machine learning" (ASPLOS 2023), here with several static orders, one after the other.
//
// Time is cut into sections in which the same spans live. A section's floor is the top of what is placed there. A
// branch is dead when in some section the floor, or the offset reached so far, and the bytes still to place exceed the
// ceiling; and a span is not placed where another one that lives with it would fit wholly below.
#include "plan/memory_search.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace ingot::planning {
namespace {

struct Block {
  std::int64_t bytes = 0;
  std::uint32_t first = 0, last = 0;  // sections, both included
  std::uint32_t span = 0;
  double claim = 0;
};

// A span's claim to be placed early: larger first.
using Claim = double (*)(const Block&);
constexpr std::array<Claim, 4> kClaims = {
    [](const Block& b) { return static_cast<double>(b.bytes) * (b.last - b.first + 1); },
    [](const Block& b) { return static_cast<double>(b.bytes); },
    [](const Block& b) { return static_cast<double>(b.last - b.first); },
    [](const Block& b) { return -static_cast<double>(b.first); },
};

constexpr double kNoise = 0.5;
constexpr std::int64_t kAttempts = 12;

class Search {
 public:
  Search(std::span<const Span> spans, std::int64_t ceiling) : ceiling_(ceiling) {
    std::vector<std::uint32_t> starts;
    for (const Span& span : spans) {
      if (span.bytes > 0) starts.push_back(span.first);
    }
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    // As many bytes live at the start of some span as at any time, so sections begin there.
    const auto section = [&](std::uint32_t step) {
      return static_cast<std::uint32_t>(std::upper_bound(starts.begin(), starts.end(), step) - starts.begin() - 1);
    };
    for (std::uint32_t s = 0; s < spans.size(); ++s) {
      if (spans[s].bytes == 0) continue;
      blocks_.push_back(
          {.bytes = spans[s].bytes, .first = section(spans[s].first), .last = section(spans[s].last), .span = s});
    }
    floors_.resize(starts.size());
    waiting_.resize(starts.size());
    offsets_.resize(spans.size());
  }

  // Tries one order with so much work. Attempts after the first ones shake their order a little.
  bool run(std::size_t attempt, std::int64_t work) {
    const Claim claim = kClaims[attempt % kClaims.size()];
    std::uint64_t state = attempt;
    for (Block& block : blocks_) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double noise = attempt < kClaims.size() ? 0 : static_cast<double>(state >> 40) * 0x1p-24;
      block.claim = claim(block) * (1 + kNoise * noise);
    }
    std::stable_sort(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) { return a.claim > b.claim; });
    std::fill(floors_.begin(), floors_.end(), 0);
    std::fill(waiting_.begin(), waiting_.end(), 0);
    for (const Block& block : blocks_) {
      for (std::uint32_t s = block.first; s <= block.last; ++s) waiting_[s] += block.bytes;
    }
    open_.resize(blocks_.size());
    std::iota(open_.begin(), open_.end(), 0u);
    work_ = work;
    return place_rest(0);
  }

  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  std::int64_t work_left() const { return std::max<std::int64_t>(work_, 0); }

 private:
  struct Choice {
    std::int64_t offset;
    std::uint32_t block;
  };

  std::int64_t floor_of(const Block& block) const {
    std::int64_t floor = 0;
    for (std::uint32_t s = block.first; s <= block.last; ++s) floor = std::max(floor, floors_[s]);
    return floor;
  }

  bool is_dead(std::int64_t lowest) {
    work_ -= static_cast<std::int64_t>(floors_.size());
    for (std::size_t s = 0; s < floors_.size(); ++s) {
      if (waiting_[s] > 0 && std::max(floors_[s], lowest) + waiting_[s] > ceiling_) return true;
    }
    return false;
  }

  // Places all open blocks, none below `lowest`.
  bool place_rest(std::int64_t lowest) {
    if (open_.empty()) return true;
    if (work_ <= 0 || is_dead(lowest)) return false;
    std::vector<Choice> choices;
    std::int64_t least_top = ceiling_ + 1;
    for (const std::uint32_t b : open_) {
      const std::int64_t offset = std::max(floor_of(blocks_[b]), lowest);
      least_top = std::min(least_top, offset + blocks_[b].bytes);
      choices.push_back({offset, b});
      work_ -= blocks_[b].last - blocks_[b].first + 4;
    }
    std::erase_if(choices, [&](const Choice& c) { return c.offset >= least_top; });
    std::stable_sort(choices.begin(), choices.end(),
                     [](const Choice& a, const Choice& b) { return a.offset < b.offset; });
    for (const Choice& choice : choices) {
      // Of equal blocks only the first is tried: the others would give the same layouts.
      if (&choice != choices.data() && is_same(choice, *(&choice - 1))) continue;
      if (place(choice)) return true;
      if (work_ <= 0) return false;
    }
    return false;
  }

  bool is_same(const Choice& a, const Choice& b) const {
    const Block &x = blocks_[a.block], &y = blocks_[b.block];
    return x.bytes == y.bytes && x.first == y.first && x.last == y.last;
  }

  bool place(const Choice& choice) {
    const Block block = blocks_[choice.block];
    const std::vector<std::int64_t> saved(floors_.begin() + block.first, floors_.begin() + block.last + 1);
    const auto at = std::find(open_.begin(), open_.end(), choice.block);
    const auto position = at - open_.begin();
    open_.erase(at);
    for (std::uint32_t s = block.first; s <= block.last; ++s) {
      floors_[s] = choice.offset + block.bytes;
      waiting_[s] -= block.bytes;
    }
    offsets_[block.span] = choice.offset;
    if (place_rest(choice.offset)) return true;
    for (std::uint32_t s = block.first; s <= block.last; ++s) waiting_[s] += block.bytes;
    std::copy(saved.begin(), saved.end(), floors_.begin() + block.first);
    open_.insert(open_.begin() + position, choice.block);
    return false;
  }

  std::int64_t ceiling_;
  std::vector<Block> blocks_;
  std::vector<std::int64_t> floors_, waiting_;  // by section
  std::vector<std::int64_t> offsets_;           // by span
  std::vector<std::uint32_t> open_;             // blocks, in their order
  std::int64_t work_ = 0;
};

}  // namespace

std::optional<std::vector<std::int64_t>> search_offsets(std::span<const Span> spans, std::int64_t ceiling,
                                                        std::int64_t& work) {
  Search search(spans, ceiling);
  const std::int64_t share = work / kAttempts;
  for (std::size_t attempt = 0; attempt < kAttempts; ++attempt) {
    const bool found = search.run(attempt, share);
    work -= share - search.work_left();
    if (found) return search.offsets();
    if (search.work_left() > 0) break;  // all layouts have been tried
  }
  return std::nullopt;
}

}  // namespace ingot::planning
