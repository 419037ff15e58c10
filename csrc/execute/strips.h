// Chains of steps that run strip by strip (plan/strips.cpp): each step's kernel is called for some rows of its images,
// with arguments as if these rows were whole images. Rows that windows share are kept from strip to strip.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "ops/op.h"

namespace ingot {

// Where a row's attributes stand that say how its windows lie; -1: it has none of this name.
struct WindowAttrs {
  std::int32_t stride = -1, padding = -1, kernel = -1, dilation = -1;
  std::int32_t count = 0;  // of the row's attributes
};
WindowAttrs window_attrs(const OpRow& row);

inline constexpr std::int32_t kMostWindowNumbers = 16;  // of a row's attributes, flattened

// One step of a chain.
struct StripLink {
  const Kernel* kernel;
  const KernelCall* call;  // about whole images
  WindowAttrs attrs;
};

// The kernel of a chain's last step, whose call holds the links: all steps. A tile is one of `num_lots` parts of the
// rows of an image.
extern const Kernel strip_kernel;

}  // namespace ingot
