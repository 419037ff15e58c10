// What the generator knows of a group's registers: the types of the generated code, which registers have one element
// per row, which row of ops/pointwise.def or reduction an op is.
#pragma once

#include <string>
#include <vector>

#include "device/api.h"

namespace ingot::cuda {

struct RegisterType {
  const char* text;  // in generated code
  int bytes;
  unsigned classes;  // of ops/pointwise.def that it belongs to; 0: moved and converted, computed in a wider one
};

enum class PointwiseRule { kSame, kCompare, kSelect, kConvert, kReinterpret };

// Requires a group that find_registers has accepted.
struct GroupRegisters {
  std::vector<RegisterType> types;
  std::vector<bool> per_row;
};

const RegisterType& type_of_dtype(std::int32_t dtype);
PointwiseRule rule_of(const DeviceGroupOp& op);
// Whether only floats have the op: a function of many instructions, more often than not.
bool is_costly(const DeviceGroupOp& op);
const char* reduction_type(const DeviceGroupOp& op);  // in generated code
// nextafter asks for the neighbors in the dtype itself.
bool is_narrow_nextafter(const DeviceGroupOp& op);

// The op on these operands, an expression of generated code.
std::string value_text(const DeviceGroupOp& op, const std::vector<std::string>& operands);

// False, with `why`, where an op is not computed in its dtype.
bool find_registers(const DeviceGroup& group, GroupRegisters* registers, std::string* why);

}  // namespace ingot::cuda
