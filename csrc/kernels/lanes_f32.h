// A function of vectors of float32 as a tile function.
#pragma once

#include <cstdint>

#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {

// Vectors of floats. The last one ends with the last element and overlaps the one before: so each is loaded before the
// one in front of it is stored, because the result may be the operand.
template <class Function>
void run_lanes_f32(const void* const* operands, void* result, std::int64_t n) {
  const float* a = static_cast<const float*>(operands[0]);
  float* r = static_cast<float*>(result);
  float few[kLanes32];
  if (n < kLanes32) {
    store<F32>(few, load_first<F32>(a, n));
    a = few;
    r = few;
  }
  const std::int64_t last = a == few ? 0 : n - kLanes32;
  F32 x = load<F32>(a);
  for (std::int64_t i = 0;;) {
    const std::int64_t next = i + kLanes32 < last ? i + kLanes32 : last;
    const F32 next_x = load<F32>(a + next);
    store<F32>(r + i, Function::value(x));
    if (i == last) break;
    i = next;
    x = next_x;
  }
  if (r == few) store_first<F32>(static_cast<float*>(result), load<F32>(few), n);
}

}  // namespace ingot::INGOT_LEVEL
