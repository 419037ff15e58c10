// Every pointwise function and row function that the CPU has, on the device as a group of one op: the same bits, NaNs
// aside, on special values and on random ones, for any strides.
#include <memory>

#include "../pointwise_test.h"
#include "device_kernel.h"
#include "ops/op.h"

namespace ingot::kernel_test {
namespace {

using Bytes = std::vector<char>;
using Rng = std::mt19937_64;

std::int64_t pick(Rng& rng, std::int64_t lo, std::int64_t hi) {
  return std::uniform_int_distribution<std::int64_t>(lo, hi)(rng);
}

template <class T>
void put(Bytes& bytes, T value) {
  const auto* begin = reinterpret_cast<const char*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

// Elements of special interest, as bytes: of the narrow floats those that a cut leaves of floats.
Bytes special_values(DType dtype) {
  Bytes bytes;
  const auto put_all = [&]<class T>(T) {
    for (const T value : pointwise_test::special_values<T>()) put(bytes, value);
  };
  if (dtype == DType::kF64) {
    put_all(double{});
  } else if (dtype == DType::kF32) {
    put_all(float{});
  } else if (dtype == DType::kI64) {
    put_all(std::int64_t{});
  } else if (dtype == DType::kI32) {
    put_all(std::int32_t{});
  } else if (dtype == DType::kBool) {
    bytes = {0, 1};
  } else if (size_bytes(dtype) == 1) {
    for (int i = 0; i < 256; ++i) put(bytes, static_cast<std::uint8_t>(i));
  } else {
    for (int i = 0; i < 65536; i += 37) put(bytes, static_cast<std::uint16_t>(i));
  }
  return bytes;
}

Bytes values(Rng& rng, DType dtype, std::size_t n) {
  const std::size_t size = size_bytes(dtype);
  const Bytes special = special_values(dtype);
  Bytes bytes;
  while (bytes.size() < n * size) {
    if (pick(rng, 0, 1) == 0) {
      const auto at = static_cast<std::size_t>(pick(rng, 0, static_cast<std::int64_t>(special.size() / size) - 1));
      for (std::size_t i = 0; i < size; ++i) bytes.push_back(special[at * size + i]);
    } else if (dtype == DType::kF32) {
      put(bytes, pointwise_test::random_value<float>(rng));
    } else if (dtype == DType::kF64) {
      put(bytes, pointwise_test::random_value<double>(rng));
    } else {
      for (std::size_t i = 0; i < size; ++i)
        bytes.push_back(static_cast<char>(dtype == DType::kBool ? rng() & 1 : rng() & 255));
    }
  }
  return bytes;
}

bool is_nan(const char* at, DType dtype) {
  if (dtype == DType::kF64) return std::isnan(*reinterpret_cast<const double*>(at));
  if (dtype == DType::kF32) return std::isnan(*reinterpret_cast<const float*>(at));
  const auto bits = static_cast<unsigned>(*reinterpret_cast<const std::uint16_t*>(at)) & 0x7fffu;
  return (dtype == DType::kF16 && bits > 0x7c00u) || (dtype == DType::kBF16 && bits > 0x7f80u);
}

// The first element in which two arrays differ; -1: none.
std::int64_t first_difference(const Bytes& a, const Bytes& b, DType dtype) {
  const std::size_t size = size_bytes(dtype);
  for (std::size_t i = 0; i < a.size(); i += size) {
    if (std::memcmp(&a[i], &b[i], size) == 0) continue;
    const bool wide = dtype != DType::kBool && size > 1;
    if (!wide || !is_nan(&a[i], dtype) || !is_nan(&b[i], dtype)) return static_cast<std::int64_t>(i / size);
  }
  return -1;
}

TensorArg arg_of(Bytes& bytes, DType dtype, const std::vector<std::int64_t>& shape,
                 const std::vector<std::int64_t>& strides) {
  TensorArg arg = {};
  arg.data = bytes.data();
  arg.rank = static_cast<std::int32_t>(shape.size());
  arg.dtype = static_cast<std::int32_t>(dtype);
  std::copy(shape.begin(), shape.end(), arg.shape);
  std::copy(strides.begin(), strides.end(), arg.strides);
  return arg;
}

std::vector<std::int64_t> row_major(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0; stride *= shape[i]) strides[i] = stride;
  return strides;
}

// An operand of a group over `shape`: all its elements in row-major order, and how they lie in memory.
struct Operand {
  Bytes storage, elements;
  std::vector<std::int64_t> strides;
};

Operand random_operand(Rng& rng, DType dtype, const std::vector<std::int64_t>& shape) {
  Operand operand;
  std::int64_t n = 1, stride = pick(rng, 0, 4) == 0 ? 2 : 1;
  operand.strides.resize(shape.size());
  for (std::size_t i = shape.size(); i-- > 0;) {
    const bool repeated = pick(rng, 0, 4) == 0;
    operand.strides[i] = repeated ? 0 : stride;
    if (!repeated) stride *= shape[i] + pick(rng, 0, 1);
    n *= shape[i];
  }
  operand.storage = values(rng, dtype, static_cast<std::size_t>(stride));
  const std::size_t size = size_bytes(dtype);
  for (std::int64_t flat = 0; flat < n; ++flat) {
    std::int64_t at = 0, rest = flat;
    for (std::size_t i = shape.size(); i-- > 0; rest /= shape[i]) at += rest % shape[i] * operand.strides[i];
    const char* from = operand.storage.data() + static_cast<std::size_t>(at) * size;
    operand.elements.insert(operand.elements.end(), from, from + size);
  }
  return operand;
}

struct Case {
  std::string op;
  std::vector<DType> operands;
  DType dtype, result;
};

std::string to_string(const Case& c) {
  return c.op + " of " + std::string(name(c.dtype)) + " to " + std::string(name(c.result));
}

DeviceGroupOp group_op(const Case& c) {
  DeviceGroupOp op = {c.op.c_str(),
                      static_cast<std::int32_t>(c.dtype),
                      static_cast<std::int32_t>(c.result),
                      static_cast<std::int32_t>(c.operands.size()),
                      {0, 1, 2},
                      0,
                      0};
  return op;
}

// The op over a space of its own, its operands in the order of the case.
Bytes run_group(const Case& c, DeviceGroupOp op, std::vector<Operand>& operands, const std::vector<std::int64_t>& shape,
                const std::vector<std::int64_t>& result_shape, std::int32_t row_axes) {
  std::vector<TensorArg> inputs;
  std::vector<std::int32_t> dtypes;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    inputs.push_back(arg_of(operands[i].storage, c.operands[i], shape, operands[i].strides));
    dtypes.push_back(static_cast<std::int32_t>(c.operands[i]));
  }
  std::int64_t n = 1;
  for (const std::int64_t size : result_shape) n *= size;
  Bytes result(static_cast<std::size_t>(n) * size_bytes(c.result), 0x5a);
  const TensorArg output = arg_of(result, c.result, result_shape, row_major(result_shape));
  const std::int32_t output_register = static_cast<std::int32_t>(operands.size());
  const DeviceGroup group = {.ops = &op,
                             .num_ops = 1,
                             .num_inputs = output_register,
                             .input_dtypes = dtypes.data(),
                             .output_registers = &output_register,
                             .num_outputs = 1,
                             .row_axes = row_axes,
                             .first_input = 0,
                             .anchored = 0};
  KernelCall call = {};
  call.outputs = &output;
  call.inputs = inputs.data();
  call.num_outputs = 1;
  call.num_inputs = output_register;
  REQUIRE_MESSAGE(run_on_device("pointwise", c.operands[0], call, &group), to_string(c));
  return result;
}

void check_pointwise(const Case& c, TileFunction function, Rng& rng) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(pick(rng, 1, 4)));
  for (std::int64_t& size : shape) size = pick(rng, 1, shape.size() == 1 ? 1500 : 9);
  std::vector<Operand> operands;
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  for (const DType dtype : c.operands) operands.push_back(random_operand(rng, dtype, shape));
  for (std::size_t i = 0; i < operands.size(); ++i) {
    pointers.push_back(operands[i].elements.data());
    sizes.push_back(size_bytes(c.operands[i]));
  }
  const std::size_t n = operands[0].elements.size() / sizes[0];
  const Bytes found = run_group(c, group_op(c), operands, shape, shape, 0);
  Bytes expected(n * size_bytes(c.result));
  for (std::size_t begin = 0; begin < n; begin += kTileElements) {
    const void* at[3] = {};
    for (std::size_t i = 0; i < operands.size(); ++i) at[i] = pointers[i] + begin * sizes[i];
    function(at, expected.data() + begin * size_bytes(c.result),
             static_cast<std::int64_t>(std::min<std::size_t>(n - begin, kTileElements)));
  }
  const std::int64_t differs = first_difference(found, expected, c.result);
  CHECK_MESSAGE(differs == -1, to_string(c), ": element ", differs);
}

Case case_of(const PointwiseKernel& kernel) {
  const OpRow* row = find_op(kernel.op);
  REQUIRE(row != nullptr);
  Case c = {kernel.op, {}, static_cast<DType>(kernel.dtype), static_cast<DType>(kernel.result_dtype)};
  for (std::size_t i = 0; i < row->operand_names.size(); ++i) {
    c.operands.push_back(row->dtype_rule == DTypeRule::kSelect && i == 0 ? DType::kBool : c.dtype);
  }
  return c;
}

void check_rows(const RowKernel& kernel, Rng& rng) {
  const auto dtype = static_cast<DType>(kernel.dtype);
  const Case c = {kernel.op, {dtype}, dtype, dtype};
  const std::int64_t rows = pick(rng, 1, 6), columns = pick(rng, 1, pick(rng, 0, 1) == 0 ? 40 : 1400);
  std::vector<Operand> operands;
  operands.push_back(random_operand(rng, dtype, {rows, columns}));
  DeviceGroupOp op = group_op(c);
  op.per_row = op.is_reduction = 1;
  const Bytes found = run_group(c, op, operands, {rows, columns}, {rows, 1}, 1);
  Bytes expected(found.size());
  kernel.function(operands[0].elements.data(), columns, rows, columns, expected.data());
  const std::int64_t differs = first_difference(found, expected, dtype);
  CHECK_MESSAGE(differs == -1, to_string(c), ": row ", differs, " of ", columns, " columns");
}

}  // namespace

TEST_CASE("every pointwise function has the CPU's bits on the device") {
  Rng rng(5);
  const KernelTable& table = *available_levels().back();
  for (std::int32_t f = 0; f < table.num_pointwise; ++f) {
    const PointwiseFamily& family = *table.pointwise[f];
    for (std::int32_t i = 0; i < family.num_functions; ++i) {
      const PointwiseKernel& kernel = family.functions[i];
      for (int round = 0; round < 3; ++round) check_pointwise(case_of(kernel), kernel.function, rng);
    }
  }
}

TEST_CASE("every reduction of rows has the CPU's bits on the device") {
  Rng rng(6);
  const RowFamily& family = *available_levels().back()->rows;
  for (std::int32_t i = 0; i < family.num_functions; ++i) {
    for (int round = 0; round < 20; ++round) check_rows(family.functions[i], rng);
  }
}

}  // namespace ingot::kernel_test
