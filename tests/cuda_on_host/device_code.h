// What code inside a kernel may use: qualifiers, indexes, barriers, shuffles, votes, atomics and intrinsics.
// Only one thread runs at any moment, so atomics are plain; see block.h for how threads take turns.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "vectors.h"

#define INGOT_CUDA_ON_HOST 1
#define __global__
#define __device__
#define __host__
#define __constant__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
// One block runs at a time, so that what its threads share can be static.
#define __shared__ static

#pragma GCC visibility push(default)  // generated kernels are libraries of their own

// Of the thread that runs now.
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace cuda_on_host {

char* dynamic_shared_memory();  // of the block that runs: 16-byte aligned, filled with NaNs at its begin

void block_barrier();
// All lanes of the mask meet; each gives bits and names the lane whose bits it wants.
std::uint64_t exchange(unsigned mask, std::uint64_t bits, int source);
unsigned vote(unsigned mask, bool holds);  // the lanes for which it holds
void warp_barrier(unsigned mask);
int lane();
[[noreturn]] void stop_kernel(const char* problem);
void set_condition(unsigned long long handle, unsigned value);

#pragma GCC visibility pop

template <class T>
T shuffle(unsigned mask, T value, int source) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "shuffles take 4 or 8 bytes");
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(mask, bits, source);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Within pieces of `width` lanes; a lane that would look outside of its piece gets its own value.
inline int lane_within(int wanted, int width, bool inside) {
  return inside ? (lane() & ~(width - 1)) + wanted : lane();
}

template <class T, class... Allowed>
inline constexpr bool is_one_of = (std::is_same_v<T, Allowed> || ...);
template <class T>
inline constexpr bool is_atomic_integer = is_one_of<T, int, unsigned, unsigned long long>;

template <class T, class Combine>
T exchange_memory(T* address, Combine combine) {
  const T old = *address;
  *address = combine(old);
  return old;
}

}  // namespace cuda_on_host

inline void __syncthreads() {
  cuda_on_host::block_barrier();
}
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  cuda_on_host::warp_barrier(mask);
}
inline void __threadfence() {}
inline void cudaGraphSetConditional(unsigned long long handle, unsigned value) {
  cuda_on_host::set_condition(handle, value);
}
inline void __threadfence_block() {}
[[noreturn]] inline void __trap() {
  cuda_on_host::stop_kernel("__trap was called");
}

template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize) {
  return cuda_on_host::shuffle(mask, value, cuda_on_host::lane_within(source & (width - 1), width, true));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  const int at = (cuda_on_host::lane() & (width - 1)) - static_cast<int>(delta);
  return cuda_on_host::shuffle(mask, value, cuda_on_host::lane_within(at, width, at >= 0));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize) {
  const int at = (cuda_on_host::lane() & (width - 1)) + static_cast<int>(delta);
  return cuda_on_host::shuffle(mask, value, cuda_on_host::lane_within(at, width, at < width));
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = warpSize) {
  const int at = (cuda_on_host::lane() & (width - 1)) ^ bits;
  return cuda_on_host::shuffle(mask, value, cuda_on_host::lane_within(at, width, at < width));
}
inline unsigned __ballot_sync(unsigned mask, int holds) {
  return cuda_on_host::vote(mask, holds != 0);
}
inline int __any_sync(unsigned mask, int holds) {
  return cuda_on_host::vote(mask, holds != 0) != 0;
}
inline int __all_sync(unsigned mask, int holds) {
  return cuda_on_host::vote(mask, holds == 0) == 0;
}

// CUDA has these for fewer types than C++ would take: the same ones here.
template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T> || cuda_on_host::is_one_of<T, float, double>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return old + value; });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T> || std::is_same_v<T, long long>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return value < old ? value : old; });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T> || std::is_same_v<T, long long>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return old < value ? value : old; });
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return old & value; });
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return old | value; });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T> || std::is_same_v<T, float>);
  return cuda_on_host::exchange_memory(address, [&](T) { return value; });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  static_assert(cuda_on_host::is_atomic_integer<T> || std::is_same_v<T, unsigned short>);
  return cuda_on_host::exchange_memory(address, [&](T old) { return old == expected ? value : old; });
}

template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, T value) {
  *address = value;
}

inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline float __int_as_float(int x) {
  return std::bit_cast<float>(x);
}
inline long long __double_as_longlong(double x) {
  return std::bit_cast<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return std::bit_cast<double>(x);
}
inline float __fadd_rn(float a, float b) {
  return a + b;
}
inline float __fsub_rn(float a, float b) {
  return a - b;
}
inline float __fmul_rn(float a, float b) {
  return a * b;
}
inline float __fdiv_rn(float a, float b) {
  return a / b;
}
inline float __fsqrt_rn(float a) {
  return std::sqrt(a);
}
inline float __fmaf_rn(float a, float b, float c) {
  return std::fma(a, b, c);
}
inline double __dadd_rn(double a, double b) {
  return a + b;
}
inline double __dsub_rn(double a, double b) {
  return a - b;
}
inline double __dmul_rn(double a, double b) {
  return a * b;
}
inline double __ddiv_rn(double a, double b) {
  return a / b;
}
inline double __dsqrt_rn(double a) {
  return std::sqrt(a);
}
inline double __fma_rn(double a, double b, double c) {
  return std::fma(a, b, c);
}
inline int __popc(unsigned x) {
  return std::popcount(x);
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __ffs(int x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1;
}
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<unsigned long long>(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}
