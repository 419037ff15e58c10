// attention: out[..., m, e] = g(q[..., m, d] k[..., d, n]) v[..., n, e] in one step, where g is a group on rows of n
// scores. A tile is some rows of one matrix of scores, which lies in scratch: the scores never are in memory as a
// whole. Both products and g have the bits that the ops have one by one: every sum is over all of d or n, in the usual
// order.
#include "kernels/families.h"
#include "kernels/gemm.h"
#include "kernels/group.h"
#include "kernels/product.h"

namespace ingot::INGOT_LEVEL {
namespace {

constexpr std::int64_t kScoreBytes = 256 * 1024;  // of a tile, a part of the second-level cache
constexpr std::int64_t kMostRows = 256;
constexpr std::int64_t kFewRows = 8;  // fewer do not pay for packing v

struct Attention {
  TensorArg scores;  // shape only
  const TensorArg *q, *k, *v, *out;
  std::int64_t batch, rows, keys, depth, width;
  std::int64_t tile_rows, row_tiles;
  std::int64_t score_row;  // elements from row to row of a tile
};

Attention make_attention(const KernelCall* call) {
  Attention a{};
  a.q = &call->inputs[0], a.k = &call->inputs[1], a.v = &call->inputs[2], a.out = &call->outputs[0];
  const int rank = a.out->rank;
  a.rows = a.out->shape[rank - 2], a.width = a.out->shape[rank - 1];
  a.keys = a.v->shape[rank - 2], a.depth = a.q->shape[a.q->rank - 1];
  a.scores = *a.out;
  a.scores.shape[rank - 1] = a.keys;
  a.batch = 1;
  for (int i = 0; i < rank - 2; ++i) a.batch *= a.out->shape[i];
  a.score_row = round_up(a.keys, kPanel) + kPanel;
  const std::int64_t fit = kScoreBytes / (a.score_row * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t most = larger(smaller(fit, kMostRows), 2 * kTileRows);
  const std::int64_t share = larger(ceil_div(a.rows * a.batch, 8), 2 * kTileRows);
  a.row_tiles = ceil_div(a.rows, smaller(most, share));
  a.tile_rows = a.row_tiles == 0 ? 0 : ceil_div(a.rows, a.row_tiles);
  return a;
}

// Where the matrix of `batch` begins; axes that the operand lacks or broadcasts are walked in place.
const float* matrix(const TensorArg& x, const TensorArg& like, std::int64_t batch) {
  std::int64_t offset = 0;
  for (int i = like.rank - 3; i >= 0; --i) {
    offset += batch % like.shape[i] * batch_stride(x, i, like.rank);
    batch /= like.shape[i];
  }
  return reinterpret_cast<const float*>(x.data) + offset;
}

struct Scratch {
  std::int64_t k, v, q, scores, group, end;  // byte offsets
};

Scratch lay_out(const KernelCall* call, const Attention& a) {
  constexpr std::int64_t kSize = sizeof(float);
  const std::int64_t rows = smaller(a.rows, larger(kMostRows, 2 * kTileRows));
  const std::int64_t fit = larger(kScoreBytes, 2 * kTileRows * a.score_row * kSize);
  Scratch s;
  s.k = 0;
  s.v = s.k + round_up(a.keys, kPanel) * a.depth * kSize;
  s.q = s.v + round_up(a.width, kPanel) * a.keys * kSize;
  s.scores = s.q + round_up(rows * a.depth * kSize, 64);
  s.group = s.scores + round_up(smaller(rows * a.score_row * kSize, fit), 64);
  s.end = s.group + group_scratch_bytes(call, rows * a.keys, a.keys);
  return s;
}

std::int64_t num_tiles(const KernelCall* call) {
  const Attention a = make_attention(call);
  return a.width == 0 ? 0 : a.batch * a.row_tiles;
}

std::int64_t scratch_bytes(const KernelCall* call) {
  return lay_out(call, make_attention(call)).end;
}

// 2 products at about 40 flops per ns, and the group at 1 ns per score.
std::int64_t cost_ns(const KernelCall* call) {
  const Attention a = make_attention(call);
  const double scores = static_cast<double>(a.batch) * static_cast<double>(a.rows) * static_cast<double>(a.keys);
  return static_cast<std::int64_t>(scores * (static_cast<double>(a.depth + a.width) / 20 + 1));
}

ColumnGroup<float> panels_at(const float* panels, std::int64_t column, std::int64_t steps, std::int64_t columns) {
  constexpr std::int64_t kWidth = kLanes<F32>;
  ColumnGroup<float> group{panels + column / kPanel * kPanel * steps + column % kPanel, kPanel, kWidth, columns};
  if (kWidth == kPanel) group.vector = kPanel * steps;
  return group;
}

struct Tile {
  std::int64_t batch, first, rows;
};

class AttentionRun {
 public:
  AttentionRun(const KernelCall* call, char* scratch)
      : a_(make_attention(call)), at_(lay_out(call, a_)), scratch_(scratch) {
    group_ = prepare_group(call, a_.scores, kNoColumns, scratch + at_.group);
  }

  void run(const Tile& tile) {
    multiply_scores(tile);
    GroupPanel panel{reinterpret_cast<char*>(scores()), a_.score_row * std::int64_t{sizeof(float)}};
    run_group(*group_, tile.batch * a_.rows + tile.first, tile.rows, 0, a_.keys, &panel, &panel);
    multiply_values(tile);
  }

  const Attention& attention() const { return a_; }

 private:
  float* floats(std::int64_t offset) const { return reinterpret_cast<float*>(scratch_ + offset); }
  float* scores() const { return floats(at_.scores); }

  RowGroup<float> take_queries(const Tile& tile) {
    const TensorArg& q = *a_.q;
    const std::int64_t row = q.strides[q.rank - 2], step = q.strides[q.rank - 1];
    const float* const from = matrix(q, a_.scores, tile.batch) + tile.first * row;
    if (step == 1) return {from, row, tile.rows};
    float* const copy = floats(at_.q);
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t s = 0; s < a_.depth; ++s) copy[i * a_.depth + s] = from[i * row + s * step];
    }
    return {copy, a_.depth, tile.rows};
  }

  void multiply_scores(const Tile& tile) {
    const TensorArg& k = *a_.k;
    const float* const from = matrix(k, a_.scores, tile.batch);
    float* const panels = floats(at_.k);
    if (from != packed_k_) {
      pack_panels(from, k.strides[k.rank - 2], k.strides[k.rank - 1], a_.keys, a_.depth, panels);
      packed_k_ = from;
    }
    const RowGroup<float> q = take_queries(tile);
    if (a_.depth == 0) return clear(scores(), a_.score_row, tile.rows, a_.keys);
    for (std::int64_t j = 0; j < a_.keys; j += kTileColumns<float>) {  // whole vectors: the rows have room
      const std::int64_t columns = smaller(kTileColumns<float>, round_up(a_.keys - j, kLanes<F32>));
      multiply_group<float>(q, panels_at(panels, j, a_.depth, columns), {scores() + j, a_.score_row, 1}, a_.depth,
                            false);
    }
  }

  void multiply_values(const Tile& tile) {
    const TensorArg &v = *a_.v, &out = *a_.out;
    const std::int64_t step = v.strides[v.rank - 2], column = v.strides[v.rank - 1], row = out.strides[out.rank - 2];
    const float* const from = matrix(v, a_.scores, tile.batch);
    float* const to = const_cast<float*>(matrix(out, a_.scores, tile.batch)) + tile.first * row;
    const std::int64_t out_column = out.strides[out.rank - 1];
    if (a_.keys == 0) return clear(to, row, tile.rows, a_.width);
    const bool in_place = column == 1 && tile.rows < kFewRows && a_.width % kLanes<F32> == 0;
    float* const panels = floats(at_.v);
    if (!in_place && from != packed_v_) {
      pack_panels(from, step, column, a_.width, a_.keys, panels);
      packed_v_ = from;
    }
    const RowGroup<float> weights{scores(), a_.score_row, tile.rows};
    for (std::int64_t j = 0; j < a_.width; j += kTileColumns<float>) {
      const std::int64_t columns = smaller(kTileColumns<float>, a_.width - j);
      const ColumnGroup<float> group =
          in_place ? ColumnGroup<float>{from + j, step, kLanes<F32>, columns} : panels_at(panels, j, a_.keys, columns);
      multiply_group<float>(weights, group, {to + j * out_column, row, out_column}, a_.keys, false);
    }
  }

  static void clear(float* to, std::int64_t row, std::int64_t rows, std::int64_t columns) {
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) to[i * row + j] = 0;
    }
  }

  Attention a_;
  Scratch at_;
  char* scratch_;
  GroupMachine* group_;
  const float* packed_k_ = nullptr;  // whose panels lie in scratch
  const float* packed_v_ = nullptr;
};

void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  AttentionRun attention(call, scratch);
  const Attention& a = attention.attention();
  for (std::int64_t t = begin; t < end; ++t) {
    const std::int64_t first = t % a.row_tiles * a.tile_rows;
    attention.run({t / a.row_tiles, first, smaller(a.tile_rows, a.rows - first)});
  }
}

}  // namespace

extern constinit const Kernel attention_kernels[] = {
    {"attention", kF32Type, num_tiles, scratch_bytes, cost_ns, run, true}};
extern constinit const std::int32_t num_attention_kernels = 1;

}  // namespace ingot::INGOT_LEVEL
