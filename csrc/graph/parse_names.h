// The parser's tables: names to what they mean, and numbers of values (%7) to values with their scopes.
// Hashing is seeded per process, so that no file can be written whose names all collide. Private to the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/ids.h"

namespace ingot {

struct NameHash {
  std::uint64_t seed;
  std::size_t operator()(std::string_view name) const noexcept;
};
std::uint64_t hash_seed();

template <class T>
using NameMap = std::unordered_map<std::string_view, T, NameHash>;
using NameSet = std::unordered_set<std::string_view, NameHash>;

// Keeps names alive that had to be unescaped; plain ones are borrowed from the text.
class NameStorage {
 public:
  std::string_view keep(std::string_view name, std::string_view text);

 private:
  std::deque<std::string> kept_;
};

struct NamedItem {
  enum class Kind : std::uint8_t { kParam, kState, kInput } kind = Kind::kParam;
  std::uint32_t index = 0;
};

// The values that %N stands for in the graph being read. A new graph forgets all of them at no cost.
class NumberedValues {
 public:
  // Numbers up to the text's length / 4 and some are enough: each definition takes that many characters.
  explicit NumberedValues(std::size_t text_bytes) : max_number_(text_bytes / 4 + 4096) {}

  void begin_graph();
  std::uint32_t open_scope();
  void close_scope(std::uint32_t scope) { scope_is_open_[scope] = false; }

  bool is_possible(std::int64_t number) const { return static_cast<std::uint64_t>(number) <= max_number_; }
  // Requires is_possible(number). False if the number is taken in this graph.
  bool define(std::int64_t number, ValueId value, std::uint32_t scope);

  enum class Found : std::uint8_t { kYes, kUndefined, kOutOfScope };
  Found find(std::int64_t number, ValueId& value) const {
    if (static_cast<std::uint64_t>(number) >= entries_.size()) return Found::kUndefined;
    const Entry& entry = entries_[static_cast<std::size_t>(number)];
    if (entry.graph != graph_) return Found::kUndefined;
    value = ValueId(entry.value);
    return scope_is_open_[entry.scope] ? Found::kYes : Found::kOutOfScope;
  }

 private:
  struct Entry {
    std::uint32_t graph = 0, value = 0, scope = 0;
  };
  std::size_t max_number_;
  std::uint32_t graph_ = 0;
  std::vector<Entry> entries_;
  std::vector<bool> scope_is_open_;
};

}  // namespace ingot
