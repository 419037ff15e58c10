// erf and erfc. erf: below 1: x + x P(x^2); from 1 on: 1 - exp(-x^2) Q(u), Q(u) = exp(x^2) erfc(x), u a quotient of x.
// The coefficients are fits of tests/tools/fit_coefficients.py, which also prints their errors.
#pragma once

#include "kernels/math.h"
#include "kernels/math_exp.h"

namespace ingot::INGOT_LEVEL {

// erf(sqrt(z)) / sqrt(z) - 1 on [0, 1]; error 2^-56, short 2^-34.
INGOT_TABLE double kErfSmall[] = {0x1.06eba8214db69p-3,   -0x1.812746b0379e7p-2,  0x1.ce2f21a042bdep-4,
                                  -0x1.b82ce312889bap-6,  0x1.565bcd0e6502dp-8,   -0x1.c02db3feeb579p-11,
                                  0x1.f9a326c233146p-14,  -0x1.f4d2561aeafd4p-17, 0x1.b9e6509b9867dp-20,
                                  -0x1.5f6d925a0bc7ap-23, 0x1.fc4356498c2d9p-27,  -0x1.4e607b41a6416p-30,
                                  0x1.7f072188e194dp-34,  -0x1.29b9f1b3df556p-38};
INGOT_TABLE double kErfSmallShort[] = {0x1.06eba82022eadp-3,  -0x1.81274665754c3p-2, 0x1.ce2f08fec14fdp-4,
                                       -0x1.b829c897922e5p-6, 0x1.562a60ddba6e6p-8,  -0x1.bccf664d7f763p-11,
                                       0x1.d887505de3ba6p-14, -0x1.445f47d33d87bp-17};
// exp(x^2) erfc(x) on [1, 6] in u = (48 / (x + 2) - 11) / 5; error times exp(-x^2) 2^-57.
INGOT_TABLE double kErfcScaled[] = {0x1.c57cd9cd3f3a9p-3,   0x1.4b8edae15a041p-3,   0x1.3be3609c853a8p-5,
                                    0x1.6e44c72762eddp-8,   0x1.9d6e4a467b08dp-13,  -0x1.52ddf8014affdp-14,
                                    -0x1.ec9d23526a800p-18, 0x1.09b139e01e50ap-19,  0x1.5f1cbcf43250dp-23,
                                    -0x1.2ce04abf72b09p-24, -0x1.439a8a043b80dp-31, 0x1.68a3e08dfcbb3p-29,
                                    -0x1.2767247ad4a5cp-32, -0x1.43b96367207b9p-34, 0x1.851410b153c1ep-36,
                                    -0x1.396f93c31951cp-43, -0x1.065ff0aa057ecp-40, 0x1.4669b17eea8dbp-43};

// Of float: math_f32_table.h.
template <bool kShort, class V>
  requires(!kShort)
INGOT_INLINE V erf_of(V x) {
  const V z = x * x;
  const V ax = magnitude(x);
  const V clamped = select<V>(ax < 6.0, ax, splat<V>(6.0));  // erf(6) rounds to 1
  const V u = fma(splat<V>(9.6), 1.0 / (clamped + 2.0), splat<V>(-2.2));
  const V small = fma(x, polynomial(z, kErfSmall), x);
  const V large = 1.0 - exp_of<false>(-(clamped * clamped)) * polynomial(u, kErfcScaled);
  const V result = select<V>(ax < 1.0, small, flip_sign<V>(large, sign_bit(x)));
  return select<V>(x == x, result, x);
}

// (x + 2) exp(x^2) erfc(x) on [1, 28] (short: [1, 10.5]) in u, linear in 1 / (x + 2); relative error 2^-54, short
// 2^-34.
INGOT_TABLE double kErfcTail[] = {0x1.b70031882dcd6p-1,   0x1.504759fe2e4ddp-2,   0x1.65b065192735ep-4,
                                  0x1.7ccf780033e7dp-7,   -0x1.5f9026771cab1p-10, -0x1.851a40a9947bbp-11,
                                  0x1.4e473c7360f19p-16,  0x1.a93de0686a3d2p-15,  -0x1.9f262b45dcd5bp-20,
                                  -0x1.15317e927fbf0p-18, 0x1.c281d27528805p-22,  0x1.7d08584599bb8p-22,
                                  -0x1.76faed400b14ep-24, -0x1.ae3e2077e7861p-26, 0x1.ea0770499cd28p-27,
                                  0x1.0e984d8b36173p-32,  -0x1.f0720d8eeb3c8p-30, 0x1.52aac43735b50p-32,
                                  0x1.536166643b063p-33,  -0x1.796aee7f1f893p-35, -0x1.960fd81d2b2e5p-38};
INGOT_TABLE double kErfcTailShort[] = {0x1.d24276e00371cp-1,   0x1.342be93455d7ap-2,   0x1.0e41100901dffp-4,
                                       0x1.a2b35d6b1ac88p-8,   -0x1.fbbdc7097b69fp-11, -0x1.3a6e697eeda4ep-12,
                                       0x1.bad85d03dba74p-16,  0x1.d04cd2b60d452p-17,  -0x1.c6bdd36d69490p-20,
                                       -0x1.43d520e0ccbcfp-21, 0x1.0de3816b3df9fp-23};

// u in [-1, 1] for x in [1, high].
template <class V>
INGOT_INLINE V erfc_variable(V reciprocal, double high) {
  const double near = 1 / 3.0, far = 1 / (high + 2);
  return (reciprocal - (near + far) / 2) * (2 / (near - far));
}

// (1 - x) - x P(x^2) for |x| <= 1, the last steps of P and the difference in sums of two: near 1 they nearly cancel.
template <class V>
INGOT_INLINE V erfc_small(V x) {
  const V z = x * x;
  const V z_low = fma(x, x, -z);
  const Double2<V> inner = two_sum(splat<V>(kErfSmall[1]), z * polynomial_from<2>(z, kErfSmall));
  const Double2<V> product = two_product(z, inner.high);
  const Double2<V> p = two_sum(splat<V>(kErfSmall[0]), product.high);
  const V p_low = p.low + (product.low + fma(z, inner.low, z_low * inner.high));
  const Double2<V> value = two_product(x, p.high), rest = two_sum(splat<V>(1.0), -x);
  const Double2<V> difference = two_sum(rest.high, -value.high);
  return difference.high + (difference.low + (rest.low - fma(x, p_low, value.low)));
}

// erfc(x) = (1 - x) - x P(x^2) up to 1, where 1 - x is exact or all that counts; exp(-x^2) tail / (x + 2) beyond, and
// 2 - erfc(-x) below -1.
template <bool kShort, class V>
INGOT_INLINE V erfc_of(V x) {
  constexpr double kHigh = kShort ? 10.5 : 28;
  const V z = x * x;
  V ax = magnitude(x);
  ax = select<V>(ax < 1.0, splat<V>(1.0), ax);
  ax = select<V>(ax > kHigh, splat<V>(kHigh), ax);
  const V reciprocal = 1.0 / (ax + 2.0);
  const V u = erfc_variable(reciprocal, kHigh);
  V small, large;
  if constexpr (kShort) {
    small = fma(-x, polynomial(z, kErfSmallShort), 1.0 - x);
    large = exp_of<true>(-(ax * ax)) * polynomial(u, kErfcTailShort) * reciprocal;
  } else {  // every factor as a sum of two, and the power of two last
    small = erfc_small(x);
    const Double2<V> square = two_product(ax, ax);
    const ExpParts<V> p = exp_parts<false>(-square.high, -square.low);
    const Double2<V> growth = fast_two_sum(p.r, p.rest);
    Double2<V> e = fast_two_sum(splat<V>(1.0), growth.high);
    e.low = e.low + growth.low;
    const Double2<V> d = two_sum(ax, splat<V>(2.0));
    const V low = -(fma(reciprocal, d.high, splat<V>(-1.0)) + reciprocal * d.low) * reciprocal;
    Double2<V> tail = fast_two_sum(splat<V>(kErfcTail[0]), u * polynomial_from<1>(u, kErfcTail));
    tail.low = fma(low, splat<V>(kErfcTail[1] * 2 / (1 / 3.0 - 1 / (kHigh + 2))), tail.low);  // what u lacks
    const V product = tail.high * reciprocal;
    const V product_low = fma(tail.high, reciprocal, -product) + fma(tail.high, low, tail.low * reciprocal);
    large = scale_twice(fma(product, e.high, fma(product, e.low, product_low * e.high)), p.k);
  }
  large = select<V>(x < 0.0, 2.0 - large, large);
  const V result = select<V>(magnitude(x) < 1.0, small, large);
  return select<V>(x == x, result, x);
}

}  // namespace ingot::INGOT_LEVEL
