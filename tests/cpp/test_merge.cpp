// Merging, extracting and fetching: what comes out is a valid module that says the same.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "base/error.h"
#include "graph/builder.h"
#include "graph/merge.h"
#include "graph/text.h"
#include "verify/verify.h"

using namespace ingot;

namespace {

const Size n = Size::dim("n");

std::uint32_t add_param(Module& module, std::string name, float value) {
  const std::array<float, 2> values{value, value};
  Param param;
  param.name = std::move(name);
  param.type = {DType::kF32, {2}};
  param.data = copy_data(values.data(), sizeof(values));
  module.params.push_back(std::move(param));
  return static_cast<std::uint32_t>(module.params.size() - 1);
}

std::uint32_t add_alias(Module& module, std::string name, std::uint32_t target) {
  Param param;
  param.name = std::move(name);
  param.type = module.params[target].type;
  param.alias_of = target;
  module.params.push_back(std::move(param));
  return static_cast<std::uint32_t>(module.params.size() - 1);
}

void add_state(Module& module, std::string name, std::int64_t size = 2) {
  State state;
  state.name = std::move(name);
  state.type = {DType::kF32, {size}};
  module.states.push_back(std::move(state));
}

// y = x + param, for x: f32[n,2]; also cache <- cache + param where there is a state.
void add_graph(Module& module, std::string name, std::uint32_t param) {
  GraphBuilder builder(module, std::move(name));
  const OpRow& add = *find_op("add");
  const ValueId x = builder.add_input("x", {DType::kF32, {n, 2}});
  const ValueId y = builder.add_node(add, {x, builder.use_param(param)}, {}, {}).at(0);
  if (!module.states.empty()) {
    builder.add_update(0, builder.add_node(add, {builder.use_state(0), builder.use_param(param)}, {}, {}).at(0));
  }
  builder.set_outputs({y}, {"y"});
}

Module simple(float value, std::int64_t hi = 8) {
  Module module;
  module.dims = {{"n", 1, hi}};
  add_graph(module, "main", add_param(module, "w", value));
  return module;
}

std::string error_of(std::span<const NamedGraph> graphs) {
  try {
    merge_modules(graphs);
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kArgument);
    return error.message();
  }
  return "no error";
}

void check_sound(const Module& module) {
  CHECK_NOTHROW(verify(module));
  const std::string text = print_module(module);
  CHECK(print_module(parse_module(text).module) == text);
}

}  // namespace

TEST_CASE("equal params become one, others of the name are renamed") {
  const Module a = simple(1.0F), same = simple(1.0F), other = simple(2.0F), third = simple(3.0F);
  const std::vector<NamedGraph> graphs{{&a, 0, "a"}, {&same, 0, "same"}, {&other, 0, "other"}, {&third, 0, "third"}};
  const Module merged = merge_modules(graphs);
  check_sound(merged);
  REQUIRE(merged.params.size() == 3);
  CHECK(merged.params[1].name == "w_2");
  CHECK(merged.params[2].name == "w_3");
  REQUIRE(merged.graphs.size() == 4);
  CHECK(merged.find_graph("same")->values[1].index == 0);
  CHECK(merged.find_graph("third")->values[1].index == 2);
  CHECK(merged.dims.size() == 1);
}

TEST_CASE("graphs of one module keep its params, second names and states") {
  Module module;
  module.dims = {{"n", 1, 8}};
  add_param(module, "w", 1.0F);
  const std::uint32_t tied = add_alias(module, "lm head", 0);
  add_state(module, "cache");
  add_graph(module, "prefill", tied);
  add_graph(module, "decode", 0);
  const std::vector<NamedGraph> graphs{{&module, 1, "one"}, {&module, 0, "two"}};
  const Module merged = merge_modules(graphs);
  check_sound(merged);
  CHECK(merged.params.size() == 2);
  CHECK(merged.params[1].alias_of == 0);
  CHECK(merged.states.size() == 1);
  CHECK(merged.graphs[0].name == "one");
  CHECK(merged.graphs[1].updates.size() == 1);
}

TEST_CASE("second names of a renamed param follow it") {
  const auto make = [](float value) {
    Module module;
    module.dims = {{"n", 1, 8}};
    add_param(module, "w", value);
    add_graph(module, "main", add_alias(module, "tied", 0));
    return module;
  };
  const Module a = make(1.0F), b = make(2.0F), same = make(1.0F);
  const std::vector<NamedGraph> graphs{{&a, 0, "a"}, {&b, 0, "b"}, {&same, 0, "same"}};
  const Module merged = merge_modules(graphs);
  check_sound(merged);
  REQUIRE(merged.params.size() == 4);
  CHECK(merged.params[3].name == "tied_2");
  CHECK(merged.params[3].alias_of == 2);
  CHECK(merged.params[2].name == "w_2");
}

TEST_CASE("a param makes room for a state or an input of its name") {
  Module with_state;
  with_state.dims = {{"n", 1, 8}};
  add_state(with_state, "w");
  add_graph(with_state, "main", add_param(with_state, "v", 1.0F));
  Module with_param = simple(1.0F);
  add_param(with_param, "x_other", 1.0F);
  const std::vector<NamedGraph> graphs{{&with_param, 0, "a"}, {&with_state, 0, "b"}};
  const Module merged = merge_modules(graphs);
  check_sound(merged);
  CHECK(merged.params[0].name == "w_2");
}

TEST_CASE("what cannot agree is an error") {
  const Module a = simple(1.0F), longer = simple(1.0F, 9);
  CHECK(error_of(std::vector<NamedGraph>{{&a, 0, "a"}, {&longer, 0, "b"}}) ==
        "merge: dim n has two ranges: got 1..8 and 1..9");
  CHECK(error_of(std::vector<NamedGraph>{{&a, 0, "a"}, {&a, 0, "a"}}) == "merge: two graphs are named 'a'");
  CHECK(error_of(std::vector<NamedGraph>{{&a, 1, "a"}}) == "merge: there is no graph 1");
  CHECK(error_of(std::vector<NamedGraph>{{&a, 0, ""}}) == "merge: a graph cannot be named ''");
  Module small = simple(1.0F), large = simple(1.0F);
  add_state(small, "cache", 2);
  add_state(large, "cache", 3);
  CHECK(error_of(std::vector<NamedGraph>{{&small, 0, "a"}, {&large, 0, "b"}}).starts_with("merge: state 'cache'"));
}

TEST_CASE("guards are merged, each once") {
  const auto make = [] {
    Module module = simple(1.0F);
    module.dims.push_back({"m", 0, kUnbounded});
    GraphBuilder builder(module, "more");
    const ValueId a = builder.add_input("a", {DType::kF32, {n}});
    const ValueId b = builder.add_input("b", {DType::kF32, {Size::dim("m")}});
    builder.set_outputs(builder.add_node(*find_op("add"), {a, b}, {}, {}), {""});
    return module;
  };
  const Module a = make(), b = make();
  const Module merged = merge_modules(std::vector<NamedGraph>{{&a, 1, "a"}, {&b, 1, "b"}});
  check_sound(merged);
  CHECK(merged.guards.size() == 1);
}

TEST_CASE("an extracted region takes what it captures as inputs") {
  Module module;
  module.dims = {{"n", 1, 8}};
  add_param(module, "arg0", 1.0F);
  GraphBuilder builder(module, "main");
  const OpRow& add = *find_op("add");
  const ValueId x = builder.add_input("x", {DType::kF32, {2}});
  const ValueId flag = builder.add_input("flag", {DType::kBool, {}});
  const ValueId y = builder.add_node(add, {x, x}, {}, {}).at(0);
  builder.begin_node(*find_op("while"), {x}, {}, {});
  const std::vector<TensorType> types{{DType::kF32, {2}}};
  builder.begin_region(types);
  builder.end_region({flag});
  const ValueId carried = builder.begin_region(types).at(0);
  const ValueId sum = builder.add_node(add, {carried, builder.use_param(0)}, {}, {}).at(0);
  builder.begin_node(*find_op("if"), {flag}, {}, {});
  builder.begin_region({});
  builder.end_region({builder.add_node(add, {sum, y}, {}, {}).at(0)});
  builder.begin_region({});
  builder.end_region({y});
  builder.end_region(builder.end_node());
  builder.set_outputs(builder.end_node(), {""});
  check_sound(module);

  const Graph& g = builder.graph();
  const ExtractedRegion body = extract_region(module, g, g.body.nodes[1], 1);
  check_sound(body.module);
  CHECK(body.captured == std::vector<ValueId>{flag, y});
  const Graph& copy = body.module.graphs.at(0);
  CHECK(copy.input_names == std::vector<std::string>{"arg0_", "outer0", "outer1"});
  CHECK(copy.nodes.size() == 3);
  CHECK(copy.body.returns.size() == 1);
  const ExtractedRegion condition = extract_region(module, g, g.body.nodes[1], 0);
  check_sound(condition.module);
  CHECK(condition.captured == std::vector<ValueId>{flag});
  CHECK_THROWS_AS(extract_region(module, g, g.body.nodes[0], 0), Error);
  CHECK_THROWS_AS(extract_region(module, g, g.body.nodes[1], 2), Error);
  CHECK_THROWS_AS(extract_region(module, g, NodeId(), 0), Error);

  const Module fetching = with_extra_outputs(module, 0, std::vector<ValueId>{y, flag});
  check_sound(fetching);
  CHECK(fetching.graphs[0].body.returns.size() == 3);
  CHECK_THROWS_AS(with_extra_outputs(module, 0, std::vector<ValueId>{sum}), Error);
  CHECK_THROWS_AS(with_extra_outputs(module, 0, std::vector<ValueId>{carried}), Error);
  CHECK_THROWS_AS(with_extra_outputs(module, 0, std::vector<ValueId>{ValueId()}), Error);
  CHECK_THROWS_AS(with_extra_outputs(module, 1, {}), Error);
}
