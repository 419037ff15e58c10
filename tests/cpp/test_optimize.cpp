// Passes as "text before -> text after". Every result passes verify.
#include <functional>

#include "base/error.h"
#include "pass_test.h"

using namespace ingot;
using namespace ingot::testing;

TEST_CASE("dead_code drops what nothing needs and keeps what an abort reads") {
  CHECK(after("dead_code", R"(graph g(x: f32[4], y: f32[]) {
  %0 = exp(x) : f32[4]
  %1 = less(y, 1.0) : bool[]
  %2 = exp(%0) : f32[4]
  abort(%1, message="low")
  %3 = sqrt(x) : f32[4]
  return %3
}
)") == same(R"(graph g(x: f32[4], y: f32[]) {
  %0 = less(y, 1.0) : bool[]
  abort(%0, message="low")
  %1 = sqrt(x) : f32[4]
  return %1
}
)"));
}

TEST_CASE("dead_code drops unused results of branches") {
  CHECK(after("dead_code", R"(graph g(c: bool[], x: f32[4]) {
  %0, %1 = if(c) : f32[4], f32[4] {
    then() {
      %2 = exp(x) : f32[4]
      return %2, x
    }
    else() {
      %3 = log(x) : f32[4]
      return x, %3
    }
  }
  return %1
}
)") == same(R"(graph g(c: bool[], x: f32[4]) {
  %0 = if(c) : f32[4] {
    then() {
      return x
    }
    else() {
      %1 = log(x) : f32[4]
      return %1
    }
  }
  return %0
}
)"));
}

TEST_CASE("dead_code drops carries that feed only themselves, and keeps those the condition needs") {
  CHECK(after("dead_code", R"(graph g(x: f32[4]) {
  %0, %1, %2 = while(0:i64, x, x) : i64[], f32[4], f32[4] {
    cond(%3: i64[], %4: f32[4], %5: f32[4]) {
      %6 = less(%3, 10) : bool[]
      return %6
    }
    body(%7: i64[], %8: f32[4], %9: f32[4]) {
      %10 = add(%7, 1) : i64[]
      %11 = exp(%8) : f32[4]
      %12 = exp(%9) : f32[4]
      return %10, %11, %12
    }
  }
  return %2
}
)") == same(R"(graph g(x: f32[4]) {
  %0, %1 = while(0:i64, x) : i64[], f32[4] {
    cond(%2: i64[], %3: f32[4]) {
      %4 = less(%2, 10) : bool[]
      return %4
    }
    body(%5: i64[], %6: f32[4]) {
      %7 = add(%5, 1) : i64[]
      %8 = exp(%6) : f32[4]
      return %7, %8
    }
  }
  return %1
}
)"));
}

TEST_CASE("dead_code drops unused operands and stacked outputs of a scan") {
  CHECK(after("dead_code", R"(graph g(x: f32[5,4], y: f32[5], z: f32[4]) {
  %0, %1, %2 = scan(z, x, y, carries=1, length=5) : f32[4], f32[5,4], f32[5] {
    body(%3: f32[4], %4: i64[], %5: f32[4], %6: f32[]) {
      %7 = add(%3, %5) : f32[4]
      %8 = exp(%7) : f32[4]
      return %7, %8, %6
    }
  }
  return %1
}
)") == same(R"(graph g(x: f32[5,4], y: f32[5], z: f32[4]) {
  %0, %1 = scan(z, x, carries=1, length=5) : f32[4], f32[5,4] {
    body(%2: f32[4], %3: i64[], %4: f32[4]) {
      %5 = add(%2, %4) : f32[4]
      %6 = exp(%5) : f32[4]
      return %5, %6
    }
  }
  return %1
}
)"));
}

TEST_CASE("dead_code keeps a loop for the abort inside it") {
  const std::string text = R"(graph g(x: i64[]) {
  %0 = while(x) : i64[] {
    cond(%1: i64[]) {
      %2 = less(%1, 10) : bool[]
      abort(%2, message="never")
      return %2
    }
    body(%3: i64[]) {
      %4 = add(%3, 1) : i64[]
      return %4
    }
  }
  return x
}
)";
  CHECK(after("dead_code", text) == same(text));
}

TEST_CASE("common_subexpressions merges equal pure nodes, commuted operands included, and keeps the first origin") {
  CHECK(after("common_subexpressions", R"(graph g(x: f32[4], y: f32[4]) {
  %0 = add(x, y) : f32[4]  @ a.py:1
  %1 = add(y, x) : f32[4]  @ a.py:2
  %2 = subtract(x, y) : f32[4]
  %3 = subtract(y, x) : f32[4]
  %4 = multiply(%0, %1) : f32[4]
  return %4, %2, %3
}
)") == same(R"(graph g(x: f32[4], y: f32[4]) {
  %0 = add(x, y) : f32[4]  @ a.py:1
  %1 = subtract(x, y) : f32[4]
  %2 = subtract(y, x) : f32[4]
  %3 = multiply(%0, %0) : f32[4]
  return %3, %1, %2
}
)"));
}

TEST_CASE("common_subexpressions merges into enclosing regions, never out of them or across branches") {
  CHECK(after("common_subexpressions", R"(graph g(c: bool[], x: f32[4]) {
  %0 = exp(x) : f32[4]
  %1 = if(c) : f32[4] {
    then() {
      %2 = exp(x) : f32[4]
      %3 = log(%2) : f32[4]
      return %3
    }
    else() {
      %4 = log(%0) : f32[4]
      return %4
    }
  }
  %5 = log(%0) : f32[4]
  return %1, %5
}
)") == same(R"(graph g(c: bool[], x: f32[4]) {
  %0 = exp(x) : f32[4]
  %1 = if(c) : f32[4] {
    then() {
      %2 = log(%0) : f32[4]
      return %2
    }
    else() {
      %3 = log(%0) : f32[4]
      return %3
    }
  }
  %4 = log(%0) : f32[4]
  return %1, %4
}
)"));
}

TEST_CASE("common_subexpressions tells attributes apart and leaves aborts alone") {
  const std::string text = R"(graph g(c: bool[], x: f32[4,4]) {
  %0 = sum(x, axes=[0]) : f32[4]
  %1 = sum(x, axes=[1]) : f32[4]
  abort(c, message="a")
  abort(c, message="a")
  return %0, %1
}
)";
  CHECK(after("common_subexpressions", text) == same(text));
}

TEST_CASE("common_subexpressions sees through second names of params") {
  CHECK(after("common_subexpressions", R"(param w: f32[4]
param v = w
graph g() {
  %0 = exp(w) : f32[4]
  %1 = exp(v) : f32[4]
  return %0, %1
}
)") == same(R"(param w: f32[4]
graph g() {
  %0 = exp(w) : f32[4]
  return %0, %0
}
)"));
}

TEST_CASE("fold_constants keeps only what is still read: small as constants, larger as params") {
  Module module = parse(R"(param w: f32[20]
graph g(x: f32[20]) {
  %0 = add(w, 1.0) : f32[20]
  %1 = add(%0, w) : f32[20]
  %2 = add(1.0:f32, 2.0:f32) : f32[]
  %3 = multiply(x, %1) : f32[20]
  %4 = multiply(%3, %2) : f32[20]
  return %4
}
)");
  const AddingEvaluator evaluator;
  CHECK(pipeline()[0].run({.module = module, .graph = module.graphs[0], .evaluator = &evaluator}));
  verify(module);
  CHECK(print_module(module) == R"(ingot 1
numerics 1
param w: f32[20]
param "folded.0": f32[20]
graph g(x: f32[20]) {
  %0 = multiply(x, "folded.0") : f32[20]
  %1 = multiply(%0, 3.0) : f32[20]
  return %1
}
)");
  float first;
  std::memcpy(&first, module.params[1].data.data, sizeof(first));
  CHECK(first == 3.0f);
}

TEST_CASE("fold_constants leaves what would fail, grow, or depend on inputs") {
  const std::string text = R"(dim n in 1..8
param w: f32[20]
graph g(x: f32[n]) {
  %0 = exp(w) : f32[20]
  %1 = broadcast_to(w, shape=[100,20]) : f32[100,20]
  %2 = add(x, 1.0) : f32[n]
  %3 = arange(stop=2000, dtype=f32) : f32[2000]
  %4 = arange(stop=n, dtype=f32) : f32[n]
  return %0, %1, %2, %3, %4
}
)";
  CHECK(after("fold_constants", text) == same(text));
}

TEST_CASE("fold_constants avoids names that are taken") {
  Module module = parse(R"(param w: f32[20]
param "folded.0": f32[1]
graph g("folded.1": f32[1]) {
  %0 = add(w, w) : f32[20]
  return %0, "folded.1"
}
)");
  const AddingEvaluator evaluator;
  optimize(module, {}, &evaluator, true);
  CHECK(module.params.back().name == "folded.2");
}

TEST_CASE("the pipeline takes names to leave out and rejects unknown ones") {
  const std::string text = "graph g(x: f32[4]) {\n  %0 = exp(x) : f32[4]\n  return x\n}\n";
  Module module = parse(text);
  const std::string dead[] = {"dead_code"};
  optimize(module, dead, nullptr, true);
  CHECK(print_graph(module, module.graphs[0]) == same(text));
  const std::string unknown[] = {"inline"};
  try {
    optimize(module, unknown, nullptr, true);
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kArgument);
  }
}

TEST_CASE("the pipeline gives the same module when run twice") {
  Module module = parse(R"(param w: f32[4,4]
graph g(x: f32[4,4]) {
  %0 = matmul(x, w) : f32[4,4]
  %1 = exp(%0) : f32[4,4]
  %2 = exp(%0) : f32[4,4]
  %3 = add(%1, %2) : f32[4,4]
  return %3
}
)");
  optimize(module, {}, nullptr, true);
  const std::string once = print_module(module);
  optimize(module, {}, nullptr, true);
  CHECK(print_module(module) == once);
}

namespace {

// The layouts that params get, in order: "panel16(0,1) rows".
std::string layouts_of(const std::string& text) {
  Module module = parse(text);
  const AddingEvaluator evaluator;
  const std::string disabled[] = {"fold_constants", "common_subexpressions", "dead_code",
                                  "fuse_pointwise", "fuse_attention",        "fuse_contractions"};
  optimize(module, disabled, &evaluator, true);
  std::string layouts;
  for (const Param& param : module.params) {
    layouts += layouts.empty() ? "" : " ";
    layouts += param.layout.in_panels() ? to_string(param.layout) : "rows";
  }
  return layouts;
}

}  // namespace

TEST_CASE("panel_params lays what only products read, through permutations and second names") {
  CHECK(layouts_of(R"(param w: f32[4,20]
param v: f32[20,4]
param u = v
graph g(x: f32[8,4]) {
  %0 = matmul(x, w) : f32[8,20]
  %1 = permute_dims(v, axes=[1,0]) : f32[4,20]
  %2 = matmul(x, %1) : f32[8,20]
  %3 = permute_dims(u, axes=[1,0]) : f32[4,20]
  %4 = permute_dims(%3, axes=[1,0]) : f32[20,4]
  %5 = permute_dims(%4, axes=[1,0]) : f32[4,20]
  %6 = matmul(x, %5) : f32[8,20]
  return %0, %2, %6
}
)") == "panel16 panel16(0,1) panel16(0,1)");
}

TEST_CASE("panel_params asks every reader of every graph") {
  const std::string table = R"(param w: f32[20,4]
graph g(x: f32[8,4], i: i64[8]) {
  %0 = permute_dims(w, axes=[1,0]) : f32[4,20]
  %1 = matmul(x, %0) : f32[8,20]
  %2 = take(w, i, axis=0) : f32[8,4]
  return %1, %2
}
)";
  CHECK(layouts_of(table) == "panel16(0,1)");
  CHECK(layouts_of(table + "graph h(x: f32[20,4]) {\n  %0 = add(x, w) : f32[20,4]\n  return %0\n}\n") == "rows");
  CHECK(layouts_of(table + "graph h() {\n  return w\n}\n") == "rows");
  CHECK(layouts_of(table + "graph h(x: f32[8,20]) {\n  %0 = matmul(x, w) : f32[8,4]\n  return %0\n}\n") == "rows");
  CHECK(layouts_of(table + "graph h(x: f32[2,20]) {\n  return x\n}\n") == "panel16(0,1)");
}

TEST_CASE("panel_params leaves rows to those who gain nothing by panels") {
  CHECK(layouts_of(R"(param w: f32[20,4]
param narrow: f32[4,7]
param batch: f32[2,4,20]
param unread: f32[4,20]
graph g(x: f32[2,8,4], i: i64[8]) {
  %0 = take(w, i, axis=0) : f32[8,4]
  %1 = matmul(x, narrow) : f32[2,8,7]
  %2 = matmul(x, batch) : f32[2,8,20]
  return %0, %1, %2
}
)") == "rows rows rows rows");
}

TEST_CASE("panel_params leaves rows to attention, which packs by itself") {
  CHECK(layouts_of(R"(param keys: f32[4,20]
param values: f32[20,16]
param w: f32[4,20]
graph g(x: f32[8,4]) {
  %0 = fused() : f32[8,16] {
    body() {
      %1 = matmul(x, keys) : f32[8,20]
      %2 = exp(%1) : f32[8,20]
      %3 = matmul(%2, values) : f32[8,16]
      return %3
    }
  }
  %4 = fused() : f32[8,20] {
    body() {
      %5 = matmul(x, w) : f32[8,20]
      %6 = exp(%5) : f32[8,20]
      return %6
    }
  }
  return %0, %4
}
)") == "rows rows panel16");
}

TEST_CASE("panel_params makes rows of panels that a reader cannot read") {
  Module module = parse_module("ingot 1\nnumerics 1\n" + std::string(R"(param w: f32[2,3] layout panel16(0,1)
graph g(x: f32[2,3]) {
  %0 = add(x, w) : f32[2,3]
  return %0
}
)"))
                      .module;
  std::vector<float> panels(3 * 16);
  for (std::size_t i = 0; i < 6; ++i) panels[i % 3 * 16 + i / 3] = static_cast<float>(i);
  module.params[0].data = copy_data(panels.data(), panels.size() * sizeof(float));
  const AddingEvaluator evaluator;
  optimize(module, {}, &evaluator, true);
  CHECK(module.params[0].layout == kRowMajor);
  float rows[6];
  std::memcpy(rows, module.params[0].data.data, sizeof(rows));
  for (std::size_t i = 0; i < 6; ++i) CHECK(rows[i] == static_cast<float>(i));
}
