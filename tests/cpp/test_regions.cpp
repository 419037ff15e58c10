// Region ops through the builder: what the rules accept, what they refuse, and what a failed region leaves behind.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/regions.h"

using namespace ingot;

namespace {

const Size n = Size::dim("n");
const TensorType kFlag{DType::kBool, {}};
const TensorType kIndex{DType::kI64, {}};
const TensorType kRow{DType::kF32, {4}};

struct Fixture {
  Module module;
  GraphBuilder builder{prepare(module), "main"};
  ValueId flag = builder.add_input("flag", kFlag);
  ValueId row = builder.add_input("row", kRow);
  ValueId rows = builder.add_input("rows", {DType::kF32, {n, 4}});
  ValueId count = builder.add_input("count", kIndex);

  static Module& prepare(Module& module) {
    module.dims = {{"n", 1, 64}, {"m", 0, kUnbounded}};
    State state;
    state.name = "cache";
    state.type = kRow;
    module.states.push_back(state);
    return module;
  }

  ValueId add(ValueId a, ValueId b) { return builder.add_node(*find_op("add"), {a, b}, {}, {}).at(0); }
  void begin(std::string_view name, std::vector<ValueId> operands, Attrs attrs = {}) {
    builder.begin_node(*find_op(name), std::move(operands), std::move(attrs), {});
  }
  template <class T>
  ValueId scalar(DType dtype, T value) {
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

  const TensorType& type(ValueId id) { return builder.graph().value(id).type; }
};

}  // namespace

TEST_CASE("if returns what both regions return") {
  Fixture f;
  f.begin("if", {f.flag});
  f.builder.begin_region({});
  const ValueId doubled = f.add(f.row, f.row);
  f.builder.end_region({doubled, f.count});
  f.builder.begin_region({});
  f.builder.end_region({f.row, f.count});
  const std::vector<ValueId> results = f.builder.end_node();
  REQUIRE(results.size() == 2);
  CHECK(f.type(results[0]) == kRow);
  CHECK(f.type(results[1]) == kIndex);
  const Graph& g = f.builder.graph();
  REQUIRE(g.body.nodes.size() == 1);
  CHECK(g.node(g.body.nodes[0]).regions.size() == 2);
  CHECK(g.node(g.body.nodes[0]).regions[0].nodes.size() == 1);
}

TEST_CASE("if refuses conditions and returns that do not fit, and leaves nothing") {
  const auto attempt = [](Fixture& f, ValueId condition, ValueId then_value, ValueId else_value) {
    return f.code_of([&] {
      f.begin("if", {condition});
      f.builder.begin_region({});
      f.builder.end_region({then_value});
      f.builder.begin_region({});
      f.builder.end_region({else_value});
      f.builder.end_node();
    });
  };
  Fixture f;
  CHECK(attempt(f, f.row, f.row, f.row) == ErrorCode::kDType);
  CHECK(attempt(f, f.flag, f.row, f.rows) == ErrorCode::kShape);
  CHECK(attempt(f, f.flag, f.row, f.count) == ErrorCode::kDType);
  CHECK(f.builder.num_open_nodes() == 0);
  CHECK(f.builder.graph().nodes.empty());
  CHECK(f.builder.graph().values.size() == 4);
  CHECK(attempt(f, f.flag, f.row, f.row) == ErrorCode::kInternal);  // no error
}

TEST_CASE("while carries values of init's types") {
  Fixture f;
  f.begin("while", {f.row, f.count});
  const std::vector<TensorType> types{kRow, kIndex};
  const std::vector<ValueId> c = f.builder.begin_region(types);
  const ValueId go = f.builder.add_node(*find_op("less"), {c[1], f.scalar(DType::kI64, std::int64_t{10})}, {}, {})[0];
  f.builder.end_region({go});
  const std::vector<ValueId> b = f.builder.begin_region(types);
  const ValueId sum = f.add(b[0], f.row);  // sees the value around it
  const ValueId next = f.add(b[1], f.scalar(DType::kI64, std::int64_t{1}));
  f.builder.end_region({sum, next});
  const std::vector<ValueId> results = f.builder.end_node();
  REQUIRE(results.size() == 2);
  CHECK(f.type(results[0]) == kRow);
  CHECK(f.code_of([&] { f.add(sum, f.row); }) == ErrorCode::kRecord);  // its region has ended
  CHECK(f.code_of([&] { f.builder.set_outputs({b[0]}, {""}); }) == ErrorCode::kRecord);
}

TEST_CASE("while refuses a condition that is no bool scalar and a body of other types") {
  Fixture f;
  const std::vector<TensorType> types{kRow};
  const auto attempt = [&](std::vector<ValueId> condition, std::vector<ValueId> body) {
    return f.code_of([&] {
      f.begin("while", {f.row});
      f.builder.begin_region(types);
      f.builder.end_region(std::move(condition));
      f.builder.begin_region(types);
      f.builder.end_region(std::move(body));
      f.builder.end_node();
    });
  };
  CHECK(attempt({f.row}, {f.row}) == ErrorCode::kDType);
  CHECK(attempt({f.flag, f.flag}, {f.row}) == ErrorCode::kArgument);
  CHECK(attempt({f.flag}, {f.rows}) == ErrorCode::kShape);
  CHECK(attempt({f.flag}, {}) == ErrorCode::kArgument);
  CHECK(attempt({f.flag}, {f.row}) == ErrorCode::kInternal);  // no error
}

TEST_CASE("scan slices its inputs and stacks what its body adds") {
  Fixture f;
  f.begin("scan", {f.row, f.rows}, {std::int64_t{1}, n, false});
  const std::vector<ValueId> args = f.builder.begin_region(std::vector<TensorType>{kRow, kIndex, kRow});
  const ValueId sum = f.add(args[0], args[2]);
  f.builder.end_region({sum, sum, args[1]});
  const std::vector<ValueId> results = f.builder.end_node();
  REQUIRE(results.size() == 3);
  CHECK(to_string(f.type(results[0])) == "f32[4]");
  CHECK(to_string(f.type(results[1])) == "f32[n,4]");
  CHECK(to_string(f.type(results[2])) == "i64[n]");
  CHECK(f.module.guards.empty());
}

TEST_CASE("scan guards a length that it cannot decide") {
  Fixture f;
  f.begin("scan", {f.rows}, {std::int64_t{0}, Size::dim("m"), true});
  f.builder.begin_region(std::vector<TensorType>{kIndex, kRow});
  f.builder.end_region({});
  CHECK(f.builder.end_node().empty());
  REQUIRE(f.module.guards.size() == 1);
  CHECK(f.module.guards[0].to_string() == "m - n == 0");
}

TEST_CASE("scan refuses counts and lengths that do not fit") {
  Fixture f;
  const auto attempt = [&](std::int64_t carries, const Size& length, std::vector<ValueId> operands) {
    const ErrorCode code = f.code_of([&] {
      f.begin("scan", std::move(operands), {carries, length, false});
      f.builder.begin_region(std::vector<TensorType>{kIndex, kRow});
      f.builder.end_region({});
      f.builder.end_node();
    });
    while (f.builder.num_open_nodes() > 0) f.builder.abandon_node();
    return code;
  };
  CHECK(attempt(-1, n, {f.rows}) == ErrorCode::kArgument);
  CHECK(attempt(2, n, {f.rows}) == ErrorCode::kArgument);
  CHECK(attempt(std::numeric_limits<std::int64_t>::max(), n, {f.rows}) == ErrorCode::kArgument);
  CHECK(attempt(0, 65, {f.rows}) == ErrorCode::kShape);
  CHECK(attempt(0, -1, {f.rows}) == ErrorCode::kShape);
  CHECK(attempt(0, n, {f.flag}) == ErrorCode::kShape);
  CHECK(attempt(0, n, {f.rows}) == ErrorCode::kInternal);  // no error
}

TEST_CASE("fused holds pointwise ops, reductions and contractions, and returns their results") {
  Fixture f;
  const auto attempt = [&](bool with_view, bool return_outer) {
    const ErrorCode code = f.code_of([&] {
      f.begin("fused", {});
      f.builder.begin_region({});
      const ValueId sum = f.add(f.rows, f.rows);
      if (with_view) f.builder.add_node(*find_op("flip"), {sum}, {std::vector<std::int64_t>{0}}, {});
      f.builder.end_region({return_outer ? f.rows : sum});
      f.builder.end_node();
    });
    return code;
  };
  CHECK(attempt(true, false) == ErrorCode::kArgument);
  CHECK(attempt(false, true) == ErrorCode::kArgument);
  CHECK(attempt(false, false) == ErrorCode::kInternal);  // no error
}

TEST_CASE("calls in the wrong order are errors") {
  Fixture f;
  CHECK(f.code_of([&] { f.builder.begin_region({}); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.end_region({}); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.end_node(); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.abandon_node(); }) == ErrorCode::kArgument);
  f.begin("if", {f.flag});
  CHECK(f.code_of([&] { f.add(f.row, f.row); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.begin_region(std::vector<TensorType>{kRow}); }) == ErrorCode::kArgument);
  f.builder.begin_region({});
  CHECK(f.code_of([&] { f.builder.end_node(); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.add_update(0, f.row); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.set_outputs({}, {}); }) == ErrorCode::kArgument);
  CHECK(f.code_of([&] { f.builder.add_input("late", kRow); }) == ErrorCode::kArgument);
  f.builder.end_region({});
  f.builder.begin_region({});
  f.builder.end_region({});
  CHECK(f.code_of([&] { f.builder.begin_region({}); }) == ErrorCode::kArgument);
  CHECK(f.builder.end_node().empty());
}

TEST_CASE("an abandoned node takes its values, constants and guards with it") {
  Fixture f;
  f.begin("if", {f.flag});
  f.builder.begin_region({});
  const ValueId constant = f.scalar(DType::kF32, 3.0F);
  f.add(f.row, constant);
  f.add(f.builder.add_node(*find_op("reshape"), {f.rows}, {Shape{Size::dim("m")}}, {})[0], constant);
  f.builder.use_state(0);
  CHECK(f.module.guards.size() == 1);
  f.builder.abandon_node();
  CHECK(f.module.guards.empty());
  CHECK(f.builder.graph().values.size() == 4);
  CHECK(f.builder.graph().nodes.empty());
  CHECK(f.builder.graph().constants.empty());
  const ValueId state = f.builder.use_state(0);
  CHECK(f.type(state) == kRow);
  const ValueId again = f.scalar(DType::kF32, 3.0F);
  CHECK(f.builder.graph().value(again).kind == ValueKind::kConstant);
  CHECK(f.type(f.add(state, again)) == kRow);
}

TEST_CASE("nesting has a limit") {
  Fixture f;
  const auto nest = [&] {
    for (int i = 0; i < 100; ++i) {
      f.begin("if", {f.flag});
      f.builder.begin_region({});
    }
  };
  CHECK(f.code_of(nest) == ErrorCode::kLimit);
  CHECK(f.builder.num_open_nodes() == 64);
}
