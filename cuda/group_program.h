// A fused group as numbers, small enough to be an argument of a kernel: what the interpreter of kernels/pointwise.cu
// runs where no code is generated. Plain data, the same on host and device.
// Registers 0 .. num_inputs-1 are the inputs, then one register per op, in order.
#pragma once

#include <cstdint>

#include "device/api.h"

namespace ingot::cuda {

inline constexpr int kMaxProgramOps = 32;     // == kMaxGroupNodes of optimize/group_form.h
inline constexpr int kMaxProgramInputs = 17;  // == kMaxGroupInputs, and what an anchor computes
inline constexpr int kMaxProgramOutputs = 32;
inline constexpr int kMaxProgramRegisters = kMaxProgramInputs + kMaxProgramOps;

// Pointwise ops in the order of their table, then the reductions of rows.
enum ProgramOpId : std::uint8_t {
#define POINTWISE(name, ...) kProgram_##name,
#include "ops/pointwise.def"
#undef POINTWISE
  kProgramSum,
  kProgramProd,
  kProgramMax,
  kProgramMin,
};

inline constexpr int kFirstProgramReduction = kProgramSum;

struct ProgramOp {
  std::uint8_t id;     // ProgramOpId
  std::uint8_t dtype;  // DType of the operands (of `where`: of the last two)
  std::uint8_t result_dtype;
  std::uint8_t num_operands;
  std::uint8_t operands[3];  // registers
  std::uint8_t per_row;      // 1: the result has one element per row; of a reduction always
};

struct GroupProgram {
  std::int32_t num_ops, num_inputs, num_outputs;
  std::int32_t row_axes;  // last axes of the space that are a row; 0: no op looks at a whole row
  ProgramOp ops[kMaxProgramOps];
  std::uint8_t input_dtypes[kMaxProgramInputs];
  std::uint8_t output_registers[kMaxProgramOutputs];
};

// False, with the reason for people, where the group does not fit or has an op that the interpreter does not compute.
bool make_group_program(const DeviceGroup& group, GroupProgram* program, const char** why);

// Whether the interpreter computes this op; of a reduction both dtypes are one. Defined by kernels/pointwise.cu.
bool has_program_op(int id, int dtype, int result_dtype);

}  // namespace ingot::cuda
