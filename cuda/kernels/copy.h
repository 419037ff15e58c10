// Copies of boxes of elements, any strides to any strides. Where the last axis lies together on both sides, elements
// are as large as alignment allows, up to 16 bytes; transpositions go through shared memory.
#pragma once

#include "cuda/kernels/transpose.h"
#include "cuda/kernels/walk.h"
#include "kernels/element.h"

namespace ingot::cuda {

inline constexpr int kPerThread = 4;  // elements, all of them loaded before the first is stored

// Neighboring threads write neighboring elements.
template <class T>
__device__ void copy_walk(T* to, const T* from, const BoxWalk& walk, std::uint32_t n) {
  const std::uint32_t piece = kBlockThreads * kPerThread;
  for (std::uint32_t first = blockIdx.x * piece + threadIdx.x; first < n; first += gridDim.x * piece) {
    T values[kPerThread];
    std::int64_t places[kPerThread];
    INGOT_UNROLL
    for (int j = 0; j < kPerThread; ++j) {
      if (first + j * kBlockThreads >= n) continue;
      std::int64_t source;
      locate(walk, first + j * kBlockThreads, places[j], source);
      values[j] = from[source];
    }
    INGOT_UNROLL
    for (int j = 0; j < kPerThread; ++j) {
      if (first + j * kBlockThreads < n) to[places[j]] = values[j];
    }
  }
}

// Grid: blocks of 256 threads x 4 elements.
template <class T>
__global__ void copy_elements(T* to, const T* from, const __grid_constant__ BoxWalk walk, std::uint32_t n,
                              Guard guard) {
  if (!stopped(guard)) copy_walk(to, from, walk, n);
}

// Calls launch(part, begin) for parts of a box that a walk can take; begin: where the part begins on each axis.
template <class Launch>
cudaError_t in_parts(const Box& box, const std::int64_t* begin, const Launch& launch) {
  const std::int64_t n = box_elements(box);
  if (n == 0) return cudaSuccess;
  if (n <= kMostOfWalk) return launch(box, begin);
  int longest = 0;
  for (int i = 1; i < box.rank; ++i) longest = box.shape[i] > box.shape[longest] ? i : longest;
  const std::int64_t half = box.shape[longest] / 2;
  Box part = box;
  part.shape[longest] = half;
  const cudaError_t status = in_parts(part, begin, launch);
  if (status != cudaSuccess) return status;
  std::int64_t further[kKernelMaxRank];
  for (int i = 0; i < box.rank; ++i) further[i] = begin[i] + (i == longest ? half : 0);
  part.shape[longest] = box.shape[longest] - half;
  return in_parts(part, further, launch);
}

inline constexpr std::int64_t kFromBegin[kKernelMaxRank] = {};

// The elements as larger ones of `bytes` (at most 16), where the last axis lies together on both sides.
inline Box widen(const Box& box, int element_bytes, std::int64_t bytes) {
  const std::int64_t ratio = bytes / element_bytes;
  Box wide = box;
  for (int i = 0; i < box.rank - 1; ++i) {
    wide.to[i] /= ratio;
    wide.from[i] /= ratio;
  }
  if (ratio > 1) wide.shape[box.rank - 1] /= ratio;
  return wide;
}

inline bool lies_together(const Box& box) {
  return box.rank > 0 && box.to[box.rank - 1] == 1 && box.from[box.rank - 1] == 1;
}

// How large elements may be: what divides the length and the begin of every line on both sides.
inline Granule granule_of(const Box& box, int element_bytes, const char* to, const char* from) {
  Granule granule;
  if (!lies_together(box)) return {element_bytes};
  granule.divide(to);
  granule.divide(from);
  granule.divide(box.shape[box.rank - 1] * element_bytes);
  for (int i = 0; i < box.rank - 1; ++i) {
    granule.divide(box.to[i] * element_bytes);
    granule.divide(box.from[i] * element_bytes);
  }
  return granule;
}

// Calls f.template run<T>() with an element of this size; one of 16 bytes may lie at a multiple of 8.
template <class F>
cudaError_t with_element(std::int64_t bytes, bool aligned, const F& f) {
  switch (bytes) {
    case 1:
      return f.template run<device::Bits8>();
    case 2:
      return f.template run<device::Bits16>();
    case 4:
      return f.template run<device::Bits32>();
    case 8:
      return f.template run<device::Bits64>();
    default:
      return aligned ? f.template run<ulonglong2>() : f.template run<device::Bits128>();
  }
}

struct CopyBox {
  const Enqueue& enqueue;
  Box box;
  char* to;
  const char* from;

  template <class T>
  cudaError_t run() const {
    T* const target = reinterpret_cast<T*>(to);
    const T* const source = reinterpret_cast<const T*>(from);
    if constexpr (sizeof(T) != alignof(T) || sizeof(T) < 16) {  // of 16 bytes aligned to them are only wide elements
      const int axis = find_transposed(box);
      if (axis >= 0) return enqueue_transpose(box, axis, target, source, enqueue);
    }
    return in_parts(box, kFromBegin, [&](const Box& part, const std::int64_t* begin) {
      std::int64_t target_begin = 0, source_begin = 0;
      for (int i = 0; i < part.rank; ++i) {
        target_begin += begin[i] * part.to[i];
        source_begin += begin[i] * part.from[i];
      }
      const std::int64_t n = box_elements(part);
      return launch(copy_elements<T>, grid_for(n, kBlockThreads * kPerThread), kBlockThreads, 0, enqueue.stream,
                    target + target_begin, source + source_begin, make_walk(part), static_cast<std::uint32_t>(n),
                    enqueue.guard);
    });
  }
};

// The whole of x into a target with these strides. In movement.cu, with its kernels.
cudaError_t copy_into(const Enqueue& enqueue, char* to, const std::int64_t* strides, const TensorArg& x);

}  // namespace ingot::cuda
