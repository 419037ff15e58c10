// The group kernel: random groups of instructions over contiguous, strided and broadcast inputs give the bits of the
// same tile functions applied one by one, for every split into tile ranges, in place too, within the scratch it asks
// for.
#include <algorithm>
#include <numeric>

#include "pointwise_test.h"

namespace ingot {
namespace {

using namespace pointwise_test;
using Rng = std::mt19937_64;
using Bytes = std::vector<char>;

std::int64_t pick(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

std::size_t product(const std::vector<std::int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1},
                         [](std::size_t n, std::int64_t size) { return n * static_cast<std::size_t>(size); });
}

// A value of the group: its dtype and what it must hold, contiguous.
struct Expected {
  DType dtype;
  Bytes bytes;
};

void fill(Rng& rng, DType dtype, Bytes& bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += size_bytes(dtype)) {
    if (dtype == DType::kF32) {
      const float value = random_value<float>(rng);
      std::memcpy(&bytes[i], &value, sizeof value);
    } else if (dtype == DType::kF64) {
      const double value = random_value<double>(rng);
      std::memcpy(&bytes[i], &value, sizeof value);
    } else {
      bytes[i] = static_cast<char>(rng() & 1);
    }
  }
}

struct Input {
  Bytes storage;
  TensorArg arg;
  Expected dense;
};

// A tensor broadcast to `shape`: axes in random order and direction, with gaps, some of stride 0.
Input make_input(Rng& rng, const std::vector<std::int64_t>& shape, DType dtype) {
  Input input{};
  const std::size_t size = size_bytes(dtype);
  const int rank = static_cast<int>(shape.size());
  input.arg.rank = rank;
  input.arg.dtype = static_cast<std::int32_t>(dtype);
  std::vector<int> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  const int kind =
      static_cast<int>(pick(rng, 0, 4));  // 0, 1: contiguous; 2: anything; 3: scalar; 4: some axes broadcast
  if (kind == 2) std::shuffle(order.begin(), order.end(), rng);
  std::int64_t extent = 1, offset = 0;
  for (int i = rank - 1; i >= 0; --i) {
    const std::size_t axis = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
    input.arg.shape[axis] = shape[axis];
    const bool broadcast = kind == 3 || (kind >= 2 && pick(rng, 0, 2) == 0);
    if (broadcast) continue;
    const std::int64_t stride = kind == 2 ? extent * pick(rng, 1, 2) : extent;
    const bool backwards = kind == 2 && pick(rng, 0, 1) == 0;
    input.arg.strides[axis] = backwards ? -stride : stride;
    if (backwards && shape[axis] > 0) offset += stride * (shape[axis] - 1);
    extent = stride * std::max<std::int64_t>(shape[axis], 1);
  }
  input.storage.resize(static_cast<std::size_t>(extent) * size);
  fill(rng, dtype, input.storage);
  input.dense = {dtype, Bytes(product(shape) * size)};
  std::vector<std::int64_t> index(shape.size());
  for (std::size_t i = 0; i < product(shape); ++i) {
    std::int64_t at = offset;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) at += index[axis] * input.arg.strides[axis];
    std::memcpy(&input.dense.bytes[i * size], &input.storage[static_cast<std::size_t>(at) * size], size);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  input.arg.data = input.storage.data() + offset * static_cast<std::int64_t>(size);
  return input;
}

struct Choice {
  const char* op;
  std::vector<DType> operands;
  DType result;
};

const Choice kChoices[] = {
    {"add", {DType::kF32, DType::kF32}, DType::kF32},
    {"multiply", {DType::kF64, DType::kF64}, DType::kF64},
    {"maximum", {DType::kF32, DType::kF32}, DType::kF32},
    {"subtract", {DType::kF64, DType::kF64}, DType::kF64},
    {"exp", {DType::kF32}, DType::kF32},
    {"negative", {DType::kF64}, DType::kF64},
    {"cast", {DType::kF32}, DType::kF64},
    {"cast", {DType::kF64}, DType::kF32},
    {"cast", {DType::kBool}, DType::kF64},
    {"cast", {DType::kF32}, DType::kBool},
    {"less", {DType::kF32, DType::kF32}, DType::kBool},
    {"equal", {DType::kF64, DType::kF64}, DType::kBool},
    {"logical_xor", {DType::kBool, DType::kBool}, DType::kBool},
    {"where", {DType::kBool, DType::kF32, DType::kF32}, DType::kF32},
    {"where", {DType::kBool, DType::kF64, DType::kF64}, DType::kF64},
};

struct Group {
  std::vector<PointwiseInstruction> instructions;
  std::vector<std::int32_t> outputs;
  std::vector<Expected> registers;  // inputs first
};

std::int32_t random_register(Rng& rng, const Group& group, DType dtype) {
  std::vector<std::int32_t> candidates;
  for (std::size_t i = 0; i < group.registers.size(); ++i) {
    if (group.registers[i].dtype == dtype) candidates.push_back(static_cast<std::int32_t>(i));
  }
  return candidates[static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(candidates.size()) - 1))];
}

void add_instruction(Rng& rng, const KernelTable& table, Group& group, std::size_t n) {
  const Choice& choice = kChoices[pick(rng, 0, static_cast<std::int64_t>(std::size(kChoices)) - 1)];
  PointwiseInstruction instruction{};
  const PointwiseKernel& kernel = *find_pointwise(table, choice.op, choice.operands.back(), choice.result);
  instruction.function = kernel.function;
  const ArithmeticForms* const forms = find_arithmetic(table, choice.op);
  if (forms != nullptr && choice.operands.back() == DType::kF32) {
    std::copy(std::begin(forms->with_scalar), std::end(forms->with_scalar), std::begin(instruction.with_scalar));
    instruction.chain = forms->chain;
  }
  instruction.num_operands = static_cast<std::int32_t>(choice.operands.size());
  instruction.result_size_bytes = static_cast<std::int32_t>(size_bytes(choice.result));
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < choice.operands.size(); ++i) {
    instruction.operands[i] = random_register(rng, group, choice.operands[i]);
    pointers.push_back(group.registers[static_cast<std::size_t>(instruction.operands[i])].bytes.data());
    sizes.push_back(size_bytes(choice.operands[i]));
  }
  const std::size_t size = size_bytes(choice.result);
  Expected result{choice.result, Bytes(n * size)};
  for (std::size_t begin = 0; begin < n; begin += kTileElements) {
    const void* operands[3] = {};
    for (std::size_t i = 0; i < pointers.size(); ++i) operands[i] = pointers[i] + begin * sizes[i];
    const std::size_t length = std::min<std::size_t>(n - begin, kTileElements);
    instruction.function(operands, result.bytes.data() + begin * size, static_cast<std::int64_t>(length));
  }
  group.instructions.push_back(instruction);
  group.registers.push_back(std::move(result));
}

std::vector<std::int64_t> random_shape(Rng& rng) {
  static const std::vector<std::int64_t> shapes[] = {
      {},       {1},      {511},         {512},       {513},     {0, 3},
      {3, 700}, {40, 33}, {7, 5, 11, 3}, {2, 1, 600}, {1500, 1}, {1, 2, 3, 4, 5, 1, 2, 2}};
  return shapes[pick(rng, 0, static_cast<std::int64_t>(std::size(shapes)) - 1)];
}

TensorArg dense_arg(char* data, DType dtype, const std::vector<std::int64_t>& shape) {
  TensorArg arg{};
  arg.data = data;
  arg.rank = static_cast<std::int32_t>(shape.size());
  arg.dtype = static_cast<std::int32_t>(dtype);
  std::int64_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    arg.shape[axis] = shape[axis];
    arg.strides[axis] = stride;
    stride *= shape[axis];
  }
  return arg;
}

bool is_contiguous(const TensorArg& x) {
  std::int64_t stride = 1;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    if (x.shape[axis] != 1 && x.strides[axis] != stride) return false;
    stride *= x.shape[axis];
  }
  return true;
}

// Runs all tiles, in ranges of random length and order, with guarded scratch that is dirty each time.
void run_call(Rng& rng, const Kernel& kernel, const KernelCall& call) {
  const std::int64_t tiles = kernel.num_tiles(&call);
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  for (std::int64_t begin = 0; begin < tiles;) {
    const std::int64_t end = begin + pick(rng, 1, tiles - begin);
    ranges.emplace_back(begin, end);
    begin = end;
  }
  std::shuffle(ranges.begin(), ranges.end(), rng);
  const std::size_t bytes = static_cast<std::size_t>(kernel.scratch_bytes(&call));
  for (const auto& [begin, end] : ranges) {
    Bytes block(bytes + 128, 'g');
    char* scratch = block.data();
    while (reinterpret_cast<std::uintptr_t>(scratch) % 64 != 0) ++scratch;
    kernel.run(&call, begin, end, scratch);
    const char* const rest = scratch + bytes;
    CHECK(std::all_of(rest, static_cast<const char*>(block.data() + block.size()), [](char c) { return c == 'g'; }));
  }
  CHECK(kernel.cost_ns(&call) >= 0);
}

bool same_bytes(const Expected& expected, const char* got) {
  for (std::size_t i = 0; i < expected.bytes.size(); i += size_bytes(expected.dtype)) {
    bool equal = std::memcmp(&expected.bytes[i], got + i, size_bytes(expected.dtype)) == 0;
    if (!equal && expected.dtype == DType::kF32) {
      float a, b;
      std::memcpy(&a, &expected.bytes[i], sizeof a);
      std::memcpy(&b, got + i, sizeof b);
      equal = same(a, b);
    } else if (!equal && expected.dtype == DType::kF64) {
      double a, b;
      std::memcpy(&a, &expected.bytes[i], sizeof a);
      std::memcpy(&b, got + i, sizeof b);
      equal = same(a, b);
    }
    if (!equal) return false;
  }
  return true;
}

// One random group; each output lies, if it may, on an input that is not yet taken.
void check_random_group(Rng& rng, const KernelTable& table) {
  const std::vector<std::int64_t> shape = random_shape(rng);
  const std::size_t n = product(shape);
  Group group;
  std::vector<Input> inputs;
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kBool, DType::kF32, DType::kF64}) {
    inputs.push_back(make_input(rng, shape, dtype));
    group.registers.push_back(inputs.back().dense);
  }
  const std::int64_t count = pick(rng, 1, 12);
  for (std::int64_t i = 0; i < count; ++i) add_instruction(rng, table, group, n);
  std::vector<Bytes> buffers;
  std::vector<TensorArg> outputs, input_args;
  std::vector<bool> taken(inputs.size());
  for (Input& input : inputs) input_args.push_back(input.arg);
  const std::int64_t num_outputs = pick(rng, 1, 3);
  const std::int64_t first = pick(rng, 0, 9) == 0 ? 0 : static_cast<std::int64_t>(inputs.size());
  for (std::int64_t i = 0; i < num_outputs; ++i) {
    const std::int32_t from =
        static_cast<std::int32_t>(pick(rng, first, static_cast<std::int64_t>(group.registers.size()) - 1));
    const DType dtype = group.registers[static_cast<std::size_t>(from)].dtype;
    group.outputs.push_back(from);
    buffers.emplace_back(group.registers[static_cast<std::size_t>(from)].bytes.size() + 1);
    char* data = buffers.back().data();
    for (std::size_t j = 0; first != 0 && j < inputs.size(); ++j) {
      const bool fits = size_bytes(inputs[j].dense.dtype) == size_bytes(dtype) && is_contiguous(inputs[j].arg);
      if (taken[j] || !fits || pick(rng, 0, 1) == 0) continue;
      taken[j] = true;
      data = inputs[j].arg.data;
      break;
    }
    outputs.push_back(dense_arg(data, dtype, shape));
  }
  const PointwiseGroup code{group.instructions.data(), static_cast<std::int32_t>(group.instructions.size()),
                            group.outputs.data()};
  KernelCall call{};
  call.outputs = outputs.data();
  call.inputs = input_args.data();
  call.num_outputs = static_cast<std::int32_t>(outputs.size());
  call.num_inputs = static_cast<std::int32_t>(input_args.size());
  call.group = &code;
  run_call(rng, *find_kernel(table, "pointwise", DType::kF32), call);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    CHECK(same_bytes(group.registers[static_cast<std::size_t>(group.outputs[i])], outputs[i].data));
  }
}

TEST_CASE("a pointwise group gives the bits of its ops one by one, in place and for any tile ranges") {
  for (const KernelTable* const table : available_levels()) {
    Rng rng(11);
    for (int i = 0; i < 400; ++i) check_random_group(rng, *table);
  }
}

TEST_CASE("the scratch of a long chain does not grow with its length") {
  const KernelTable& table = choose_level();
  const TileFunction add = find(table, "add", DType::kF32, DType::kF32);
  const auto scratch_of = [&](std::int32_t length) {
    std::vector<PointwiseInstruction> instructions;
    for (std::int32_t i = 0; i < length; ++i) instructions.push_back({add, 2, {i, i, 0}, 4});
    const std::int32_t output = length;
    const PointwiseGroup group{instructions.data(), length, &output};
    const TensorArg x = dense_arg(nullptr, DType::kF32, {100000});
    KernelCall call{};
    call.outputs = call.inputs = &x;
    call.num_outputs = call.num_inputs = 1;
    call.group = &group;
    return find_kernel(table, "pointwise", DType::kF32)->scratch_bytes(&call);
  };
  CHECK(scratch_of(100) - scratch_of(2) < 100 * 64);
}

}  // namespace
}  // namespace ingot
