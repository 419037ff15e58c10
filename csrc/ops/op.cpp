// Checks one application of an op: counts, attribute kinds, dtypes, then its shape rule, then the result.
// Linear in the operands; builds no text unless something is wrong.
#include "ops/op.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "ops/shape_rules.h"

namespace ingot {

std::string to_string(const TensorType& type) {
  return std::string(name(type.dtype)) + to_string(type.shape);
}

Size num_bytes(const TensorType& type) {
  return num_elements(type.shape) * Size(static_cast<std::int64_t>(size_bytes(type.dtype)));
}

std::string describe(Operands operands) {
  std::string text;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    text += i == 0 ? "" : i + 1 == operands.size() ? " and " : ", ";
    text += to_string(*operands[i]);
    if (i == 7 && operands.size() > 9) return text + ", ...";
  }
  return text;
}

std::string describe(std::span<const std::int64_t> numbers) {
  std::string text = "[";
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 16) return text + ",...]";
    text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
  }
  return text + "]";
}

std::size_t attr_index(const OpRow& op, std::string_view name) {
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    if (op.attrs[i].name == name) return i;
  }
  fail(ErrorCode::kInternal, concat(op.name, ": the row has no attribute '", name, "'"));
}

namespace {

std::string describe_classes(DTypeClasses classes) {
  constexpr std::array<std::pair<DTypeClasses, std::string_view>, 4> kNames = {
      {{kBoolClass, "bool"}, {kIntClass, "integer"}, {kFloatClass, "float"}, {kComplexClass, "complex"}}};
  std::string text;
  for (const auto& [bit, word] : kNames) {
    if ((classes & bit) != 0) text += (text.empty() ? "" : " or ") + std::string(word);
  }
  return text;
}

void check_operand(const OpRow& op, const TensorType& operand) {
  if (operand.shape.size() > kMaxRank) {
    fail(ErrorCode::kShape,
         concat(op.name, ": rank is too high: got ", to_string(operand), ", expected at most ", kMaxRank, " axes"));
  }
  for (const Size& size : operand.shape) {
    if (!size.is_constant() || size.constant() >= 0) continue;
    fail(ErrorCode::kShape, concat(op.name, ": a size is negative: got ", to_string(operand)));
  }
}

void check_counts(const OpRow& op, Operands operands, const Attrs& attrs) {
  if (op.variadic ? operands.empty() : operands.size() != op.operand_names.size()) {
    std::string names;
    for (std::string_view operand : op.operand_names) names += (names.empty() ? "" : ", ") + std::string(operand);
    fail(ErrorCode::kArgument,
         concat(op.name, ": wrong number of operands: got ", operands.size(), ", expected ",
                op.variadic ? "one or more" : std::to_string(op.operand_names.size()), " (", names, ")"));
  }
  if (attrs.size() != op.attrs.size()) {
    fail(ErrorCode::kArgument,
         concat(op.name, ": wrong number of attributes: got ", attrs.size(), ", expected ", op.attrs.size()));
  }
  for (std::size_t i = 0; i < attrs.size(); ++i) {
    // The alternatives of AttrValue stand in the order of AttrKind.
    if (attrs[i].index() != static_cast<std::size_t>(op.attrs[i].kind)) {
      fail(ErrorCode::kArgument, concat(op.name, ": attribute ", op.attrs[i].name, " has the wrong kind"));
    }
  }
  for (const TensorType* operand : operands) check_operand(op, *operand);
}

// Some operands have one dtype, which lies in the op's classes.
DType common_dtype(const OpRow& op, Operands all, Operands some) {
  const DType dtype = some[0]->dtype;
  for (const TensorType* operand : some) {
    if (operand->dtype != dtype) {
      fail(ErrorCode::kDType, concat(op.name, ": operand dtypes differ: got ", describe(all), ", expected ",
                                     some.size() == all.size() ? "equal dtypes" : "equal dtypes of the values"));
    }
  }
  if ((class_of(dtype) & op.classes) == 0) {
    fail(ErrorCode::kDType,
         concat(op.name, ": dtype is not supported: got ", describe(all), ", expected ", describe_classes(op.classes)));
  }
  return dtype;
}

void require_bool(const OpRow& op, const TensorType& operand) {
  if (operand.dtype == DType::kBool) return;
  fail(ErrorCode::kDType,
       concat(op.name, ": ", op.operand_names[0], " has the wrong dtype: got ", to_string(operand), ", expected bool"));
}

void require_index(const OpRow& op, const TensorType& operand) {
  if (operand.dtype == DType::kI32 || operand.dtype == DType::kI64) return;
  fail(ErrorCode::kDType, concat(op.name, ": ", op.operand_names.back(), " has the wrong dtype: got ",
                                 to_string(operand), ", expected i32 or i64"));
}

DType produced_dtype(const OpRow& op, const Attrs& attrs) {
  const DType dtype = std::get<DType>(attrs[attr_index(op, "dtype")]);
  if ((class_of(dtype) & op.classes) == 0) {
    fail(ErrorCode::kDType,
         concat(op.name, ": dtype is not supported: got ", name(dtype), ", expected ", describe_classes(op.classes)));
  }
  return dtype;
}

DType reinterpreted_dtype(const OpRow& op, const TensorType& operand, DType given, const Attrs& attrs) {
  const DType dtype = produced_dtype(op, attrs);
  if (size_bytes(dtype) != size_bytes(given)) {
    fail(ErrorCode::kDType,
         concat(op.name, ": widths differ: got ", to_string(operand), " to ", name(dtype), ", expected equal ones"));
  }
  return dtype;
}

// Null for an op without a result.
std::optional<DType> infer_dtype(const OpRow& op, Operands operands, const Attrs& attrs) {
  switch (op.dtype_rule) {
    case DTypeRule::kSame:
      return common_dtype(op, operands, operands);
    case DTypeRule::kCompare:
      common_dtype(op, operands, operands);
      return DType::kBool;
    case DTypeRule::kSelect:
      require_bool(op, *operands[0]);
      return common_dtype(op, operands, operands.subspan(1));
    case DTypeRule::kConvert:
      common_dtype(op, operands, operands.first(1));
      return std::get<DType>(attrs[attr_index(op, "dtype")]);
    case DTypeRule::kReinterpret:
      return reinterpreted_dtype(op, *operands[0], common_dtype(op, operands, operands.first(1)), attrs);
    case DTypeRule::kProduce:
      return produced_dtype(op, attrs);
    case DTypeRule::kPosition:
      common_dtype(op, operands, operands.first(1));
      return DType::kI64;
    case DTypeRule::kBits:
      if (operands[0]->dtype != DType::kI64) {
        fail(ErrorCode::kDType, concat(op.name, ": ", op.operand_names[0], " has the wrong dtype: got ",
                                       to_string(*operands[0]), ", expected i64"));
      }
      return DType::kI32;
    case DTypeRule::kIndexed:
      require_index(op, *operands.back());
      return common_dtype(op, operands, operands.first(operands.size() - 1));
    case DTypeRule::kCondition:
      require_bool(op, *operands[0]);
      return std::nullopt;
    case DTypeRule::kRegion:
      break;
  }
  fail(ErrorCode::kArgument, concat(op.name, ": has regions, so it cannot be applied to operands alone"));
}

// Errors of size arithmetic do not know which op they are in.
Shape apply_shape_rule(const OpRow& op, const ShapeContext& context, Operands operands, const Attrs& attrs) {
  constexpr std::string_view kSizePrefix = "size: ";
  try {
    return op.shape_rule(context, operands, attrs);
  } catch (const Error& error) {
    if (!error.message().starts_with(kSizePrefix)) throw;
    fail(error.code(), concat(op.name, ": ", error.message().substr(kSizePrefix.size()), ": got ", describe(operands)));
  }
}

}  // namespace

namespace {

// True if the size grows with a dim that has no upper bound. (An upper end of kUnbounded alone may be an overflow.)
bool is_unbounded(const Size& size, std::span<const Dim> dims) {
  for (const std::string& dim_name : size.dims()) {
    const auto dim = std::find_if(dims.begin(), dims.end(), [&](const Dim& d) { return d.name == dim_name; });
    if (dim == dims.end() || dim->hi == kUnbounded) return true;
  }
  return false;
}

// A result no larger than an operand fulfils whatever the operand does.
bool is_covered(const TensorType& type, Operands operands) {
  return std::any_of(operands.begin(), operands.end(), [&](const TensorType* operand) {
    return size_bytes(operand->dtype) >= size_bytes(type.dtype) && operand->shape == type.shape;
  });
}

}  // namespace

void check_type(const ShapeContext& context, const TensorType& type) {
  if (type.shape.size() > kMaxRank) {
    context.fail_shape(concat("rank is too high: got ", to_string(type), ", expected at most ", kMaxRank, " axes"));
  }
  bool symbolic = false;
  std::optional<std::int64_t> bytes = static_cast<std::int64_t>(size_bytes(type.dtype));
  for (const Size& size : type.shape) {
    require_at_least(context, size, 0, [&] { return concat("a size is negative: got ", to_string(type)); });
    symbolic |= !size.is_constant();
    const std::int64_t hi = size.interval(context.dims).hi;
    if (hi == kUnbounded && is_unbounded(size, context.dims)) continue;
    // An empty axis counts as 1, so that strides cannot overflow either.
    if (bytes) bytes = checked_mul(*bytes, std::max<std::int64_t>(hi, 1));
  }
  if (!bytes) {
    context.fail_shape(concat("the type is too large: got ", to_string(type),
                              ", expected less than 2^63 bytes at the upper bounds of its dims"));
  }
  if (!symbolic) return;
  try {
    num_bytes(type);
  } catch (const Error& error) {
    context.fail_shape(
        concat("the number of bytes cannot be written down: got ", to_string(type), " (", error.message(), ")"));
  }
}

std::vector<TensorType> infer(const OpRow& op, std::span<const TensorType* const> operands, const Attrs& attrs,
                              std::span<const Dim> dims, GuardSink* guards) {
  check_counts(op, operands, attrs);
  const std::optional<DType> dtype = infer_dtype(op, operands, attrs);
  const ShapeContext context{.dims = dims, .guards = guards, .op = op.name};
  std::vector<TensorType> results;
  Shape shape = apply_shape_rule(op, context, operands, attrs);
  if (!dtype) return results;
  results.push_back({*dtype, std::move(shape)});
  if (!is_covered(results.front(), operands)) check_type(context, results.front());
  return results;
}

}  // namespace ingot
