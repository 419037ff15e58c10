// The rounds of attention: which part of the scores is computed at a time, and what it sees of the operands.
#pragma once

#include "cuda/kernels/device.h"
#include "kernels/element.h"

namespace ingot::cuda {

inline constexpr std::int64_t kTileOfRows = 64;  // rounds end between tiles of products

inline std::int64_t round_up(std::int64_t n, std::int64_t to) {
  return (n + to - 1) / to * to;
}

// A part of the scores: `size` positions of each axis from `first` on.
struct Round {
  std::int64_t first[kKernelMaxRank], size[kKernelMaxRank];
};

// Rounds cover some positions of one axis, at one position of each axis before it and at all of those behind it: as
// many as take most_bytes, but a row at least.
class Rounds {
 public:
  Rounds(const TensorArg& scores, std::int64_t most_bytes) : scores_(scores) {
    const int rank = scores.rank;
    std::int64_t fit = most_bytes / static_cast<std::int64_t>(sizeof(float));
    for (int i = 0; i < rank; ++i) done_ = done_ || scores.shape[i] == 0;
    if (done_) return;
    fit = larger(fit / scores.shape[rank - 1], 1);
    for (axis_ = rank - 2; axis_ > 0 && scores.shape[axis_] <= fit; --axis_) fit /= scores.shape[axis_];
    const std::int64_t rounds = (scores.shape[axis_] + fit - 1) / fit,
                       even = (scores.shape[axis_] + rounds - 1) / rounds;
    at_once_ = axis_ == rank - 2 ? smaller(round_up(even, kTileOfRows), fit) : even;
  }

  bool next(Round* round) {
    if (done_) return false;
    for (int i = 0; i < scores_.rank; ++i) {
      round->first[i] = position_[i];
      round->size[i] = i < axis_ ? 1 : scores_.shape[i];
    }
    round->size[axis_] = smaller(at_once_, scores_.shape[axis_] - position_[axis_]);
    position_[axis_] += at_once_;
    for (int i = axis_; position_[i] >= scores_.shape[i]; --i) {
      position_[i] = 0;
      done_ = i == 0;
      if (done_) break;
      ++position_[i - 1];
    }
    return true;
  }

 private:
  const TensorArg& scores_;
  int axis_ = 0;
  std::int64_t at_once_ = 0, position_[kKernelMaxRank] = {};
  bool done_ = false;
};

// What a round sees of an operand, whose axes are the last ones of the scores' up to number `axes`; one that it lacks
// or broadcasts is the same for every round.
inline TensorArg part_of(const TensorArg& x, const Round& round, int rank, int axes) {
  TensorArg part = x;
  for (int i = rank - x.rank; i < axes; ++i) {
    const int own = i - (rank - x.rank);
    if (own < 0 || x.shape[own] == 1) continue;
    part.data += round.first[i] * x.strides[own] * device::element_bytes(x.dtype);
    part.shape[own] = round.size[i];
  }
  return part;
}

inline TensorArg row_major(const Round& round, int rank, char* data) {
  TensorArg x{};
  x.data = data;
  x.rank = rank;
  x.dtype = device::kF32Type;
  std::int64_t stride = 1;
  for (int i = rank - 1; i >= 0; --i) {
    x.shape[i] = round.size[i];
    x.strides[i] = stride;
    stride *= round.size[i];
  }
  return x;
}

}  // namespace ingot::cuda
