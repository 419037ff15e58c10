// Where and how a generated kernel runs on one call: its arguments, grid and block. No CUDA in it, so that tests can
// look at it anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/codegen.h"
#include "cuda/group_arguments.h"
#include "execute/kernel.h"

namespace ingot::cuda {

// One launch. `arguments` lies in memory as GroupArguments<num_operands>.
struct GroupLaunch {
  struct {
    GroupSpace space;
    GroupOperand operands[kGroupMaxOperands];
  } arguments;
  unsigned grid, block;
  std::size_t shared_bytes;
};

// Requires: size < 2^31.
GroupAxis group_axis(std::int64_t size);

// Whether at_once elements of an operand, side by side or one for all along axis `last`, can be moved in vectors.
bool lies_in_vectors(const GroupOperand& operand, int last, std::int64_t element_bytes, int at_once);

// What a launch covers at most; smaller in tests.
inline constexpr std::int64_t kMostElementsAtOnce = std::int64_t{1} << 30;

// The launches of a call, which come one after the other: one, unless there are too many elements to count in 32 bits.
class GroupLaunches {
 public:
  // num_processors: of the device. most: elements, or rows, of one launch.
  GroupLaunches(const GroupSource& facts, const KernelCall& call, int num_processors,
                std::int64_t most = kMostElementsAtOnce);

  // False where a row is longer, or there are more operands, than a kernel takes.
  bool fits() const { return fits_; }
  // The next one; false after the last. `stop` of its space is the caller's to fill in.
  bool next(GroupLaunch* launch);

 private:
  struct Axis {
    std::int64_t size;
    std::int64_t steps[kGroupMaxOperands];  // bytes
  };

  void collect_axes(const KernelCall& call);
  void append_axis(const Axis& axis, int first);
  void choose_cut(std::int64_t most);
  void set_space(GroupLaunch* launch) const;
  bool can_use_vectors(const GroupLaunch& launch) const;
  void choose_grid(GroupLaunch* launch) const;
  void advance();

  const GroupSource& facts_;
  int num_processors_;
  bool fits_ = true, done_ = false;
  int num_operands_;
  char* data_[kGroupMaxOperands] = {};
  Axis axes_[kGroupMaxRank + 1] = {};
  int rank_ = 0, lead_rank_ = 0;
  // A launch covers some positions of one axis, at one position of each axis before it, and all of those behind it.
  int cut_axis_ = 0;
  std::int64_t cut_size_ = 1;
  std::int64_t position_[kGroupMaxRank + 1] = {};
};

}  // namespace ingot::cuda
