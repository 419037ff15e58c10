// Vectors of the level's own width, as GCC vector types: + - * / & | ^ << >> and comparisons are the compiler's, and a
// comparison gives a vector of 0 / -1. This file adds what operators cannot say. Every operation is correctly rounded
// and equal in bits at every level; the generic body (lane by lane, fma by libm) is the meaning of the others.
// Wider vectors than the level's own must not be used: gcc lowers them to scalar code, ten times slower.
// A device has none, its lanes being threads: there this file is lane.h.
#pragma once

#include "kernels/lane.h"

#if !defined(__CUDACC__)

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace ingot::INGOT_LEVEL {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif
// The generic level is the proof of the contract: one copy of everything, however slow.
#if defined(INGOT_SMALL_CODE)
inline constexpr bool kSmallCode = true;
#else
inline constexpr bool kSmallCode = false;
#endif
inline constexpr int kLanes32 = kVectorBytes / 4;  // of F32, I32, U32
inline constexpr int kLanes64 = kVectorBytes / 8;  // of F64, I64, U64

typedef float F32 __attribute__((vector_size(kVectorBytes)));
typedef double F64 __attribute__((vector_size(kVectorBytes)));
typedef std::int32_t I32 __attribute__((vector_size(kVectorBytes)));
typedef std::int64_t I64 __attribute__((vector_size(kVectorBytes)));
typedef std::uint32_t U32 __attribute__((vector_size(kVectorBytes)));
typedef std::uint64_t U64 __attribute__((vector_size(kVectorBytes)));
typedef float F32Half __attribute__((vector_size(kVectorBytes / 2)));  // as many floats as F64 has lanes

INGOT_VECTOR_TRAITS(F32, float, U32, I32, kLanes32)
INGOT_VECTOR_TRAITS(F64, double, U64, I64, kLanes64)
INGOT_VECTOR_TRAITS(I32, std::int32_t, U32, I32, kLanes32)
INGOT_VECTOR_TRAITS(I64, std::int64_t, U64, I64, kLanes64)
INGOT_VECTOR_TRAITS(U32, std::uint32_t, U32, I32, kLanes32)
INGOT_VECTOR_TRAITS(U64, std::uint64_t, U64, I64, kLanes64)
INGOT_VECTOR_TRAITS(F32Half, float, void, void, kLanes64)

// Memory. Addresses need no alignment.
template <class V>
INGOT_INLINE V load(const Element<V>* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof(V));
  return v;
}

// The compiler is not to know this number: what follows from it is not computed ahead and kept.
INGOT_INLINE void hide(std::int64_t& x) {
#if defined(__x86_64__)
  asm volatile("" : "+r"(x));
#else
  (void)x;
#endif
}

// Stays in a register: it is not loaded again for each of its uses.
template <class V>
INGOT_INLINE void keep(V& v) {
#if defined(__AVX2__)
  asm("" : "+v"(v));
#else
  (void)v;
#endif
}

template <class V>
INGOT_INLINE void store(Element<V>* to, V v) {
  __builtin_memcpy(to, &v, sizeof(V));
}

template <class M>
INGOT_INLINE bool any(M mask) {
#if defined(__AVX512DQ__)
  if constexpr (kLanes<M> == kLanes64) return _mm512_movepi64_mask(bit_cast<__m512i>(mask)) != 0;
  if constexpr (kLanes<M> == kLanes32) return _mm512_movepi32_mask(bit_cast<__m512i>(mask)) != 0;
#elif defined(__AVX2__)
  if constexpr (sizeof(M) == 32) return _mm256_movemask_epi8(bit_cast<__m256i>(mask)) != 0;
#endif
  Element<M> sum = 0;
  for (int i = 0; i < kLanes<M>; ++i) sum = static_cast<Element<M>>(sum | mask[i]);
  return sum != 0;
}

#if defined(__AVX512F__)
INGOT_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return bit_cast<F32>(_mm512_fmadd_ps(bit_cast<__m512>(a), bit_cast<__m512>(b), bit_cast<__m512>(c)));
}
INGOT_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return bit_cast<F64>(_mm512_fmadd_pd(bit_cast<__m512d>(a), bit_cast<__m512d>(b), bit_cast<__m512d>(c)));
}
#elif defined(__AVX2__) && defined(__FMA__)
INGOT_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return bit_cast<F32>(_mm256_fmadd_ps(bit_cast<__m256>(a), bit_cast<__m256>(b), bit_cast<__m256>(c)));
}
INGOT_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return bit_cast<F64>(_mm256_fmadd_pd(bit_cast<__m256d>(a), bit_cast<__m256d>(b), bit_cast<__m256d>(c)));
}
#elif defined(__ARM_NEON)
INGOT_INLINE F32 fma(F32 a, F32 b, F32 c) {
  return bit_cast<F32>(vfmaq_f32(bit_cast<float32x4_t>(c), bit_cast<float32x4_t>(a), bit_cast<float32x4_t>(b)));
}
INGOT_INLINE F64 fma(F64 a, F64 b, F64 c) {
  return bit_cast<F64>(vfmaq_f64(bit_cast<float64x2_t>(c), bit_cast<float64x2_t>(a), bit_cast<float64x2_t>(b)));
}
#else
template <class V>
INGOT_INLINE V fma(V a, V b, V c) {
  for (int i = 0; i < kLanes<V>; ++i) c[i] = fma(a[i], b[i], c[i]);
  return c;
}
#endif

// sum = fma(a, b, sum), each sum in a register of its own: compilers move large tiles of sums about otherwise.
INGOT_INLINE void accumulate(F32& sum, F32 a, F32 b) {
#if defined(__AVX512F__)
  asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
#else
  sum = fma(a, b, sum);
#endif
}

#if defined(__AVX512DQ__)
// The number that kRule chooses: 5 the larger, 4 the smaller, zeros by their signs. NaN if either is NaN.
template <int kRule, class V>
INGOT_INLINE V choose_number(V a, V b) {
  if constexpr (sizeof(Element<V>) == 4) {
    const __m512 x = bit_cast<__m512>(a), y = bit_cast<__m512>(b), nan = _mm512_set1_ps(__builtin_nanf(""));
    return bit_cast<V>(_mm512_mask_range_ps(nan, _mm512_cmp_ps_mask(x, y, _CMP_ORD_Q), x, y, kRule));
  } else {
    const __m512d x = bit_cast<__m512d>(a), y = bit_cast<__m512d>(b), nan = _mm512_set1_pd(__builtin_nan(""));
    return bit_cast<V>(_mm512_mask_range_pd(nan, _mm512_cmp_pd_mask(x, y, _CMP_ORD_Q), x, y, kRule));
  }
}

template <class V>
  requires(sizeof(V) == 64)
INGOT_INLINE V maximum(V a, V b) {
  return choose_number<5>(a, b);
}

template <class V>
  requires(sizeof(V) == 64)
INGOT_INLINE V minimum(V a, V b) {
  return choose_number<4>(a, b);
}
#endif

// a if it is larger (smaller), else b: where either is NaN and where both are zeros, too.
INGOT_INLINE F32 larger_or_second(F32 a, F32 b) {
#if defined(__AVX512F__)
  return bit_cast<F32>(_mm512_maskz_max_ps(0xffff, bit_cast<__m512>(a), bit_cast<__m512>(b)));
#elif defined(__AVX2__)
  return bit_cast<F32>(_mm256_max_ps(bit_cast<__m256>(a), bit_cast<__m256>(b)));
#else
  return select<F32>(b < a, a, b);
#endif
}
INGOT_INLINE F32 smaller_or_second(F32 a, F32 b) {
#if defined(__AVX512F__)
  return bit_cast<F32>(_mm512_maskz_min_ps(0xffff, bit_cast<__m512>(a), bit_cast<__m512>(b)));
#elif defined(__AVX2__)
  return bit_cast<F32>(_mm256_min_ps(bit_cast<__m256>(a), bit_cast<__m256>(b)));
#else
  return select<F32>(a < b, a, b);
#endif
}

template <class V>
INGOT_INLINE V square_root(V x) {
  double xs[kLanes<V>];
  __builtin_memcpy(xs, &x, sizeof(V));
  for (int i = 0; i < kLanes<V>; ++i) xs[i] = __builtin_sqrt(xs[i]);
  __builtin_memcpy(&x, xs, sizeof(V));
  return x;
}

#if defined(__AVX512F__)  // the maskz forms, because gcc 12 warns of its own undefined() in the others
INGOT_INLINE F32 round_even(F32 x) {
  return bit_cast<F32>(
      _mm512_maskz_roundscale_ps(0xffff, bit_cast<__m512>(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
INGOT_INLINE F64 round_even(F64 x) {
  return bit_cast<F64>(
      _mm512_maskz_roundscale_pd(0xff, bit_cast<__m512d>(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#elif defined(__AVX2__)
INGOT_INLINE F32 round_even(F32 x) {
  return bit_cast<F32>(_mm256_round_ps(bit_cast<__m256>(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
INGOT_INLINE F64 round_even(F64 x) {
  return bit_cast<F64>(_mm256_round_pd(bit_cast<__m256d>(x), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
#endif

// Conversions between vectors of equally many lanes (gcc 12 splits __builtin_convertvector of these into halves).
INGOT_INLINE F64 to_f64(F32Half x) {
#if defined(__AVX512F__)
  return bit_cast<F64>(_mm512_maskz_cvtps_pd(0xff, bit_cast<__m256>(x)));
#elif defined(__AVX2__)
  return bit_cast<F64>(_mm256_cvtps_pd(bit_cast<__m128>(x)));
#else
  return __builtin_convertvector(x, F64);
#endif
}

INGOT_INLINE F32Half to_f32(F64 x) {
#if defined(__AVX512F__)
  return bit_cast<F32Half>(_mm512_maskz_cvtpd_ps(0xff, bit_cast<__m512d>(x)));
#elif defined(__AVX2__)
  return bit_cast<F32Half>(_mm256_cvtpd_ps(bit_cast<__m256d>(x)));
#else
  return __builtin_convertvector(x, F32Half);
#endif
}

}  // namespace ingot::INGOT_LEVEL

#endif
