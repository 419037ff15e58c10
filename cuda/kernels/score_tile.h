// Attention in one kernel of generated code (codegen.h): a block multiplies 64 rows of q with all keys, runs the group
// on these scores, and multiplies what it made of them with v. The scores lie in shared memory all along.
//
//   scores, key by key, 64 rows side by side: 272 bytes per key      tiles of q and k, of v: 17 KB, two buffers each
//
// So they are the tiles of A of the second product as they lie, and a group's 16 threads meet each bank twice at most.
// With 227 KB (sm_90) up to 768 keys fit, with 163 KB (sm_80) up to 528. Order of sums: as in tile.h.
#pragma once

#include "cuda/group_rows.h"
#include "cuda/kernels/tile.h"

namespace ingot::cuda {

struct ScoreTiles {
  StridedLines<float> q, k, v;  // lines: rows, keys, columns of the result
  TensorArg out;                // where the result of each batch begins
  std::int64_t out_row, out_column;
  std::int64_t rows, keys, depth, width;
  std::int64_t row_tiles, num_items;
};

template <int kNumOperands>
struct AttentionArguments {
  GroupArguments<kNumOperands> group;  // the scores are its first input and, in place, its output
  ScoreTiles tiles;
};

using ScoreShape = TileShape<float, 64, 16, 4, 1>;
inline constexpr int kScorePitch = ScoreShape::kPitch;
inline constexpr int kScoreTile = ScoreShape::kSteps * kScorePitch;

// Shared memory of a block, besides less than 8 KB of tables.
__host__ __device__ constexpr std::int64_t score_tile_bytes(std::int64_t keys) {
  const std::int64_t lines = (keys + ScoreShape::kSteps - 1) / ScoreShape::kSteps * ScoreShape::kSteps;
  return (lines * kScorePitch + 4 * kScoreTile) * static_cast<std::int64_t>(sizeof(float));
}

// The rows of one tile, for Rows: where the scores of each lie. kKeeps: the register that is kept takes the place of
// scores that nothing reads any more.
template <bool kKeeps>
struct RowsOfTile {
  std::uint32_t begin, end;
  float* scores;

  INGOT_INLINE std::uint32_t first(std::uint32_t) const { return begin; }
  INGOT_INLINE std::uint32_t last(const GroupSpace&) const { return end; }
  INGOT_INLINE std::uint32_t step(std::uint32_t at_once) const { return at_once; }
  template <int kOperands>
  INGOT_INLINE void place(Offsets<kOperands>& row, std::uint32_t number) const {
    row.bytes[0] = row.bytes[kOperands - 1] = reinterpret_cast<std::int64_t>(scores + (number - begin));
  }
  INGOT_INLINE bool keeps(const GroupSpace&) const { return kKeeps; }
  template <class Stored>
  INGOT_INLINE Stored* kept(const GroupSpace&, std::uint32_t, std::uint32_t number, std::uint32_t at) const {
    static_assert(!kKeeps || sizeof(Stored) == sizeof(float));
    return reinterpret_cast<Stored*>(scores + (number - begin) + at * kScorePitch);
  }
};

// The tiles that a block computes, one after the other: the scores, then (the group having run) the result.
class ScoreTile {
 public:
  __device__ explicit ScoreTile(const ScoreTiles& s)
      : s_(s), tiles_(dynamic_shared<float>()), scores_(tiles_ + 4 * kScoreTile) {
    __shared__ Line lines[2 * ScoreShape::kRows];
    lines_ = lines;
  }

  __device__ bool more() const { return number_ < s_.num_items; }
  __device__ void next() { number_ += gridDim.x; }

  template <bool kKeeps>
  __device__ RowsOfTile<kKeeps> rows() const {
    const std::int64_t begin = batch() * s_.rows + row(), end = begin + smaller(s_.rows - row(), ScoreShape::kRows);
    return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), scores_};
  }

  // Behind the last key -0 up to a whole tile: what fills lines of A up.
  __device__ void multiply_scores() const {
    find_lines(s_.q, row(), s_.rows, lines_);
    for (std::int64_t first = 0; first < s_.keys; first += ScoreShape::kColumns) {
      find_lines(s_.k, first, s_.keys, lines_ + ScoreShape::kRows);
      __syncthreads();
      float totals[ScoreShape::kThread][ScoreShape::kThread];
      CarriedTiles<ScoreShape, Source> q{s_.q, tiles_}, k{s_.k, tiles_ + 2 * kScoreTile};
      q.begin(lines_, 0, s_.depth, kFillA<float>);
      k.begin(lines_ + ScoreShape::kRows, 0, s_.depth, kFillB<float>);
      fold_tiles(q, k, place_, 0, s_.depth, totals);
      keep_scores(first + place_.column, totals);
    }
    __syncthreads();
  }

  __device__ void multiply_values() const {
    __syncthreads();
    for (std::int64_t first = 0; first < s_.width; first += ScoreShape::kColumns) {
      find_lines(s_.v, first, s_.width, lines_);
      __syncthreads();
      float totals[ScoreShape::kThread][ScoreShape::kThread];
      KeptTiles scores{scores_};
      CarriedTiles<ScoreShape, Source> v{s_.v, tiles_};
      v.begin(lines_, 0, s_.keys, kFillB<float>);
      fold_tiles(scores, v, place_, 0, s_.keys, totals);
      store_result(first + place_.column, totals);
    }
  }

 private:
  using Source = StridedLines<float>;
  using Line = Source::Line;

  // Tiles of A that lie in shared memory all together.
  struct KeptTiles {
    const float* scores;
    __device__ void fetch() const {}
    __device__ void store(int) const {}
    __device__ const float* tile(std::int64_t k, int) const { return scores + k * kScorePitch; }
  };

  __device__ std::int64_t batch() const { return number_ / s_.row_tiles; }
  __device__ std::int64_t row() const { return number_ % s_.row_tiles * ScoreShape::kRows; }

  __device__ void find_lines(const Source& source, std::int64_t first, std::int64_t end, Line* lines) const {
    const int thread = static_cast<int>(threadIdx.x);
    if (thread >= ScoreShape::kRows) return;
    lines[thread] = source.line(batch(), first + thread < end ? first + thread : 0);
  }

  __device__ void keep_scores(std::int64_t key, const float (&totals)[ScoreShape::kThread][ScoreShape::kThread]) const {
    const std::int64_t end = (s_.keys + ScoreShape::kSteps - 1) / ScoreShape::kSteps * ScoreShape::kSteps;
    INGOT_UNROLL
    for (int j = 0; j < ScoreShape::kThread; ++j) {
      Piece<float> piece;
      INGOT_UNROLL
      for (int i = 0; i < ScoreShape::kThread; ++i) piece.e[i] = key + j < s_.keys ? totals[i][j] : kFillA<float>;
      if (key + j < end) store_piece(scores_ + (key + j) * kScorePitch + place_.row, piece);
    }
  }

  __device__ void store_result(std::int64_t column,
                               const float (&totals)[ScoreShape::kThread][ScoreShape::kThread]) const {
    float* const out = reinterpret_cast<float*>(s_.out.data) + offset_of(s_.out, batch());
    INGOT_UNROLL
    for (int i = 0; i < ScoreShape::kThread; ++i) {
      const std::int64_t at = row() + place_.row + i;
      INGOT_UNROLL
      for (int j = 0; j < ScoreShape::kThread; ++j) {
        if (at < s_.rows && column + j < s_.width) out[at * s_.out_row + (column + j) * s_.out_column] = totals[i][j];
      }
    }
  }

  const ScoreTiles& s_;
  ThreadPlace<ScoreShape> place_;
  float *tiles_, *scores_;
  Line* lines_;
  std::int64_t number_ = blockIdx.x;
};

}  // namespace ingot::cuda
