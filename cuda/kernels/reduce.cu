// sum, prod, max, min over any axes and argmax over one, any strides: the order of docs/numerics.md rule 4. Every
// element is read once; where outputs are few, each is cut into parts, so that all processors read.
#include "cuda/kernels/reduce_kernels.h"
#include "kernels/reduce_axes.h"

namespace ingot::cuda {
namespace {

using device::Axes;
using device::Reduction;

constexpr std::int64_t kMostPartsInAll = 1 << 14;  // of all outputs
constexpr std::int64_t kFewestColumns = 4;         // fewer are read in rows, however far apart their elements

Reduction make_reduction(const KernelCall& call) {
  return device::make_reduction(call.inputs[0], {attr(call, 0), attr_count(call, 0)});
}

AxesWalk walk_of(const Axes& axes) {
  return make_axes_walk(axes.rank, axes.shape, axes.strides);
}

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// The kept axis whose elements lie together, where the reduced ones do not: else -1.
int find_columns(const Reduction& r) {
  const bool together = r.reduced.rank == 0 || r.reduced.strides[r.reduced.rank - 1] == 1;
  if (together) return -1;
  int found = -1;
  for (int i = 0; i < r.kept.rank; ++i) {
    if (r.kept.strides[i] == 1 && r.kept.shape[i] >= kFewestColumns) found = i;
  }
  return found;
}

// Parts of each output such that the device is full, of at least `least` pieces each (a power of two).
void choose_parts(ReduceWalk& walk, std::int64_t blocks, std::int64_t least, int num_processors) {
  const std::int64_t pieces = larger(ceil_div(walk.elements, device::kReduceBlock), 1);
  const std::int64_t enough = std::int64_t{num_processors} * 8;  // blocks
  std::int64_t in_part = least;
  const auto too_many = [&](std::int64_t parts) {
    return parts * walk.outputs > kMostPartsInAll || (parts > 1 && parts * blocks > enough * 2);
  };
  while (in_part < pieces && too_many(ceil_div(pieces, in_part))) in_part *= 2;
  walk.pieces_in_part = in_part;
  walk.parts = ceil_div(pieces, in_part);
  walk.parts_divider = make_divider(walk.parts);
  walk.blocks = static_cast<std::uint32_t>(blocks * walk.parts);
}

void set_columns(ReduceWalk& walk, const Reduction& r, int axis) {
  Axes outer = r.kept, results = r.kept;
  std::int64_t stride = 1;
  for (int i = r.kept.rank - 1; i >= 0; --i) {
    results.strides[i] = stride;
    stride *= r.kept.shape[i];
  }
  walk.columns = r.kept.shape[axis];
  walk.column_stride = results.strides[axis];
  walk.tiles = make_divider(ceil_div(walk.columns, kColumnsOfTile));
  --outer.rank;
  --results.rank;
  for (int i = axis; i < outer.rank; ++i) {
    outer.shape[i] = results.shape[i] = r.kept.shape[i + 1];
    outer.strides[i] = r.kept.strides[i + 1];
    results.strides[i] = results.strides[i + 1];
  }
  walk.kept = walk_of(outer);
  walk.results = walk_of(results);
}

template <class R>
cudaError_t enqueue_reduction(const Enqueue& enqueue) {
  using State = typename R::State;
  const Reduction r = make_reduction(enqueue.call);
  const auto* const x = reinterpret_cast<const typename R::T*>(enqueue.call.inputs[0].data);
  auto* const out = reinterpret_cast<typename R::Result*>(enqueue.call.outputs[0].data);
  State* const workspace = reinterpret_cast<State*>(enqueue.workspace);
  ReduceWalk walk = {};
  walk.outputs = r.kept.count;
  walk.elements = r.reduced.count;
  if (walk.outputs == 0) return cudaSuccess;
  if (walk.elements == 0) {
    return launch(store_empty<R>, grid_for(walk.outputs), kBlockThreads, 0, enqueue.stream, out, walk.outputs,
                  enqueue.guard);
  }
  walk.reduced = walk_of(r.reduced);
  const int axis = find_columns(r);
  cudaError_t status;
  if (axis >= 0) {
    set_columns(walk, r, axis);
    walk.teams = 1;
    const std::int64_t blocks = walk.outputs / walk.columns * walk.tiles.divisor;
    choose_parts(walk, blocks, walk.teams, enqueue.num_processors);
    status = launch(reduce_columns<R>, grid_for(walk.blocks, 1), kBlockThreads, 0, enqueue.stream, x, out, workspace,
                    walk, enqueue.guard);
  } else {
    walk.kept = walk_of(r.kept);
    walk.teams = 1;
    while (walk.teams < kTeams && walk.teams * device::kReduceBlock < walk.elements) walk.teams *= 2;
    const std::int64_t blocks = ceil_div(walk.outputs * walk.teams, kTeams);
    choose_parts(walk, blocks, walk.teams, enqueue.num_processors);
    const std::int64_t threads = larger(ceil_div(walk.outputs * walk.teams, 2), 1) * 32;  // whole warps
    status = launch(reduce_rows<R>, grid_for(walk.blocks, 1), static_cast<unsigned>(smaller(threads, kBlockThreads)), 0,
                    enqueue.stream, x, out, workspace, walk, enqueue.guard);
  }
  if (status != cudaSuccess || walk.parts == 1) return status;
  return launch(combine_parts<R>, grid_for(walk.outputs, 1), kBlockThreads, 0, enqueue.stream, workspace, out,
                walk.outputs, walk.parts, enqueue.guard);
}

// As much as any cut needs: an output of more than one part has at most one per piece.
template <class R>
std::int64_t workspace_bytes(const KernelCall& call) {
  const std::int64_t pieces = num_elements(call.inputs[0]) / device::kReduceBlock * 2;
  return smaller(pieces, kMostPartsInAll) * static_cast<std::int64_t>(sizeof(typename R::State));
}

template <class R>
constexpr DeviceKernel kernel_of(const char* op, std::int32_t dtype) {
  return {op, dtype, enqueue_reduction<R>, workspace_bytes<R>};
}

#define INGOT_REDUCE_REAL(name, Op)                                      \
  kernel_of<Fold<device::Op, float>>(name, device::kF32Type),            \
      kernel_of<Fold<device::Op, double>>(name, device::kF64Type),       \
      kernel_of<Fold<device::Op, std::int32_t>>(name, device::kI32Type), \
      kernel_of<Fold<device::Op, std::int64_t>>(name, device::kI64Type)

constexpr DeviceKernel kKernels[] = {
    INGOT_REDUCE_REAL("sum", Sum),
    INGOT_REDUCE_REAL("prod", Prod),
    INGOT_REDUCE_REAL("max", Max),
    kernel_of<Fold<device::Max, std::uint8_t>>("max", device::kBoolType),
    INGOT_REDUCE_REAL("min", Min),
    kernel_of<Fold<device::Min, std::uint8_t>>("min", device::kBoolType),
    kernel_of<ArgMax<float>>("argmax", device::kF32Type),
    kernel_of<ArgMax<double>>("argmax", device::kF64Type),
    kernel_of<ArgMax<std::int32_t>>("argmax", device::kI32Type),
    kernel_of<ArgMax<std::int64_t>>("argmax", device::kI64Type),
    kernel_of<ArgMax<std::uint8_t>>("argmax", device::kBoolType),
};

}  // namespace

extern const DeviceKernelFamily kReduceKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
