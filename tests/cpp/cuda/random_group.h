// Random fused groups as a device plugin is asked for them, with operands of any strides, and what the CPU's kernel
// makes of them.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "device/api.h"

namespace ingot::group_test {

using Rng = std::mt19937_64;
using Sizes = std::vector<std::int64_t>;

std::int64_t pick(Rng& rng, std::int64_t low, std::int64_t high);

// An op of the CPU's tables on a dtype; of reductions `arity` is 1.
struct Choice {
  const char* op;
  std::int32_t dtype, result_dtype, arity;
  bool is_reduction;
};

// Every pair of op and dtype that the CPU computes in groups.
const std::vector<Choice>& choices();

// Memory of one operand: the bytes between its lowest and its highest element.
struct Operand {
  std::vector<char> bytes;
  std::int64_t offset = 0;  // of the first element, in bytes
  Sizes strides;            // elements
  int lies_on = -1;         // of an output: the input whose memory it is
};

struct Group {
  Sizes shape;
  int row_axes = 0;
  std::vector<std::int32_t> input_dtypes;
  std::vector<bool> input_per_row;
  std::vector<DeviceGroupOp> ops;
  std::vector<std::int32_t> outputs;  // registers
  std::vector<Operand> inputs, results;

  std::int32_t dtype_of(std::int32_t r) const;
  bool per_row(std::int32_t r) const;
  DeviceGroup device_group() const;
};

// `shape`: of the group's space; row_axes 0: no reductions.
Group random_group(Rng& rng, const Sizes& shape, int row_axes, int num_ops);
// The same on a register 0 that is no input in memory but what an op before computes: groups with an anchor.
Group random_anchored_group(Rng& rng, const Sizes& shape, DType anchor, int num_ops);
// Adds inputs for it where no register fits. False where the op has to look at rows and there are none.
bool add_op(Rng& rng, Group& group, const Choice& choice);
// Makes outputs of these registers, and memory for all operands: random numbers, and others at which rules break.
void add_memory(Rng& rng, Group& group, const std::vector<std::int32_t>& outputs);

// The arguments of a call on memory that lies at these addresses (one for each operand: inputs, then outputs; an output
// that lies on an input has that one's).
struct Arguments {
  std::vector<TensorArg> inputs, outputs;
  PointwiseGroup code = {};
  KernelCall call = {};

  Arguments(const Group& group, const std::vector<char*>& addresses);
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;
};

// Bytes of each output's memory after the CPU's best level has run the group.
std::vector<std::vector<char>> run_on_cpu(const Group& group);

// Equal bits, or NaN both.
bool same_elements(std::int32_t dtype, const std::vector<char>& a, const std::vector<char>& b);

// The group in words, for messages.
std::string describe(const Group& group);

}  // namespace ingot::group_test
