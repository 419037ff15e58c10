// The laws of a module, one function each or one per table. Each returns when its law holds and throws FileError
// (LimitError for a budget) otherwise. Later laws rely on earlier ones, in the order of verify(). Private to verify.
#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "graph/graph.h"

namespace ingot::laws {

// "verify: <message>", on one line and short.
[[noreturn]] void fail_law(std::string_view message, ErrorCode code = ErrorCode::kFile);
// Runs `check` and gives its ShapeError, DTypeError or ArgumentError as a FileError: "verify: <where>: <message>".
template <class Check>
auto as_file_error(const std::function<std::string()>& where, Check check) {
  try {
    return check();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal || error.message().starts_with("verify: ")) throw;
    fail_law(where() + ": " + error.message(),
             error.code() == ErrorCode::kLimit ? ErrorCode::kLimit : ErrorCode::kFile);
  }
}

// Guards of the module in normal form, for looking up what a shape rule needs.
struct GuardLess {
  bool operator()(const Guard& a, const Guard& b) const {
    if (a.relation != b.relation) return a.relation < b.relation;
    return compare(a.difference, b.difference) < 0;
  }
};
using GuardSet = std::set<Guard, GuardLess>;
GuardSet normalized_guards(const Module& module);

struct Context {
  const Module& module;
  GuardSet guards;
  std::set<std::string, std::less<>> dim_names;
};

// tables.cpp
void versions_are_known(const Module& module);
void budgets_are_kept(const Module& module);
void dims_are_sound(const Module& module);
void guards_are_sound(const Context& context);
void names_are_unique(const Module& module);
void metadata_is_text(const Module& module);
void params_hold_their_data(const Module& module);
void second_names_point_back(const Module& module);
void states_hold_their_data(const Module& module);

// values.cpp: of every value of a graph, used or not.
void values_point_into_tables(const Context& context, const Graph& graph);
void value_sizes_fit(const Context& context, const Graph& graph);
void constants_are_small(const Graph& graph);
// Every dim in a size is declared.
void dims_are_declared(const Context& context, const Size& size);

// structure.cpp and types.cpp: one walk in the order of the text, which numbers values as the text does.
void graph_is_sound(const Context& context, const Graph& graph);

// Bytes of a type of constant sizes in a layout. Requires no dims in it.
std::int64_t stored_bytes(const TensorType& type, const Layout& layout);
bool is_dtype(DType dtype);
// Every byte of a bool tensor is 0 or 1; true for other dtypes.
bool bools_are_sound(DType dtype, const TensorData& data);

}  // namespace ingot::laws
