// The kernels of reductions in the order of docs/numerics.md rule 4, whose blocks of 512 elements are called pieces
// here (a block is one of threads). A part is 2^n adjacent pieces of one output: what one block computes where outputs
// are few; the parts of an output are then combined by a kernel of their own.
#pragma once

#include "cuda/kernels/reduce_state.h"
#include "cuda/kernels/walk.h"

namespace ingot::cuda {

struct ReduceWalk {
  AxesWalk kept, reduced;  // of the input; by columns `kept` lacks the axis of the columns
  std::int64_t outputs, elements;
  std::int64_t pieces_in_part, parts;
  Divider parts_divider;
  std::uint32_t blocks;        // of threads, if each does one thing
  std::int32_t teams;          // that share an output; by columns 1
  std::int64_t columns;        // by columns: how many there are
  Divider tiles;               // by columns: of 32
  std::int64_t column_stride;  // by columns: from a result to the next
  AxesWalk results;            // by columns: where those of other kept axes lie
};

// Where a part's result goes: to the output, or to the workspace, from where combine_parts takes it.
template <class R>
__device__ __forceinline__ void store_part(typename R::State state, std::int64_t output, std::int64_t part,
                                           std::int64_t parts, typename R::Result* out, typename R::State* workspace) {
  if (parts == 1) {
    out[output] = R::result(state);
  } else {
    workspace[output * parts + part] = state;
  }
}

__device__ __forceinline__ std::int64_t position_on(std::int64_t element, std::int64_t line) {
  const std::uint64_t at = static_cast<std::uint64_t>(element), size = static_cast<std::uint64_t>(line);
  return static_cast<std::int64_t>(at - divide(at, size) * size);
}

// One lane's elements first, first + 16, ... below last, of a piece. Where the piece lies on one line of the innermost
// axis, eight are loaded before the first is used.
template <class R>
__device__ __forceinline__ typename R::State fold_lane(const typename R::T* x, const AxesWalk& walk, std::int64_t first,
                                                       std::int64_t last) {
  constexpr int kAhead = 8;
  typename R::State state = R::identity();
  if (first >= last) return state;
  const int inner = walk.rank - 1;
  const std::int64_t line = walk.rank <= 1 ? last : walk.long_sizes[inner];
  const std::int64_t stride = walk.rank == 0 ? 0 : walk.strides[inner];
  std::int64_t i = first;
  if (walk.rank <= 1 ||
      first -
              static_cast<std::int64_t>(divide(static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(line))) *
                  line +
              (last - first) <=
          line) {
    const typename R::T* from = x + offset_of(walk, first);
    INGOT_ROLLED
    for (; i + (kAhead - 1) * kTeam < last; i += kAhead * kTeam, from += kAhead * kTeam * stride) {
      typename R::T values[kAhead];
      INGOT_UNROLL
      for (int j = 0; j < kAhead; ++j) values[j] = from[j * kTeam * stride];
      INGOT_UNROLL
      for (int j = 0; j < kAhead; ++j) state = R::combine(state, R::state(values[j], i + j * kTeam));
    }
  }
  INGOT_ROLLED
  for (; i < last; i += kTeam) state = R::combine(state, R::state(x[offset_of(walk, i)], i));
  return state;
}

// The pieces first .. last-1 of an output, walk.teams of them at a time, by `fold`. All threads of the block come
// along.
template <class R, class FoldPieces>
__device__ __forceinline__ typename R::State fold_pieces(std::int64_t first, std::int64_t last, const ReduceWalk& walk,
                                                         const FoldPieces& fold) {
  using State = typename R::State;
  const auto combine = [](State a, State b) { return R::combine(a, b); };
  last = smaller(last, (walk.elements + device::kReduceBlock - 1) / device::kReduceBlock);
  const bool alone = first + walk.teams >= last;  // then there is no tree
  PairTree<State> tree;
  State state;
  INGOT_ROLLED
  do {
    state = fold(first);
    if (!alone) tree.push(state, combine);
    first += walk.teams;
  } while (first < last);
  return alone ? state : tree.finish(R::identity(), combine);
}

// Reduced elements that lie together, or in no order that suits threads: a team folds a piece, its threads on adjacent
// elements; walk.teams teams share an output. Grid: blocks of 16 / teams outputs, times parts.
template <class R>
__global__ void reduce_rows(const typename R::T* x, typename R::Result* out, typename R::State* workspace,
                            const __grid_constant__ ReduceWalk walk, Guard guard) {
  if (stopped(guard)) return;
  using State = typename R::State;
  const auto combine = [](State a, State b) { return R::combine(a, b); };
  const int at_once = kTeams / walk.teams;
  INGOT_ROLLED
  for (std::uint32_t at = blockIdx.x; at < walk.blocks; at += gridDim.x) {
    std::uint32_t group = at;
    const std::int64_t part = take_index(walk.parts_divider, group);
    const std::int64_t output = std::int64_t{group} * at_once + team() / walk.teams;
    const bool exists = output < walk.outputs;
    const std::int64_t elements = exists ? walk.elements : 0;
    const typename R::T* const from = x + (exists ? offset_of(walk.kept, output) : 0);
    const std::int64_t first_piece = part * walk.pieces_in_part;
    const State state = fold_pieces<R>(first_piece, first_piece + walk.pieces_in_part, walk, [&](std::int64_t piece) {
      const std::int64_t first = (piece + team() % walk.teams) * device::kReduceBlock;
      const State lane =
          fold_lane<R>(from, walk.reduced, first + lane_of_team(), smaller(first + device::kReduceBlock, elements));
      const State folded = combine_team(lane, combine);
      return walk.teams > 1 ? combine_teams(folded, walk.teams, combine) : folded;
    });
    if (exists && static_cast<int>(threadIdx.x) % (walk.teams * kTeam) == 0) {
      store_part<R>(state, output, part, walk.parts, out, workspace);
    }
  }
}

inline constexpr int kColumnsOfTile = 32;
inline constexpr int kThreadsOfColumn = kBlockThreads / kColumnsOfTile;  // each folds two lanes

// Two reductions side by side.
template <class R>
struct Both {
  struct State {
    typename R::State first, second;
  };

  __device__ static State identity() { return {R::identity(), R::identity()}; }
  __device__ static State combine(State a, State b) {
    return {R::combine(a.first, b.first), R::combine(a.second, b.second)};
  }
};

// Outputs that lie together, reduced elements that do not: a warp reads 32 columns of one row. Each thread folds lanes
// y and y + 8 of its column; the lanes of a column are then combined by a team. Grid: one block per tile of 32 columns,
// position of the other kept axes, and part.
template <class R>
__global__ void reduce_columns(const typename R::T* x, typename R::Result* out, typename R::State* workspace,
                               const __grid_constant__ ReduceWalk walk, Guard guard) {
  if (stopped(guard)) return;
  using State = typename R::State;
  const auto combine = [](State a, State b) { return R::combine(a, b); };
  __shared__ State lanes[kTeam][kColumnsOfTile + 1];
  const int x_column = static_cast<int>(threadIdx.x) % kColumnsOfTile,
            y = static_cast<int>(threadIdx.x) / kColumnsOfTile;
  INGOT_ROLLED
  for (std::uint32_t at = blockIdx.x; at < walk.blocks; at += gridDim.x) {
    std::uint32_t outer = at;
    const std::int64_t part = take_index(walk.parts_divider, outer);
    const std::int64_t first_column = std::int64_t{take_index(walk.tiles, outer)} * kColumnsOfTile;
    const bool exists = first_column + x_column < walk.columns;
    const typename R::T* const from = x + offset_of(walk.kept, outer) + (exists ? first_column + x_column : 0);
    const std::int64_t first_piece = part * walk.pieces_in_part, begin = offset_of(walk.results, outer);
    const typename Both<R>::State states =
        fold_pieces<Both<R>>(first_piece, first_piece + walk.pieces_in_part, walk, [&](std::int64_t piece) {
          const std::int64_t first = piece * device::kReduceBlock;
          const std::int64_t last = exists ? smaller(first + device::kReduceBlock, walk.elements) : 0;
          __syncthreads();  // the lanes of the piece before have been read
          INGOT_ROLLED
          for (int lane = y; lane < kTeam; lane += kThreadsOfColumn) {
            lanes[lane][x_column] = fold_lane<R>(from, walk.reduced, first + lane, last);
          }
          __syncthreads();
          return typename Both<R>::State{combine_team(lanes[lane_of_team()][team()], combine),
                                         combine_team(lanes[lane_of_team()][team() + kTeams], combine)};
        });
    const std::int64_t column = first_column + team();
    if (lane_of_team() == 0 && column < walk.columns) {
      store_part<R>(states.first, begin + column * walk.column_stride, part, walk.parts, out, workspace);
    }
    if (lane_of_team() == 0 && column + kTeams < walk.columns) {
      store_part<R>(states.second, begin + (column + kTeams) * walk.column_stride, part, walk.parts, out, workspace);
    }
  }
}

// Grid: one block per output.
template <class R>
__global__ void combine_parts(const typename R::State* workspace, typename R::Result* out, std::int64_t outputs,
                              std::int64_t parts, Guard guard) {
  if (stopped(guard)) return;
  using State = typename R::State;
  const auto combine = [](State a, State b) { return R::combine(a, b); };
  INGOT_ROLLED
  for (std::int64_t output = blockIdx.x; output < outputs; output += gridDim.x) {
    PairTree<State> tree;
    INGOT_ROLLED
    for (std::int64_t first = 0; first < parts; first += kBlockThreads) {
      const std::int64_t part = first + threadIdx.x;
      const State state = part < parts ? workspace[output * parts + part] : R::identity();
      tree.push(combine_teams(combine_team(state, combine), kTeams, combine), combine);
    }
    const State state = tree.finish(R::identity(), combine);
    if (threadIdx.x == 0) out[output] = R::result(state);
  }
}

template <class R>
__global__ void store_empty(typename R::Result* out, std::int64_t outputs, Guard guard) {
  if (stopped(guard)) return;
  INGOT_ROLLED
  for (std::int64_t i = thread_index(); i < outputs; i += num_threads()) out[i] = R::empty();
}

}  // namespace ingot::cuda
