// Groups by an interpreter: what runs where no code is generated for a group, and what generated code is held to. One
// thread computes one element, its registers in local memory; a group with rows goes through each row once per
// reduction and once more to write, computing again what it needs: intermediate values never reach memory.
#include "cuda/kernels/group_walk.h"
#include "cuda/kernels/program_value.h"
#include "cuda/kernels/team.h"

namespace ingot::cuda {
namespace {

__device__ Word load_word(const char* from, int size) {
  switch (size) {
    case 1:
      return *reinterpret_cast<const std::uint8_t*>(from);
    case 2:
      return *reinterpret_cast<const std::uint16_t*>(from);
    case 4:
      return *reinterpret_cast<const std::uint32_t*>(from);
    default:
      return *reinterpret_cast<const std::uint64_t*>(from);
  }
}

__device__ void store_word(char* to, int size, Word word) {
  switch (size) {
    case 1:
      *reinterpret_cast<std::uint8_t*>(to) = static_cast<std::uint8_t>(word);
      return;
    case 2:
      *reinterpret_cast<std::uint16_t*>(to) = static_cast<std::uint16_t>(word);
      return;
    case 4:
      *reinterpret_cast<std::uint32_t*>(to) = static_cast<std::uint32_t>(word);
      return;
    default:
      *reinterpret_cast<std::uint64_t*>(to) = word;
  }
}

__device__ void run_op(const ProgramOp& op, int to, Word* registers) {
  const Word a = registers[op.operands[0]];
  const Word b = op.num_operands > 1 ? registers[op.operands[1]] : 0;
  const Word c = op.num_operands > 2 ? registers[op.operands[2]] : 0;
  registers[to] = program_value(op, a, b, c);
}

// Loads the inputs of one element and runs the first num_ops ops that have a value for each element.
__device__ void run_element(const GroupProgram& program, const GroupWalk& walk, const std::int64_t* offsets,
                            int num_ops, Word* registers) {
  for (int i = 0; i < program.num_inputs; ++i) registers[i] = load_word(walk.data[i] + offsets[i], walk.sizes[i]);
  for (int i = 0; i < num_ops; ++i) {
    if (program.ops[i].per_row == 0) run_op(program.ops[i], program.num_inputs + i, registers);
  }
}

__device__ void store_output(const GroupProgram& program, const GroupWalk& walk, const std::int64_t* offsets,
                             int output, const Word* registers) {
  const int t = program.num_inputs + output;
  store_word(walk.data[t] + offsets[t], walk.sizes[t], registers[program.output_registers[output]]);
}

// Grid: one thread per element. Bound by instructions: some 20 per op, and registers that lie in memory.
__global__ void run_elements(const __grid_constant__ GroupProgram program, const __grid_constant__ GroupWalk walk,
                             Guard guard) {
  if (stopped(guard)) return;
  const int num_tensors = program.num_inputs + program.num_outputs;
  Word registers[kMaxProgramRegisters];
  for (std::int64_t i = thread_index(); i < walk.rows; i += num_threads()) {
    std::int64_t offsets[kMaxTensors] = {};
    move_along(walk, num_tensors, 0, walk.rank, i, offsets);
    run_element(program, walk, offsets, program.num_ops, registers);
    for (int output = 0; output < program.num_outputs; ++output) {
      store_output(program, walk, offsets, output, registers);
    }
  }
}

// Where one row's tensors begin, and the registers as its threads have them.
struct Row {
  const GroupProgram& program;
  const GroupWalk& walk;
  bool whole;            // all threads of the block work on it, else one team
  bool exists;           // the last rows of a block of threads may not
  std::int64_t columns;  // then 0
  std::int64_t begin[kMaxTensors];
  Word registers[kMaxProgramRegisters];

  __device__ int num_tensors() const { return program.num_inputs + program.num_outputs; }

  __device__ void run(std::int64_t column, int num_ops, std::int64_t* offsets) {
    for (int t = 0; t < num_tensors(); ++t) offsets[t] = begin[t];
    move_along(walk, num_tensors(), walk.lead_rank, walk.rank, column, offsets);
    run_element(program, walk, offsets, num_ops, registers);
  }
};

// The elements of a block of 512 by the 16 threads of a team, one lane each; the result in all of them.
__device__ Word fold_block(Row& row, int reduction, std::int64_t first) {
  const ProgramOp& op = row.program.ops[reduction];
  const std::int64_t last = smaller(first + device::kReduceBlock, row.columns);
  Word lane = program_identity(op, false);
  for (std::int64_t i = first + lane_of_team(); i < last; i += kTeam) {
    std::int64_t offsets[kMaxTensors];
    row.run(i, reduction, offsets);
    lane = program_fold(op, lane, row.registers[op.operands[0]]);
  }
  return combine_team(lane, [&](Word a, Word b) { return program_fold(op, a, b); });
}

// A row of a whole block of threads, whose teams take 16 blocks of elements at a time, or of a team.
__device__ Word fold_row(Row& row, int reduction) {
  const ProgramOp& op = row.program.ops[reduction];
  if (row.walk.columns == 0) return program_identity(op, true);
  if (!row.whole) return fold_block(row, reduction, 0);
  const auto combine = [&](Word a, Word b) { return program_fold(op, a, b); };
  PairTree<Word> tree;
  constexpr std::int64_t kStep = device::kReduceBlock * kTeams;
  for (std::int64_t first = 0; first < row.walk.columns; first += kStep) {
    const Word block = fold_block(row, reduction, first + team() * device::kReduceBlock);
    tree.push(combine_teams(block, kTeams, combine), combine);
  }
  return tree.finish(program_identity(op, false), combine);
}

__device__ void meet(const Row& row) {
  row.whole ? __syncthreads() : __syncwarp();
}

// The ops in turn: a reduction folds the whole row, one with a value per row is run once by every thread; then the
// elements. Nothing is written before everything that it may lie on has been read for the last time.
__device__ void run_row(Row& row) {
  const GroupProgram& program = row.program;
  std::int64_t offsets[kMaxTensors] = {};
  for (int i = 0; i < program.num_ops; ++i) {
    const ProgramOp& op = program.ops[i];
    if (op.id >= kFirstProgramReduction) {
      row.registers[program.num_inputs + i] = fold_row(row, i);
    } else if (op.per_row != 0 && row.columns > 0) {
      for (int j = 0; j < program.num_inputs; ++j) {
        row.registers[j] = load_word(row.walk.data[j] + row.begin[j], row.walk.sizes[j]);
      }
      run_op(op, program.num_inputs + i, row.registers);
    }
  }
  meet(row);
  const int thread = row.whole ? static_cast<int>(threadIdx.x) : lane_of_team(),
            step = row.whole ? kBlockThreads : kTeam;
  for (std::int64_t i = thread; i < row.columns; i += step) {
    row.run(i, program.num_ops, offsets);
    for (int output = 0; output < program.num_outputs; ++output) {
      if (!is_per_row(program, output)) store_output(program, row.walk, offsets, output, row.registers);
    }
  }
  meet(row);
  for (int output = 0; output < program.num_outputs && thread == 0 && row.exists; ++output) {
    if (is_per_row(program, output)) store_output(program, row.walk, row.begin, output, row.registers);
  }
}

// Grid: one block per row longer than 512 elements, else one per 16 rows.
__global__ void run_rows(const __grid_constant__ GroupProgram program, const __grid_constant__ GroupWalk walk,
                         bool whole, Guard guard) {
  if (stopped(guard)) return;
  const std::int64_t at_once = whole ? 1 : kTeams;
  for (std::int64_t first = blockIdx.x * at_once; first < walk.rows; first += gridDim.x * at_once) {
    const std::int64_t index = whole ? first : first + team();
    Row row = {program, walk, whole, index < walk.rows, index < walk.rows ? walk.columns : 0, {}, {}};
    if (row.exists) move_along(walk, row.num_tensors(), 0, walk.lead_rank, index, row.begin);
    run_row(row);
  }
}

cudaError_t enqueue_pointwise(const Enqueue& enqueue) {
  const GroupProgram& program = *enqueue.program;
  const GroupWalk walk = make_walk(program, enqueue.call);
  if (walk.rows == 0 || (walk.columns == 0 && program.row_axes == 0)) return cudaSuccess;
  if (program.row_axes == 0) {
    return launch(run_elements, grid_for(walk.rows), kBlockThreads, 0, enqueue.stream, program, walk, enqueue.guard);
  }
  const bool whole = walk.columns > device::kReduceBlock;
  const unsigned grid = grid_for(walk.rows, whole ? 1 : kTeams);
  return launch(run_rows, grid, kBlockThreads, 0, enqueue.stream, program, walk, whole, enqueue.guard);
}

constexpr DeviceKernel kKernels[] = {{"pointwise", -1, enqueue_pointwise, nullptr}};

template <class T>
constexpr bool computes(int id) {
  switch (id) {
#define POINTWISE(name, ...) \
  case kProgram_##name:      \
    return kComputes<device::Row_##name, T>;
#include "ops/pointwise.def"
#undef POINTWISE
    default:
      return false;
  }
}

bool computes(int id, DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return computes<bool>(id);
    case DType::kI32:
      return computes<std::int32_t>(id);
    case DType::kI64:
      return computes<std::int64_t>(id);
    case DType::kF32:
      return computes<float>(id);
    case DType::kF64:
      return computes<double>(id);
    case DType::kF16:
    case DType::kBF16:
      return id == kProgram_nextafter;
    default:
      return false;
  }
}

bool is_one_of(DType dtype, std::initializer_list<DType> dtypes) {
  for (const DType each : dtypes) {
    if (each == dtype) return true;
  }
  return false;
}

// The dtypes that ops compute in.
bool is_computed(DType dtype) {
  return is_one_of(dtype, {DType::kBool, DType::kI32, DType::kI64, DType::kF32, DType::kF64});
}

bool casts(DType from, DType to) {
  if (is_computed(from)) {
    return to != DType::kU32 && to != DType::kU64 && to != DType::kC64 && to != DType::kC128;
  }
  if (is_one_of(from, {DType::kF16, DType::kBF16})) return to == DType::kF32;
  return is_one_of(from, {DType::kI8, DType::kU8, DType::kI16, DType::kU16}) && to == DType::kI32;
}

bool bitcasts(DType from, DType to) {
  const auto both = [&](std::initializer_list<DType> dtypes) {
    return is_one_of(from, dtypes) && is_one_of(to, dtypes);
  };
  return both({DType::kI8, DType::kU8}) || both({DType::kI16, DType::kU16, DType::kF16, DType::kBF16}) ||
         both({DType::kI32, DType::kF32}) || both({DType::kI64, DType::kF64});
}

}  // namespace

bool has_program_op(int id, int dtype_code, int result_code) {
  const DType dtype = static_cast<DType>(dtype_code), result = static_cast<DType>(result_code);
  if (id == kProgram_cast) return casts(dtype, result);
  if (id == kProgram_bitcast) return bitcasts(dtype, result);
  if (id == kProgram_where) return dtype != DType::kC128;
  if (id >= kFirstProgramReduction) return is_computed(dtype) && dtype != DType::kBool;
  return computes(id, dtype);
}

extern const DeviceKernelFamily kPointwiseKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
