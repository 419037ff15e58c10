#include "cuda/group_program.h"

#include <cstring>

namespace ingot::cuda {
namespace {

constexpr const char* kNames[] = {
#define POINTWISE(name, ...) #name,
#include "ops/pointwise.def"
#undef POINTWISE
    "sum",
    "prod",
    "max",
    "min",
};
constexpr int kNumNames = sizeof(kNames) / sizeof(kNames[0]);
static_assert(kNumNames == kProgramMin + 1);

int find_id(const DeviceGroupOp& op) {
  const int begin = op.is_reduction != 0 ? kFirstProgramReduction : 0;
  const int end = op.is_reduction != 0 ? kNumNames : kFirstProgramReduction;
  for (int id = begin; id < end; ++id) {
    if (std::strcmp(kNames[id], op.op) == 0) return id;
  }
  return -1;
}

}  // namespace

bool make_group_program(const DeviceGroup& group, GroupProgram* program, const char** why) {
  *program = {};
  *why = "more ops, inputs or outputs than the interpreter holds";
  if (group.num_ops > kMaxProgramOps || group.num_inputs > kMaxProgramInputs) return false;
  if (group.num_outputs > kMaxProgramOutputs) return false;
  program->num_ops = group.num_ops;
  program->num_inputs = group.num_inputs;
  program->num_outputs = group.num_outputs;
  program->row_axes = group.row_axes;
  for (int i = 0; i < group.num_inputs; ++i)
    program->input_dtypes[i] = static_cast<std::uint8_t>(group.input_dtypes[i]);
  for (int i = 0; i < group.num_outputs; ++i) {
    program->output_registers[i] = static_cast<std::uint8_t>(group.output_registers[i]);
  }
  for (int i = 0; i < group.num_ops; ++i) {
    const DeviceGroupOp& from = group.ops[i];
    const int id = find_id(from);
    *why = from.op;
    if (id < 0 || !has_program_op(id, from.dtype, from.result_dtype)) return false;
    ProgramOp& to = program->ops[i];
    to.id = static_cast<std::uint8_t>(id);
    to.dtype = static_cast<std::uint8_t>(from.dtype);
    to.result_dtype = static_cast<std::uint8_t>(from.result_dtype);
    to.num_operands = static_cast<std::uint8_t>(from.num_operands);
    to.per_row = static_cast<std::uint8_t>(from.per_row);
    for (int j = 0; j < from.num_operands; ++j) to.operands[j] = static_cast<std::uint8_t>(from.operands[j]);
  }
  return true;
}

}  // namespace ingot::cuda
