// The kernels that a group with an anchor can be part of, as numbers.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace ingot::cuda {

// The kernels of matmul and conv2d that a group can be part of.
enum class AnchorKernel : std::int32_t {
  kTiles,
  kLargeTiles,
  kPatchTiles,
  kLargePatchTiles,
  kFewRows,
  kSums,  // of parts
  kPixels,
};
inline constexpr int kNumAnchorKernels = 7;

struct AnchorKernels {
  unsigned bits = 0;

  AnchorKernels() = default;
  AnchorKernels(std::initializer_list<AnchorKernel> kernels) {
    for (const AnchorKernel kernel : kernels) add(kernel);
  }
  void add(AnchorKernel kernel) { bits |= 1u << static_cast<int>(kernel); }
  void add(AnchorKernels others) { bits |= others.bits; }
  bool has(AnchorKernel kernel) const { return (bits >> static_cast<int>(kernel) & 1) != 0; }
};

}  // namespace ingot::cuda
