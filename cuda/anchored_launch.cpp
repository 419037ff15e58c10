#include "cuda/anchored_launch.h"

#include "cuda/group_launch.h"

namespace ingot::cuda {
namespace {

class Placement {
 public:
  Placement(const GroupSource& facts, const KernelCall& call)
      : facts_(facts), call_(call), num_operands_(static_cast<int>(facts.element_bytes.size())) {
    for (int k = 0; k < num_operands_; ++k) to_.operands[k].data = operand(k).data;
  }

  GroupPlacement place(const ResultSpace& result) {
    append(result.batches);
    to_.axes.rows = rank();
    append(result.rows);
    to_.axes.columns = rank();
    append(result.columns);
    if (rank() == to_.axes.columns) append_axis({.axis = 0, .size = 1, .times = 0}, to_.axes.columns);
    to_.space.by_vectors = can_use_vectors() ? 1 : 0;
    return to_;
  }

 private:
  std::int32_t rank() const { return to_.space.rank; }
  const TensorArg& operand(int k) const {
    const int num_inputs = num_operands_ - call_.num_outputs;
    return k < num_inputs ? call_.inputs[facts_.first_input + k] : call_.outputs[k - num_inputs];
  }
  std::int64_t bytes(int k) const { return facts_.element_bytes[static_cast<std::size_t>(k)]; }

  void append(const ResultAxes& axes) {
    const std::int32_t first = rank();
    for (int i = 0; i < axes.rank; ++i) {
      if (axes.axes[i].size != 1) append_axis(axes.axes[i], first);
    }
  }

  // first: axes before it stay apart.
  void append_axis(const ResultAxis& axis, std::int32_t first) {
    std::int64_t steps[kAnchoredMaxOperands], size = axis.size;
    bool together = rank() > first;
    for (int k = 0; k < num_operands_; ++k) {
      steps[k] = operand(k).rank == 0 ? 0 : operand(k).strides[axis.axis] * axis.times * bytes(k);
      together = together && to_.operands[k].steps[rank() - 1] == steps[k] * size;
    }
    const std::int32_t at = together ? rank() - 1 : to_.space.rank++;
    if (together) size *= to_.space.axes[at].size;
    to_.space.axes[at] = group_axis(size);
    for (int k = 0; k < num_operands_; ++k) to_.operands[k].steps[at] = steps[k];
  }

  bool can_use_vectors() const {
    const std::int32_t last = rank() - 1;
    if (to_.space.axes[last].size % static_cast<unsigned>(facts_.at_once) != 0) return false;
    for (int k = 0; k < num_operands_; ++k) {
      if (!lies_in_vectors(to_.operands[k], last, bytes(k), facts_.at_once)) return false;
    }
    return true;
  }

  const GroupSource& facts_;
  const KernelCall& call_;
  const int num_operands_;
  GroupPlacement to_ = {};
};

}  // namespace

GroupPlacement place_operands(const GroupSource& facts, const KernelCall& call, const ResultSpace& result) {
  return Placement(facts, call).place(result);
}

bool are_sizes_known(const KernelCall& call) {
  for (const TensorArg* x : {&call.inputs[0], &call.inputs[1], &call.outputs[0]}) {
    for (int i = 0; i < x->rank; ++i) {
      if (x->shape[i] == 0) return false;
    }
  }
  return true;
}

}  // namespace ingot::cuda
