// The builder: right calls append, wrong calls throw and leave the graph as it was.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "base/error.h"
#include "graph/builder.h"

using namespace ingot;

namespace {

using Ints = std::vector<std::int64_t>;
const Size n = Size::dim("n");
const Size m = Size::dim("m");

Module new_module() {
  Module module;
  module.dims = {{"n", 1, 64}, {"m", 0, kUnbounded}};
  Param weight;
  weight.name = "w";
  weight.type = {DType::kF32, {4, 2}};
  module.params.push_back(weight);
  Param second = weight;
  second.name = "tied";
  second.alias_of = 0;
  module.params.push_back(second);
  State cache;
  cache.name = "cache";
  cache.type = {DType::kF32, {4}};
  module.states.push_back(cache);
  return module;
}

const OpRow& op(std::string_view name) {
  return *find_op(name);
}

ValueId add(GraphBuilder& builder, ValueId a, ValueId b) {
  return builder.add_node(op("add"), {a, b}, {}, {}).at(0);
}

template <class T>
ValueId scalar(GraphBuilder& builder, DType dtype, T value) {
  return builder.add_constant({dtype, {}}, std::as_bytes(std::span(&value, 1)));
}

template <class Call>
ErrorCode code_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

}  // namespace

TEST_CASE("the builder records inputs, params, nodes and outputs in order") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId x = builder.add_input("x", {DType::kF32, {n, 4}});
  const ValueId w = builder.use_param(0);
  const ValueId y = builder.add_node(op("matmul"), {x, w}, {}, {"model.py", 12, "linear.1"}).at(0);
  builder.set_outputs({y}, {"hidden"});
  const Graph& g = builder.graph();
  CHECK(to_string(g.value(y).type) == "f32[n,2]");
  CHECK(g.value(x).kind == ValueKind::kInput);
  CHECK(g.value(w).kind == ValueKind::kParam);
  CHECK(g.value(y).kind == ValueKind::kResult);
  REQUIRE(g.body.nodes.size() == 1);
  CHECK(g.node(g.body.nodes[0]).origin == Origin{"model.py", 12, "linear.1"});
  CHECK(g.node(g.body.nodes[0]).results == std::vector<ValueId>{y});
  CHECK(g.body.returns == std::vector<ValueId>{y});
  CHECK(module.guards.empty());
}

TEST_CASE("params, states and equal constants are one value each") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  CHECK(builder.use_param(0) == builder.use_param(0));
  CHECK_FALSE(builder.use_param(0) == builder.use_param(1));
  CHECK(builder.use_state(0) == builder.use_state(0));
  CHECK(scalar(builder, DType::kF32, 1.5F) == scalar(builder, DType::kF32, 1.5F));
  CHECK_FALSE(scalar(builder, DType::kF32, 0.0F) == scalar(builder, DType::kF32, -0.0F));
  CHECK_FALSE(scalar(builder, DType::kI32, 0) == scalar(builder, DType::kF32, 0.0F));
  CHECK(scalar(builder, DType::kF64, std::numeric_limits<double>::quiet_NaN()) ==
        scalar(builder, DType::kF64, -std::numeric_limits<double>::quiet_NaN()));
  CHECK(builder.graph().constants.size() == 5);
}

TEST_CASE("a continued graph knows its values again") {
  Module module = new_module();
  ValueId param, constant;
  {
    GraphBuilder builder(module, "main");
    param = builder.use_param(1);
    constant = scalar(builder, DType::kF32, 2.0F);
  }
  GraphBuilder again(module, module.graphs[0]);
  CHECK(again.use_param(1) == param);
  CHECK(scalar(again, DType::kF32, 2.0F) == constant);
}

TEST_CASE("constants that no literal can hold are errors") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const std::array<std::byte, 64> zeros{};
  const auto constant = [&](DType dtype, Shape shape, std::size_t bytes) {
    return code_of([&] { builder.add_constant({dtype, std::move(shape)}, std::span(zeros).first(bytes)); });
  };
  CHECK(constant(DType::kI32, {16}, 64) == ErrorCode::kInternal);  // fits
  CHECK(constant(DType::kI32, {0}, 0) == ErrorCode::kInternal);    // fits
  CHECK(constant(DType::kBool, {17}, 17) == ErrorCode::kArgument);
  CHECK(constant(DType::kI32, {4}, 15) == ErrorCode::kArgument);
  CHECK(constant(DType::kI32, {n}, 4) == ErrorCode::kArgument);
  CHECK(constant(DType::kC64, {}, 8) == ErrorCode::kArgument);
  CHECK(constant(DType::kI32, {-1}, 4) == ErrorCode::kShape);
  CHECK(code_of([&] { scalar(builder, DType::kBool, std::uint8_t{2}); }) == ErrorCode::kArgument);
}

TEST_CASE("a wrong call throws and changes nothing") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId w = builder.use_param(0);
  const ValueId x = builder.add_input("x", {DType::kF32, {n, 4}});
  const ValueId y = builder.add_input("y", {DType::kF32, {m, 5}});
  CHECK(code_of([&] { builder.add_node(op("matmul"), {w, w}, {}, {}); }) == ErrorCode::kShape);
  // The last axes cannot be equal; that the first would need a guard must not matter.
  CHECK(code_of([&] { add(builder, x, y); }) == ErrorCode::kShape);
  const auto padded = [&] { builder.add_node(op("slice"), {x}, {Shape{m, 0}, Shape{n, 5}, Ints{1, 1}}, {}); };
  CHECK(code_of(padded) == ErrorCode::kShape);  // n >= m is undecided, 4 >= 5 is wrong
  CHECK(code_of([&] { add(builder, x, ValueId(99)); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { add(builder, x, ValueId()); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.add_node(op("reshape"), {x}, {Shape{Size::dim("q")}}, {}); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.add_node(op("if"), {x}, {}, {}); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.begin_node(op("add"), {x, y}, {}, {}); }) == ErrorCode::kArgument);
  CHECK(builder.graph().values.size() == 3);
  CHECK(builder.graph().nodes.empty());
  CHECK(builder.graph().body.nodes.empty());
  add(builder, x, x);
  CHECK(module.guards.empty());
}

TEST_CASE("undecided conditions become guards, each once") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId x = builder.add_input("x", {DType::kF32, {n}});
  const ValueId y = builder.add_input("y", {DType::kF32, {m}});
  add(builder, x, y);
  add(builder, y, x);
  REQUIRE(module.guards.size() == 1);
  CHECK(module.guards[0].to_string() == "m - n == 0");
  GraphBuilder other(module, "other");
  add(other, other.add_input("x", {DType::kF32, {n}}), other.add_input("y", {DType::kF32, {m}}));
  CHECK(module.guards.size() == 1);
  builder.add_input("z", {DType::kF32, {m - n}});
  REQUIRE(module.guards.size() == 2);
  CHECK(module.guards[1].to_string() == "m - n >= 0");
}

TEST_CASE("names that clash or are no names are errors") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const TensorType type{DType::kF32, {n}};
  builder.add_input("x", type);
  for (const char* name : {"x", "w", "tied", "cache", "", "a\nb"}) {
    CAPTURE(name);
    CHECK(code_of([&] { builder.add_input(name, type); }) == ErrorCode::kArgument);
  }
  CHECK(code_of([&] { builder.add_input("q", {DType::kF32, {Size::dim("q")}}); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.add_input("q", {DType::kF32, {-1}}); }) == ErrorCode::kShape);
  CHECK(code_of([&] { GraphBuilder(module, "main"); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { GraphBuilder(module, ""); }) == ErrorCode::kArgument);
  CHECK(module.graphs.size() == 1);
  CHECK(code_of([&] { builder.use_param(2); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.use_state(1); }) == ErrorCode::kArgument);
}

TEST_CASE("updates need the state's type, once, at the top level") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId state = builder.use_state(0);
  const ValueId sum = add(builder, state, state);
  const ValueId wrong = builder.add_input("x", {DType::kF32, {n}});
  const ValueId wrong_dtype = builder.add_input("y", {DType::kF64, {4}});
  CHECK(code_of([&] { builder.add_update(0, wrong); }) == ErrorCode::kShape);
  CHECK(code_of([&] { builder.add_update(0, wrong_dtype); }) == ErrorCode::kDType);
  CHECK(code_of([&] { builder.add_update(1, sum); }) == ErrorCode::kArgument);
  builder.add_update(0, sum);
  CHECK(code_of([&] { builder.add_update(0, sum); }) == ErrorCode::kArgument);
  CHECK(builder.graph().updates.size() == 1);
}

TEST_CASE("outputs need visible values and unique names") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId x = builder.add_input("x", {DType::kF32, {n}});
  CHECK(code_of([&] { builder.set_outputs({x, x}, {"a", "a"}); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.set_outputs({x}, {}); }) == ErrorCode::kArgument);
  CHECK(code_of([&] { builder.set_outputs({ValueId(7)}, {""}); }) == ErrorCode::kArgument);
  builder.set_outputs({x, x}, {"", ""});
  CHECK(builder.graph().output_names.size() == 2);
}

TEST_CASE("an abort needs a bool scalar and has no result") {
  Module module = new_module();
  GraphBuilder builder(module, "main");
  const ValueId flag = builder.add_input("flag", {DType::kBool, {}});
  const ValueId number = builder.add_input("number", {DType::kF32, {}});
  CHECK(builder.add_node(op("abort"), {flag}, {std::string("stop")}, {}).empty());
  CHECK(code_of([&] { builder.add_node(op("abort"), {number}, {std::string("stop")}, {}); }) == ErrorCode::kDType);
}

TEST_CASE("complete_attrs fills, orders and converts") {
  const std::vector<NamedAttr> given{{"keepdims", true}, {"axes", std::vector<std::int64_t>{0}}};
  const Attrs attrs = complete_attrs(op("sum"), given);
  CHECK(std::get<std::vector<std::int64_t>>(attrs.at(0)) == std::vector<std::int64_t>{0});
  CHECK(std::get<bool>(attrs.at(1)));
  const std::vector<NamedAttr> axes_only{{"axes", std::vector<std::int64_t>{}}};
  CHECK_FALSE(std::get<bool>(complete_attrs(op("sum"), axes_only).at(1)));
  const std::vector<NamedAttr> shape{{"shape", std::vector<std::int64_t>{2, 3}}};
  CHECK(std::get<Shape>(complete_attrs(op("reshape"), shape).at(0)) == Shape{2, 3});
  const std::vector<NamedAttr> stop{{"stop", std::int64_t{4}}, {"dtype", DType::kF32}};
  CHECK(std::get<Size>(complete_attrs(op("arange"), stop).at(0)) == Size(4));
}

TEST_CASE("complete_attrs names what is wrong") {
  const auto message = [](std::string_view name, const std::vector<NamedAttr>& given) {
    try {
      complete_attrs(op(name), given);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kArgument);
      return error.message();
    }
    return std::string("no error");
  };
  const NamedAttr axes{"axes", std::vector<std::int64_t>{0}};
  CHECK(message("sum", {{"axs", axes.value}}) == "sum: no attribute 'axs': expected axes, keepdims");
  CHECK(message("sum", {}) == "sum: attribute axes is missing");
  CHECK(message("sum", {axes, axes}) == "sum: attribute axes is given twice");
  CHECK(message("sum", {{"axes", 1.5}}) == "sum: attribute axes has the wrong kind, expected a list of ints");
  CHECK(message("sum", {{"axes", Shape{n}}}) == "sum: attribute axes has the wrong kind, expected a list of ints");
  CHECK(message("add", {axes}) == "add: no attribute 'axes': expected none");
}

TEST_CASE("tensor data is aligned and owns its bytes") {
  const std::array<char, 3> bytes{1, 2, 3};
  const TensorData data = copy_data(bytes.data(), bytes.size());
  CHECK(reinterpret_cast<std::uintptr_t>(data.data) % 64 == 0);
  CHECK(std::memcmp(data.data, bytes.data(), bytes.size()) == 0);
  CHECK(copy_data(nullptr, 0).data != nullptr);
}
