// The budgets of docs/file_format.md: what a module may hold at most, whoever made it. The parser stops at them before
// it stores anything, verify() checks them again.
#pragma once

#include <cstddef>

namespace ingot {

inline constexpr std::size_t kMaxTextBytes = 16u << 20;
inline constexpr std::size_t kMaxNodes = 1u << 20;  // of all graphs together
inline constexpr int kMaxNesting = 64;              // of regions
inline constexpr std::size_t kMaxDims = 256;
inline constexpr std::size_t kMaxGuards = 1u << 16;
inline constexpr std::size_t kMaxOperands = 4096;  // of one node; also its results, region args and list attributes
inline constexpr std::size_t kMaxConstants = 1u << 18;  // of all graphs together
inline constexpr std::size_t kMaxNameBytes = 1024;

}  // namespace ingot
