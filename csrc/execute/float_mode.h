// The floating-point environment of a run: round to nearest, no flush to zero, no traps (docs/numerics.md, rule 1).
// Thread rule: acts on the calling thread alone.
#pragma once

#include <cstdint>
#if !defined(__x86_64__) && !defined(__aarch64__)
#include <cfenv>
#endif

namespace ingot {

// Sets the mode on construction and gives the caller's mode back on destruction.
class FloatMode {
 public:
  FloatMode();
  ~FloatMode();
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
#if defined(__x86_64__)
  std::uint32_t saved_;
#elif defined(__aarch64__)
  std::uint64_t saved_;
#else
  std::fenv_t saved_;
#endif
};

}  // namespace ingot
