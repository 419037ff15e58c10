// Laws of the module's tables: versions, budgets, dims, guards, names, metadata, params, states.
#include <string>

#include "graph/budgets.h"
#include "graph/quoted.h"
#include "verify/laws.h"

namespace ingot::laws {

namespace {

void name_is_valid(std::string_view name, std::string_view what) {
  if (!is_valid_name(name)) {
    fail_law(concat(what, " name ", excerpt(name), " is not valid: expected 1 to ", kMaxNameBytes,
                    " bytes of UTF-8 without control characters"));
  }
}

void claim_name(std::set<std::string_view>& taken, std::string_view name, std::string_view what) {
  name_is_valid(name, what);
  if (!taken.insert(name).second) fail_law(concat(what, " name ", excerpt(name), " is taken"));
}

// Names of tensors in a file: the format keeps some for itself.
void claim_tensor_name(std::set<std::string_view>& taken, std::string_view name, std::string_view what) {
  claim_name(taken, name, what);
  if (name == "__metadata__" || name.starts_with("ingot.")) {
    fail_law(concat(what, " name ", excerpt(name), " is reserved"));
  }
}

void type_is_constant(const TensorType& type, const std::string& what) {
  if (!is_dtype(type.dtype)) fail_law(what + ": unknown dtype");
  if (type.shape.size() > kMaxRank) fail_law(concat(what, ": rank above ", kMaxRank), ErrorCode::kLimit);
  for (const Size& size : type.shape) {
    if (!size.is_constant()) fail_law(what + ": size " + size.to_string() + " is not constant");
    if (size.constant() < 0) fail_law(what + ": size " + size.to_string() + " is negative");
  }
}

}  // namespace

bool is_dtype(DType dtype) {
  return static_cast<std::size_t>(dtype) < dtype_table().size();
}

bool bools_are_sound(DType dtype, const TensorData& data) {
  if (dtype != DType::kBool) return true;
  for (std::size_t i = 0; i < data.size_bytes; ++i) {
    if (data.data[i] > std::byte{1}) return false;
  }
  return true;
}

std::int64_t stored_bytes(const TensorType& type, const Layout& layout) {
  return num_bytes({type.dtype, stored_shape(type, layout)}).constant();
}

void versions_are_known(const Module& module) {
  if (module.format_version != kFormatVersion) {
    fail_law(concat("format version ", module.format_version, ": this runtime knows version ", kFormatVersion));
  }
  if (module.numerics_version != kNumericsVersion) {
    fail_law(concat("numerics version ", module.numerics_version, ": this runtime computes the bits of version ",
                    kNumericsVersion));
  }
}

void budgets_are_kept(const Module& module) {
  const auto check = [](std::size_t count, std::size_t budget, std::string_view what) {
    if (count > budget) fail_law(concat("got ", count, " ", what, ", expected at most ", budget), ErrorCode::kLimit);
  };
  std::size_t nodes = 0, constants = 0;
  for (const Graph& graph : module.graphs) {
    nodes += graph.nodes.size();
    constants += graph.constants.size();
  }
  check(module.dims.size(), kMaxDims, "dims");
  check(module.guards.size(), kMaxGuards, "guards");
  check(nodes, kMaxNodes, "nodes");
  check(constants, kMaxConstants, "constants");
  if (module.graphs.empty()) fail_law("the module has no graph");
}

void dims_are_sound(const Module& module) {
  std::set<std::string_view> taken;
  for (const Dim& dim : module.dims) {
    claim_name(taken, dim.name, "dim");
    if (!is_identifier(dim.name) || dim.name == "floordiv") {
      fail_law(concat("dim name ", excerpt(dim.name), " is not an identifier"));
    }
    if (dim.lo < 0 || dim.lo > dim.hi || dim.lo == kUnbounded) {
      fail_law(concat("dim ", excerpt(dim.name), ": the range ", dim.lo, "..", dim.hi, " is empty or negative"));
    }
  }
}

GuardSet normalized_guards(const Module& module) {
  GuardSet guards;
  for (const Guard& guard : module.guards) {
    guards.insert(as_file_error([&] { return "guard " + guard.to_string(); }, [&] { return guard.normalized(); }));
  }
  return guards;
}

void guards_are_sound(const Context& context) {
  for (const Guard& guard : context.module.guards) {
    if (guard.relation != Guard::Relation::kEqual && guard.relation != Guard::Relation::kAtLeast) {
      fail_law("a guard's relation is unknown");
    }
    const auto where = [&] { return "guard " + guard.to_string(); };
    as_file_error(where, [&] {
      dims_are_declared(context, guard.difference);
      const Interval interval = guard.difference.interval(context.module.dims);
      const bool is_possible = interval.hi >= 0 && (guard.relation == Guard::Relation::kAtLeast || interval.lo <= 0);
      if (!is_possible) fail_law(where() + ": holds for no dims");
    });
  }
}

void names_are_unique(const Module& module) {
  std::set<std::string_view> tensors, graphs;
  for (const Param& param : module.params) claim_tensor_name(tensors, param.name, "param");
  for (const State& state : module.states) claim_tensor_name(tensors, state.name, "state");
  for (const Graph& graph : module.graphs) {
    claim_name(graphs, graph.name, "graph");
    std::set<std::string_view> inputs, outputs;
    for (const std::string& name : graph.input_names) {
      claim_name(inputs, name, "input");
      if (tensors.contains(name)) fail_law(concat("input name ", excerpt(name), " is a param's or a state's"));
    }
    for (const std::string& name : graph.output_names) {
      if (!name.empty()) claim_name(outputs, name, "output");
    }
  }
}

void metadata_is_text(const Module& module) {
  for (const auto& [key, value] : module.metadata) {
    if (key.starts_with("ingot.")) fail_law(concat("metadata key ", excerpt(key), " is reserved"));
    if (find_invalid_utf8(key) != std::string::npos || find_invalid_utf8(value) != std::string::npos) {
      fail_law(concat("metadata ", excerpt(key), " is not UTF-8"));
    }
  }
}

void params_hold_their_data(const Module& module) {
  for (const Param& param : module.params) {
    const std::string what = concat("param ", excerpt(param.name));
    type_is_constant(param.type, what);
    if (!fits(param.layout, param.type)) {
      fail_law(concat(what, ": layout ", to_string(param.layout), " needs f32 or f64 and each axis once: got ",
                      to_string(param.type)));
    }
    const std::int64_t expected =
        as_file_error([&] { return what; }, [&] { return stored_bytes(param.type, param.layout); });
    if (param.alias_of) continue;
    if (param.data.size_bytes != static_cast<std::size_t>(expected) || (expected > 0 && param.data.data == nullptr)) {
      const std::size_t got = param.data.data == nullptr ? 0 : param.data.size_bytes;
      fail_law(concat(what, ": got ", got, " bytes of data, expected ", expected));
    }
    if (!bools_are_sound(param.type.dtype, param.data)) fail_law(what + ": a bool that is neither 0 nor 1");
  }
}

void second_names_point_back(const Module& module) {
  for (std::size_t i = 0; i < module.params.size(); ++i) {
    const Param& param = module.params[i];
    if (!param.alias_of) continue;
    const std::string what = concat("param ", excerpt(param.name));
    if (*param.alias_of >= i || module.params[*param.alias_of].alias_of) {
      fail_law(what + ": a second name must point to an earlier param that is no second name");
    }
    const Param& original = module.params[*param.alias_of];
    if (param.data.size_bytes != 0) fail_law(what + ": a second name has data of its own");
    if (!(param.type == original.type) || param.layout != original.layout) {
      fail_law(concat(what, ": is ", to_string(param.type), " but names ", to_string(original.type)));
    }
  }
}

void states_hold_their_data(const Module& module) {
  for (const State& state : module.states) {
    const std::string what = concat("state ", excerpt(state.name));
    type_is_constant(state.type, what);
    const std::int64_t expected =
        as_file_error([&] { return what; }, [&] { return stored_bytes(state.type, kRowMajor); });
    if (state.init.size_bytes == 0) continue;  // zeros
    if (state.init.size_bytes != static_cast<std::size_t>(expected) || state.init.data == nullptr) {
      const std::size_t got = state.init.data == nullptr ? 0 : state.init.size_bytes;
      fail_law(concat(what, ": got ", got, " bytes of data, expected ", expected));
    }
    if (!bools_are_sound(state.type.dtype, state.init)) fail_law(what + ": a bool that is neither 0 nor 1");
  }
}

}  // namespace ingot::laws
