// Reduction of large angles modulo pi/2 by integer arithmetic (Payne and Hanek): x is m * 2^e with a 53-bit integer m,
// so only 192 bits of 2/pi decide x * 2/pi modulo 4 with more than 70 bits to spare below the closest any double comes
// to a multiple of pi/2.
#pragma once

#include "kernels/math.h"

namespace ingot::INGOT_LEVEL {

INGOT_TABLE double kHalfPi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                -0x1.f1976b7ed8fbcp-110};  // the sum is pi/2 to 2^-163

// The bits of 2/pi after the binary point, behind 64 zero bits.
INGOT_TABLE std::uint64_t kTwoOverPi[] = {0,
                                          0xa2f9836e4e441529,
                                          0xfc2757d1f534ddc0,
                                          0xdb6295993c439041,
                                          0xfe5163abdebbc561,
                                          0xb7246e3a424dd2e0,
                                          0x06492eea09d1921c,
                                          0xfe1deb1cb129a73e,
                                          0xe88235f52ebb4484,
                                          0xe99c7026b45f7e41,
                                          0x3991d639835339f4,
                                          0x9c845f8bbdf9283b,
                                          0x1ff897ffde05980f,
                                          0xef2f118b5a0a6d1f,
                                          0x6d367ecf27cb09b7,
                                          0x4f463f669e5fea2d,
                                          0x7527bac7ebe5f17b,
                                          0x3d0739f78a5292ea,
                                          0x6bfb5fb11f8d5d08,
                                          0x56033046fc7b6bab};

struct Fraction {          // of 2^192
  std::uint64_t words[3];  // the highest first
};

// m * 2^e * 2/pi modulo 4, times 2^190.
INGOT_INLINE Fraction multiply_two_over_pi(std::uint64_t m, int e) {
  const int begin = e + 62;  // earlier bits contribute multiples of 4
  const int word = begin / 64;
  const int shift = begin % 64;
  std::uint64_t w[3];
  for (int i = 0; i < 3; ++i) {
    w[i] = kTwoOverPi[word + i];
    if (shift != 0) w[i] = (w[i] << shift) | (kTwoOverPi[word + i + 1] >> (64 - shift));
  }
  const std::uint64_t low = m * w[2], carry = multiply_high(m, w[2]);
  const std::uint64_t middle = m * w[1] + carry;
  const std::uint64_t high = m * w[0] + multiply_high(m, w[1]) + (middle < carry ? 1 : 0);
  return {{high, middle, low}};
}

INGOT_INLINE Fraction shift_left(Fraction f, int n) {  // 0 < n < 64
  f.words[0] = (f.words[0] << n) | (f.words[1] >> (64 - n));
  f.words[1] = (f.words[1] << n) | (f.words[2] >> (64 - n));
  f.words[2] <<= n;
  return f;
}

INGOT_INLINE Fraction negate(Fraction f) {
  bool carry = true;
  for (int i = 2; i >= 0; --i) {
    f.words[i] = ~f.words[i] + (carry ? 1 : 0);
    carry = carry && f.words[i] == 0;
  }
  return f;
}

// Requires: |x| >= 2^20. An infinity or NaN gives NaN.
INGOT_NOINLINE void reduce_large(double x, double* high, double* low, std::uint64_t* quadrant) {
  const std::uint64_t bits = to_bits(x);
  const int exponent = static_cast<int>((bits >> 52) & 0x7ff);
  if (exponent == 0x7ff) {
    *high = *low = kNaN;
    *quadrant = 0;
    return;
  }
  Fraction f = multiply_two_over_pi((bits & 0x000fffffffffffff) | 0x0010000000000000, exponent - 1075);
  std::uint64_t n = f.words[0] >> 62;
  f = shift_left(f, 2);
  const bool above_half = (f.words[0] >> 63) != 0;  // then the next multiple is the nearest
  if (above_half) {
    n += 1;
    f = negate(f);
  }
  double scale = 1;
  if (f.words[0] == 0) {  // so close to a multiple that a whole word is zero
    f = {{f.words[1], f.words[2], 0}};
    scale = 0x1p-64;
  }
  const int zeros = f.words[0] == 0 ? 0 : count_leading_zeros(f.words[0]);
  if (zeros != 0) f = shift_left(f, zeros);
  scale *= bit_cast<double>(static_cast<std::uint64_t>(1023 - zeros) << 52);
  const double leading = static_cast<double>(f.words[0] >> 11) * 0x1p-53 * scale;
  const double trailing = static_cast<double>((f.words[0] << 53) | (f.words[1] >> 11)) * 0x1p-117 * scale;
  const Double2<double> product = two_product(leading, kHalfPi[0]);
  const Double2<double> r = fast_two_sum(product.high, product.low + (leading * kHalfPi[1] + trailing * kHalfPi[0]));
  const bool negative = (bits >> 63) != 0;
  *high = negative != above_half ? -r.high : r.high;
  *low = negative != above_half ? -r.low : r.low;
  *quadrant = negative ? ~n + 1 : n;
}

}  // namespace ingot::INGOT_LEVEL
