// What a caller may allow a program besides the exact bits of its results, by name (docs/decisions/fast.md). A freedom
// is a permission, not a promise: what makes nothing of it computes as without it. Part of program.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ingot {

// "free_order", "tf32": bit i of DeviceFreedom is the i-th.
std::span<const std::string_view> fast_names();

// Bits of DeviceFreedom. Throws ArgumentError for an unknown name, with those there are.
std::uint32_t parse_fast(std::span<const std::string> names);

}  // namespace ingot
