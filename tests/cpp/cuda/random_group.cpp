#include "random_group.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "execute/levels.h"

namespace ingot::group_test {
namespace {

std::size_t bytes_of(std::int32_t dtype) {
  return size_bytes(static_cast<DType>(dtype));
}

std::int64_t product(const Sizes& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

int arity_of(const std::string& op) {
#define INGOT_COUNT_1(a) 1
#define INGOT_COUNT_2(a, b) 2
#define INGOT_COUNT_3(c, a, b) 3
#define INGOT_CHOOSE_COUNT(a, b, c, choice, ...) choice
#define INGOT_COUNT(...) INGOT_CHOOSE_COUNT(__VA_ARGS__, INGOT_COUNT_3, INGOT_COUNT_2, INGOT_COUNT_1, )(__VA_ARGS__)
#define POINTWISE(name, operands, ...) \
  if (op == #name) return INGOT_COUNT operands;
#include "ops/pointwise.def"
#undef POINTWISE
  return 1;
}

template <class T>
void put(std::vector<char>& bytes, std::size_t at, T value) {
  std::memcpy(&bytes[at], &value, sizeof value);
}

// Numbers of every size, whole ones, special ones if they are wild.
template <class T>
T random_float(Rng& rng, bool wild) {
  using Limits = std::numeric_limits<T>;
  static const T special[] = {0,
                              static_cast<T>(-0.0),
                              1,
                              -1,
                              static_cast<T>(0.5),
                              Limits::infinity(),
                              -Limits::infinity(),
                              Limits::quiet_NaN(),
                              Limits::max(),
                              Limits::denorm_min(),
                              static_cast<T>(2147483648.0),
                              static_cast<T>(-9223372036854775808.0)};
  const std::int64_t kind = wild ? pick(rng, 0, 15) : 3;
  if (kind == 0) return special[pick(rng, 0, std::size(special) - 1)];
  if (kind == 1) return static_cast<T>(pick(rng, -300, 300));
  const double x = std::uniform_real_distribution<double>(-1, 1)(rng);
  if (kind == 2) return static_cast<T>(std::ldexp(x, static_cast<int>(pick(rng, -140, 120))));
  return static_cast<T>(x * 4);
}

// Narrow floats: any bits, most of them of ordinary numbers.
std::uint16_t random_half(Rng& rng, bool brain, bool wild) {
  if (wild && pick(rng, 0, 7) == 0) return static_cast<std::uint16_t>(rng());
  const std::uint64_t exponent = static_cast<std::uint64_t>(brain ? pick(rng, 120, 135) : pick(rng, 10, 20));
  const int fraction = brain ? 7 : 10;
  return static_cast<std::uint16_t>((rng() & 0x8000) | exponent << fraction | (rng() & ((1u << fraction) - 1)));
}

void fill(Rng& rng, std::int32_t dtype, std::vector<char>& bytes) {
  const std::size_t size = bytes_of(dtype);
  const bool wild = pick(rng, 0, 2) == 0;  // a row with one NaN has no other sum
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    switch (static_cast<DType>(dtype)) {
      case DType::kBool:
        bytes[at] = static_cast<char>(rng() & 1);
        break;
      case DType::kF32:
        put(bytes, at, random_float<float>(rng, wild));
        break;
      case DType::kF64:
        put(bytes, at, random_float<double>(rng, wild));
        break;
      case DType::kF16:
      case DType::kBF16:
        put(bytes, at, random_half(rng, static_cast<DType>(dtype) == DType::kBF16, wild));
        break;
      default: {
        const std::uint64_t bits = pick(rng, 0, 2) == 0 ? rng() : static_cast<std::uint64_t>(pick(rng, -70, 70));
        std::memcpy(&bytes[at], &bits, size);
      }
    }
  }
}

// Strides and room for `shape`: contiguous, or in any order, with gaps, backwards, some axes broadcast.
Operand random_layout(Rng& rng, const Sizes& shape, std::size_t size, bool per_row, int row_axes, bool output) {
  Operand x;
  x.strides.assign(shape.size(), 0);
  std::vector<std::size_t> order(shape.size());
  std::iota(order.begin(), order.end(), 0);
  const std::int64_t kind = pick(rng, 0, 4);
  const bool any = kind >= 3;
  if (any) std::shuffle(order.begin(), order.end(), rng);
  std::int64_t extent = 1, offset = 0;
  for (std::size_t i = shape.size(); i-- > 0;) {
    const std::size_t axis = order[i];
    if (per_row && axis + static_cast<std::size_t>(row_axes) >= shape.size()) continue;
    if (!output && kind >= 2 && pick(rng, 0, 2) == 0) continue;
    const std::int64_t stride = any && !output ? extent * pick(rng, 1, 2) : extent;
    const bool backwards = any && !output && pick(rng, 0, 2) == 0;
    x.strides[axis] = backwards ? -stride : stride;
    if (backwards && shape[axis] > 0) offset += stride * (shape[axis] - 1);
    extent = stride * std::max<std::int64_t>(shape[axis], 1);
  }
  const std::int64_t shift = output ? 0 : pick(rng, 0, 3) == 0 ? pick(rng, 1, 3) : 0;  // begins off a vector
  x.bytes.resize(static_cast<std::size_t>(extent + shift) * size);
  x.offset = (offset + shift) * static_cast<std::int64_t>(size);
  return x;
}

bool is_dense(const Group& group, const Operand& x) {
  std::int64_t stride = 1;
  for (std::size_t axis = group.shape.size(); axis-- > 0;) {
    if (group.shape[axis] != 1 && x.strides[axis] != stride) return false;
    stride *= group.shape[axis];
  }
  return x.offset == 0;
}

// What plan.h allows: an input of as many elements of the same size, read by no op after the one of the output.
int find_input_below(Rng& rng, const Group& group, std::int32_t output, const std::vector<bool>& taken) {
  const auto num_inputs = static_cast<std::int32_t>(group.inputs.size());
  for (std::int32_t i = 0; i < num_inputs; ++i) {
    const bool fits = !taken[static_cast<std::size_t>(i)] && !group.input_per_row[static_cast<std::size_t>(i)] &&
                      !group.per_row(output) && bytes_of(group.dtype_of(i)) == bytes_of(group.dtype_of(output)) &&
                      is_dense(group, group.inputs[static_cast<std::size_t>(i)]);
    bool read_later = false;
    for (std::size_t j = static_cast<std::size_t>(output - num_inputs) + 1; j < group.ops.size(); ++j) {
      for (int k = 0; k < group.ops[j].num_operands; ++k) read_later = read_later || group.ops[j].operands[k] == i;
    }
    if (fits && !read_later && pick(rng, 0, 1) == 0) return i;
  }
  return -1;
}

std::int32_t add_input(Rng& rng, Group& group, std::int32_t dtype) {
  const std::int32_t added = static_cast<std::int32_t>(group.input_dtypes.size());
  group.input_dtypes.push_back(dtype);
  group.input_per_row.push_back(group.row_axes > 0 && pick(rng, 0, 4) == 0);
  for (DeviceGroupOp& op : group.ops) {
    for (std::int32_t& r : op.operands) r += r >= added ? 1 : 0;
  }
  return added;
}

}  // namespace

std::int64_t pick(Rng& rng, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(rng);
}

const std::vector<Choice>& choices() {
  static const std::vector<Choice> all = [] {
    std::vector<Choice> found;
    const KernelTable& level = choose_level();
    for (std::int32_t f = 0; f < level.num_pointwise; ++f) {
      for (std::int32_t i = 0; i < level.pointwise[f]->num_functions; ++i) {
        const PointwiseKernel& k = level.pointwise[f]->functions[i];
        found.push_back({k.op, k.dtype, k.result_dtype, arity_of(k.op), false});
      }
    }
    for (std::int32_t i = 0; i < level.rows->num_functions; ++i) {
      const RowKernel& k = level.rows->functions[i];
      found.push_back({k.op, k.dtype, k.dtype, 1, true});
    }
    return found;
  }();
  return all;
}

std::int32_t Group::dtype_of(std::int32_t r) const {
  const auto num_inputs = static_cast<std::int32_t>(input_dtypes.size());
  return r < num_inputs ? input_dtypes[static_cast<std::size_t>(r)]
                        : ops[static_cast<std::size_t>(r - num_inputs)].result_dtype;
}

bool Group::per_row(std::int32_t r) const {
  const auto num_inputs = static_cast<std::int32_t>(input_dtypes.size());
  return r < num_inputs ? input_per_row[static_cast<std::size_t>(r)]
                        : ops[static_cast<std::size_t>(r - num_inputs)].per_row != 0;
}

DeviceGroup Group::device_group() const {
  return {.ops = ops.data(),
          .num_ops = static_cast<std::int32_t>(ops.size()),
          .num_inputs = static_cast<std::int32_t>(input_dtypes.size()),
          .input_dtypes = input_dtypes.data(),
          .output_registers = outputs.data(),
          .num_outputs = static_cast<std::int32_t>(outputs.size()),
          .row_axes = row_axes,
          .first_input = 0,
          .anchored = 0};
}

bool add_op(Rng& rng, Group& group, const Choice& choice) {
  if (choice.is_reduction && group.row_axes == 0) return false;
  DeviceGroupOp op = {.op = choice.op,
                      .dtype = choice.dtype,
                      .result_dtype = choice.result_dtype,
                      .num_operands = choice.arity,
                      .operands = {},
                      .per_row = 1,
                      .is_reduction = choice.is_reduction ? 1 : 0};
  std::int32_t chosen[3] = {};
  for (int j = 0; j < choice.arity; ++j) {
    const std::int32_t dtype = choice.arity == 3 && j == 0 ? static_cast<std::int32_t>(DType::kBool) : choice.dtype;
    std::vector<std::int32_t> fitting;
    for (std::size_t r = 0; r < group.input_dtypes.size() + group.ops.size(); ++r) {
      const auto at = static_cast<std::int32_t>(r);
      if (group.dtype_of(at) == dtype && !(choice.is_reduction && group.per_row(at))) fitting.push_back(at);
    }
    if (fitting.empty() || (pick(rng, 0, 5) == 0 && group.input_dtypes.size() < 16)) {
      if (group.input_dtypes.size() == 16) return false;
      const std::int32_t added = add_input(rng, group, dtype);
      if (choice.is_reduction) group.input_per_row.back() = false;
      for (int k = 0; k < j; ++k) chosen[k] += chosen[k] >= added ? 1 : 0;
      chosen[j] = added;
    } else {
      chosen[j] = fitting[static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(fitting.size()) - 1))];
    }
  }
  for (int j = 0; j < choice.arity; ++j) {
    op.operands[j] = chosen[j];
    if (!choice.is_reduction && !group.per_row(chosen[j])) op.per_row = 0;
  }
  group.ops.push_back(op);
  return true;
}

void add_memory(Rng& rng, Group& group, const std::vector<std::int32_t>& outputs) {
  group.outputs = outputs;
  for (std::size_t i = 0; i < group.input_dtypes.size(); ++i) {
    const std::int32_t dtype = group.input_dtypes[i];
    Operand x = random_layout(rng, group.shape, bytes_of(dtype), group.input_per_row[i], group.row_axes, false);
    fill(rng, dtype, x.bytes);
    group.inputs.push_back(std::move(x));
  }
  std::vector<bool> taken(group.inputs.size());
  for (const std::int32_t r : outputs) {
    Operand y;
    const int below = find_input_below(rng, group, r, taken);
    if (below >= 0) {
      y = group.inputs[static_cast<std::size_t>(below)];
      y.lies_on = below;
      taken[static_cast<std::size_t>(below)] = true;
    } else {
      const bool rows = group.row_axes > 0;
      y = random_layout(rng, group.shape, bytes_of(group.dtype_of(r)), group.per_row(r), group.row_axes, true);
      if (rows || group.per_row(r)) {  // row-major, a row being one element where it is
        std::int64_t stride = 1;
        for (std::size_t axis = group.shape.size(); axis-- > 0;) {
          const bool one = group.per_row(r) && axis + static_cast<std::size_t>(group.row_axes) >= group.shape.size();
          y.strides[axis] = stride;
          if (!one) stride *= group.shape[axis];
        }
      } else if (!group.results.empty() && group.results[0].lies_on < 0) {
        y.strides = group.results[0].strides;  // outputs of a group lie in one order
      } else if (!group.results.empty()) {
        y.strides = group.results[0].strides;
      }
    }
    group.results.push_back(std::move(y));
  }
}

namespace {

void add_ops(Rng& rng, Group& group, int num_ops) {
  std::vector<Choice> reductions, others;
  for (const Choice& choice : choices()) (choice.is_reduction ? reductions : others).push_back(choice);
  const auto goes_on = [&](const Choice& choice) {
    if (group.ops.empty()) return group.input_dtypes.empty() || choice.dtype == group.input_dtypes[0];
    return std::any_of(group.ops.begin(), group.ops.end(),
                       [&](const DeviceGroupOp& op) { return op.result_dtype == choice.dtype; });
  };
  while (static_cast<int>(group.ops.size()) < num_ops) {
    const std::vector<Choice>& from = group.row_axes > 0 && pick(rng, 0, 2) == 0 ? reductions : others;
    const Choice& choice = from[static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(from.size()) - 1))];
    if (goes_on(choice) || (!group.ops.empty() && pick(rng, 0, 7) == 0)) add_op(rng, group, choice);
  }
}

std::vector<std::int32_t> random_outputs(Rng& rng, const Group& group) {
  std::vector<std::int32_t> outputs;
  const auto last = static_cast<std::int32_t>(group.input_dtypes.size() + group.ops.size()) - 1;
  for (std::int32_t r = static_cast<std::int32_t>(group.input_dtypes.size()); r <= last; ++r) {
    if (r == last || pick(rng, 0, 4) == 0) outputs.push_back(r);
  }
  return outputs;
}

}  // namespace

Group random_group(Rng& rng, const Sizes& shape, int row_axes, int num_ops) {
  Group group;
  group.shape = shape;
  group.row_axes = row_axes;
  add_ops(rng, group, num_ops);
  add_memory(rng, group, random_outputs(rng, group));
  return group;
}

Group random_anchored_group(Rng& rng, const Sizes& shape, DType anchor, int num_ops) {
  Group group;
  group.shape = shape;
  group.input_dtypes = {static_cast<std::int32_t>(anchor)};
  group.input_per_row = {false};
  add_ops(rng, group, num_ops);
  const std::vector<std::int32_t> outputs = random_outputs(rng, group);
  const auto lies_on_anchor = [](const Operand& x) { return x.lies_on == 0; };
  do {
    group.inputs.clear();
    group.results.clear();
    add_memory(rng, group, outputs);
  } while (std::any_of(group.results.begin(), group.results.end(), lies_on_anchor));
  return group;
}

Arguments::Arguments(const Group& group, const std::vector<char*>& addresses) {
  for (std::size_t i = 0; i < group.inputs.size() + group.results.size(); ++i) {
    const bool input = i < group.inputs.size();
    const std::size_t o = i - group.inputs.size();
    const Operand& x = input ? group.inputs[i] : group.results[o];
    TensorArg arg = {};
    arg.data = addresses[i] + x.offset;
    arg.rank = static_cast<std::int32_t>(group.shape.size());
    arg.dtype = input ? group.input_dtypes[i] : group.dtype_of(group.outputs[o]);
    const bool one = !input && group.per_row(group.outputs[o]);
    for (std::size_t axis = 0; axis < group.shape.size(); ++axis) {
      const bool in_row = axis + static_cast<std::size_t>(group.row_axes) >= group.shape.size();
      arg.shape[axis] = one && in_row ? 1 : group.shape[axis];
      arg.strides[axis] = x.strides[axis];
    }
    (input ? inputs : outputs).push_back(arg);
  }
  code.output_registers = group.outputs.data();
  code.row_axes = group.row_axes;
  call.outputs = outputs.data();
  call.inputs = inputs.data();
  call.num_outputs = static_cast<std::int32_t>(outputs.size());
  call.num_inputs = static_cast<std::int32_t>(inputs.size());
  call.group = &code;
}

std::vector<std::vector<char>> run_on_cpu(const Group& group) {
  const KernelTable& level = choose_level();
  std::vector<PointwiseInstruction> instructions;
  for (const DeviceGroupOp& op : group.ops) {
    PointwiseInstruction to = {};
    const auto dtype = static_cast<DType>(op.dtype), result = static_cast<DType>(op.result_dtype);
    if (op.is_reduction != 0) {
      to.reduce = find_row_function(level, op.op, dtype)->function;
    } else {
      to.function = find_pointwise(level, op.op, dtype, result)->function;
    }
    to.num_operands = op.num_operands;
    std::copy(std::begin(op.operands), std::end(op.operands), std::begin(to.operands));
    to.result_size_bytes = static_cast<std::int32_t>(bytes_of(op.result_dtype));
    to.per_row = op.per_row;
    instructions.push_back(to);
  }
  std::vector<std::vector<char>> memory;
  std::vector<char*> addresses;
  for (const Operand& x : group.inputs) memory.push_back(x.bytes);
  for (const Operand& y : group.results) memory.push_back(std::vector<char>(y.bytes.size()));
  for (std::vector<char>& bytes : memory) addresses.push_back(bytes.data());
  for (std::size_t i = 0; i < group.results.size(); ++i) {
    const int below = group.results[i].lies_on;
    if (below >= 0) addresses[group.inputs.size() + i] = addresses[static_cast<std::size_t>(below)];
  }
  Arguments arguments(group, addresses);
  arguments.code.instructions = instructions.data();
  arguments.code.num_instructions = static_cast<std::int32_t>(instructions.size());
  const Kernel& kernel = *find_kernel(level, "pointwise", DType::kF32);
  std::vector<char> scratch(static_cast<std::size_t>(kernel.scratch_bytes(&arguments.call)) + 64);
  void* aligned = scratch.data();
  std::size_t room = scratch.size();
  std::align(64, 1, aligned, room);
  if (product(group.shape) > 0) {
    kernel.run(&arguments.call, 0, kernel.num_tiles(&arguments.call), static_cast<char*>(aligned));
  }
  std::vector<std::vector<char>> results;
  for (std::size_t i = 0; i < group.results.size(); ++i) {
    const int below = group.results[i].lies_on;
    results.push_back(memory[below >= 0 ? static_cast<std::size_t>(below) : group.inputs.size() + i]);
  }
  return results;
}

namespace {

// Whether the float with these bits, whose infinity is given, is NaN.
bool is_nan(const char* at, std::int32_t dtype) {
  std::uint64_t bits = 0, infinity = 0;
  std::memcpy(&bits, at, bytes_of(dtype));
  switch (static_cast<DType>(dtype)) {
    case DType::kF16:
      infinity = 0x7c00;
      break;
    case DType::kBF16:
      infinity = 0x7f80;
      break;
    case DType::kF32:
      infinity = 0x7f800000;
      break;
    case DType::kF64:
      infinity = 0x7ff0000000000000;
      break;
    default:
      return false;
  }
  return (bits & ~(std::uint64_t{1} << (bytes_of(dtype) * 8 - 1))) > infinity;
}

}  // namespace

bool same_elements(std::int32_t dtype, const std::vector<char>& a, const std::vector<char>& b) {
  const std::size_t size = bytes_of(dtype);
  for (std::size_t at = 0; at + size <= a.size(); at += size) {
    if (std::memcmp(&a[at], &b[at], size) == 0) continue;
    if (!is_nan(&a[at], dtype) || !is_nan(&b[at], dtype)) return false;
  }
  return a.size() == b.size();
}

std::string describe(const Group& group) {
  std::string text = "shape";
  for (const std::int64_t size : group.shape) text += " " + std::to_string(size);
  text += ", rows of " + std::to_string(group.row_axes) + " axes;";
  std::size_t r = 0;
  for (const std::int32_t dtype : group.input_dtypes) {
    text += " r" + std::to_string(r) + ": " + std::string(name(static_cast<DType>(dtype))) +
            (group.input_per_row[r] ? " per row," : ",");
    ++r;
  }
  for (const DeviceGroupOp& op : group.ops) {
    text += " r" + std::to_string(r++) + " = " + op.op + "(";
    for (int j = 0; j < op.num_operands; ++j) text += (j > 0 ? ", r" : "r") + std::to_string(op.operands[j]);
    text += ") " + std::string(name(static_cast<DType>(op.result_dtype))) + (op.per_row != 0 ? " per row;" : ";");
  }
  text += " outputs";
  for (std::size_t i = 0; i < group.outputs.size(); ++i) {
    text += " r" + std::to_string(group.outputs[i]);
    if (group.results[i].lies_on >= 0) text += " on r" + std::to_string(group.results[i].lies_on);
  }
  return text;
}

}  // namespace ingot::group_test
