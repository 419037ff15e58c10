// tanh and erf of float32, in float32, by tables: |x| picks one of 16 intervals, and a polynomial in the distance r
// from the interval's center gives the function. A float is added to a smaller correction last, so that little is lost:
// near 0 to x itself (the polynomial is then f(x) - x); elsewhere the centers are such that f(center) is nearly a
// float.
#pragma once

#include "kernels/math_f32.h"

namespace ingot::INGOT_LEVEL {

// f(x) = [x] + value + r (c[0] + r (c[1] + ...)), r = x - center.
struct TableF32 {
  float center[16], value[16], c[5][16];
};

// Entry index % 16.
INGOT_INLINE float look_up(const float (&table)[16], std::uint32_t index) {
  return table[index & 15];
}

#if !defined(__CUDACC__)
INGOT_INLINE F32 look_up(const float (&table)[16], U32 index) {
#if defined(__AVX512F__)
  return bit_cast<F32>(
      _mm512_maskz_permutexvar_ps(0xffff, bit_cast<__m512i>(index), bit_cast<__m512>(load<F32>(table))));
#elif defined(__AVX2__)
  const __m256 low = _mm256_permutevar8x32_ps(bit_cast<__m256>(load<F32>(table)), bit_cast<__m256i>(index));
  const __m256 high = _mm256_permutevar8x32_ps(bit_cast<__m256>(load<F32>(table + 8)), bit_cast<__m256i>(index));
  return bit_cast<F32>(_mm256_blendv_ps(low, high, bit_cast<__m256>(index << 28)));
#elif defined(__ARM_NEON)
  const uint8x16x4_t bytes = vld1q_u8_x4(reinterpret_cast<const std::uint8_t*>(table));
  return bit_cast<F32>(vqtbl4q_u8(bytes, bit_cast<uint8x16_t>((index & 15) * 0x04040404 + 0x03020100)));
#else
  F32 found{};
  for (int i = 0; i < kLanes32; ++i) found[i] = table[index[i] & 15];
  return found;
#endif
}
#endif

// Requires: ax >= 0 or NaN. Where `near` holds, ax is the leading part.
template <class V>
INGOT_INLINE V evaluate_table(V ax, Bits<V> index, Mask<V> near, const TableF32& table) {
  const V r = ax - look_up(table.center, index);
  V slope = look_up(table.c[4], index);
  INGOT_UNROLL
  for (int i = 3; i >= 0; --i) slope = fma(slope, r, look_up(table.c[i], index));
  const V rest = fma(slope, r, look_up(table.value, index));
  return select<V>(near, ax + rest, rest);
}

// Errors up to 0.34 ULP. The intervals are a fourth of an octave of 1 + 1.65 x; entry 12 is the first.
INGOT_TABLE TableF32 kTanhF32 = {
    {0x1.836bap-1f, 0x1.0fc7bap+0f, 0x1.5c7d56p+0f, 0x1.aa9588p+0f, 0x1.10eb12p+1f, 0x1.5d4a9cp+1f, 0x1.a9f0dep+1f,
     0x1.f864cap+1f, 0x1.2ef3ccp+2f, 0x1.92f594p+2f, 0x1.cfdadcp+2f, 0x1.0a2ba6p+3f, 0x0p+0f, 0x1.d1eb84p-3f,
     0x1.844444p-2f, 0x1.0fc962p-1f},
    {0x1.473a6ap-1f, 0x1.9294c4p-1f, 0x1.c0ddbp-1f, 0x1.dcb4c6p-1f, 0x1.f1cd18p-1f, 0x1.fba71cp-1f, 0x1.feaf04p-1f,
     0x1.ff9dp-1f, 0x1.ffebbap-1f, 0x1.ffff1cp-1f, 0x1.ffffdep-1f, 0x1.fffffcp-1f, 0x0p+0f, -0x1.f80192p-9f,
     -0x1.19873ap-6f, -0x1.6f20e4p-5f},
    {
        {0x1.2edcdcp-1f, 0x1.86e872p-2f, 0x1.d9eeb2p-3f, 0x1.109e8p-3f, 0x1.c01022p-5f, 0x1.150aa8p-6f, 0x1.508cfap-8f,
         0x1.8bd9c4p-10f, 0x1.44368ap-12f, 0x1.c84922p-17f, 0x1.0ffa96p-19f, 0x1.ffd294p-23f, -0x1.afd404p-29f,
         -0x1.99c68cp-5f, -0x1.0c5a8cp-3f, -0x1.e3c3cep-3f},
        {-0x1.832136p-2f, -0x1.335f3cp-2f, -0x1.9f7f66p-3f, -0x1.fba8p-4f, -0x1.b39f12p-5f, -0x1.12a7dep-6f,
         -0x1.4fa2d4p-8f, -0x1.8b7d02p-10f, -0x1.43e0ccp-12f, -0x1.c99e6ap-17f, -0x1.0f4d34p-19f, -0x1.ff706ep-23f,
         0x1.053248p-20f, -0x1.b3218ep-3f, -0x1.4219d2p-2f, -0x1.7c1fc8p-2f},
        {0x1.6c0d9cp-5f, 0x1.bd82e6p-4f, 0x1.9c8c96p-4f, 0x1.22ea36p-4f, 0x1.1234dap-5f, 0x1.67ffb8p-7f, 0x1.bd56eep-9f,
         0x1.074874p-10f, 0x1.b502fap-13f, 0x1.28ee5cp-17f, 0x1.6b43eap-20f, 0x1.58c26ep-23f, -0x1.55625p-2f,
         -0x1.139afap-2f, -0x1.6807dp-3f, -0x1.2fe156p-4f},
        {0x1.8fcc3ap-4f, 0x1.f050d4p-7f, -0x1.4cd62p-6f, -0x1.94d62ap-6f, -0x1.e7d86cp-7f, -0x1.6061cep-8f,
         -0x1.bfb812p-10f, -0x1.0aef48p-11f, -0x1.c3d1b8p-14f, -0x1.1c0d92p-18f, -0x1.8366b2p-21f, -0x1.5f47a8p-24f,
         0x1.b67772p-11f, 0x1.0b467ap-3f, 0x1.581776p-3f, 0x1.47231ap-3f},
        {-0x1.035a0cp-4f, -0x1.4139fcp-5f, -0x1.4fc83ap-7f, 0x1.2fb754p-9f, 0x1.22c9eap-8f, 0x1.049de2p-9f,
         0x1.58629p-11f, 0x1.a604c6p-13f, 0x1.22ea1p-15f, 0x1.954708p-19f, 0x1.22ecbep-22f, 0x1.b0eb4p-26f,
         0x1.071f32p-3f, 0x1.510972p-4f, 0x1.1bcf7ap-6f, -0x1.15bbap-5f},
    }};

template <class V>
INGOT_INLINE V tanh_f32(V x) {
  const V ax = at_most(magnitude(x), 9.09f);  // from here on it rounds to 1
  const V place = fma(ax, splat<V>(0x1.a5fa6p+0f), splat<V>(1));
  return flip_sign<V>(evaluate_table(ax, to_bits(place) >> 21, place < 2.0f, kTanhF32), sign_bit(x));
}

// Errors up to 0.31 ULP. The intervals are equally long, with centers about the multiples of 3.93 / 15.5.
INGOT_TABLE TableF32 kErfF32 = {
    {0x0p+0f, 0x1.03a23p-2f, 0x1.03a23p-1f, 0x1.857348p-1f, 0x1.042bb4p+0f, 0x1.444a12p+0f, 0x1.863ffep+0f,
     0x1.c6aaaap+0f, 0x1.04131ap+1f, 0x1.247118p+1f, 0x1.44fc04p+1f, 0x1.657328p+1f, 0x1.855ef6p+1f, 0x1.a625d2p+1f,
     0x1.c5df3cp+1f, 0x1.e74caep+1f},
    {0x0p+0f, 0x1.b2c406p-6f, 0x1.416986p-6f, -0x1.5dcc72p-5f, 0x1.b2de8ap-1f, 0x1.da8306p-1f, 0x1.f0143cp-1f,
     0x1.f9d92ap-1f, 0x1.fdebd2p-1f, 0x1.ff5e58p-1f, 0x1.ffd4c2p-1f, 0x1.fff5bap-1f, 0x1.fffdc8p-1f, 0x1.ffff98p-1f,
     0x1.ffffeep-1f, 0x1.fffffep-1f},
    {
        {0x1.06eba8p-3f, 0x1.dc2276p-5f, -0x1.0511f6p-3f, -0x1.78241cp-2f, 0x1.9b557p-2f, 0x1.d064c2p-3f,
         0x1.c4770ap-4f, 0x1.8a6702p-5f, 0x1.29d28ep-6f, 0x1.8fecdp-8f, 0x1.d54928p-10f, 0x1.e58812p-12f,
         0x1.c5464p-14f, 0x1.65917cp-16f, 0x1.06456ap-18f, 0x1.343bc4p-21f},
        {0x1.4ea2bp-22f, -0x1.12b83p-2f, -0x1.c5113ep-2f, -0x1.ecc9c8p-2f, -0x1.a2092ap-2f, -0x1.26239p-2f,
         -0x1.58e04ep-3f, -0x1.5e3dbcp-4f, -0x1.2e9008p-5f, -0x1.c8d802p-7f, -0x1.29da5ap-8f, -0x1.52ecdap-10f,
         -0x1.58a35ep-12f, -0x1.26b722p-14f, -0x1.7c700ap-17f, -0x1.343048p-17f},
        {-0x1.812b9p-2f, -0x1.3ac194p-2f, -0x1.21603p-3f, 0x1.0f7d12p-5f, 0x1.243c02p-3f, 0x1.55ff32p-3f,
         0x1.131654p-3f, 0x1.5cf75ep-4f, 0x1.68350ap-5f, 0x1.3a967ap-6f, 0x1.d103b2p-8f, 0x1.2737b4p-9f,
         0x1.4a9d38p-11f, 0x1.350b8ap-13f, 0x1.fbfcdep-16f, -0x1.107662p-20f},
        {0x1.38097ep-12f, 0x1.051ae2p-3f, 0x1.751f3cp-3f, 0x1.2d9508p-3f, 0x1.04efd2p-4f, -0x1.38a59ep-7f,
         -0x1.777664p-5f, -0x1.80d374p-5f, -0x1.091e0ep-5f, -0x1.1c561cp-6f, -0x1.eef25ep-8f, -0x1.682cb2p-9f,
         -0x1.c4d364p-11f, -0x1.d6ba5ap-13f, -0x1.b611bcp-13f, 0x1.df295cp-12f},
        {0x1.c65e4ep-4f, 0x1.47532ep-4f, 0x1.c4f69ep-8f, -0x1.bdb4fcp-5f, -0x1.17ce8p-4f, -0x1.6f4c7cp-5f,
         -0x1.9c938cp-7f, 0x1.f95262p-8f, 0x1.aaa312p-7f, 0x1.4a2b62p-7f, 0x1.6c1002p-8f, 0x1.3b8528p-9f,
         0x1.bf3034p-11f, 0x1.08b3b2p-12f, 0x1.bd0ecep-13f, 0x1.b6bfeep-11f},
    }};

template <class V>
INGOT_INLINE V erf_f32(V x) {
  const V ax = at_most(magnitude(x), 3.925f);  // from here on it rounds to 1
  const V place = fma(ax, splat<V>(0x1.f8d5a8p+1f), splat<V>(kRoundMagicF32));
  return flip_sign<V>(evaluate_table(ax, to_bits(place), place < kRoundMagicF32 + 4, kErfF32), sign_bit(x));
}

}  // namespace ingot::INGOT_LEVEL
