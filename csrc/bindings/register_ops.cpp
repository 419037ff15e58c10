// The op table as Python sees it, and what hangs on it without a module: inference, kernels, levels, passes, config.
#include <pybind11/stl.h>

#include <array>

#include "bindings/convert.h"
#include "bindings/module.h"
#include "device/plugin.h"
#include "evaluator.h"
#include "execute/levels.h"
#include "execute/pool.h"
#include "graph/regions.h"
#include "ops/op.h"
#include "optimize/legalize.h"
#include "optimize/pass.h"

namespace ingot::python {

namespace {

const char* kind_name(AttrKind kind) {
  switch (kind) {
    case AttrKind::kInt:
      return "int";
    case AttrKind::kFloat:
      return "float";
    case AttrKind::kBool:
      return "bool";
    case AttrKind::kString:
      return "string";
    case AttrKind::kInts:
      return "ints";
    case AttrKind::kSize:
      return "size";
    case AttrKind::kSizes:
      return "sizes";
    case AttrKind::kDType:
      return "dtype";
  }
  return "";
}

const char* rule_name(DTypeRule rule) {
  switch (rule) {
    case DTypeRule::kSame:
      return "same";
    case DTypeRule::kCompare:
      return "compare";
    case DTypeRule::kSelect:
      return "select";
    case DTypeRule::kConvert:
      return "convert";
    case DTypeRule::kReinterpret:
      return "reinterpret";
    case DTypeRule::kProduce:
      return "produce";
    case DTypeRule::kPosition:
      return "position";
    case DTypeRule::kBits:
      return "bits";
    case DTypeRule::kIndexed:
      return "indexed";
    case DTypeRule::kCondition:
      return "condition";
    case DTypeRule::kRegion:
      return "region";
  }
  return "";
}

std::vector<std::string> class_names(DTypeClasses classes) {
  constexpr std::array<std::pair<DTypeClasses, const char*>, 4> kNames = {
      {{kBoolClass, "bool"}, {kIntClass, "int"}, {kFloatClass, "float"}, {kComplexClass, "complex"}}};
  std::vector<std::string> names;
  for (const auto& [bit, name] : kNames) {
    if ((classes & bit) != 0) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> trait_names(const OpRow& row) {
  constexpr std::array<std::pair<Trait, const char*>, 11> kNames = {{{kPointwise, "pointwise"},
                                                                     {kCommutative, "commutative"},
                                                                     {kView, "view"},
                                                                     {kReduction, "reduction"},
                                                                     {kContraction, "contraction"},
                                                                     {kRegionOp, "region"},
                                                                     {kMayFail, "may_fail"},
                                                                     {kEffect, "effect"},
                                                                     {kUpdatesFirst, "updates_first"},
                                                                     {kChecksFirst, "checks_first"},
                                                                     {kAnyOrder, "any_order"}}};
  std::vector<std::string> names;
  for (const auto& [trait, name] : kNames) {
    if (row.has(trait)) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> to_strings(std::span<const std::string_view> texts) {
  return {texts.begin(), texts.end()};
}

std::vector<const AttrSpec*> attr_specs(const OpRow& row) {
  std::vector<const AttrSpec*> specs;
  for (const AttrSpec& spec : row.attrs) specs.push_back(&spec);
  return specs;
}

std::vector<const OpRow*> list_ops() {
  std::vector<const OpRow*> rows;
  for (const OpRow& row : op_table()) rows.push_back(&row);
  return rows;
}

py::object infer_op(const py::str& op, const py::object& operands, const py::object& attrs) {
  const OpRow& row = to_op(to_text(op, "infer"));
  if (row.dtype_rule == DTypeRule::kRegion) {
    fail(ErrorCode::kArgument, concat(row.name, ": an op with regions can be inferred in a graph only"));
  }
  std::vector<TensorType> types;
  for (py::handle item : py::iter(operands)) {
    const auto [dtype, shape] = py::cast<std::pair<py::object, py::object>>(item);
    types.push_back({to_dtype(dtype, row.name), to_shape(shape, row.name)});
  }
  std::vector<const TensorType*> pointers;
  for (const TensorType& type : types) pointers.push_back(&type);
  const std::vector<TensorType> results = infer(row, pointers, to_attrs(row, attrs), {}, nullptr);
  if (results.empty()) return py::none();
  return py::make_tuple(name(results[0].dtype), from_shape(results[0].shape));
}

// Whether a program can run the op on this dtype: by its own kernel, or by that of a wider dtype.
bool has_kernel(const std::string& level, const std::string& op, const std::string& dtype,
                const std::string& result_dtype) {
  const KernelEvaluator evaluator(choose_level(level));
  return computing_dtype(to_op(op), to_dtype(py::str(dtype), "dtype"), to_dtype(py::str(result_dtype), "result_dtype"),
                         evaluator)
      .has_value();
}

std::vector<std::string> level_names() {
  std::vector<std::string> names;
  for (const KernelTable* table : available_levels()) names.emplace_back(table->level);
  return names;
}

std::vector<std::string> pass_names() {
  std::vector<std::string> names;
  for (const Pass& pass : pipeline()) names.emplace_back(pass.name);
  return names;
}

py::dict config() {
  std::string levels;
  for (const std::string& name : level_names()) levels += (levels.empty() ? "" : " ") + name;
  py::dict result;
  result["version"] = INGOT_VERSION;
#if defined(__clang__)
  result["compiler"] = "clang " __clang_version__;
#else
  result["compiler"] = "gcc " __VERSION__;
#endif
  result["levels"] = levels;
  result["level"] = choose_level().level;
  result["devices"] = concat("cpu; cuda: ", device_summary());
  result["processors"] = std::to_string(num_processors());
  result["numerics"] = std::to_string(kNumericsVersion);
  result["format"] = std::to_string(kFormatVersion);
  return result;
}

}  // namespace

void register_ops(py::module_& m) {
  // Rows live as long as the process: Python borrows them.
  py::class_<AttrSpec, std::unique_ptr<AttrSpec, py::nodelete>>(m, "AttrSpec", py::is_final())
      .def_property_readonly("name", [](const AttrSpec& self) { return self.name; })
      .def_property_readonly("kind", [](const AttrSpec& self) { return kind_name(self.kind); })
      .def_property_readonly("required", [](const AttrSpec& self) { return self.required; })
      .def_property_readonly("default", [](const AttrSpec& self) -> py::object {
        if (self.required) return py::none();
        return from_attr(self.default_value);
      });
  py::class_<OpRow, std::unique_ptr<OpRow, py::nodelete>>(m, "OpRow", py::is_final())
      .def_property_readonly("name", [](const OpRow& self) { return self.name; })
      .def_property_readonly("operands", [](const OpRow& self) { return to_strings(self.operand_names); })
      .def_property_readonly("variadic", [](const OpRow& self) { return self.variadic; })
      .def_property_readonly("attrs", &attr_specs, py::return_value_policy::reference)
      .def_property_readonly("dtype_rule", [](const OpRow& self) { return rule_name(self.dtype_rule); })
      .def_property_readonly("classes", [](const OpRow& self) { return class_names(self.classes); })
      .def_property_readonly("traits", &trait_names)
      .def_property_readonly("region_names", [](const OpRow& self) {
        return self.has(kRegionOp) ? to_strings(region_names(self)) : std::vector<std::string>{};
      });
  m.def("op_table", &list_ops, py::return_value_policy::reference);
  m.def("has_kernel", &has_kernel, py::arg("level"), py::arg("op"), py::arg("dtype"), py::arg("result_dtype"));
  m.def("levels", &level_names, "Levels this machine can run, slowest first.");
  m.def("infer", &infer_op, py::arg("op"), py::arg("operands"), py::arg("attrs"),
        "Result (dtype text name, shape) of one application without dims; None for an effect. Raises as recording "
        "would.");
  m.def("pipeline", &pass_names, "Names of the passes, in order.");
  m.def("config", &config, "Version, compiler, levels, devices, threads: for ingot.show_config().");
}

}  // namespace ingot::python
