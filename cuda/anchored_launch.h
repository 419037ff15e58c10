// Launches of an anchor's kernel that has a group in it: what the kernel is given, and where the group's operands lie
// along the rows and columns of the result.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "cuda/group_arguments.h"
#include "cuda/group_code.h"

namespace ingot::cuda {

// `size` steps along an axis of the result, each of `times` elements of it.
struct ResultAxis {
  int axis;
  std::int64_t size, times;
};

struct ResultAxes {
  int rank = 0;
  ResultAxis axes[kKernelMaxRank] = {};

  ResultAxes() = default;
  ResultAxes(std::initializer_list<ResultAxis> all) {
    for (const ResultAxis& axis : all) add(axis);
  }
  void add(const ResultAxis& axis) { axes[rank++] = axis; }
};

// How a kernel counts the elements of the result.
struct ResultSpace {
  ResultAxes batches, rows, columns;
};

// By kernel; null where the anchor does not take it.
struct AnchorCodes {
  OwnedGroupCode of[kNumAnchorKernels];
};

// The tail of AnchoredArguments (kernels/anchored.h), with room for all operands.
struct GroupPlacement {
  AxisSplit axes;
  GroupSpace space;
  GroupOperand operands[kAnchoredMaxOperands];
};

// Neighboring axes are one where all operands walk them alike. Pieces of facts.at_once columns are read and written at
// once where every operand lets them.
GroupPlacement place_operands(const GroupSource& facts, const KernelCall& call, const ResultSpace& result);

// Whether the sizes of a product's operands and result are known when a step is compiled.
bool are_sizes_known(const KernelCall& call);

// Requires: e.codes; fewer than 2^31 elements.
template <class Work>
cudaError_t launch_with_group(const Enqueue& e, AnchorKernel kernel, const Work& work, const ResultSpace& result,
                              unsigned grid) {
  const GroupCode* const code = e.codes->of[static_cast<int>(kernel)].get();
  if (code == nullptr) return cudaErrorInvalidDeviceFunction;
  struct {
    Work work;
    GroupPlacement group;
  } arguments = {work, place_operands(source_of(*code), e.call, result)};
  static_assert(sizeof arguments <= 4096 && sizeof(Work) % 8 == 0);
  return launch_group_code(*code, grid, 0, e.stream, &arguments);
}

}  // namespace ingot::cuda
