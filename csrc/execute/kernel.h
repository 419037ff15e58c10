// What a kernel sees: plain structs and function pointers, no inline functions, because this file is compiled once per
// instruction-set level and the linker keeps only one copy of whatever is shared.
// A kernel is a pure function of a tile range: threads are the executor's business and cannot change a result.
// It never throws and allocates nothing; scratch is handed in.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ingot {

inline constexpr int kKernelMaxRank = 8;    // == kMaxRank of ops/op.h (checked in execute/)
inline constexpr int kTileElements = 2048;  // that a tile function computes at most

struct TensorArg {
  char* data;  // first element
  std::int32_t rank;
  std::int32_t dtype;   // DType
  std::int32_t panels;  // 1: the elements lie in the panels that the kernel's form says, and strides mean nothing
  std::int64_t shape[kKernelMaxRank];
  std::int64_t strides[kKernelMaxRank];  // in elements; 0 where broadcast, may be negative
};

// An operand that a kernel can read in panels: axis order[0] is cut into pieces of 16, the last one filled up with
// zeros; the other axes follow in this order; the 16 elements of a piece lie side by side.
struct PanelForm {
  std::int32_t operand;
  std::int32_t rank;  // of the operand
  std::int32_t order[kKernelMaxRank];
  bool wanted;              // faster than rows; else no worse
  std::int32_t attr;        // -1, or only where this attribute's (first) number ...
  std::int64_t attr_value;  // ... is this one
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

// Reduces `rows` rows of `columns` >= 1 contiguous elements each, `row_stride` elements apart, to one element per row.
using RowFunction = void (*)(const void* x, std::int64_t row_stride, std::int64_t rows, std::int64_t columns,
                             void* result);

// What an op is to a chain of simple arithmetic of float32 (kernels/group_chain.h).
enum ChainOp : std::int32_t { kNoChain, kChainAdd, kChainSubtract, kChainMultiply, kChainMaximum, kChainMinimum };

// One op of a group. Registers 0 .. num_inputs-1 are the group's inputs, then one register per instruction. A register
// holds an element for every element of the group's space, or (of a group with rows) one for every row.
struct PointwiseInstruction {
  TileFunction function;  // of pointwise ops
  std::int32_t num_operands;
  std::int32_t operands[3];          // registers
  std::int32_t result_size_bytes;    // of one element
  std::int32_t per_row = 0;          // 1: the result has one element per row
  RowFunction reduce = nullptr;      // of reductions; its operand has one for every element
  TileFunction with_scalar[2] = {};  // operand 0, or 1, is one element; null: there is no such form
  ChainOp chain = kNoChain;
};

// Pointwise ops and reductions of whole rows, run piece by piece in cache. The space is the shape that all inputs are
// broadcast to; its last `row_axes` axes are a row.
struct PointwiseGroup {
  const PointwiseInstruction* instructions;
  std::int32_t num_instructions;
  const std::int32_t* output_registers;  // one per output of the call
  std::int32_t row_axes = 0;             // 0: no op looks at a whole row
  std::int32_t first_input = 0;          // of the call: where the group's inputs begin
  std::int32_t anchored = 0;             // 1: register 0 is what the call's own op computes, before its inputs
};

struct StripLink;  // execute/strips.h

struct KernelCall {
  const TensorArg* outputs;
  const TensorArg* inputs;  // of a group: broadcast to its space (stride 0)
  std::int32_t num_outputs;
  std::int32_t num_inputs;
  // The row's attributes in order, flattened: attribute j is attrs[attr_begin[j]] .. attrs[attr_begin[j + 1]].
  // Ints, sizes (evaluated), bools and dtypes as they are, a float as the bits of a double, a string as its first eight
  // bytes, the first one lowest.
  const std::int64_t* attrs;
  const std::int32_t* attr_begin;
  const PointwiseGroup* group;  // null: none
  ErrorWord* error;
  const StripLink* links = nullptr;  // of the last step of a chain: its steps; no kernel of a level looks at them
  std::int32_t num_links = 0, num_lots = 0;
  char* shared = nullptr;  // of a kernel that has `finish`: where threads that share its tiles leave their parts
  const KernelCall* next = nullptr;  // what runs after it, where that is known: its panels may be fetched ahead
};

struct Kernel {
  const char* op;      // name of the table row; "pointwise" for groups, "copy" for materialising a view
  std::int32_t dtype;  // DType of operand 0 (of the result where there is none); -1: any
  std::int64_t (*num_tiles)(const KernelCall* call);
  std::int64_t (*scratch_bytes)(const KernelCall* call);  // for one thread, monotone in the sizes; null: none
  std::int64_t (*cost_ns)(const KernelCall* call);        // rough time on one thread: decides serial or parallel
  // Computes tiles begin .. end-1. Inputs have any strides; outputs are row-major, of a kAnyOrder row (ops/op.h)
  // without gaps in any order of axes. scratch: 64-byte aligned, scratch_bytes long, undefined content.
  void (*run)(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch);
  // Runs the call's group on tiles of its result, which lie in scratch: an output may lie on an input of the group.
  bool takes_group = false;
  const PanelForm* panel_forms = nullptr;
  std::int32_t num_panel_forms = 0;
  // Where threads share what makes one output. Without call->shared a run has all tiles and writes the outputs; with it
  // (64-byte aligned, shared_bytes long, undefined content) a run may leave its part there, and when all tiles are done
  // finish writes the outputs that are not written yet. scratch: as of run.
  std::int64_t (*shared_bytes)(const KernelCall* call) = nullptr;  // monotone in the sizes
  void (*finish)(const KernelCall* call, char* scratch) = nullptr;
};

struct PointwiseKernel {
  const char* op;
  std::int32_t dtype;  // of the operands (of `where`: of the last two)
  std::int32_t result_dtype;
  TileFunction function;
};

// What simple arithmetic of float32 has besides, where both operands and the result are that; see PointwiseInstruction.
struct ArithmeticForms {
  const char* op;
  TileFunction with_scalar[2];
  ChainOp chain;
};

struct RowKernel {
  const char* op;
  std::int32_t dtype;
  RowFunction function;
};

// One op of a combination. Operands: >= 0 the result of an earlier op, else what they stand for.
inline constexpr std::int32_t kTheOperand = -1;
inline constexpr std::int32_t kFirstNumber = -2;  // numbers[0]; numbers[i] is kFirstNumber - i
struct CombinedOp {
  const char* op;
  std::int32_t operands[3];
};

// Ops of float32 on one operand and on numbers, computed at once with the bits they have one by one. The last one is
// the result.
struct CombinedKernel {
  const CombinedOp* ops;
  std::int32_t num_ops;
  const float* numbers;
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

struct ArithmeticFamily {
  const ArithmeticForms* forms;
  std::int32_t num_forms;
};

struct RowFamily {
  const RowKernel* functions;
  std::int32_t num_functions;
};

struct CombinedFamily {
  const CombinedKernel* kernels;
  std::int32_t num_kernels;
};

// Loops whose time says what the machine can do at best, on one thread. sink: 64 bytes, 64-byte aligned, set to numbers
// below 1 before the first use.
struct MachineLoops {
  std::int64_t (*multiply_add)(std::int64_t rounds, float* sink);  // returns the flops done
  void (*read)(const char* data, std::int64_t num_bytes, float* sink);
};

// All kernels of one level, constant-initialised.
struct KernelTable {
  const char* level;  // "generic", "avx2", "avx512", "neon"
  const KernelFamily* families;
  std::int32_t num_families;
  const PointwiseFamily* const* pointwise;
  std::int32_t num_pointwise;
  const RowFamily* rows = nullptr;
  const MachineLoops* loops = nullptr;
  const ArithmeticFamily* arithmetic = nullptr;
  const CombinedFamily* combined = nullptr;
};

}  // namespace ingot
