// Every law of a module: a module that breaks one is refused, with the law's words. Modules come from text where the
// parser lets them through, and are damaged by hand where it does not.
#include <doctest/doctest.h>

#include <chrono>

#include "graph/budgets.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

using Damage = std::function<void(Module&)>;

// What verify says about the sample after `damage`.
std::string damaged(const Damage& damage) {
  Module module = parse_with_data(kSample);
  damage(module);
  return error_of([&] { verify(module); });
}

std::string statement_error(const std::string& statements) {
  return error_of([&] { verified(with_statements(statements)); });
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Node of the sample's first graph whose op is `op`, the first of them.
Node& node_of(Module& module, std::string_view op) {
  for (Node& node : module.graphs[0].nodes) {
    if (node.op->name == op) return node;
  }
  FAIL("no such node");
  return module.graphs[0].nodes[0];
}

}  // namespace

TEST_CASE("declared types are inferred again") {
  CHECK(statement_error("  %0 = add(x, w) : f32[3]\n  return %0\n") ==
        "FileError: verify: graph 'g': %0 = add(...): declared f32[3], inferred f32[4]");
  CHECK(contains(statement_error("  %0 = add(x, w) : f64[4]\n  return %0\n"), "declared f64[4], inferred f32[4]"));
  CHECK(contains(statement_error("  %0 = add(x, i) : f32[4]\n  return %0\n"), "operand dtypes differ"));
  CHECK(contains(statement_error("  %0 = add(x) : f32[4]\n  return %0\n"), "wrong number of operands"));
  CHECK(contains(statement_error("  add(x, w)\n  return x\n"), "got 0 results, expected 1"));
  CHECK(
      contains(statement_error("  %0 = abort(b, message=\"no\") : f32[]\n  return %0\n"), "got 1 results, expected 0"));
  CHECK(
      contains(statement_error("  %0 = sum(x, axes=[1]) : f32[4]\n  return %0\n"), "FileError: verify: graph 'g': %0"));
}

TEST_CASE("regions have the args and returns that their node demands") {
  CHECK(contains(
      statement_error("  %0 = while(x) : f32[4] {\n    cond() {\n      return b\n    }\n    body(%1: f32[4]) {\n"
                      "      return %1\n    }\n  }\n  return %0\n"),
      "cond has 0 args, expected 1"));
  CHECK(contains(statement_error("  %0 = while(x) : f32[4] {\n    cond(%1: f32[5]) {\n      return b\n    }\n"
                                 "    body(%2: f32[4]) {\n      return %2\n    }\n  }\n  return %0\n"),
                 "declared f32[5], expected f32[4]"));
  CHECK(contains(statement_error("  %0 = if(b) : f32[4] {\n    then() {\n      return x\n    }\n    else() {\n"
                                 "      return i\n    }\n  }\n  return %0\n"),
                 "FileError: verify: graph 'g': %0 = if(...)"));
  CHECK(contains(statement_error("  %0 = fused() : f32[4] {\n    body() {\n      %1 = flip(x, axes=[0]) : f32[4]\n"
                                 "      return %1\n    }\n  }\n  return %0\n"),
                 "FileError: verify: graph 'g': %0 = fused(...)"));
  CHECK(contains(damaged([](Module& m) { node_of(m, "while").regions.pop_back(); }), "FileError"));
  CHECK(damaged([](Module& m) { node_of(m, "matmul").regions.emplace_back(); }) ==
        "FileError: verify: graph 'classify': %0 = matmul(...): got 1 regions, expected 0");
}

TEST_CASE("a guard that a shape rule needs must be in the module") {
  CHECK(contains(damaged([](Module& m) { m.guards.clear(); }), "needs the guard n - 4 >= 0"));
  CHECK(damaged([](Module& m) {
          m.guards[0].difference = Size(3) * (Size::dim("n") - Size(4));  // says the same
        }) == "");
  CHECK(damaged([](Module& m) { m.guards.push_back({Guard::Relation::kEqual, Size::dim("n") - Size(9)}); }) == "");
  CHECK(
      contains(damaged([](Module& m) { m.guards.push_back({Guard::Relation::kAtLeast, Size(-1)}); }), "holds for no"));
  CHECK(contains(damaged([](Module& m) { m.guards.push_back({Guard::Relation::kEqual, Size::dim("q")}); }),
                 "there is no dim 'q'"));
}

TEST_CASE("versions must be known") {
  CHECK(contains(damaged([](Module& m) { m.numerics_version = 2; }), "numerics version 2"));
  CHECK(contains(damaged([](Module& m) { m.format_version = 2; }), "format version 2"));
}

TEST_CASE("dims have a name and a range") {
  CHECK(contains(damaged([](Module& m) { m.dims[0].lo = -1; }), "empty or negative"));
  CHECK(contains(damaged([](Module& m) { m.dims[0].hi = 0; }), "empty or negative"));
  CHECK(contains(damaged([](Module& m) { m.dims[1].name = "batch"; }), "is taken"));
  CHECK(contains(damaged([](Module& m) { m.dims[1].name = "a b"; }), "not an identifier"));
  CHECK(contains(damaged([](Module& m) { m.dims.resize(kMaxDims + 1, {"d", 0, 1}); }), "LimitError"));
}

TEST_CASE("names are valid and unique") {
  CHECK(contains(damaged([](Module& m) { m.params[0].name = "cache"; }), "is taken"));
  CHECK(contains(damaged([](Module& m) { m.params[0].name = ""; }), "not valid"));
  CHECK(contains(damaged([](Module& m) { m.params[0].name = "a\nb"; }), "not valid"));
  CHECK(contains(damaged([](Module& m) { m.params[0].name = "\xff"; }), "not valid"));
  CHECK(contains(damaged([](Module& m) { m.params[0].name = "ingot.pad.0"; }), "is reserved"));
  CHECK(contains(damaged([](Module& m) { m.params[0].name = "__metadata__"; }), "is reserved"));
  CHECK(contains(damaged([](Module& m) { m.graphs[1].name = "classify"; }), "is taken"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].input_names[1] = "x"; }), "is taken"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].input_names[1] = "w0"; }), "is a param's or a state's"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].output_names[1] = "hidden"; }), "is taken"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].output_names.pop_back(); }), "output names"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].input_names.pop_back(); }), "input names"));
  CHECK(contains(damaged([](Module& m) { m.metadata["ingot.other"] = "x"; }), "is reserved"));
  CHECK(contains(damaged([](Module& m) { m.metadata["author"] = "\xff"; }), "not UTF-8"));
  CHECK(damaged([](Module& m) { m.metadata["author"] = "x"; }) == "");
}

TEST_CASE("params and states hold exactly their data") {
  CHECK(contains(damaged([](Module& m) { m.params[0].data.size_bytes -= 1; }), "got 127 bytes of data, expected 128"));
  CHECK(contains(damaged([](Module& m) { m.params[0].data = {}; }), "got 0 bytes of data, expected 128"));
  CHECK(contains(damaged([](Module& m) { m.params[1].data.size_bytes = 320; }), "expected 512"));  // two panels of 16
  CHECK(contains(damaged([](Module& m) { m.states[0].init.data = nullptr; }), "got 0 bytes of data, expected 48"));
  CHECK(contains(damaged([](Module& m) { m.params[0].type.shape[0] = Size::dim("n"); }), "not constant"));
  CHECK(contains(damaged([](Module& m) { m.params[0].type.shape[0] = Size(-1); }), "negative"));
  CHECK(contains(damaged([](Module& m) { m.params[0].type.shape.assign(9, Size(1)); }), "LimitError"));
  CHECK(
      contains(damaged([](Module& m) { m.params[0].type.shape.assign(3, Size(std::int64_t{1} << 40)); }), "overflows"));
  CHECK(contains(damaged([](Module& m) { m.params[1].type.dtype = DType::kI32; }), "panel16 needs"));
  CHECK(contains(damaged([](Module& m) { m.params[3].data = m.params[0].data; }), "expected 4"));
  static const std::byte kTwos[4] = {std::byte{2}, std::byte{0}, std::byte{0}, std::byte{0}};
  CHECK(contains(damaged([](Module& m) { m.params[3].data.data = kTwos; }), "neither 0 nor 1"));
}

TEST_CASE("a second name points to an earlier param of its type") {
  CHECK(contains(damaged([](Module& m) { m.params[2].alias_of = 2; }), "must point to an earlier param"));
  CHECK(contains(damaged([](Module& m) { m.params[2].alias_of = 77; }), "must point to an earlier param"));
  CHECK(contains(damaged([](Module& m) { m.params[2].alias_of = 1; }), "but names"));
  CHECK(contains(damaged([](Module& m) { m.params[2].data = m.params[0].data; }), "data of its own"));
}

TEST_CASE("ids, kinds and indexes agree") {
  const auto first_value = [](Module& m, ValueKind kind) -> Value& {
    for (Value& value : m.graphs[0].values) {
      if (value.kind == kind) return value;
    }
    return m.graphs[0].values[0];
  };
  for (const ValueKind kind :
       {ValueKind::kInput, ValueKind::kParam, ValueKind::kConstant, ValueKind::kResult, ValueKind::kRegionArg}) {
    CHECK(contains(damaged([&](Module& m) { first_value(m, kind).index = 999; }), "FileError"));
    CHECK(contains(damaged([&](Module& m) { first_value(m, kind).kind = static_cast<ValueKind>(17); }), "FileError"));
    CHECK(contains(damaged([&](Module& m) { first_value(m, kind).type.dtype = static_cast<DType>(99); }), "FileError"));
    CHECK(contains(damaged([&](Module& m) { first_value(m, kind).type.shape.assign(9, Size(1)); }), "LimitError"));
    CHECK(contains(damaged([&](Module& m) { first_value(m, kind).type.shape.assign(1, Size(-4)); }), "FileError"));
  }
  CHECK(contains(damaged([&](Module& m) { first_value(m, ValueKind::kResult).node = NodeId(999); }), "FileError"));
  CHECK(contains(damaged([&](Module& m) { first_value(m, ValueKind::kRegionArg).region = 1; }), "FileError"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[0].op = nullptr; }), "without an op"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[0].operands[0] = ValueId(); }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[0].results[0] = ValueId(9999); }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].body.nodes[0] = NodeId(9999); }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].body.args[0] = ValueId(9999); }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].body.returns[0] = ValueId(); }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].constants[0] = {}; }), "bytes, expected"));
  CHECK(contains(damaged([](Module& m) { m.graphs.clear(); }), "no graph"));
}

TEST_CASE("a value is defined once, before its uses, in scope") {
  CHECK(contains(damaged([](Module& m) { std::swap(m.graphs[0].body.nodes[0], m.graphs[0].body.nodes[1]); }),
                 "before its definition"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].body.nodes.push_back(m.graphs[0].body.nodes[0]); }),
                 "lies in two places"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[1].results = m.graphs[0].nodes[0].results; }), "FileError"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].body.args[1] = m.graphs[0].body.args[0]; }), "belongs elsewhere"));
  CHECK(contains(damaged([](Module& m) {
                   Region& body = node_of(m, "while").regions[1];
                   m.graphs[0].body.returns[0] = body.returns[0];
                 }),
                 "of a region that has ended"));
  // A node inside its own region: found as a node in two places, not by descending for ever.
  CHECK(contains(damaged([](Module& m) {
                   Region& body = m.graphs[0].body;
                   for (const NodeId id : body.nodes) {
                     Node& node = m.graphs[0].nodes[id.index];
                     if (node.op->name == "while") node.regions[0].nodes.push_back(id);
                   }
                 }),
                 "lies in two places"));
}

TEST_CASE("nothing dangles") {
  CHECK(
      contains(damaged([](Module& m) { m.graphs[0].nodes.emplace_back(m.graphs[0].nodes[0]); }), "lies in no region"));
  CHECK(contains(
      damaged([](Module& m) { m.graphs[0].values.push_back(m.graphs[0].value(m.graphs[0].nodes[0].results[0])); }),
      "is defined nowhere"));
}

TEST_CASE("attributes are complete, of their kind, over declared dims") {
  CHECK(contains(damaged([](Module& m) { node_of(m, "sum").attrs.pop_back(); }), "attributes, expected 2"));
  CHECK(contains(damaged([](Module& m) { node_of(m, "sum").attrs[1] = std::int64_t{1}; }), "wrong kind of attribute"));
  CHECK(contains(damaged([](Module& m) { node_of(m, "sum").attrs[0] = std::vector<std::int64_t>(5000, 0); }),
                 "LimitError"));
  CHECK(contains(damaged([](Module& m) { node_of(m, "abort").attrs[0] = std::string("\xff"); }), "not UTF-8"));
  CHECK(contains(damaged([](Module& m) { std::get<Shape>(m.graphs[1].nodes[0].attrs[0])[1] = Size::dim("q"); }),
                 "there is no dim 'q'"));
}

TEST_CASE("updates are one per state and of its type") {
  CHECK(contains(damaged([](Module& m) { m.graphs[0].updates.push_back(m.graphs[0].updates[0]); }), "updated twice"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].updates[0].state = 9; }), "out of range"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].updates[0].state = 0; }), "got i64[], expected f32[3,4]"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].updates[0].value = ValueId(); }), "out of range"));
}

TEST_CASE("no size product overflows at the upper bounds") {
  const auto head = [](const std::string& hi, const std::string& type) {
    return "ingot 1\nnumerics 1\ndim n in 0.." + hi + "\ngraph g(x: " + type + ") {\n  return x\n}\n";
  };
  CHECK(error_of([&] { verified(head("2000000000", "f32[n,n]")); }).empty() == false);
  CHECK(error_of([&] { verified(head("1000000000", "f32[n,n]")); }) == "");
  CHECK(error_of([&] { verified(head("", "f32[n,n]")); }) == "");  // checked when the dim is bound
  CHECK(contains(error_of([&] { verified(head("9", "f32[4294967296,4294967296]")); }), "overflows 64 bits"));
  CHECK(contains(error_of([&] { verified(head("9", "f32[4294967296,0,4294967296]")); }), "overflows 64 bits"));
  CHECK(contains(error_of([&] { verified(head("9", "f32[n - 20]")); }), "negative"));
  CHECK(contains(error_of([&] { verified(head("9", "f32[n - 4]")); }), "needs the guard n - 4 >= 0"));
}

TEST_CASE("origins are text") {
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[0].origin.file = "a\nb"; }), "origin"));
  CHECK(contains(damaged([](Module& m) { m.graphs[0].nodes[0].origin.line = -1; }), "origin"));
}

TEST_CASE("messages are one short line whatever the module holds") {
  const std::string message = damaged([](Module& m) {
    Shape shape;
    Size size = Size::dim(std::string(1000, 'd'));
    m.dims.push_back({std::string(1000, 'd'), 0, 4});
    for (int i = 0; i < 8; ++i) shape.push_back(size + Size(i));
    m.graphs[0].values[m.graphs[0].body.args[0].index].type.shape = shape;
  });
  CHECK(message.size() > 0);
  CHECK(message.size() < 560);
  CHECK(message.find('\n') == std::string::npos);
}

TEST_CASE("a large module verifies in time that grows with its size") {
  const auto elapsed_for = [](int count) {
    std::string text = "  %0 = add(x, w) : f32[4]\n";
    for (int i = 1; i < count; ++i) {
      text += "  %" + std::to_string(i) + " = add(%" + std::to_string(i - 1) + ", w) : f32[4]\n";
    }
    const Module module = parse_with_data(with_statements(text + "  return x\n"));
    const auto start = std::chrono::steady_clock::now();
    verify(module);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  elapsed_for(1000);
  const double small = elapsed_for(4000);
  CHECK(elapsed_for(64000) < 16 * 10 * small + 0.05);  // a quadratic verifier would take 256 times as long
}
