// fuse_pointwise as "text before -> text after". Every result passes verify.
#include "base/error.h"
#include "pass_test.h"

using namespace ingot;
using namespace ingot::testing;

TEST_CASE("fuse_pointwise groups a chain and keeps what others need as outputs") {
  CHECK(after("fuse_pointwise", R"(dim n in 1..8
param w: f32[4,4]
graph g(x: f32[n,4], b: f32[4]) {
  %0 = matmul(x, w) : f32[n,4]  @ m.py:1
  %1 = add(%0, b) : f32[n,4]  @ m.py:2
  %2 = maximum(%1, 0.0) : f32[n,4]  @ m.py:3
  %3 = sum(%1, axes=[0]) : f32[4]
  return %2, %3
}
)") == same(R"(dim n in 1..8
param w: f32[4,4]
graph g(x: f32[n,4], b: f32[4]) {
  %0 = matmul(x, w) : f32[n,4]  @ m.py:1
  %1, %2 = fused() : f32[n,4], f32[n,4]  @ m.py:3 {
    body() {
      %3 = add(%0, b) : f32[n,4]  @ m.py:2
      %4 = maximum(%3, 0.0) : f32[n,4]  @ m.py:3
      return %3, %4
    }
  }
  %5 = sum(%1, axes=[0]) : f32[4]
  return %2, %5
}
)"));
}

TEST_CASE("fuse_pointwise never makes a group feed a node that feeds it") {
  // exp could fuse with subtract, but its sum lies between them.
  const std::string text = R"(graph g(x: f32[4,3]) {
  %0 = exp(x) : f32[4,3]
  %1 = sum(%0, axes=[0], keepdims=true) : f32[1,3]
  %2 = divide(%0, %1) : f32[4,3]
  return %2
}
)";
  CHECK(after("fuse_pointwise", text) == same(text));
}

TEST_CASE("fuse_pointwise takes in reductions of the last axes, rows and what is computed of them") {
  CHECK(after("fuse_pointwise", R"(graph g(x: f32[4,3], b: f32[3]) {
  %0 = add(x, b) : f32[4,3]
  %1 = sum(%0, axes=[1], keepdims=true) : f32[4,1]
  %2 = exp(%1) : f32[4,1]
  %3 = divide(%0, %2) : f32[4,3]
  %4 = max(%3, axes=[0,1], keepdims=true) : f32[1,1]
  return %3, %1, %4
}
)") == same(R"(graph g(x: f32[4,3], b: f32[3]) {
  %0, %1 = fused() : f32[4,1], f32[4,3] {
    body() {
      %2 = add(x, b) : f32[4,3]
      %3 = sum(%2, axes=[1], keepdims=true) : f32[4,1]
      %4 = exp(%3) : f32[4,1]
      %5 = divide(%2, %4) : f32[4,3]
      return %3, %5
    }
  }
  %6 = max(%1, axes=[0,1], keepdims=true) : f32[1,1]
  return %1, %0, %6
}
)"));
}

TEST_CASE("fuse_pointwise moves a node to the consumer that it can fuse with") {
  CHECK(after("fuse_pointwise", R"(graph g(x: f32[4,4]) {
  %0 = exp(x) : f32[4,4]
  %1 = matmul(x, x) : f32[4,4]
  %2 = multiply(%0, %1) : f32[4,4]
  return %2
}
)") == same(R"(graph g(x: f32[4,4]) {
  %0 = matmul(x, x) : f32[4,4]
  %1 = fused() : f32[4,4] {
    body() {
      %2 = exp(x) : f32[4,4]
      %3 = multiply(%2, %0) : f32[4,4]
      return %3
    }
  }
  return %1
}
)"));
}

TEST_CASE("fuse_pointwise works inside regions and lets an outer group feed them") {
  CHECK(after("fuse_pointwise", R"(graph g(c: bool[], x: f32[4]) {
  %0 = exp(x) : f32[4]
  %1 = log(%0) : f32[4]
  %2 = if(c) : f32[4] {
    then() {
      %3 = sin(%1) : f32[4]
      %4 = cos(%3) : f32[4]
      return %4
    }
    else() {
      return %0
    }
  }
  return %2
}
)") == same(R"(graph g(c: bool[], x: f32[4]) {
  %0, %1 = fused() : f32[4], f32[4] {
    body() {
      %2 = exp(x) : f32[4]
      %3 = log(%2) : f32[4]
      return %2, %3
    }
  }
  %4 = if(c) : f32[4] {
    then() {
      %5 = fused() : f32[4] {
        body() {
          %6 = sin(%1) : f32[4]
          %7 = cos(%6) : f32[4]
          return %7
        }
      }
      return %5
    }
    else() {
      return %0
    }
  }
  return %4
}
)"));
}

TEST_CASE("fuse_pointwise keeps its limits: 32 nodes, 16 inputs") {
  std::string text = "graph g(x: f32[4]) {\n  %0 = exp(x) : f32[4]\n";
  for (int i = 1; i < 70; ++i) text += concat("  %", i, " = exp(%", i - 1, ") : f32[4]\n");
  Module chain = parse(text + "  return %69\n}\n");
  optimize(chain, {}, nullptr, true);
  std::vector<std::size_t> sizes;
  for (const NodeId id : chain.graphs[0].body.nodes) sizes.push_back(chain.graphs[0].node(id).regions[0].nodes.size());
  CHECK(sizes == std::vector<std::size_t>{32, 32, 6});

  text = "graph g(";
  for (int i = 0; i < 40; ++i) text += concat(i == 0 ? "" : ", ", "x", i, ": f32[4]");
  text += ") {\n  %0 = add(x0, x1) : f32[4]\n";
  for (int i = 1; i < 39; ++i) text += concat("  %", i, " = add(%", i - 1, ", x", i + 1, ") : f32[4]\n");
  Module wide = parse(text + "  return %38\n}\n");
  optimize(wide, {}, nullptr, true);
  CHECK(wide.graphs[0].body.nodes.size() == 3);
}
