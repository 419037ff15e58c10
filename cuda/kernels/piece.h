// Sixteen bytes of elements: what one load or store of a thread moves at best.
#pragma once

#include "cuda/kernels/device_code.h"

// Some of a long loop's rounds side by side, so that their loads are under way at once.
#if defined(__CUDACC__)
#define INGOT_UNROLL_4 _Pragma("unroll 4")
#define INGOT_UNROLL_8 _Pragma("unroll 8")
#else
#define INGOT_UNROLL_4
#define INGOT_UNROLL_8
#endif

namespace ingot::cuda {

template <class T>
inline constexpr int kPiece = 16 / static_cast<int>(sizeof(T));  // elements

template <class T>
struct alignas(16) Piece {
  T e[kPiece<T>];
};

template <class T>
__device__ inline Piece<T> load_piece(const T* from) {
  return *reinterpret_cast<const Piece<T>*>(from);
}
template <class T>
__device__ inline void store_piece(T* to, const Piece<T>& piece) {
  *reinterpret_cast<Piece<T>*>(to) = piece;
}

}  // namespace ingot::cuda
