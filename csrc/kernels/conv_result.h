// Where the result of a convolution goes, piece by piece: rows are pixels, counted over all images, columns outputs.
// With a group a piece is computed in scratch, in the second-level cache, and the group writes the results from there.
#pragma once

#include <cstdint>

#include "kernels/conv_window.h"
#include "kernels/group.h"
#include "kernels/micro_kernel.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {

inline constexpr std::int64_t kConvFinishRows = 56;  // of a piece, where rows are not copied chunk by chunk
inline constexpr std::int64_t kConvMostRows = 128;   // at all

// Outputs of a piece at most, whole register tiles. size: bytes of an element.
inline std::int64_t pass_columns(std::int64_t size) {
  return 1024 / size;
}

template <class T>
struct ConvPiece {
  std::int64_t pixel, rows, output, columns;
  T* c;  // element (i, j) at c[i * row + j]; whole vectors may be written
  std::int64_t row;
};

// Bytes of a piece; monotone in the sizes.
inline std::int64_t piece_bytes(const Conv& c, std::int64_t size) {
  const std::int64_t rows = smaller(c.images * conv_pixels(c), kConvMostRows);
  return rows * smaller(round_up(c.outputs * c.groups, kTileVectors * kVectorBytes / size), pass_columns(size)) * size;
}

template <class T>
class ConvResult {
 public:
  // tile: piece_bytes long. group: null where nothing follows.
  ConvResult(const Conv& c, T* out, T* tile, GroupMachine* group) : c_(c), out_(out), tile_(tile), group_(group) {
    const bool rows = c.y[2] == c.y[3] * c.out_width || c.out_height == 1;
    const bool images = c.y[0] == c.y[3] * conv_pixels(c) || c.images == 1;
    even_ = rows && images && c.y[1] == 1;
    if constexpr (sizeof(T) == sizeof(float)) chains_ = group != nullptr && as_moving_chain(*group, chain_);
  }

  // What runs on each register tile as soon as it is computed; null: finish() runs the group on whole pieces.
  const MovingChain* chain() const { return chains_ ? &chain_ : nullptr; }

  // A piece to compute.
  ConvPiece<T> begin(std::int64_t pixel, std::int64_t rows, std::int64_t output, std::int64_t columns) const {
    ConvPiece<T> piece{pixel, rows, output, columns, tile_, round_up(columns, kLanes<Wide<T>>)};
    if (group_ == nullptr && even_ && columns % kLanes<Wide<T>> == 0) {
      piece.c = out_ + pixel * c_.y[3] + output;
      piece.row = c_.y[3];
    }
    return piece;
  }

  // The piece is computed.
  void finish(const ConvPiece<T>& piece) const {
    if (group_ != nullptr) {
      const GroupPanel panel{reinterpret_cast<char*>(piece.c), piece.row * static_cast<std::int64_t>(sizeof(T))};
      run_group(*group_, piece.pixel, piece.rows, piece.output, piece.columns, &panel, nullptr);
    } else if (piece.c == tile_) {
      store(piece);
    }
  }

 private:
  [[gnu::noinline]] void store(const ConvPiece<T>& piece) const {
    for (std::int64_t i = 0; i < piece.rows; ++i) {
      const std::int64_t pixel = piece.pixel + i, image = pixel / conv_pixels(c_), row = pixel / c_.out_width;
      T* const to = out_ + image * c_.y[0] + row % c_.out_height * c_.y[2] + pixel % c_.out_width * c_.y[3] +
                    piece.output * c_.y[1];
      const T* const from = piece.c + i * piece.row;
      for (std::int64_t j = 0; j < piece.columns; ++j) to[j * c_.y[1]] = from[j];
    }
  }

  const Conv& c_;
  T* out_;
  T* tile_;
  GroupMachine* group_;
  bool even_;
  bool chains_ = false;
  MovingChain chain_;
};

}  // namespace ingot::INGOT_LEVEL
