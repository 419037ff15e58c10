#include "cuda/codegen_registers.h"

#include <cstring>

namespace ingot::cuda {
namespace {

enum Class : unsigned { kBoolClass = 1, kIntClass = 2, kFloatClass = 4, kRealClasses = 6, kAnyClass = 7 };

struct Row {
  const char* name;
  PointwiseRule rule;
  unsigned classes;
};

constexpr Row kRows[] = {
#define POINTWISE(name, operands, rule, classes, ...) {#name, PointwiseRule::rule, classes},
#include "ops/pointwise.def"
#undef POINTWISE
};

struct Reduction {
  const char *name, *type;
};
constexpr Reduction kReductions[] = {{"sum", "Sum"}, {"prod", "Prod"}, {"max", "Max"}, {"min", "Min"}};

// By DType. c64 is only moved; c128 is no operand of any group.
constexpr RegisterType kTypes[] = {
    {"bool", 1, kBoolClass},        {"std::int8_t", 1, 0},   {"std::int16_t", 2, 0},  {"std::int32_t", 4, kIntClass},
    {"std::int64_t", 8, kIntClass}, {"std::uint8_t", 1, 0},  {"std::uint16_t", 2, 0}, {"std::uint32_t", 4, 0},
    {"std::uint64_t", 8, 0},        {"Float16", 2, 0},       {"BFloat16", 2, 0},      {"float", 4, kFloatClass},
    {"double", 8, kFloatClass},     {"std::uint64_t", 8, 0},
};
constexpr int kNumTypes = sizeof(kTypes) / sizeof(kTypes[0]);

const Row* find_row(const char* name) {
  for (const Row& row : kRows) {
    if (std::strcmp(row.name, name) == 0) return &row;
  }
  return nullptr;
}

bool is_type(std::int32_t dtype) {
  return dtype >= 0 && dtype < kNumTypes;
}

bool is_computed(const DeviceGroupOp& op) {
  if (!is_type(op.dtype) || !is_type(op.result_dtype)) return false;
  const unsigned classes = kTypes[op.dtype].classes;
  if (op.is_reduction != 0) return reduction_type(op) != nullptr && (classes & kRealClasses) != 0;
  const Row* const row = find_row(op.op);
  if (row == nullptr) return false;
  const bool any = row->rule == PointwiseRule::kSelect || row->rule == PointwiseRule::kConvert ||
                   row->rule == PointwiseRule::kReinterpret;
  return any || (classes & row->classes) != 0 || is_narrow_nextafter(op);
}

}  // namespace

const RegisterType& type_of_dtype(std::int32_t dtype) {
  return kTypes[dtype];
}

PointwiseRule rule_of(const DeviceGroupOp& op) {
  return find_row(op.op)->rule;
}

bool is_costly(const DeviceGroupOp& op) {
  return op.is_reduction == 0 && find_row(op.op)->classes == kFloatClass;
}

const char* reduction_type(const DeviceGroupOp& op) {
  for (const Reduction& reduction : kReductions) {
    if (std::strcmp(reduction.name, op.op) == 0) return reduction.type;
  }
  return nullptr;
}

bool is_narrow_nextafter(const DeviceGroupOp& op) {
  return std::strcmp(op.op, "nextafter") == 0 && std::strstr(kTypes[op.dtype].text, "Float16") != nullptr;
}

std::string value_text(const DeviceGroupOp& op, const std::vector<std::string>& operands) {
  const std::string out = kTypes[op.result_dtype].text, in = kTypes[op.dtype].text;
  std::string all;
  for (const std::string& operand : operands) all += (all.empty() ? "" : ", ") + operand;
  const PointwiseRule rule = rule_of(op);
  if (rule == PointwiseRule::kConvert) return "CastValue<" + out + ", " + in + ">::value(" + all + ")";
  if (rule == PointwiseRule::kReinterpret) return "same_bits<" + out + ">(" + all + ")";
  if (rule == PointwiseRule::kSelect) return "choose(" + all + ")";
  if (is_narrow_nextafter(op)) return "next_narrow(" + all + ")";
  return "Row_" + std::string(op.op) + "::value<" + out + ", " + in + ">(" + all + ")";
}

bool find_registers(const DeviceGroup& group, GroupRegisters* registers, std::string* why) {
  *registers = {};
  for (int i = 0; i < group.num_inputs; ++i) {
    if (!is_type(group.input_dtypes[i])) {
      *why = "a group has an input of a dtype that no op of a group reads";
      return false;
    }
    registers->types.push_back(kTypes[group.input_dtypes[i]]);
  }
  registers->per_row.assign(static_cast<std::size_t>(group.num_inputs), false);
  for (int i = 0; i < group.num_ops; ++i) {
    const DeviceGroupOp& op = group.ops[i];
    if (!is_computed(op)) {
      *why = std::string(op.op) + ": no code is generated for it on " +
             (is_type(op.dtype) ? kTypes[op.dtype].text : "this dtype");
      return false;
    }
    registers->types.push_back(kTypes[op.result_dtype]);
    registers->per_row.push_back(op.per_row != 0);
    if (op.per_row == 0 || op.is_reduction != 0) continue;
    // An input has one element per row if an op reads it so.
    for (int j = 0; j < op.num_operands; ++j) registers->per_row[static_cast<std::size_t>(op.operands[j])] = true;
  }
  return true;
}

}  // namespace ingot::cuda
