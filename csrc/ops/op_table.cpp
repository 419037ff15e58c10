// THE table of ops: the rows of pointwise.def and the rows below, sorted by name.
// To add an op that is not pointwise: one row here, one shape rule, one record in python/ingot/ops, its kernels.
#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ops/op.h"
#include "ops/shape_rules.h"

namespace ingot {
namespace {

// A row that owns its lists, as it is written down.
struct Definition {
  std::string_view name;
  std::vector<std::string_view> operands;
  std::vector<AttrSpec> attrs;
  DTypeRule dtype_rule;
  DTypeClasses classes;
  ShapeRule shape_rule;
  std::uint32_t traits = 0;
  bool variadic = false;
};

using Ints = std::vector<std::int64_t>;

AttrSpec required(std::string_view name, AttrKind kind) {
  return {name, kind, true, std::int64_t{0}};
}

AttrSpec optional(std::string_view name, AttrKind kind, AttrValue default_value) {
  return {name, kind, false, std::move(default_value)};
}

// "(a, b)" -> {"a", "b"}; views into the literal.
std::vector<std::string_view> split_names(std::string_view list) {
  std::vector<std::string_view> names;
  std::size_t begin = std::string_view::npos;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool letter = list[i] >= 'a' && list[i] <= 'z';
    if (letter && begin == std::string_view::npos) begin = i;
    if (!letter && begin != std::string_view::npos) {
      names.push_back(list.substr(begin, i - begin));
      begin = std::string_view::npos;
    }
  }
  return names;
}

std::vector<AttrSpec> pointwise_attrs(DTypeRule rule) {
  if (rule != DTypeRule::kConvert && rule != DTypeRule::kReinterpret) return {};
  return {required("dtype", AttrKind::kDType)};
}

void add_pointwise(std::vector<Definition>& rows) {
#define POINTWISE(name, operands, rule, classes, traits, value)                                     \
  rows.push_back({#name, split_names(#operands), pointwise_attrs(DTypeRule::rule), DTypeRule::rule, \
                  static_cast<DTypeClasses>(classes), broadcast_rule, kPointwise | (traits), false});
#include "ops/pointwise.def"
#undef POINTWISE
}

// clang-format off: one row, one glance
void add_reductions(std::vector<Definition>& rows) {
  using enum AttrKind;
  const AttrSpec axes = required("axes", kInts);
  const AttrSpec keepdims = optional("keepdims", kBool, false);
  rows.insert(rows.end(), {
      {"sum",    {"x"}, {axes, keepdims}, DTypeRule::kSame, kRealClasses, reduce_rule, kReduction},
      {"prod",   {"x"}, {axes, keepdims}, DTypeRule::kSame, kRealClasses, reduce_rule, kReduction},
      {"max",    {"x"}, {axes, keepdims}, DTypeRule::kSame, kBoolClass | kRealClasses, extremum_rule, kReduction},
      {"min",    {"x"}, {axes, keepdims}, DTypeRule::kSame, kBoolClass | kRealClasses, extremum_rule, kReduction},
      {"argmax", {"x"}, {required("axis", kInt), keepdims},
       DTypeRule::kPosition, kBoolClass | kRealClasses, argmax_rule, kReduction},
  });
}

void add_scans(std::vector<Definition>& rows) {
  using enum AttrKind;
  const AttrSpec axis = required("axis", kInt);
  const AttrSpec reverse = optional("reverse", kBool, false);
  const AttrSpec descending = optional("descending", kBool, false);
  rows.insert(rows.end(), {
      {"cumulative_sum",  {"x"}, {axis, reverse}, DTypeRule::kSame, kRealClasses, along_axis_rule},
      {"cumulative_prod", {"x"}, {axis, reverse}, DTypeRule::kSame, kRealClasses, along_axis_rule},
      {"argsort", {"x"}, {axis, descending}, DTypeRule::kPosition, kBoolClass | kRealClasses, along_axis_rule},
  });
}

void add_windows(std::vector<Definition>& rows) {
  using enum AttrKind;
  const AttrSpec kernel = required("kernel", kInts);
  const AttrSpec stride = required("stride", kInts);
  const AttrSpec padding = optional("padding", kInts, Ints{0, 0, 0, 0});
  const AttrSpec dilation = optional("dilation", kInts, Ints{1, 1});
  rows.insert(rows.end(), {
      {"matmul", {"a", "b"}, {}, DTypeRule::kSame, kRealClasses, matmul_rule, kContraction},
      {"conv2d", {"x", "w"},
       {optional("stride", kInts, Ints{1, 1}), padding, dilation, optional("groups", kInt, std::int64_t{1})},
       DTypeRule::kSame, kFloatClass, conv2d_rule, kContraction | kAnyOrder | kRowWindows},
      {"max_pool2d", {"x"}, {kernel, stride, padding, dilation}, DTypeRule::kSame, kRealClasses, max_pool2d_rule, kAnyOrder | kRowWindows},
      {"avg_pool2d", {"x"}, {kernel, stride, padding, optional("count_include_pad", kBool, true)},
       DTypeRule::kSame, kFloatClass, avg_pool2d_rule, kAnyOrder | kRowWindows},
  });
}

void add_views(std::vector<Definition>& rows) {
  using enum AttrKind;
  const AttrSpec shape = required("shape", kSizes);
  const AttrSpec axes = required("axes", kInts);
  rows.insert(rows.end(), {
      {"reshape",      {"x"}, {shape}, DTypeRule::kSame, kAnyClass, reshape_rule, kView},
      {"permute_dims", {"x"}, {axes},  DTypeRule::kSame, kAnyClass, permute_dims_rule, kView},
      {"broadcast_to", {"x"}, {shape}, DTypeRule::kSame, kAnyClass, broadcast_to_rule, kView},
      {"flip",         {"x"}, {axes},  DTypeRule::kSame, kAnyClass, flip_rule, kView},
      {"slice",        {"x"}, {required("start", kSizes), required("stop", kSizes), required("step", kInts)},
       DTypeRule::kSame, kAnyClass, slice_rule, kView},
  });
}

void add_movements(std::vector<Definition>& rows) {
  using enum AttrKind;
  const AttrSpec axis = required("axis", kInt);
  const AttrSpec dtype = required("dtype", kDType);
  rows.insert(rows.end(), {
      {"concat", {"x"}, {axis}, DTypeRule::kSame, kAnyClass, concat_rule, 0, true},
      {"take", {"x", "indices"}, {axis}, DTypeRule::kIndexed, kAnyClass, take_rule, kMayFail},
      {"dynamic_slice", {"x", "start"}, {required("sizes", kSizes)},
       DTypeRule::kIndexed, kAnyClass, dynamic_slice_rule, kMayFail},
      {"dynamic_update_slice", {"x", "update", "start"}, {},
       DTypeRule::kIndexed, kAnyClass, dynamic_update_slice_rule, kMayFail | kUpdatesFirst | kChecksFirst},
      {"take_along_axis", {"x", "indices"}, {axis}, DTypeRule::kIndexed, kAnyClass, take_along_axis_rule, kMayFail},
      {"scatter", {"x", "updates", "indices"}, {axis},
       DTypeRule::kIndexed, kAnyClass, scatter_rule, kMayFail | kUpdatesFirst},
      {"scatter_reduce", {"x", "updates", "indices"}, {axis, required("reduce", kString)},
       DTypeRule::kIndexed, kRealClasses, scatter_reduce_rule, kMayFail | kUpdatesFirst},
      {"pad", {"x", "value"}, {required("low", kSizes), required("high", kSizes)},
       DTypeRule::kSame, kAnyClass, pad_rule},
      {"arange", {}, {required("stop", kSize), dtype}, DTypeRule::kProduce, kRealClasses, arange_rule},
      {"size", {}, {required("value", kSize), dtype}, DTypeRule::kProduce, kRealClasses, scalar_rule},
      {"random_bits", {"state"}, {required("shape", kSizes)}, DTypeRule::kBits, kIntClass, random_bits_rule},
      {"abort", {"condition"}, {required("message", kString)},
       DTypeRule::kCondition, kBoolClass, abort_rule, kEffect | kMayFail},
  });
}

void add_region_ops(std::vector<Definition>& rows) {
  using enum AttrKind;
  rows.insert(rows.end(), {
      {"if", {"condition"}, {}, DTypeRule::kRegion, kAnyClass, nullptr, kRegionOp},
      {"while", {"init"}, {}, DTypeRule::kRegion, kAnyClass, nullptr, kRegionOp, true},
      {"scan", {"x"},
       {required("carries", kInt), required("length", kSize), optional("reverse", kBool, false)},
       DTypeRule::kRegion, kAnyClass, nullptr, kRegionOp, true},
      {"fused", {}, {}, DTypeRule::kRegion, kAnyClass, nullptr, kRegionOp},
  });
}
// clang-format on

// Built once, never changed: rows point into definitions.
struct Table {
  std::vector<Definition> definitions;
  std::vector<OpRow> rows;

  Table() {
    add_pointwise(definitions);
    add_reductions(definitions);
    add_scans(definitions);
    add_windows(definitions);
    add_views(definitions);
    add_movements(definitions);
    add_region_ops(definitions);
    std::sort(definitions.begin(), definitions.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const Definition& definition : definitions) {
      INGOT_CHECK(rows.empty() || rows.back().name != definition.name);
      rows.push_back({.name = definition.name,
                      .operand_names = definition.operands,
                      .variadic = definition.variadic,
                      .attrs = definition.attrs,
                      .dtype_rule = definition.dtype_rule,
                      .classes = definition.classes,
                      .shape_rule = definition.shape_rule,
                      .traits = definition.traits});
    }
  }
};

const Table& table() {
  static const Table instance;
  return instance;
}

}  // namespace

std::span<const OpRow> op_table() {
  return table().rows;
}

const OpRow* find_op(std::string_view name) {
  const std::vector<OpRow>& rows = table().rows;
  const auto found = std::lower_bound(rows.begin(), rows.end(), name,
                                      [](const OpRow& row, std::string_view wanted) { return row.name < wanted; });
  return found != rows.end() && found->name == name ? &*found : nullptr;
}

}  // namespace ingot
