// Branch and bound over layouts in which every span rests on the bottom or on another span, below a given ceiling.
//
// Time is cut into sections in which the same spans live; a section's floor is the top of what is placed there.
// Sections of one floor between higher ones are a valley, and what rests on its floor lies wholly inside. So of a
// valley either one of the spans inside is placed next, or none of them ever is and it rises to its lower wall. A
// section that has no room to spare for such a gap must be covered by one of the spans inside that live in it: often by
// the only one. Each time the section or valley with the fewest ways is chosen; one with none ends the branch. Several
// static orders of the ways are tried one after the other.
#include "plan/memory_search.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace ingot::planning {
namespace {

constexpr std::uint32_t kNone = 0xffffffffu;
constexpr std::int64_t kHigh = std::int64_t{1} << 62;

struct Block {
  std::int64_t bytes = 0;
  std::uint32_t first = 0, last = 0;  // sections, both included
  std::uint32_t span = 0;
  double claim = 0;

  bool lives_in(std::uint32_t section) const { return first <= section && section <= last; }
  friend bool same(const Block& a, const Block& b) {
    return a.bytes == b.bytes && a.first == b.first && a.last == b.last;
  }
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
constexpr std::int64_t kAttempts = 4 * kClaims.size();

struct Valley {
  std::uint32_t first = 0, last = 0;         // sections, both included
  std::int64_t floor = 0;                    // of all of them
  std::int64_t left = kHigh, right = kHigh;  // the walls: floors beside it; kHigh where nothing is placed any more
  std::int64_t least_bytes = kHigh;          // of the open blocks inside
  std::int64_t num_inside = 0;               // open blocks

  std::int64_t wall() const { return std::min(left, right); }
  bool holds(const Block& block) const { return first <= block.first && block.last <= last; }
};

// What is decided next: which block covers `section` at the valley's floor; kNone: which one rests there at all.
struct Decision {
  Valley valley;
  std::uint32_t section = kNone;
  std::int64_t num_ways = kHigh;
};

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

  // Tries one order with so much work. Later attempts shake their order a little.
  bool run(std::size_t attempt, std::int64_t work) {
    const Claim claim = kClaims[attempt / 2 % kClaims.size()];
    snugly_ = attempt % 2 == 1;
    std::uint64_t state = attempt;
    for (Block& block : blocks_) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double noise = attempt < 2 * kClaims.size() ? 0 : static_cast<double>(state >> 40) * 0x1p-24;
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
    return place_rest();
  }

  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  std::int64_t work_left() const { return std::max<std::int64_t>(work_, 0); }

 private:
  std::int64_t height_of(std::size_t section) const {  // of a wall; sections beyond the ends, -1 included, are high
    return section < floors_.size() && waiting_[section] > 0 ? floors_[section] : kHigh;
  }

  // False where a section cannot hold what waits for it.
  [[gnu::noinline]] bool find_valleys() {
    const auto num_sections = static_cast<std::uint32_t>(floors_.size());
    work_ -= num_sections;
    valleys_.clear();
    valley_of_.assign(num_sections, kNone);
    for (std::uint32_t s = 0, last = 0; s < num_sections; s = last + 1) {
      last = s;
      if (waiting_[s] == 0) continue;
      while (height_of(std::size_t{last} + 1) == floors_[s]) ++last;
      for (std::uint32_t i = s; i <= last; ++i) {
        if (floors_[i] + waiting_[i] > ceiling_) return false;
      }
      Valley valley = {.first = s, .last = last, .floor = floors_[s]};
      valley.left = height_of(std::size_t{s} - 1);
      valley.right = height_of(std::size_t{last} + 1);
      if (valley.wall() < valley.floor) continue;
      std::fill(valley_of_.begin() + s, valley_of_.begin() + last + 1, static_cast<std::uint32_t>(valleys_.size()));
      valleys_.push_back(valley);
    }
    return true;
  }

  // covers_: by section, how many open blocks inside its valley live in it.
  [[gnu::noinline]] void count_covers() {
    work_ -= static_cast<std::int64_t>(open_.size() + floors_.size());
    covers_.assign(floors_.size() + 1, 0);
    for (const std::uint32_t b : open_) {
      const Block& block = blocks_[b];
      const std::uint32_t v = valley_of_[block.first];
      if (v == kNone || !valleys_[v].holds(block)) continue;
      ++valleys_[v].num_inside;
      valleys_[v].least_bytes = std::min(valleys_[v].least_bytes, block.bytes);
      ++covers_[block.first];
      --covers_[block.last + 1];
    }
    std::partial_sum(covers_.begin(), covers_.end(), covers_.begin());
  }

  bool may_rise(const Valley& valley) const {
    if (valley.wall() == kHigh) return false;
    for (std::uint32_t s = valley.first; s <= valley.last; ++s) {
      if (valley.wall() + waiting_[s] > ceiling_) return false;
    }
    return true;
  }

  // The one with the fewest ways.
  [[gnu::noinline]] Decision choose() const {
    Decision best;
    for (const Valley& valley : valleys_) {
      const std::int64_t least_gap = std::min(valley.wall() - valley.floor, valley.least_bytes);
      for (std::uint32_t s = valley.first; s <= valley.last; ++s) {
        const bool may_gape = ceiling_ - valley.floor - waiting_[s] >= least_gap;
        if (!may_gape && covers_[s] < best.num_ways) best = {valley, s, covers_[s]};
      }
      if (valley.num_inside >= best.num_ways) continue;
      const std::int64_t num_ways = valley.num_inside + (may_rise(valley) ? 1 : 0);
      if (num_ways < best.num_ways) best = {valley, kNone, num_ways};
    }
    return best;
  }

  // Sides of the block that meet the valley's, and tops that meet its walls'.
  static int snugness(const Valley& valley, const Block& block) {
    const bool left = block.first == valley.first, right = block.last == valley.last;
    const std::int64_t top = valley.floor + block.bytes;
    return int{left} + int{right} + int{left && top == valley.left} + int{right && top == valley.right};
  }

  [[gnu::noinline]] std::vector<std::uint32_t> ways(const Decision& decision) {
    work_ -= static_cast<std::int64_t>(open_.size());
    const Valley& valley = decision.valley;
    std::vector<std::uint32_t> result;
    for (const std::uint32_t b : open_) {
      if (!valley.holds(blocks_[b])) continue;
      if (decision.section == kNone || blocks_[b].lives_in(decision.section)) result.push_back(b);
    }
    if (!snugly_) return result;
    std::stable_sort(result.begin(), result.end(), [&](std::uint32_t a, std::uint32_t b) {
      return snugness(valley, blocks_[a]) > snugness(valley, blocks_[b]);
    });
    return result;
  }

  // Places all open blocks. A block is a level of recursion: what it calls stays out of line, and its frame small.
  bool place_rest() {
    if (open_.empty()) return true;
    if (work_ <= 0 || !find_valleys()) return false;
    count_covers();
    const Decision decision = choose();
    if (decision.num_ways == 0) return false;
    const std::vector<std::uint32_t> blocks = ways(decision);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      // Of equal blocks only the first is tried: the others would give the same layouts.
      if (i > 0 && same(blocks_[blocks[i]], blocks_[blocks[i - 1]])) continue;
      if (place(blocks[i], decision.valley.floor)) return true;
      if (work_ <= 0) return false;
    }
    return decision.section == kNone && may_rise(decision.valley) && rise(decision.valley);
  }

  bool rise(const Valley& valley) {
    set_floor(valley, valley.wall());
    if (place_rest()) return true;
    set_floor(valley, valley.floor);
    return false;
  }

  bool place(std::uint32_t b, std::int64_t floor) {
    const std::ptrdiff_t position = put(b, floor);
    if (place_rest()) return true;
    take_back(b, floor, position);
    return false;
  }

  [[gnu::noinline]] void set_floor(const Valley& valley, std::int64_t floor) {
    std::fill(floors_.begin() + valley.first, floors_.begin() + valley.last + 1, floor);
  }

  // Returns where the block stood among the open ones.
  [[gnu::noinline]] std::ptrdiff_t put(std::uint32_t b, std::int64_t floor) {
    const Block& block = blocks_[b];
    const auto at = std::find(open_.begin(), open_.end(), b);
    const std::ptrdiff_t position = at - open_.begin();
    open_.erase(at);
    work_ -= block.last - block.first + 4;
    for (std::uint32_t s = block.first; s <= block.last; ++s) {
      floors_[s] = floor + block.bytes;
      waiting_[s] -= block.bytes;
    }
    offsets_[block.span] = floor;
    return position;
  }

  [[gnu::noinline]] void take_back(std::uint32_t b, std::int64_t floor, std::ptrdiff_t position) {
    const Block& block = blocks_[b];
    for (std::uint32_t s = block.first; s <= block.last; ++s) {
      floors_[s] = floor;
      waiting_[s] += block.bytes;
    }
    open_.insert(open_.begin() + position, b);
  }

  std::int64_t ceiling_;
  std::vector<Block> blocks_;
  std::vector<std::int64_t> floors_, waiting_;  // by section
  std::vector<std::int64_t> offsets_;           // by span
  std::vector<std::uint32_t> open_;             // blocks, in their order
  std::vector<Valley> valleys_;
  std::vector<std::uint32_t> valley_of_;  // by section
  std::vector<std::int64_t> covers_;
  bool snugly_ = false;
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
