// What generated kernels (codegen.h) are made of: walks over the elements of a group, loads and stores, reductions of
// rows. Compiled by NVRTC, and by a C++ compiler with tests/cuda_on_host.
//
// A generated source has structs of the registers that are loaded and stored, each with room for kAtOnce elements of
// one thread: all of them are loaded, then computed, then stored, so that an output may lie on an input.
#pragma once

#include "cuda/group_arguments.h"
#include "cuda/kernels/device_code.h"
#include "kernels/values.h"

namespace ingot::cuda {

// Elements that one load or store moves, 16 bytes at most.
template <class T, int n>
struct alignas(sizeof(T) * n < 16 ? sizeof(T) * n : 16) Vector {
  typename device::Storage<T>::Type elements[n];
};

// Whether an earlier launch has reported a fault, and this one must write nothing.
INGOT_INLINE bool stopped(const GroupStop& stop) {
  if (stop.set == nullptr || *stop.set == 0) return false;
  __threadfence();
  return *stop.fault_order < stop.order;
}

INGOT_INLINE std::uint32_t divide(std::uint32_t n, const GroupAxis& by) {
  return (static_cast<std::uint32_t>(static_cast<std::uint64_t>(n) * by.multiplier >> 32) + n) >> by.shift;
}

// Ops that move bits, on any dtype; the rows of ops/pointwise.def mean them for those that are computed.
template <class T>
inline constexpr bool kHasNaN = device::kIsFloat<T>;
template <>
inline constexpr bool kHasNaN<device::Float16> = true;
template <>
inline constexpr bool kHasNaN<device::BFloat16> = true;

template <class Out, class T>
INGOT_INLINE Out same_bits(T x) {
  if constexpr (kHasNaN<T>) {
    return device::bit_cast<Out>(device::quiet_bits<T>(device::to_bits(x)));
  } else {
    return device::bit_cast<Out>(x);
  }
}

template <int kBytes>
struct BitsOfSize;
template <>
struct BitsOfSize<1> {
  using Type = std::uint8_t;
};
template <>
struct BitsOfSize<2> {
  using Type = std::uint16_t;
};
template <>
struct BitsOfSize<4> {
  using Type = std::uint32_t;
};
template <>
struct BitsOfSize<8> {
  using Type = std::uint64_t;
};

template <class T>
INGOT_INLINE T choose(bool c, T a, T b) {
  using B = typename BitsOfSize<sizeof(T)>::Type;
  return device::bit_cast<T>(device::Row_where::value<B, B>(c, device::bit_cast<B>(a), device::bit_cast<B>(b)));
}

template <class T>
INGOT_INLINE T next_narrow(T a, T b) {
  return {device::next_bits<std::uint16_t, device::kInfinityBits<T>>(a.bits, b.bits)};
}

// Bytes from an operand's first element, for each operand.
template <int kOperands>
struct Offsets {
  std::int64_t bytes[kOperands];
};

// The place of position `flat` along the axes first .. last-1, added to `from`.
template <class Arguments>
INGOT_INLINE Offsets<Arguments::kOperands> walk(const Arguments& a, const Offsets<Arguments::kOperands>& from,
                                                std::uint32_t flat, int first, int last) {
  Offsets<Arguments::kOperands> to = from;
  INGOT_ROLLED
  for (int axis = last - 1; axis >= first; --axis) {
    std::uint32_t index = flat;
    if (axis > first) {
      flat = divide(flat, a.space.axes[axis]);
      index -= flat * a.space.axes[axis].size;
    }
    for (int k = 0; k < Arguments::kOperands; ++k) to.bytes[k] += index * a.operands[k].steps[axis];
  }
  return to;
}

// One element of the kAtOnce.
template <class Arguments>
struct ElementAt {
  const Arguments& a;
  Offsets<Arguments::kOperands> place;
  int e;

  template <class T, int n>
  INGOT_INLINE void load(int operand, T (&to)[n]) const {
    const char* const from = a.operands[operand].data + place.bytes[operand];
    to[e] = device::value_of<T>(*reinterpret_cast<const typename device::Storage<T>::Type*>(from));
  }
  template <class T, int n>
  INGOT_INLINE void store(int operand, const T (&from)[n]) const {
    char* const to = a.operands[operand].data + place.bytes[operand];
    *reinterpret_cast<typename device::Storage<T>::Type*>(to) = device::stored_of<T>(from[e]);
  }
};

template <int kOperands>
INGOT_INLINE Offsets<kOperands> add(const Offsets<kOperands>& a, const Offsets<kOperands>& b) {
  Offsets<kOperands> sum;
  for (int k = 0; k < kOperands; ++k) sum.bytes[k] = a.bytes[k] + b.bytes[k];
  return sum;
}

// kAtOnce elements `step` apart, as far as they lie below `end`, whatever the axes.
template <class Arguments, int kAtOnce>
struct Positions {
  const Arguments& a;
  const Offsets<Arguments::kOperands>& row;
  std::uint32_t at, step, end;

  INGOT_INLINE Offsets<Arguments::kOperands> place(int e) const {
    return walk(a, row, at + e * step, a.space.lead_rank, a.space.rank);
  }
  template <class Inputs>
  INGOT_INLINE void load(Inputs& x) const {
    INGOT_UNROLL
    for (int e = 0; e < kAtOnce; ++e) {
      if (at + e * step < end) x.load(ElementAt<Arguments>{a, place(e), e});
    }
  }
  template <class Outputs>
  INGOT_INLINE void store(const Outputs& y) const {
    INGOT_UNROLL
    for (int e = 0; e < kAtOnce; ++e) {
      if (at + e * step < end) y.store(ElementAt<Arguments>{a, place(e), e});
    }
  }
};

// kAtOnce elements side by side along the last axis.
template <class Arguments>
struct VectorAt {
  const Arguments& a;
  Offsets<Arguments::kOperands> place;

  template <class T, int n>
  INGOT_INLINE void load(int operand, T (&to)[n]) const {
    const char* const from = a.operands[operand].data + place.bytes[operand];
    if (a.operands[operand].steps[a.space.rank - 1] == 0) {
      const T one = device::value_of<T>(*reinterpret_cast<const typename device::Storage<T>::Type*>(from));
      for (int e = 0; e < n; ++e) to[e] = one;
      return;
    }
    constexpr int kTogether = sizeof(T) * n <= 16 ? n : 16 / static_cast<int>(sizeof(T));
    for (int e = 0; e < n; e += kTogether) {
      const auto vector = *reinterpret_cast<const Vector<T, kTogether>*>(from + e * sizeof(T));
      for (int i = 0; i < kTogether; ++i) to[e + i] = device::value_of<T>(vector.elements[i]);
    }
  }
  template <class T, int n>
  INGOT_INLINE void store(int operand, const T (&from)[n]) const {
    char* const to = a.operands[operand].data + place.bytes[operand];
    constexpr int kTogether = sizeof(T) * n <= 16 ? n : 16 / static_cast<int>(sizeof(T));
    for (int e = 0; e < n; e += kTogether) {
      Vector<T, kTogether> vector;
      for (int i = 0; i < kTogether; ++i) vector.elements[i] = device::stored_of<T>(from[e + i]);
      *reinterpret_cast<Vector<T, kTogether>*>(to + e * sizeof(T)) = vector;
    }
  }
};

// The elements of one row, kAtOnce a thread: loaded into Inputs, computed, stored from Outputs. `thread`: of the
// num_threads that share the row.
template <class Inputs, class Outputs, int kAtOnce, class Arguments, class Compute>
INGOT_INLINE void for_elements(const Arguments& a, const Offsets<Arguments::kOperands>& row, std::uint32_t thread,
                               std::uint32_t num_threads, const Compute& compute) {
  const std::uint32_t n = a.space.columns, step = a.space.by_vectors != 0 ? 1 : num_threads;
  std::uint32_t at = a.space.by_vectors != 0 ? thread * kAtOnce : thread;
  for (; at < n; at += num_threads * kAtOnce) {
    Inputs x = {};
    Outputs y;
    const Positions<Arguments, kAtOnce> positions = {a, row, at, step, n};
    const bool whole = a.space.by_vectors != 0 && at + kAtOnce <= n;
    if (whole) {
      x.load(VectorAt<Arguments>{a, positions.place(0)});
    } else {
      positions.load(x);
    }
    INGOT_UNROLL
    for (int e = 0; e < kAtOnce; ++e) {  // once for both: it is most of the code
      compute(x, y, e, at + e * step < n ? at + e * step : at);
    }
    if (whole) {
      y.store(VectorAt<Arguments>{a, positions.place(0)});
    } else {
      positions.store(y);
    }
  }
}

// Every element of a group without rows, shared among all threads of the grid.
template <class Inputs, class Outputs, int kAtOnce, class Arguments, class Compute>
INGOT_INLINE void for_all(const Arguments& a, const Compute& compute) {
  for_elements<Inputs, Outputs, kAtOnce>(a, Offsets<Arguments::kOperands>{}, blockIdx.x * blockDim.x + threadIdx.x,
                                         gridDim.x * blockDim.x, compute);
}

}  // namespace ingot::cuda
