// Many floats divided by one, exactly rounded, with multiplications: y = 1 / b is rounded once, and two steps of
// correcting the quotient by its exact remainder follow (P. Markstein, "Computation of elementary functions on the IBM
// RISC System/6000 processor", 1990).
//
// Why the last step rounds a / b correctly. In units of the quotient's last place: after the first step the quotient is
// off by at most 1/2 + 1.5 e, where e <= B / 2^48 is the relative error of y and B the integer significand of b. The
// sum that the second step rounds is off by (1/2 + 1.5 e) e < 1 / (2 B) unless B = 2^24 - 1, and no quotient lies
// nearer than 1 / (2 B) to a midpoint of two floats without lying on it, which none does. Remainders are exact as long
// as their last place is representable; operands out of that range, and that B, take the processor's division.
#pragma once

#include <cstdint>

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

struct Divisor {
  float b, y;
  float low, high;  // of |a|: where the steps are exact; low > high: nowhere
};

inline Divisor make_divisor(float b) {
  const float size = __builtin_fabsf(b);
  constexpr std::uint32_t kAllOnes = 0x7fffff;
  const bool good = size >= 0x1p-60f && size <= 0x1p60f && (to_bits(b) & kAllOnes) != kAllOnes;
  if (!good) return {b, 0, 1, 0};
  const float least = size * 0x1p-125f < 0x1p-101f ? 0x1p-101f : size * 0x1p-125f;
  const float most = size < 1 ? size * 0x1p126f : 0x1p126f;
  return {b, 1 / b, least, most};
}

// A zero takes the steps and loses its sign, which the first quotient has.
INGOT_INLINE F32 divide_by(F32 a, const Divisor& d) {
  const F32 q0 = a * d.y, minus_b = splat<F32>(-d.b), y = splat<F32>(d.y);
  const F32 q1 = fma(fma(minus_b, q0, a), y, q0);
  const F32 q2 = fma(fma(minus_b, q1, a), y, q1);
#if defined(__AVX512F__)
  const U32 size = to_bits(a) << 1;  // without the sign; one unsigned comparison for both bounds
  const std::uint32_t low = to_bits(d.low) << 1, high = to_bits(d.high) << 1;
  const __mmask16 nonzero = _mm512_test_epi32_mask(bit_cast<__m512i>(size), bit_cast<__m512i>(size));
  const __mmask16 outside = _mm512_mask_cmpgt_epu32_mask(nonzero, bit_cast<__m512i>(size - low),
                                                         _mm512_set1_epi32(static_cast<std::int32_t>(high - low)));
  if (outside != 0 || d.low > d.high) return a / d.b;
  return bit_cast<F32>(_mm512_mask_mov_ps(bit_cast<__m512>(q0), nonzero, bit_cast<__m512>(q2)));
#else
  const F32 size = magnitude(a);
  const Mask<F32> is_zero = a == 0;
  const Mask<F32> outside = ~((size >= d.low) & (size <= d.high)) & ~is_zero;
  if (any(outside) || d.low > d.high) return a / d.b;
  return select<F32>(is_zero, q0, q2);
#endif
}

}  // namespace ingot::INGOT_LEVEL
