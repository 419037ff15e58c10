// legalize as "text before -> text after", and what it leaves alone. Every result passes verify.
#include "optimize/legalize.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "evaluator.h"
#include "execute/levels.h"
#include "graph/text.h"
#include "verify/verify.h"

using namespace ingot;

namespace {

std::string legalized(const std::string& text) {
  Module module = parse_module("ingot 1\nnumerics 1\n" + text).module;
  verify(module);
  legalize(module, KernelEvaluator(choose_level("generic")));
  verify(module);
  return print_graph(module, module.graphs[0]);
}

}  // namespace

TEST_CASE("arithmetic on float16 becomes arithmetic on float32 between casts") {
  CHECK(legalized("graph f(x: f16[4], y: f16[4]) {\n"
                  "  %0 = add(x, y) : f16[4]  @ model.py:3\n"
                  "  return %0 as sum\n"
                  "}\n") ==
        "graph f(x: f16[4], y: f16[4]) {\n"
        "  %0 = cast(x, dtype=f32) : f32[4]  @ model.py:3\n"
        "  %1 = cast(y, dtype=f32) : f32[4]  @ model.py:3\n"
        "  %2 = add(%0, %1) : f32[4]  @ model.py:3\n"
        "  %3 = cast(%2, dtype=f16) : f16[4]  @ model.py:3\n"
        "  return %3 as sum\n"
        "}\n");
}

TEST_CASE("comparisons and positions keep their result's dtype") {
  CHECK(legalized("dim n in 1..9\n"
                  "graph f(x: i8[n], y: i8[n]) {\n"
                  "  %0 = less(x, y) : bool[n]\n"
                  "  %1 = argmax(x, axis=0) : i64[]\n"
                  "  return %0, %1\n"
                  "}\n") ==
        "graph f(x: i8[n], y: i8[n]) {\n"
        "  %0 = cast(x, dtype=i32) : i32[n]\n"
        "  %1 = cast(y, dtype=i32) : i32[n]\n"
        "  %2 = less(%0, %1) : bool[n]\n"
        "  %3 = cast(x, dtype=i32) : i32[n]\n"
        "  %4 = argmax(%3, axis=0) : i64[]\n"
        "  return %2, %4\n"
        "}\n");
}

TEST_CASE("numbers made from sizes are made in int64, which holds every size") {
  CHECK(legalized("graph f() {\n"
                  "  %0 = arange(stop=5, dtype=bf16) : bf16[5]\n"
                  "  return %0\n"
                  "}\n") ==
        "graph f() {\n"
        "  %0 = arange(stop=5, dtype=i64) : i64[5]\n"
        "  %1 = cast(%0, dtype=bf16) : bf16[5]\n"
        "  return %1\n"
        "}\n");
}

TEST_CASE("a cast between narrow dtypes goes through the exact wider one") {
  CHECK(legalized("graph f(x: f16[2]) {\n"
                  "  %0 = cast(x, dtype=bf16) : bf16[2]\n"
                  "  %1 = cast(x, dtype=i64) : i64[2]\n"
                  "  %2 = cast(x, dtype=f32) : f32[2]\n"
                  "  return %0, %1, %2\n"
                  "}\n") ==
        "graph f(x: f16[2]) {\n"
        "  %0 = cast(x, dtype=f32) : f32[2]\n"
        "  %1 = cast(%0, dtype=bf16) : bf16[2]\n"
        "  %2 = cast(x, dtype=f32) : f32[2]\n"
        "  %3 = cast(%2, dtype=i64) : i64[2]\n"
        "  %4 = cast(x, dtype=f32) : f32[2]\n"
        "  return %1, %3, %4\n"
        "}\n");
}

TEST_CASE("what only moves or chooses elements stays narrow") {
  const std::string text =
      "graph f(c: bool[2], x: bf16[2], i: i32[1]) {\n"
      "  %0 = where(c, x, x) : bf16[2]\n"
      "  %1 = concat(%0, x, axis=0) : bf16[4]\n"
      "  %2 = reshape(%1, shape=[2,2]) : bf16[2,2]\n"
      "  %3 = take(%2, i, axis=0) : bf16[1,2]\n"
      "  %4 = pad(x, 0.0, low=[1], high=[0]) : bf16[3]\n"
      "  return %3, %4\n"
      "}\n";
  CHECK(legalized(text) == text);
}

TEST_CASE("regions are legalized too, and carry narrow values as they are") {
  CHECK(legalized("graph f(x: u8[3], c: bool[]) {\n"
                  "  %0 = if(c) : u8[3] {\n"
                  "    then() {\n"
                  "      %1 = negative(x) : u8[3]\n"
                  "      return %1\n"
                  "    }\n"
                  "    else() {\n"
                  "      return x\n"
                  "    }\n"
                  "  }\n"
                  "  return %0\n"
                  "}\n") ==
        "graph f(x: u8[3], c: bool[]) {\n"
        "  %0 = if(c) : u8[3] {\n"
        "    then() {\n"
        "      %1 = cast(x, dtype=i32) : i32[3]\n"
        "      %2 = negative(%1) : i32[3]\n"
        "      %3 = cast(%2, dtype=u8) : u8[3]\n"
        "      return %3\n"
        "    }\n"
        "    else() {\n"
        "      return x\n"
        "    }\n"
        "  }\n"
        "  return %0\n"
        "}\n");
}

TEST_CASE("a dtype without a kernel is an error that names op, dtype and line") {
  const auto message = [](const std::string& text) {
    try {
      legalized(text);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kDType);
      return error.message();
    }
    return std::string("no error");
  };
  CHECK(message("graph f(x: u64[2]) {\n  %0 = add(x, x) : u64[2]  @ model.py:7\n  return %0\n}\n") ==
        "add: no kernel: got u64, expected a dtype that programs compute  (model.py:7)");
  CHECK(message("graph f(x: u8[2]) {\n  %0 = cast(x, dtype=u64) : u64[2]\n  return %0\n}\n") ==
        "cast: no kernel: got u8 to u64, expected a dtype that programs compute");
}
