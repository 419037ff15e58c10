#include "fast.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "device/api.h"

namespace ingot {

namespace {

constexpr std::array<std::string_view, 2> kNames = {"free_order", "tf32"};
static_assert(kFreeOrder == 1u << 0 && kTf32 == 1u << 1);

}  // namespace

std::span<const std::string_view> fast_names() {
  return kNames;
}

std::uint32_t parse_fast(std::span<const std::string> names) {
  std::uint32_t freedoms = 0;
  for (const std::string& name : names) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
      std::string known;
      for (const std::string_view each : kNames) known += concat(known.empty() ? "" : ", ", each);
      fail(ErrorCode::kArgument, concat("compile: fast: no such freedom: got '", name, "', expected some of ", known));
    }
    freedoms |= 1u << (found - kNames.begin());
  }
  return freedoms;
}

}  // namespace ingot
