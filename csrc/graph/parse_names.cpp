// The parser's tables: see parse_names.h.
#include "graph/parse_names.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

namespace ingot {

namespace {

__extension__ typedef unsigned __int128 Wide;

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

// Eight bytes at a time, folded by a 64 x 64 bit product.
std::size_t NameHash::operator()(std::string_view name) const noexcept {
  std::uint64_t hash = seed ^ name.size();
  while (name.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, name.data(), 8);
    hash = mix(hash ^ word, seed | 1);
    name.remove_prefix(8);
  }
  std::uint64_t tail = 0;
  if (!name.empty()) std::memcpy(&tail, name.data(), name.size());
  return mix(hash ^ tail, 0x9e3779b97f4a7c15u);
}

std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    const int local = 0;
    const auto address = reinterpret_cast<std::uintptr_t>(&local);  // random where addresses are
    const auto ticks = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
    return mix(address ^ 0xd6e8feb86659fd93u, ticks | 1) | 1;
  }();
  return seed;
}

std::string_view NameStorage::keep(std::string_view name, std::string_view text) {
  if (std::less_equal<>()(text.data(), name.data()) && std::less<>()(name.data(), text.data() + text.size())) {
    return name;
  }
  return kept_.emplace_back(name);
}

void NumberedValues::begin_graph() {
  ++graph_;
  scope_is_open_.clear();
}

std::uint32_t NumberedValues::open_scope() {
  scope_is_open_.push_back(true);
  return static_cast<std::uint32_t>(scope_is_open_.size() - 1);
}

bool NumberedValues::define(std::int64_t number, ValueId value, std::uint32_t scope) {
  const auto index = static_cast<std::size_t>(number);
  if (index >= entries_.size()) {
    entries_.resize(std::max(index + 1, std::min(entries_.size() * 2, max_number_ + 1)));
  }
  Entry& entry = entries_[index];
  if (entry.graph == graph_) return false;
  entry = {.graph = graph_, .value = value.index, .scope = scope};
  return true;
}

}  // namespace ingot
