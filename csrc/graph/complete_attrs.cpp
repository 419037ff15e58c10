// Attributes by name -> attributes in the order of the row, defaults filled in, kinds checked.
#include <optional>
#include <utility>

#include "base/error.h"
#include "graph/builder.h"

namespace ingot {
namespace {

[[noreturn]] void fail_attr(const OpRow& op, std::string_view message) {
  fail(ErrorCode::kArgument, concat(op.name, ": ", message));
}

std::string expected_names(const OpRow& op) {
  std::string names;
  for (const AttrSpec& spec : op.attrs) names += (names.empty() ? "" : ", ") + std::string(spec.name);
  return names.empty() ? "none" : names;
}

std::string_view kind_name(AttrKind kind) {
  switch (kind) {
    case AttrKind::kInt:
      return "an int";
    case AttrKind::kFloat:
      return "a float";
    case AttrKind::kBool:
      return "a bool";
    case AttrKind::kString:
      return "a string";
    case AttrKind::kInts:
      return "a list of ints";
    case AttrKind::kSize:
      return "a size";
    case AttrKind::kSizes:
      return "a list of sizes";
    case AttrKind::kDType:
      return "a dtype";
  }
  return "";
}

// Null where the value is of another kind. An int may be a float or a size, a list of ints a list of sizes, and back
// where every size is a number.
std::optional<AttrValue> convert(AttrKind kind, const AttrValue& value) {
  if (value.index() == static_cast<std::size_t>(kind)) return value;
  if (const std::int64_t* number = std::get_if<std::int64_t>(&value)) {
    if (kind == AttrKind::kFloat) return static_cast<double>(*number);
    if (kind == AttrKind::kSize) return Size(*number);
  }
  const auto* numbers = std::get_if<std::vector<std::int64_t>>(&value);
  if (numbers != nullptr && kind == AttrKind::kSizes) return Shape(numbers->begin(), numbers->end());
  const Size* size = std::get_if<Size>(&value);
  if (size != nullptr && kind == AttrKind::kInt && size->is_constant()) return size->constant();
  const Shape* sizes = std::get_if<Shape>(&value);
  if (sizes != nullptr && kind == AttrKind::kInts) {
    std::vector<std::int64_t> constants;
    for (const Size& item : *sizes) {
      if (!item.is_constant()) return std::nullopt;
      constants.push_back(item.constant());
    }
    return constants;
  }
  return std::nullopt;
}

}  // namespace

Attrs complete_attrs(const OpRow& op, std::span<const NamedAttr> given) {
  std::vector<std::optional<AttrValue>> found(op.attrs.size());
  for (const NamedAttr& attr : given) {
    std::size_t index = 0;
    while (index < op.attrs.size() && op.attrs[index].name != attr.name) ++index;
    if (index == op.attrs.size()) {
      fail_attr(op, concat("no attribute '", attr.name, "': expected ", expected_names(op)));
    }
    if (found[index]) fail_attr(op, concat("attribute ", attr.name, " is given twice"));
    found[index] = convert(op.attrs[index].kind, attr.value);
    if (!found[index]) {
      fail_attr(op, concat("attribute ", attr.name, " has the wrong kind, expected ", kind_name(op.attrs[index].kind)));
    }
  }
  Attrs attrs;
  attrs.reserve(op.attrs.size());
  for (std::size_t i = 0; i < op.attrs.size(); ++i) {
    const AttrSpec& spec = op.attrs[i];
    if (!found[i] && spec.required) fail_attr(op, concat("attribute ", spec.name, " is missing"));
    attrs.push_back(found[i] ? *std::move(found[i]) : spec.default_value);
  }
  return attrs;
}

}  // namespace ingot
