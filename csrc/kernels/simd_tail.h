// The first lanes of a vector of floats in memory: what is left at the end of a row. Masked where the processor can.
#pragma once

#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

#if defined(__AVX2__) && !defined(__AVX512VL__)
// All bits of the first n lanes.
template <class V>
INGOT_INLINE auto first_lanes(std::int64_t n) {
  if constexpr (sizeof(V) == 16) {
    return _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(n)), _mm_setr_epi32(0, 1, 2, 3));
  } else if constexpr (sizeof(Element<V>) == 4) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  } else {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
  }
}
#endif

// The first n lanes, 0 <= n < kLanes; the others are 0 and are not touched in memory.
template <class V>
INGOT_INLINE V load_first(const Element<V>* from, std::int64_t n) {
#if defined(__AVX512VL__)
  const auto mask = static_cast<__mmask16>((1u << n) - 1);
  if constexpr (sizeof(V) == 32) {
    return bit_cast<V>(_mm256_maskz_loadu_ps(static_cast<__mmask8>(mask), from));
  } else if constexpr (sizeof(Element<V>) == 4) {
    return bit_cast<V>(_mm512_maskz_loadu_ps(mask, from));
  } else {
    return bit_cast<V>(_mm512_maskz_loadu_pd(static_cast<__mmask8>(mask), from));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 16) {
    return bit_cast<V>(_mm_maskload_ps(from, first_lanes<V>(n)));
  } else if constexpr (sizeof(Element<V>) == 4) {
    return bit_cast<V>(_mm256_maskload_ps(from, first_lanes<V>(n)));
  } else {
    return bit_cast<V>(_mm256_maskload_pd(from, first_lanes<V>(n)));
  }
#else
  V v{};
  __builtin_memcpy(&v, from, static_cast<std::size_t>(n) * sizeof(Element<V>));
  return v;
#endif
}

template <class V>
INGOT_INLINE void store_first(Element<V>* to, V v, std::int64_t n) {
#if defined(__AVX512VL__)
  const auto mask = static_cast<__mmask16>((1u << n) - 1);
  if constexpr (sizeof(V) == 32) {
    _mm256_mask_storeu_ps(to, static_cast<__mmask8>(mask), bit_cast<__m256>(v));
  } else if constexpr (sizeof(Element<V>) == 4) {
    _mm512_mask_storeu_ps(to, mask, bit_cast<__m512>(v));
  } else {
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>(mask), bit_cast<__m512d>(v));
  }
#elif defined(__AVX2__)
  if constexpr (sizeof(V) == 16) {
    _mm_maskstore_ps(to, first_lanes<V>(n), bit_cast<__m128>(v));
  } else if constexpr (sizeof(Element<V>) == 4) {
    _mm256_maskstore_ps(to, first_lanes<V>(n), bit_cast<__m256>(v));
  } else {
    _mm256_maskstore_pd(to, first_lanes<V>(n), bit_cast<__m256d>(v));
  }
#else
  __builtin_memcpy(to, &v, static_cast<std::size_t>(n) * sizeof(Element<V>));
#endif
}

}  // namespace ingot::INGOT_LEVEL
