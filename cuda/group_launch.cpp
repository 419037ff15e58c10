#include "cuda/group_launch.h"

#include <cstdint>

namespace ingot::cuda {
namespace {

constexpr int kTeam = 16;                        // threads that fold one block of a reduction
constexpr std::int64_t kTeamRow = 512;           // elements of that block
constexpr std::int64_t kSharedBytes = 40 << 10;  // of a block at most: five of them share a processor
constexpr int kBlocksPerProcessor = 16;          // in a grid: twice what it holds at a time

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}
std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Threads for a row of this many elements: a team for each block that it folds.
unsigned threads_for(std::int64_t columns) {
  unsigned threads = kTeam;
  while (threads < kGroupBlock && threads / kTeam * kTeamRow < columns) threads *= 2;
  return threads;
}

static_assert(sizeof(GroupLaunch::arguments) <= 4096, "arguments of a kernel");

}  // namespace

GroupAxis group_axis(std::int64_t size) {
  GroupAxis axis = {};
  axis.size = static_cast<std::uint32_t>(size);
  while ((std::uint64_t{1} << axis.shift) < axis.size) ++axis.shift;
  const std::uint64_t rest = (std::uint64_t{1} << axis.shift) - axis.size;
  axis.multiplier = static_cast<std::uint32_t>((rest << 32) / axis.size + 1);
  return axis;
}

bool lies_in_vectors(const GroupOperand& operand, int last, std::int64_t element_bytes, int at_once) {
  if (operand.steps[last] == 0) return true;
  if (operand.steps[last] != element_bytes) return false;
  const std::int64_t together = smaller(element_bytes * at_once, 16);
  if (reinterpret_cast<std::uintptr_t>(operand.data) % static_cast<std::uintptr_t>(together) != 0) return false;
  for (int i = 0; i < last; ++i) {
    if (operand.steps[i] % together != 0) return false;
  }
  return true;
}

GroupLaunches::GroupLaunches(const GroupSource& facts, const KernelCall& call, int num_processors, std::int64_t most)
    : facts_(facts), num_processors_(num_processors), num_operands_(static_cast<int>(facts.element_bytes.size())) {
  fits_ = num_operands_ <= kGroupMaxOperands;
  if (!fits_) return;
  collect_axes(call);
  std::int64_t columns = 1;
  for (int i = 0; i < rank_; ++i) {
    if (axes_[i].size == 0) done_ = true;
    if (i >= lead_rank_) columns *= axes_[i].size;
  }
  if (done_) return;
  fits_ = !facts.has_rows || columns <= kGroupMaxColumns;
  choose_cut(most);
}

// An axis that continues the one before it in every operand is one with it. first: axes before it stay apart.
void GroupLaunches::append_axis(const Axis& axis, int first) {
  bool together = rank_ > first;
  for (int k = 0; k < num_operands_ && together; ++k) {
    together = axes_[rank_ - 1].steps[k] == axis.steps[k] * axis.size;
  }
  if (!together) {
    axes_[rank_++] = axis;
    return;
  }
  const std::int64_t outer = axes_[rank_ - 1].size;
  axes_[rank_ - 1] = axis;
  axes_[rank_ - 1].size *= outer;
}

// The axes of rows in their order; others as the first output lies in memory, which makes neighbors meet.
void GroupLaunches::collect_axes(const KernelCall& call) {
  const TensorArg* const inputs = call.inputs;
  const int num_inputs = num_operands_ - call.num_outputs, row_axes = facts_.row_axes;
  const TensorArg& shape = facts_.has_rows ? inputs[0] : call.outputs[0];
  Axis axes[kKernelMaxRank] = {};
  int order[kKernelMaxRank];
  for (int a = 0; a < shape.rank; ++a) {
    axes[a].size = shape.shape[a];
    for (int k = 0; k < num_operands_; ++k) {
      const TensorArg& x = k < num_inputs ? inputs[k] : call.outputs[k - num_inputs];
      const bool one = k >= num_inputs && a >= shape.rank - row_axes &&
                       facts_.output_per_row[static_cast<std::size_t>(k - num_inputs)] != 0;
      axes[a].steps[k] = one ? 0 : x.strides[a] * facts_.element_bytes[static_cast<std::size_t>(k)];
    }
    int at = a;
    for (; !facts_.has_rows && at > 0; --at) {
      if (call.outputs[0].strides[order[at - 1]] >= call.outputs[0].strides[a]) break;
      order[at] = order[at - 1];
    }
    order[at] = a;
  }
  for (int k = 0; k < num_operands_; ++k) data_[k] = (k < num_inputs ? inputs[k] : call.outputs[k - num_inputs]).data;
  for (int i = 0; i < shape.rank; ++i) {
    if (facts_.has_rows && i == shape.rank - row_axes) lead_rank_ = rank_;
    if (axes[order[i]].size != 1) append_axis(axes[order[i]], i < shape.rank - row_axes ? 0 : lead_rank_);
  }
  if (rank_ == lead_rank_) axes_[rank_++] = Axis{.size = 1, .steps = {}};
}

void GroupLaunches::choose_cut(std::int64_t most) {
  const int last = facts_.has_rows ? lead_rank_ : rank_;
  std::int64_t inner = 1;
  for (int i = last - 1; i >= 0; --i) {
    cut_axis_ = i;
    cut_size_ = axes_[i].size;
    if (inner > most / axes_[i].size) {
      cut_size_ = most / inner > 1 ? most / inner : 1;
      return;
    }
    inner *= axes_[i].size;
  }
}

void GroupLaunches::advance() {
  position_[cut_axis_] += cut_size_;
  for (int i = cut_axis_; position_[i] >= axes_[i].size; --i) {
    position_[i] = 0;
    if (i == 0) {
      done_ = true;
      return;
    }
    position_[i - 1] += 1;
  }
}

bool GroupLaunches::next(GroupLaunch* launch) {
  if (done_ || !fits_) return false;
  set_space(launch);
  launch->arguments.space.by_vectors = can_use_vectors(*launch) ? 1 : 0;
  choose_grid(launch);
  if (facts_.has_rows && lead_rank_ == 0) {
    done_ = true;  // a single row
  } else {
    advance();
  }
  return true;
}

void GroupLaunches::set_space(GroupLaunch* launch) const {
  GroupSpace& space = launch->arguments.space;
  space = {};
  const bool all = facts_.has_rows && lead_rank_ == 0;
  const int first = all ? 0 : cut_axis_;
  std::int64_t rows = 1, columns = 1;
  for (int k = 0; k < num_operands_; ++k) {
    GroupOperand& operand = launch->arguments.operands[k];
    operand = {};
    operand.data = data_[k];
    for (int i = 0; i <= cut_axis_; ++i) operand.data += position_[i] * axes_[i].steps[k];
    for (int i = first; i < rank_; ++i) operand.steps[i - first] = axes_[i].steps[k];
  }
  for (int i = first; i < rank_; ++i) {
    const bool cut = !all && i == cut_axis_;
    const std::int64_t size = cut ? smaller(cut_size_, axes_[i].size - position_[i]) : axes_[i].size;
    space.axes[i - first] = group_axis(size);
    (i < lead_rank_ ? rows : columns) *= size;
  }
  space.rows = static_cast<std::uint32_t>(rows);
  space.columns = static_cast<std::uint32_t>(columns);
  space.lead_rank = lead_rank_ > first ? lead_rank_ - first : 0;
  space.rank = rank_ - first;
}

// Side by side or one for all along the last axis, and every vector where memory lets it be read at once.
bool GroupLaunches::can_use_vectors(const GroupLaunch& launch) const {
  const GroupSpace& space = launch.arguments.space;
  const int last = space.rank - 1;
  if (facts_.at_once == 1) return true;
  if (last > space.lead_rank && space.axes[last].size % static_cast<unsigned>(facts_.at_once) != 0) return false;
  for (int k = 0; k < num_operands_; ++k) {
    const int bytes = facts_.element_bytes[static_cast<std::size_t>(k)];
    if (!lies_in_vectors(launch.arguments.operands[k], last, bytes, facts_.at_once)) return false;
  }
  return true;
}

// Blocks as large as leaves every processor one.
void GroupLaunches::choose_grid(GroupLaunch* launch) const {
  GroupSpace& space = launch->arguments.space;
  std::int64_t threads = ceil_div(space.columns, facts_.at_once);
  space.threads_per_row = 1;
  if (facts_.has_rows) {
    space.threads_per_row = threads_for(space.columns);
    threads = std::int64_t{space.rows} * space.threads_per_row;
  }
  unsigned block = space.threads_per_row > 32 ? space.threads_per_row : kGroupBlock;
  while (block > 32 && block > space.threads_per_row && threads < std::int64_t{block} * num_processors_) block /= 2;
  const std::int64_t row_bytes = std::int64_t{space.columns} * facts_.kept_bytes;
  while (block > 32 && block > space.threads_per_row && block / space.threads_per_row * row_bytes > kSharedBytes)
    block /= 2;
  const std::int64_t shared_bytes = block / space.threads_per_row * row_bytes;
  space.keeps = shared_bytes > 0 && shared_bytes <= kSharedBytes ? 1 : 0;
  launch->shared_bytes = space.keeps != 0 ? static_cast<std::size_t>(shared_bytes) : 0;
  const std::int64_t most = std::int64_t{num_processors_} * kBlocksPerProcessor * kGroupBlock / block;
  launch->block = block;
  launch->grid = static_cast<unsigned>(smaller(ceil_div(threads, block), most > 1 ? most : 1));
}

}  // namespace ingot::cuda
