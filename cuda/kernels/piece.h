// Sixteen bytes of elements: what one load or store of a thread moves at best.
#pragma once

#include "cuda/kernels/device.h"
#include "kernels/element.h"

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

// Whether every axis begins pieces at whole pieces: all strides but a last one of 1, which must be of whole pieces.
template <class T>
bool in_pieces(const TensorArg& x, bool last_is_line) {
  for (int i = 0; i < x.rank; ++i) {
    const bool line = last_is_line && i == x.rank - 1;
    if (line ? x.strides[i] != 1 || x.shape[i] % kPiece<T> != 0 : x.strides[i] % kPiece<T> != 0) return false;
  }
  return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0;
}

}  // namespace ingot::cuda
