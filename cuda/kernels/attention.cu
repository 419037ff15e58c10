// attention: out[..., m, e] = g(q[..., m, d] k[..., d, n]) v[..., n, e] in one step, where g is a group on rows of n
// scores. The scores of some rows at a time lie in the workspace, never the matrix as a whole: product, group on its
// own, product, then the next rows, each with the bits that it has alone.
// Few rows that meet many keys (a token's) are one round, and the kernel of few rows cuts both products along keys,
// columns and blocks of k: more blocks read K and V than there are heads.
#include "cuda/kernels/rounds.h"
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
  if (status == cudaSuccess) status = enqueue_step(*e.group, with(calls[1]));
  return status == cudaSuccess ? product().enqueue(with(calls[2])) : status;
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
