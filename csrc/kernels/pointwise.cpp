// The kernel of groups that stand alone: a tile is a rectangle of the group's space, or some whole rows.
#include "kernels/families.h"
#include "kernels/group.h"
#include "kernels/simd.h"

namespace ingot::INGOT_LEVEL {
namespace {

const TensorArg& shape_of(const KernelCall* call) {
  return call->group->row_axes > 0 ? call->inputs[0] : call->outputs[0];
}

struct Tiles {
  std::int64_t height, width;  // of a tile
  std::int64_t down, across;   // tiles
};

Tiles cut(const KernelCall* call, const GroupSpace& space) {
  Tiles t;
  const bool whole = call->group->row_axes > 0;
  t.width = whole ? space.columns : smaller(space.columns, kPieceElements);
  t.height = whole ? group_rows_at_once(space) : larger(kPieceElements / larger(t.width, 1), 1);
  t.height = smaller(t.height, kRowsAtOnceMost);
  t.down = ceil_div(space.rows, t.height);
  t.across = whole ? 1 : ceil_div(space.columns, larger(t.width, 1));
  return t;
}

std::int64_t num_tiles(const KernelCall* call) {
  if (num_elements(shape_of(call)) == 0 && call->group->row_axes == 0) return 0;
  const Tiles t = cut(call, group_space(call, shape_of(call), kNoColumns));
  return t.down * t.across;
}

std::int64_t scratch_bytes(const KernelCall* call) {
  const TensorArg& shape = shape_of(call);
  std::int64_t columns = 1;
  for (int i = shape.rank - call->group->row_axes; i < shape.rank; ++i) columns *= shape.shape[i];
  return group_scratch_bytes(call, num_elements(shape), columns);
}

// About 0.2 ns per element and instruction where vectors are 64 bytes, more where they are narrower.
std::int64_t cost_ns(const KernelCall* call) {
  const std::int64_t work = call->group->num_instructions + call->num_inputs + call->num_outputs;
  return num_elements(shape_of(call)) * work * (64 / kVectorBytes) / 5;
}

void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  GroupMachine* const m = prepare_group(call, shape_of(call), kNoColumns, scratch);
  const Tiles t = cut(call, m->space);
  for (std::int64_t tile = begin; tile < end; ++tile) {
    const std::int64_t row = tile / t.across * t.height, column = tile % t.across * t.width;
    run_group(*m, row, smaller(t.height, m->space.rows - row), column, smaller(t.width, m->space.columns - column),
              nullptr, nullptr);
  }
}

}  // namespace

extern constinit const Kernel pointwise_kernels[] = {{"pointwise", kAnyType, num_tiles, scratch_bytes, cost_ns, run}};
extern constinit const std::int32_t num_pointwise_kernels = 1;

}  // namespace ingot::INGOT_LEVEL
