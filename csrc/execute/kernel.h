// What a kernel sees: plain structs and function pointers, no inline functions, because this file is compiled once per
// instruction-set level and the linker keeps only one copy of whatever is shared.
// A kernel is a pure function of a tile range: threads are the executor's business and cannot change a result.
// It never throws and allocates nothing; scratch is handed in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ingot {

inline constexpr int kKernelMaxRank = 8;   // == kMaxRank of ops/op.h (checked in execute/)
inline constexpr int kTileElements = 512;  // elements of a pointwise tile: 2 KB of f32, 4 KB of f64

struct TensorArg {
  char* data;  // first element
  std::int32_t rank;
  std::int32_t dtype;  // DType
  std::int64_t shape[kKernelMaxRank];
  std::int64_t strides[kKernelMaxRank];  // in elements; 0 where broadcast, may be negative
};

// Where a kernel reports an index out of range. The lowest element wins, whatever the threads do.
// Written under `lock` (0 free, 1 held; __atomic builtins); read by the executor after the step.
struct ErrorWord {
  std::int32_t lock;
  std::int32_t set;      // 0: no error
  std::int64_t element;  // flat position in the index operand
  std::int64_t value;    // the index found there
  std::int64_t extent;   // of the axis it indexes
};

// Computes n elements, n <= kTileElements. Operands and result are contiguous; the result may be one of the operands.
using TileFunction = void (*)(const void* const* operands, void* result, std::int64_t n);

// One op of a pointwise group. Registers 0 .. num_inputs-1 are the group's inputs, then one register per instruction.
struct PointwiseInstruction {
  TileFunction function;
  std::int32_t num_operands;
  std::int32_t operands[3];        // registers
  std::int32_t result_size_bytes;  // of one element
};

struct PointwiseGroup {
  const PointwiseInstruction* instructions;
  std::int32_t num_instructions;
  const std::int32_t* output_registers;  // one per output of the call
};

struct KernelCall {
  const TensorArg* outputs;
  const TensorArg* inputs;  // of a pointwise group: broadcast to the output's shape (stride 0)
  std::int32_t num_outputs;
  std::int32_t num_inputs;
  // The row's attributes in order, flattened: attribute j is attrs[attr_begin[j]] .. attrs[attr_begin[j + 1]].
  // Ints, sizes (evaluated), bools and dtypes as they are, a float as the bits of a double, a string as its first eight
  // bytes, the first one lowest.
  const std::int64_t* attrs;
  const std::int32_t* attr_begin;
  const PointwiseGroup* group;  // of pointwise groups only
  ErrorWord* error;
};

struct Kernel {
  const char* op;      // name of the table row; "pointwise" for groups, "copy" for materialising a view
  std::int32_t dtype;  // DType of operand 0 (of the result where there is none); -1: any
  std::int64_t (*num_tiles)(const KernelCall* call);
  std::int64_t (*scratch_bytes)(const KernelCall* call);  // for one thread, monotone in the sizes; null: none
  std::int64_t (*cost_ns)(const KernelCall* call);        // rough time on one thread: decides serial or parallel
  // Computes tiles begin .. end-1. Outputs are contiguous row-major; inputs have any strides.
  // scratch: 64-byte aligned, scratch_bytes long, undefined content.
  void (*run)(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch);
};

struct PointwiseKernel {
  const char* op;
  std::int32_t dtype;  // of the operands (of `where`: of the last two)
  std::int32_t result_dtype;
  TileFunction function;
};

// The kernels of one source file. The count is behind a pointer because the table is put together at link time: a
// constant of another file is no constant expression, its address is.
struct KernelFamily {
  const Kernel* kernels;
  const std::int32_t* num_kernels;
};

struct PointwiseFamily {
  const PointwiseKernel* functions;
  std::int32_t num_functions;
};

// All kernels of one level, constant-initialised.
struct KernelTable {
  const char* level;  // "generic", "avx2", "avx512", "neon"
  const KernelFamily* families;
  std::int32_t num_families;
  const PointwiseFamily* const* pointwise;
  std::int32_t num_pointwise;
};

}  // namespace ingot
