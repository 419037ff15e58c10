// The operands of a product of tiles. An operand is a number of lines (rows of A, columns of B) of k elements each; a
// source says where element k of a line lies, and a loader carries tiles of them to shared memory, 16 bytes per thread.
#pragma once

#include "cuda/kernels/piece.h"

namespace ingot::cuda {

inline constexpr std::int64_t kFoldSteps = 256;  // part of the numerics contract

// Lines of a tensor with strides: element k lies at k * step.
template <class T>
struct StridedLines {
  using Element = T;
  static constexpr bool kGathers = false;
  TensorArg lines;    // an axis, or several that count lines together
  TensorArg batches;  // where the operand of a batch begins
  std::int64_t step;
  bool along_steps;  // neighbours in memory are neighbours in k, else lines
  bool in_pieces;    // and can be read 16 bytes at a time

  struct Line {
    std::int64_t at;
  };
  struct Step {
    std::int64_t at;
  };
  __device__ Line line(std::int64_t batch, std::int64_t i) const {
    return {offset_of(batches, batch) + offset_of(lines, i)};
  }
  __device__ Step step_at(std::int64_t k) const { return {k * step}; }
  __device__ void advance(Step& s, int n) const { s.at += n * step; }
  __device__ bool inside(const Line&, const Step&) const { return true; }
  __device__ const T* address(const Line& l, const Step& s) const {
    return reinterpret_cast<const T*>(lines.data) + l.at + s.at;
  }
};

// Lines of a convolution: the patches of pixels, k counted as (kernel row, kernel column, channel), or its weights,
// which are patches of an image each, without padding. All positions fit 32 bits (conv.cu sees to it).
template <class T>
struct PatchLines {
  using Element = T;
  static constexpr bool kGathers = true;
  const char* data;
  std::int64_t group, image, channel, row, column;  // strides
  std::int64_t channels;
  int height, width;          // of an image
  int out_height, out_width;  // lines are counted (image, y, x)
  int kernel_width;
  int stride_y, stride_x, top, left, dilation_y, dilation_x;
  bool along_steps;
  bool in_pieces;

  struct Line {
    std::int64_t at;
    int y, x;  // of the patch's first position
  };
  struct Step {
    std::int64_t channel;
    int y, x, kernel_x;  // in the patch
  };
  __device__ Line line(std::int64_t batch, std::int64_t i) const {
    const std::int64_t above = i / out_width, n = above / out_height;
    const int y = static_cast<int>(above - n * out_height) * stride_y - top;
    const int x = static_cast<int>(i - above * out_width) * stride_x - left;
    return {batch * group + n * image + y * row + x * column, y, x};
  }
  __device__ Step step_at(std::int64_t k) const {
    const std::int64_t position = k / channels;
    const int kernel_y = static_cast<int>(position / kernel_width),
              kernel_x = static_cast<int>(position % kernel_width);
    return {k - position * channels, kernel_y * dilation_y, kernel_x * dilation_x, kernel_x};
  }
  __device__ void advance(Step& s, int n) const {
    for (s.channel += n; s.channel >= channels; s.channel -= channels) {
      s.x += dilation_x;
      if (++s.kernel_x < kernel_width) continue;
      s.kernel_x = s.x = 0;
      s.y += dilation_y;
    }
  }
  __device__ bool inside(const Line& l, const Step& s) const {
    return static_cast<unsigned>(l.y + s.y) < static_cast<unsigned>(height) &&
           static_cast<unsigned>(l.x + s.x) < static_cast<unsigned>(width);
  }
  __device__ const T* address(const Line& l, const Step& s) const {
    return reinterpret_cast<const T*>(data) + (l.at + s.channel * channel + s.y * row + s.x * column);
  }
};

// What fills lines up behind their last step: fma(-0, +0, x) is x, whatever x.
template <class T>
inline constexpr T kFillA = static_cast<T>(-0.0);
template <class T>
inline constexpr T kFillB = 0;

// What one thread of 256 carries of every tile of kLines lines and kSteps steps, 16 bytes at a time: a piece, or
// elements of one line, or (neighbours being lines that are no pieces) elements of lines so far apart that the threads
// of a warp read neighbours. In shared memory a tile lies step by step, a step kPitch elements behind the last.
template <class Source, int kLines, int kSteps>
class Loader {
 public:
  using T = typename Source::Element;
  static constexpr int kElements = kPiece<T>;
  static constexpr int kPitch = kLines + kElements;
  static constexpr int kDepth = 256 * kElements / kLines, kPieces = kSteps / kDepth;        // steps of a round, rounds
  static constexpr int kAlongSteps = kDepth / kElements, kAlongLines = kLines / kElements;  // threads
  static_assert(kSteps % kDepth == 0 && kDepth % kElements == 0);

  // table: the tile's lines. The first step is k; steps from `end` on are `fill`.
  __device__ void begin(const Source& source, const typename Source::Line* table, std::int64_t k, std::int64_t end,
                        T fill) {
    const int thread = static_cast<int>(threadIdx.x);
    const int apart = source.along_steps ? 0 : source.in_pieces ? 1 : kAlongLines;
    first_line_ = source.along_steps ? thread / kAlongSteps : thread % kAlongLines * (source.in_pieces ? kElements : 1);
    first_step_ = source.along_steps ? thread % kAlongSteps * kElements : thread / kAlongLines;
    for (int i = 0; i < kElements; ++i) lines_[i] = table[first_line_ + i * apart];
    fill_ = fill;
    left_ = end - k - first_step_;
    step_ = source.step_at(k + first_step_);
  }

  // Reads the thread's part of the next tile.
  __device__ void fetch(const Source& source) {
    INGOT_UNROLL
    for (int i = 0; i < kPieces; ++i) {
      if (left_ >= (source.along_steps ? kElements : 1) && source.in_pieces) {
        fetch_piece(source, pieces_[i]);
      } else {
        fetch_elements(source, pieces_[i]);
      }
      left_ -= kDepth;
      source.advance(step_, kDepth);
    }
  }

  __device__ void store(const Source& source, T* tile) const {
    const int apart = source.along_steps ? kPitch : kAlongLines;
    INGOT_UNROLL
    for (int i = 0; i < kPieces; ++i) {
      T* const to = tile + (first_step_ + i * kDepth) * kPitch + first_line_;
      if (source.in_pieces && !source.along_steps) {
        store_piece(to, pieces_[i]);
        continue;
      }
      INGOT_UNROLL
      for (int e = 0; e < kElements; ++e) to[e * apart] = pieces_[i].e[e];
    }
  }

 private:
  __device__ void fetch_piece(const Source& source, Piece<T>& piece) {
    piece = {};
    if (source.inside(lines_[0], step_)) piece = load_piece(source.address(lines_[0], step_));
  }

  __device__ void fetch_elements(const Source& source, Piece<T>& piece) {
    typename Source::Step step = step_;
    INGOT_UNROLL
    for (int i = 0; i < kElements; ++i) {
      if (left_ <= (source.along_steps ? i : 0)) {
        piece.e[i] = fill_;
      } else {
        const bool inside = source.inside(lines_[i], step);
        piece.e[i] = inside ? *source.address(lines_[i], step) : T{0};
      }
      if (source.along_steps) source.advance(step, 1);
    }
  }

  typename Source::Line lines_[kElements];  // along steps all the same
  typename Source::Step step_;
  std::int64_t left_;  // steps from the thread's first one on
  int first_line_, first_step_;
  T fill_;
  Piece<T> pieces_[kPieces];
};

}  // namespace ingot::cuda
