// The interpreter of groups against the CPU's kernel of groups. (Op by op: test_cuda_pointwise.cpp.)
#include <array>
#include <cstring>
#include <memory>
#include <random>

#include "cuda/kernel.h"
#include "device_test.h"
#include "execute/levels.h"
#include "kernel_test.h"

namespace ingot::cuda {
namespace {

using kernel_test::Sizes;

// Words of every kind: zeros, ones, few bits, any bits, numbers near 1 of the dtype.
std::vector<char> random_elements(std::mt19937_64& rng, DType dtype, std::size_t n) {
  const std::size_t size = size_bytes(dtype);
  std::vector<char> bytes(n * size);
  for (std::size_t i = 0; i < n; ++i) {
    std::uint64_t bits = rng();
    const double number = std::uniform_real_distribution<double>(-100, 100)(rng);
    const float single = static_cast<float>(number);
    switch (rng() % 6) {
      case 0:
        bits = rng() % 3 - 1;
        break;
      case 1:
        bits = (rng() & 1) << (size * 8 - 1);  // zeros
        break;
      case 2:
        if (dtype == DType::kF32) bits = 0x7f800000u | (rng() % 2 << 31);
        if (dtype == DType::kF64) bits = 0x7ff0000000000000u | (rng() % 2 << 63);
        break;
      case 3:
      case 4:
        if (dtype == DType::kF32) std::memcpy(&bits, &single, 4);
        if (dtype == DType::kF64) std::memcpy(&bits, &number, 8);
        if (dtype == DType::kI32 || dtype == DType::kI64) bits = static_cast<std::uint64_t>(static_cast<int>(number));
        break;
      default:
        break;
    }
    if (dtype == DType::kBool) bits &= 1;
    std::memcpy(bytes.data() + i * size, &bits, size);
  }
  return bytes;
}

bool is_nan(DType dtype, const char* element) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, element, size_bytes(dtype));
  if (dtype == DType::kF16) return (bits & 0x7fff) > 0x7c00;
  if (dtype == DType::kBF16) return (bits & 0x7fff) > 0x7f80;
  if (dtype == DType::kF32) return (bits & 0x7fffffff) > 0x7f800000;
  return dtype == DType::kF64 && (bits & 0x7fffffffffffffff) > 0x7ff0000000000000;
}

// -1: equal bits, or both NaN, everywhere.
std::int64_t first_difference(DType dtype, const std::vector<char>& a, const std::vector<char>& b) {
  const std::size_t size = size_bytes(dtype);
  for (std::size_t i = 0; i * size < a.size(); ++i) {
    const char *x = a.data() + i * size, *y = b.data() + i * size;
    if (std::memcmp(x, y, size) != 0 && !(is_nan(dtype, x) && is_nan(dtype, y))) return static_cast<std::int64_t>(i);
  }
  return -1;
}

struct Operand {
  DType dtype;
  Sizes strides;
  DeviceArray<char>* memory;
};

TensorArg arg_of(const Operand& x, const Sizes& shape) {
  TensorArg arg = {};
  arg.data = x.memory->data();
  arg.rank = static_cast<std::int32_t>(shape.size());
  arg.dtype = static_cast<std::int32_t>(x.dtype);
  std::copy(shape.begin(), shape.end(), arg.shape);
  std::copy(x.strides.begin(), x.strides.end(), arg.strides);
  return arg;
}

void run_group(const DeviceGroup& group, const Sizes& shape, const std::vector<Operand>& inputs,
               const std::vector<std::pair<Operand, Sizes>>& outputs) {
  GroupProgram program;
  const char* why = "";
  REQUIRE_MESSAGE(make_group_program(group, &program, &why), why);
  std::vector<TensorArg> input_args, output_args;
  for (const Operand& x : inputs) input_args.push_back(arg_of(x, shape));
  for (const auto& [x, its_shape] : outputs) output_args.push_back(arg_of(x, its_shape));
  KernelCall call = {};
  call.inputs = input_args.data();
  call.outputs = output_args.data();
  call.num_inputs = static_cast<std::int32_t>(inputs.size());
  call.num_outputs = static_cast<std::int32_t>(outputs.size());
  const Enqueue enqueue = {
      .call = call, .guard = {}, .workspace = nullptr, .num_processors = 4, .stream = nullptr, .program = &program};
  const DeviceKernel* const kernel = kPointwiseKernels.kernels;
  CHECK(kernel->enqueue(enqueue) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
}

// A group as PointwiseGroup, for the CPU's kernel, and as DeviceGroup.
struct BothGroups {
  std::vector<DeviceGroupOp> ops;
  std::vector<PointwiseInstruction> instructions;

  // Operands as registers; returns nothing, the result is the next register.
  void add(const char* op, DType dtype, DType result, std::initializer_list<std::int32_t> operands, bool per_row,
           bool reduction = false) {
    DeviceGroupOp row = {op,
                         static_cast<std::int32_t>(dtype),
                         static_cast<std::int32_t>(result),
                         static_cast<std::int32_t>(operands.size()),
                         {},
                         per_row ? 1 : 0,
                         reduction ? 1 : 0};
    PointwiseInstruction instruction = {};
    std::copy(operands.begin(), operands.end(), row.operands);
    std::copy(operands.begin(), operands.end(), instruction.operands);
    const KernelTable& table = *available_levels().back();
    if (reduction) {
      instruction.reduce = find_row_function(table, op, dtype)->function;
    } else {
      instruction.function = find_pointwise(table, op, dtype, result)->function;
    }
    instruction.num_operands = row.num_operands;
    instruction.result_size_bytes = static_cast<std::int32_t>(size_bytes(result));
    instruction.per_row = row.per_row;
    ops.push_back(row);
    instructions.push_back(instruction);
  }
};

// A tensor of the group in the host's memory and in the device's.
struct GroupTensor {
  DType dtype;
  Sizes shape, strides;
  std::vector<char> bytes;
  std::unique_ptr<DeviceArray<char>> memory;

  GroupTensor(DType its_dtype, Sizes its_shape, Sizes its_strides, std::vector<char> its_bytes)
      : dtype(its_dtype), shape(std::move(its_shape)), strides(std::move(its_strides)), bytes(std::move(its_bytes)) {
    memory = std::make_unique<DeviceArray<char>>(bytes);
  }
  TensorArg arg() {
    TensorArg out = arg_of({dtype, strides, memory.get()}, shape);
    out.data = bytes.data();
    return out;
  }
};

void compare_group(const BothGroups& both, const std::vector<std::int32_t>& output_registers, int row_axes,
                   std::vector<GroupTensor>& inputs, std::vector<GroupTensor>& outputs) {
  std::vector<std::int32_t> dtypes;
  std::vector<Operand> device_inputs;
  std::vector<std::pair<Operand, Sizes>> device_outputs;
  std::vector<TensorArg> input_args, output_args;
  for (GroupTensor& x : inputs) {
    dtypes.push_back(static_cast<std::int32_t>(x.dtype));
    device_inputs.push_back({x.dtype, x.strides, x.memory.get()});
    input_args.push_back(x.arg());
  }
  for (GroupTensor& x : outputs) {
    device_outputs.push_back({{x.dtype, x.strides, x.memory.get()}, x.shape});
    output_args.push_back(x.arg());
  }
  const std::int32_t num_ops = static_cast<std::int32_t>(both.ops.size());
  const std::int32_t num_inputs = static_cast<std::int32_t>(inputs.size());
  const std::int32_t num_outputs = static_cast<std::int32_t>(outputs.size());
  const DeviceGroup group = {both.ops.data(), num_ops, num_inputs, dtypes.data(), output_registers.data(), num_outputs,
                             row_axes,        0,       0};
  const PointwiseGroup on_host = {both.instructions.data(), num_ops, output_registers.data(), row_axes, 0, 0};
  KernelCall call = {};
  call.inputs = input_args.data();
  call.outputs = output_args.data();
  call.num_inputs = num_inputs;
  call.num_outputs = num_outputs;
  call.group = &on_host;
  kernel_test::Rng rng(3);
  kernel_test::run_tiles(*find_kernel(*available_levels().back(), "pointwise", DType::kF32), call, rng);
  run_group(group, inputs[0].shape, device_inputs, device_outputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    INFO("output ", i);
    CHECK(first_difference(outputs[i].dtype, outputs[i].bytes, outputs[i].memory->values()) == -1);
  }
}

TEST_CASE("the interpreter computes softmax and logsumexp of rows of any length as the CPU") {
  std::mt19937_64 rng(2);
  const DType dtype = DType::kF32;
  for (const std::int64_t columns : {1, 2, 15, 16, 17, 100, 511, 512, 513, 700, 5000, 8192, 8193, 40000}) {
    const std::int64_t rows = columns > 1000 ? 3 : 21;
    INFO("columns ", columns);
    const std::size_t n = static_cast<std::size_t>(rows * columns);
    std::vector<float> numbers(n);
    for (float& x : numbers) x = std::normal_distribution<float>()(rng);
    std::vector<char> bytes(n * 4), scale(static_cast<std::size_t>(rows) * 4);
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    std::memcpy(scale.data(), numbers.data(), std::min(scale.size(), bytes.size()));
    std::vector<GroupTensor> inputs, outputs;
    inputs.emplace_back(dtype, Sizes{rows, columns}, Sizes{columns, 1}, bytes);
    inputs.emplace_back(dtype, Sizes{rows, columns}, Sizes{1, 0}, scale);
    outputs.emplace_back(dtype, Sizes{rows, columns}, Sizes{columns, 1}, std::vector<char>(n * 4));
    outputs.emplace_back(dtype, Sizes{rows, 1}, Sizes{1, 1}, std::vector<char>(scale.size()));
    BothGroups both;
    both.add("max", dtype, dtype, {0}, true, true);     // 2
    both.add("subtract", dtype, dtype, {0, 2}, false);  // 3
    both.add("exp", dtype, dtype, {3}, false);          // 4
    both.add("sum", dtype, dtype, {4}, true, true);     // 5
    both.add("divide", dtype, dtype, {4, 5}, false);    // 6
    both.add("log", dtype, dtype, {5}, true);           // 7
    both.add("add", dtype, dtype, {7, 1}, true);        // 8
    both.add("multiply", dtype, dtype, {6, 8}, false);  // 9
    compare_group(both, {9, 8}, 1, inputs, outputs);
  }
}

TEST_CASE("the interpreter walks permuted, broadcast and backward operands") {
  std::mt19937_64 rng(4);
  const Sizes shape = {5, 7, 9};
  const std::size_t n = 5 * 7 * 9;
  std::vector<GroupTensor> inputs, outputs;
  inputs.emplace_back(DType::kF64, shape, Sizes{1, 5, 35}, random_elements(rng, DType::kF64, n));
  inputs.emplace_back(DType::kF64, shape, Sizes{0, 9, 1}, random_elements(rng, DType::kF64, 63));
  inputs.emplace_back(DType::kBool, shape, Sizes{0, 0, 0}, random_elements(rng, DType::kBool, 1));
  outputs.emplace_back(DType::kF64, shape, Sizes{1, 5, 35}, std::vector<char>(n * 8));
  outputs.emplace_back(DType::kF32, shape, Sizes{63, 9, 1}, std::vector<char>(n * 4));
  outputs.emplace_back(DType::kBool, shape, Sizes{63, 9, 1}, std::vector<char>(n));
  BothGroups both;
  both.add("multiply", DType::kF64, DType::kF64, {0, 1}, false);  // 3
  both.add("where", DType::kF64, DType::kF64, {2, 3, 0}, false);  // 4
  both.add("cast", DType::kF64, DType::kF32, {4}, false);         // 5
  both.add("less", DType::kF64, DType::kBool, {3, 1}, false);     // 6
  compare_group(both, {4, 5, 6}, 0, inputs, outputs);
}

TEST_CASE("the interpreter runs a group in place and one without elements") {
  std::mt19937_64 rng(5);
  const std::vector<char> bytes = random_elements(rng, DType::kI32, 300);
  DeviceArray<char> memory(bytes), expected(bytes.size());
  const std::int32_t dtype = static_cast<std::int32_t>(DType::kI32), output = 1;
  const DeviceGroupOp op = {"negative", dtype, dtype, 1, {0, 0, 0}, 0, 0};
  const DeviceGroup group = {&op, 1, 1, &dtype, &output, 1, 0, 0, 0};
  run_group(group, {300}, {{DType::kI32, {1}, &memory}}, {{{DType::kI32, {1}, &expected}, {300}}});
  run_group(group, {300}, {{DType::kI32, {1}, &memory}}, {{{DType::kI32, {1}, &memory}, {300}}});
  CHECK(memory.values() == expected.values());
  run_group(group, {3, 0}, {{DType::kI32, {0, 1}, &memory}}, {{{DType::kI32, {0, 1}, &memory}, {3, 0}}});
  CHECK(memory.values() == expected.values());
}

}  // namespace
}  // namespace ingot::cuda
