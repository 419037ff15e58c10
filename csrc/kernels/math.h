// What the functions of math_*.h are made of: polynomials, and numbers that are sums of two doubles.
// Every function there is a template over V, double or F64, of correctly rounded operations in a fixed order, so that
// a scalar, a lane and every level give the same bits. They compute in double for both float dtypes: kShort takes the
// shorter polynomials that are enough when the result is rounded to float (relative error below 2^-33).
#pragma once

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr double kRoundMagic = 0x1.8p52;  // (x + this) - this rounds |x| < 2^51; the integer is in the low bits
INGOT_TABLE double kLn2[] = {0x1.62e42fefa3800p-1,
                             0x1.ef35793c76730p-45};  // the first has 42 bits: times an exponent it is exact

// c[0] + x*(c[1] + x*(c[2] + ...))
template <class V, int n>
INGOT_INLINE V polynomial(V x, const Element<V> (&c)[n]) {
  V sum = splat<V>(c[n - 1]);
  INGOT_UNROLL
  for (int i = n - 2; i >= 0; --i) sum = fma(sum, x, splat<V>(c[i]));
  return sum;
}

// c[first] + x*(c[first + 1] + ...)
template <int first, class V, int n>
INGOT_INLINE V polynomial_from(V x, const double (&c)[n]) {
  V sum = splat<V>(c[n - 1]);
  INGOT_UNROLL
  for (int i = n - 2; i >= first; --i) sum = fma(sum, x, splat<V>(c[i]));
  return sum;
}

// The unevaluated sum high + low, |low| <= ulp(high) / 2 unless said otherwise.
template <class V>
struct Double2 {
  V high, low;
};

template <class V>
INGOT_INLINE Double2<V> two_sum(V a, V b) {  // exact (Knuth)
  const V sum = a + b;
  const V b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

template <class V>
INGOT_INLINE Double2<V> fast_two_sum(V a, V b) {  // exact if |a| >= |b| or a is 0 (Dekker)
  const V sum = a + b;
  return {sum, b - (sum - a)};
}

template <class V>
INGOT_INLINE Double2<V> two_product(V a, V b) {  // exact
  const V product = a * b;
  return {product, fma(a, b, -product)};
}

template <class V>
INGOT_INLINE Double2<V> multiply2(Double2<V> a, Double2<V> b) {
  const Double2<V> p = two_product(a.high, b.high);
  return fast_two_sum(p.high, fma(a.high, b.low, fma(a.low, b.high, p.low)));
}

// The integer in the low bits of x + kRoundMagic, as two's complement.
template <class V>
INGOT_INLINE Bits<V> rounded_bits(V shifted) {
  return to_bits(shifted) - to_bits(splat<V>(kRoundMagic));
}

// 2^k for -1022 <= k <= 1023, given as two's complement.
template <class V>
INGOT_INLINE V power_of_two(Bits<V> k) {
  return bit_cast<V>((k + 1023) << 52);
}

}  // namespace ingot::INGOT_LEVEL
