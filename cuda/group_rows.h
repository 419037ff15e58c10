// Reductions of rows for generated kernels, and what else a kernel of rows needs: see group_device.h.
#pragma once

#include "cuda/group_device.h"
#include "cuda/shared_memory.h"
#include "kernels/reduce_ops.h"

namespace ingot::cuda {

inline constexpr std::uint32_t kRowBlock = device::kReduceBlock, kTeamThreads = device::kReduceLanes;

// Adjacent pairs, level by level, of 2^levels lanes side by side; every lane gets the result. No op here tells its
// operands apart.
template <class Op, class T>
INGOT_INLINE T combine_lanes(T x, int lanes) {
  for (int distance = 1; distance < lanes; distance *= 2) x = Op::apply(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

// Which rows those of a block are, counted over all leading axes: every at_once-th of all.
struct AllRows {
  INGOT_INLINE std::uint32_t first(std::uint32_t at_once) const { return blockIdx.x * at_once; }
  INGOT_INLINE std::uint32_t last(const GroupSpace& space) const { return space.rows; }
  INGOT_INLINE std::uint32_t step(std::uint32_t at_once) const { return gridDim.x * at_once; }
  // What only these rows know of where their operands lie.
  template <int kOperands>
  INGOT_INLINE void place(Offsets<kOperands>&, std::uint32_t) const {}
  // Where an element of the one register lies that is kept; row: of the block.
  INGOT_INLINE bool keeps(const GroupSpace& space) const { return space.keeps != 0; }
  template <class Stored>
  INGOT_INLINE Stored* kept(const GroupSpace& space, std::uint32_t row, std::uint32_t, std::uint32_t at) const {
    return dynamic_shared<Stored>() + row * space.columns + at;
  }
};

// The rows that a block computes, one after the other: 16 or 32 threads of a warp for each of several rows, or all for
// one. 16 threads make a team, which folds one block of 512 elements at a time.
template <class Arguments, class Part = AllRows>
class Rows {
 public:
  INGOT_INLINE explicit Rows(const Arguments& a, const Part& part = {})
      : a_(a), part_(part), row_of_block_(threadIdx.x / a.space.threads_per_row), base_(part.first(rows_at_once())) {
    place();
  }

  INGOT_INLINE bool more() const { return base_ < part_.last(a_.space); }
  INGOT_INLINE void next() {
    base_ += part_.step(rows_at_once());
    place();
  }

  // The row's element of an operand that has one for each row.
  template <class T>
  INGOT_INLINE T load(int operand) const {
    T x[1] = {};
    if (inside_) ElementAt<Arguments>{a_, row_, 0}.load(operand, x);
    return x[0];
  }
  template <class T>
  INGOT_INLINE void store(int operand, T x) const {
    const T from[1] = {x};
    if (inside_ && thread() == 0) ElementAt<Arguments>{a_, row_, 0}.store(operand, from);
  }

  // compute: the elements of the row that are reduced, from Inputs. All threads of the row get the result.
  template <class Op, class T, class Inputs, int kAtOnce, class Compute>
  INGOT_INLINE T reduce(const Compute& compute) {
    const std::uint32_t n = a_.space.columns, teams = a_.space.threads_per_row / kTeamThreads;
    const std::uint32_t team = thread() / kTeamThreads, blocks = (n + kRowBlock - 1) / kRowBlock;
    T* const results = partials<T>();
    T result = Op::template identity<T>();
    for (std::uint32_t first = 0; first < blocks; first += teams) {  // as often for every lane of a warp
      const std::uint32_t block = first + team;
      result = fold_block<Op, T, Inputs, kAtOnce>(block * kRowBlock, compute);
      result = combine_lanes<Op>(result, kTeamThreads);
      if (teams > 2 && block < blocks && thread() % kTeamThreads == 0) results[block] = result;
    }
    if (teams <= 2) {
      __syncwarp();  // for what is kept
      return combine_pair<Op>(result, teams);
    }
    __syncthreads();
    return combine_blocks<Op>(results, blocks);
  }

  // Outputs of the row, element by element.
  template <class Inputs, class Outputs, int kAtOnce, class Compute>
  INGOT_INLINE void for_each(const Compute& compute) const {
    if (inside_) for_elements<Inputs, Outputs, kAtOnce>(a_, row_, thread(), a_.space.threads_per_row, compute);
  }

  // Elements of one register, from the phase that computes them for those that follow.
  INGOT_INLINE bool keeps() const { return part_.keeps(a_.space); }
  template <class T>
  INGOT_INLINE void keep(std::uint32_t at, T x) const {
    if (keeps()) *kept_place<T>(at) = device::stored_of<T>(x);
  }
  template <class T>
  INGOT_INLINE T kept(std::uint32_t at) const {
    return device::value_of<T>(*kept_place<T>(at));
  }

  // All that was read of the row has been read, and what is kept of it can be read.
  INGOT_INLINE void wait() const {
    if (a_.space.threads_per_row > 32) {
      __syncthreads();
    } else {
      __syncwarp();
    }
  }

 private:
  INGOT_INLINE std::uint32_t rows_at_once() const { return blockDim.x / a_.space.threads_per_row; }
  INGOT_INLINE std::uint32_t thread() const { return threadIdx.x & (a_.space.threads_per_row - 1); }

  template <class T>
  INGOT_INLINE typename device::Storage<T>::Type* kept_place(std::uint32_t at) const {
    return part_.template kept<typename device::Storage<T>::Type>(a_.space, row_of_block_, base_ + row_of_block_, at);
  }

  INGOT_INLINE void place() {
    const std::uint32_t row = base_ + row_of_block_;
    inside_ = row < part_.last(a_.space);
    row_ = walk(a_, Offsets<Arguments::kOperands>{}, inside_ ? row : 0, 0, a_.space.lead_rank);
    part_.place(row_, row);
  }

  // Two of them, used in turn: what one barrier lets be read, the one after the next lets be written again.
  template <class T>
  INGOT_INLINE T* partials() {
    constexpr int kMostBlocks = kGroupMaxColumns / static_cast<int>(kRowBlock);
    __shared__ std::uint64_t memory[2][kMostBlocks];
    turn_ ^= 1;
    return reinterpret_cast<T*>(memory[turn_]);
  }

  // This lane's elements of the block, from the first one on.
  template <class Op, class T, class Inputs, int kAtOnce, class Compute>
  INGOT_INLINE T fold_block(std::uint32_t begin, const Compute& compute) const {
    T sum = Op::template identity<T>();
    if (!inside_ || begin >= a_.space.columns) return sum;
    const std::uint32_t left = a_.space.columns - begin, end = begin + (left < kRowBlock ? left : kRowBlock);
    std::uint32_t at = begin + thread() % kTeamThreads;
    const bool one_axis = a_.space.rank - a_.space.lead_rank == 1;  // then places are sums away from each other
    Offsets<Arguments::kOperands> place = walk(a_, row_, at, a_.space.lead_rank, a_.space.rank), by;
    for (int k = 0; k < Arguments::kOperands; ++k) by.bytes[k] = kTeamThreads * a_.operands[k].steps[a_.space.rank - 1];
    for (; at < end; at += kTeamThreads * kAtOnce) {
      Inputs x = {};
      if (one_axis && at + kTeamThreads * (kAtOnce - 1) < end) {
        INGOT_UNROLL
        for (int e = 0; e < kAtOnce; ++e, place = add(place, by)) x.load(ElementAt<Arguments>{a_, place, e});
      } else {
        Positions<Arguments, kAtOnce>{a_, row_, at, kTeamThreads, end}.load(x);
      }
      INGOT_UNROLL
      for (int e = 0; e < kAtOnce; ++e) {
        if (at + e * kTeamThreads < end) sum = Op::apply(sum, compute(x, e, at + e * kTeamThreads));
      }
    }
    return sum;
  }

  template <class Op, class T>
  INGOT_INLINE T combine_pair(T x, std::uint32_t teams) const {
    return teams < 2 ? x : Op::apply(x, __shfl_xor_sync(0xffffffffu, x, kTeamThreads));
  }

  // Every warp for itself: each lane four blocks side by side.
  template <class Op, class T>
  INGOT_INLINE T combine_blocks(const T* results, std::uint32_t blocks) const {
    T x[4];
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t block = threadIdx.x % 32 * 4 + i;
      x[i] = block < blocks ? results[block] : Op::template identity<T>();
    }
    return combine_lanes<Op>(Op::apply(Op::apply(x[0], x[1]), Op::apply(x[2], x[3])), 32);
  }

  const Arguments& a_;
  Part part_;
  std::uint32_t row_of_block_, base_;
  std::uint32_t turn_ = 0;
  bool inside_ = false;
  Offsets<Arguments::kOperands> row_ = {};
};

}  // namespace ingot::cuda
