// Ops of a group that are computed at once: which are found, and that no bit depends on it.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "execute/bind.h"
#include "execute/levels.h"
#include "run_text.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// sigmoid of `x` as %first .. %first+6
std::string sigmoid(const std::string& x, int first, const std::string& one = "1.0") {
  const auto v = [&](int i) { return "%" + std::to_string(first + i); };
  return v(0) + " = greater_equal(" + x + ", 0.0) : bool[n]\n" + v(1) + " = negative(" + x + ") : f32[n]\n" + v(2) +
         " = where(" + v(0) + ", " + v(1) + ", " + x + ") : f32[n]\n" + v(3) + " = exp(" + v(2) + ") : f32[n]\n" +
         v(4) + " = where(" + v(0) + ", " + one + ":f32, " + v(3) + ") : f32[n]\n" + v(5) + " = add(" + v(3) + ", " +
         one + ") : f32[n]\n" + v(6) + " = divide(" + v(4) + ", " + v(5) + ") : f32[n]\n";
}

std::string graph(const std::string& body, const std::string& results) {
  return "ingot 1\nnumerics 1\ndim n in 1..4096\ngraph main(x: f32[n], y: f32[n]) {\n" + body + "return " + results +
         "\n}\n";
}

std::vector<Array> inputs() {
  std::vector<float> x = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-40f, -1e-40f, 88.8f, -104.0f, 700.0f, -700.0f};
  for (int i = 0; i < 4000; ++i) x.push_back(static_cast<float>(i - 2000) * 0.0137f);
  const auto n = static_cast<std::int64_t>(x.size());
  std::vector<float> y(x.rbegin(), x.rend());
  return {Array::of<float>({n}, x), Array::of<float>({n}, y)};
}

CompileOptions at(const KernelTable& level) {
  CompileOptions options;
  options.level = level.level;
  return options;
}

std::size_t num_instructions(const std::string& text, const KernelTable& level) {
  const auto program = Program::compile(parse_for_run(text), at(level));
  const auto compiled = compile_plan(program->optimized().graphs[0], program->plan(0), &level, {"n"});
  std::size_t most = 0;
  for (const auto& group : compiled->groups) most = std::max(most, group->instructions.size());
  return most;
}

void check_bits(const std::string& text) {
  for (const KernelTable* const level : available_levels()) {
    CompileOptions plain = at(*level);
    plain.disabled_passes = {"fuse_pointwise"};
    const std::vector<Array> expected = run_text(text, inputs(), {}, plain);
    const std::vector<Array> got = run_text(text, inputs(), {}, at(*level));
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const std::vector<float> a = got[i].values<float>(), b = expected[i].values<float>();
      REQUIRE(a.size() == b.size());
      std::size_t num_different = 0;
      for (std::size_t j = 0; j < a.size(); ++j)
        num_different += std::isnan(a[j]) ? !std::isnan(b[j]) : std::bit_cast<int>(a[j]) != std::bit_cast<int>(b[j]);
      CHECK(num_different == 0);
    }
  }
}

bool combines(const KernelTable& level) {
  return level.combined->num_kernels > 0;
}

}  // namespace

TEST_CASE("ops that make up a known function become one instruction") {
  const std::string alone = graph("%0 = add(x, y) : f32[n]\n" + sigmoid("%0", 1), "%7");
  const std::string twice = graph(sigmoid("x", 0) + sigmoid("%6", 7) + "%14 = multiply(%13, y) : f32[n]\n", "%14");
  for (const KernelTable* const level : available_levels()) {
    CHECK(num_instructions(alone, *level) == (combines(*level) ? 2 : 8));
    CHECK(num_instructions(twice, *level) == (combines(*level) ? 3 : 15));
  }
  check_bits(alone);
  check_bits(twice);
}

TEST_CASE("ops that something else reads, or that differ in a number, stay apart") {
  const std::string read = graph(sigmoid("x", 0) + "%7 = multiply(%3, %6) : f32[n]\n", "%7");
  const std::string result = graph(sigmoid("x", 0) + "%7 = multiply(%6, y) : f32[n]\n", "%7, %3");
  const std::string number = graph(sigmoid("x", 0, "2.0") + "%7 = multiply(%6, y) : f32[n]\n", "%7");
  const std::string other = graph(
      "%0 = greater_equal(y, 0.0) : bool[n]\n%1 = negative(x) : f32[n]\n%2 = where(%0, %1, x) : f32[n]\n"
      "%3 = exp(%2) : f32[n]\n%4 = where(%0, 1.0:f32, %3) : f32[n]\n%5 = add(%3, 1.0) : f32[n]\n"
      "%6 = divide(%4, %5) : f32[n]\n%7 = multiply(%6, y) : f32[n]\n",
      "%7");
  for (const std::string& text : {read, result, number, other}) {
    for (const KernelTable* const level : available_levels()) CHECK(num_instructions(text, *level) == 8);
    check_bits(text);
  }
}
