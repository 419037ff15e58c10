// attention: out[..., m, e] = g(q[..., m, d] k[..., d, n]) v[..., n, e] in one step, where g is a group on rows of n
// scores. The scores of some rows at a time lie in the workspace, never the matrix as a whole: product, group on its
// own, product, then the next rows, each with the bits that it has alone.
// Few rows that meet many keys (a token's) are one round, and the kernel of few rows cuts both products along keys,
// columns and blocks of k: more blocks read K and V than there are heads.
#include <cstring>

#include "cuda/group_launch.h"
#include "cuda/kernels/axes.h"
#include "cuda/kernels/product.h"
#include "cuda/kernels/rounds.h"
#include "cuda/kernels/score_tile.h"
#include "cuda/steps.h"

namespace ingot::cuda {
namespace {

// Scores of one round: they stay in the second-level cache (A100: 40 MB, H100: 50 MB) from one kernel to the next, and
// are work for all processors. A group's rows have 65536 elements at most, so a round has 64 rows or more.
constexpr std::int64_t kScoresBytes = std::int64_t{16} << 20;

constexpr int kAnchorInputs = 3;  // q, k, v

// The whole matrix of scores, without memory.
TensorArg shape_of_scores(const KernelCall& call) {
  TensorArg scores = call.outputs[0];
  const TensorArg& v = call.inputs[2];
  scores.data = nullptr;
  scores.shape[scores.rank - 1] = v.shape[v.rank - 2];
  return scores;
}

const DeviceKernel& product() {
  return *find_device_kernel("matmul", device::kF32Type);
}

KernelCall call_of(const TensorArg* inputs, int num_inputs, const TensorArg& output) {
  KernelCall call{};
  call.inputs = inputs;
  call.num_inputs = num_inputs;
  call.outputs = &output;
  call.num_outputs = 1;
  return call;
}

cudaError_t run_round(const Enqueue& e, const Round& round, char* workspace, char* scores_at) {
  const KernelCall& call = e.call;
  const int rank = call.outputs[0].rank, rows = rank - 1, batches = rank - 2;
  const TensorArg scores = row_major(round, rank, scores_at), out = part_of(call.outputs[0], round, rank, rows);
  const TensorArg first[] = {part_of(call.inputs[0], round, rank, rows), part_of(call.inputs[1], round, rank, batches)};
  const TensorArg last[] = {scores, part_of(call.inputs[2], round, rank, batches)};
  TensorArg group[kMaxProgramInputs] = {scores};
  const int num_inputs = call.num_inputs - kAnchorInputs;
  for (int i = 0; i < num_inputs; ++i) group[1 + i] = part_of(call.inputs[kAnchorInputs + i], round, rank, rows);
  const auto with = [&](const KernelCall& part) {
    return Enqueue{part, e.guard, workspace, e.num_processors, e.stream};
  };
  const KernelCall calls[] = {call_of(first, 2, scores), call_of(group, 1 + num_inputs, scores), call_of(last, 2, out)};
  cudaError_t status = product().enqueue(with(calls[0]));
  if (status == cudaSuccess) status = enqueue_step(*e.attention->group, with(calls[1]));
  return status == cudaSuccess ? product().enqueue(with(calls[2])) : status;
}

// The axis of an operand's lines, beside where it begins for each batch of the result.
StridedLines<float> lines_of(const TensorArg& x, const TensorArg& out, int axis, int step_axis) {
  TensorArg lines{}, batches{};
  lines.data = x.data;
  lines.rank = 1, lines.shape[0] = x.shape[axis], lines.strides[0] = x.strides[axis];
  batches.rank = out.rank - 2;
  for (int i = 0; i < batches.rank; ++i) {
    batches.shape[i] = out.shape[i];
    batches.strides[i] = batch_stride(x, i, out.rank);
  }
  return make_lines<float>(lines, batches, x.strides[step_axis], x.shape[step_axis]);
}

ScoreTiles tiles_of(const KernelCall& call) {
  const TensorArg &q = call.inputs[0], &k = call.inputs[1], &v = call.inputs[2], &out = call.outputs[0];
  ScoreTiles tiles{};
  tiles.q = lines_of(q, out, q.rank - 2, q.rank - 1);
  tiles.k = lines_of(k, out, k.rank - 1, k.rank - 2);
  tiles.v = lines_of(v, out, v.rank - 1, v.rank - 2);
  tiles.out = out;
  tiles.out.rank = out.rank - 2;
  tiles.out_row = out.strides[out.rank - 2], tiles.out_column = out.strides[out.rank - 1];
  tiles.rows = out.shape[out.rank - 2], tiles.width = out.shape[out.rank - 1];
  tiles.depth = q.shape[q.rank - 1], tiles.keys = v.shape[v.rank - 2];
  tiles.row_tiles = (tiles.rows + ScoreShape::kRows - 1) / ScoreShape::kRows;
  tiles.num_items = tiles.row_tiles * num_elements(tiles.out);
  return tiles;
}

// A kernel with the tiles keeps scores away from the second-level cache, but its blocks are as many as there are tiles:
// rounds are better for few rows, and where most processors would have none.
bool is_for_tiles(const Enqueue& e, const ScoreTiles& tiles) {
  if (e.attention->code == nullptr || tiles.keys == 0 || tiles.rows <= ScoreShape::kRows / 2) return false;
  return score_tile_bytes(tiles.keys) <= shared_bytes_of(*e.attention->code) && tiles.num_items * 4 >= e.num_processors;
}

// The group's call, on scores whose places the kernel knows.
GroupLaunches launches_of(const Enqueue& e, const TensorArg* inputs) {
  return {source_of(*e.attention->code), call_of(inputs, e.call.num_inputs - kAnchorInputs + 1, inputs[0]),
          e.num_processors};
}

struct alignas(16) Arguments {
  char bytes[4096];
};

// False where the group takes several launches.
bool set_arguments(const Enqueue& e, const ScoreTiles& tiles, Arguments& arguments) {
  TensorArg inputs[kMaxProgramInputs] = {shape_of_scores(e.call)};
  for (int i = 0; i < inputs[0].rank; ++i) inputs[0].strides[i] = 0;
  inputs[0].strides[inputs[0].rank - 1] = kScorePitch;
  for (int i = kAnchorInputs; i < e.call.num_inputs; ++i) inputs[1 + i - kAnchorInputs] = e.call.inputs[i];
  GroupLaunches launches = launches_of(e, inputs);
  GroupLaunch launch, another;
  if (!launches.fits() || !launches.next(&launch) || launches.next(&another)) return false;
  GroupSpace& space = launch.arguments.space;
  space.keeps = 0;
  if (e.guard.guarded != 0) space.stop = {&e.guard.fault->set, &e.guard.fault->order, e.guard.order};
  const std::size_t operands = static_cast<std::size_t>(e.call.num_inputs - kAnchorInputs + 2);
  const std::size_t group_bytes = sizeof(GroupSpace) + operands * sizeof(GroupOperand);
  static_assert(sizeof(GroupSpace) + (kMaxProgramInputs + 1) * sizeof(GroupOperand) + sizeof(ScoreTiles) <=
                sizeof(Arguments));
  std::memcpy(arguments.bytes, &launch.arguments, group_bytes);
  std::memcpy(arguments.bytes + group_bytes, &tiles, sizeof tiles);
  return true;
}

std::int64_t scores_bytes(const TensorArg& scores) {
  std::int64_t bytes = sizeof(float);
  for (int i = 0; i < scores.rank; ++i) {
    if (scores.shape[i] == 0) return 0;
    bytes = bytes > kScoresBytes / scores.shape[i] ? kScoresBytes : bytes * scores.shape[i];
  }
  return round_up(bytes, 256);
}

// Grows with the sizes: of the scores up to kScoresBytes, of the products what they need for all rows at once.
std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg scores = shape_of_scores(call);
  const TensorArg last[] = {scores, call.inputs[2]};
  const std::int64_t of_scores = product().workspace_bytes(call_of(call.inputs, 2, scores));
  const std::int64_t of_result = product().workspace_bytes(call_of(last, 2, call.outputs[0]));
  return scores_bytes(scores) + larger(of_scores, of_result);
}

cudaError_t enqueue(const Enqueue& e) {
  if (num_elements(e.call.outputs[0]) == 0) return cudaSuccess;
  const ScoreTiles tiles = tiles_of(e.call);
  if (Arguments arguments; is_for_tiles(e, tiles) && set_arguments(e, tiles, arguments)) {
    return launch_group_code(*e.attention->code, grid_of_items(tiles.num_items),
                             static_cast<std::size_t>(score_tile_bytes(tiles.keys)), e.stream, arguments.bytes);
  }
  const TensorArg scores = shape_of_scores(e.call);
  char* const workspace = e.workspace + scores_bytes(scores);
  Rounds rounds(scores, kScoresBytes);
  for (Round round; rounds.next(&round);) {
    const cudaError_t status = run_round(e, round, workspace, e.workspace);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

constexpr DeviceKernel kKernels[] = {{"attention", device::kF32Type, enqueue, workspace_bytes}};

}  // namespace

extern const DeviceKernelFamily kAttentionKernels = {kKernels, 1};

}  // namespace ingot::cuda
