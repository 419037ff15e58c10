// Sizes: one canonical form, printing that reads back, intervals that enclose, and no overflow unreported.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "base/error.h"
#include "base/size.h"
#include "base/size_table.h"

using namespace ingot;

namespace {

const Size n = Size::dim("n");
const Size m = Size::dim("m");
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

Size parse(std::string_view text) {
  Size size = parse_size(text);
  CHECK(text.empty());
  return size;
}

ErrorCode parse_code(std::string_view text) {
  try {
    parse_size(text);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

Size random_size(std::mt19937& rng, int depth) {
  const auto pick = [&](int count) { return static_cast<int>(rng() % static_cast<unsigned>(count)); };
  if (depth == 0) return pick(2) == 0 ? Size(pick(7) - 3) : (pick(2) == 0 ? n : m);
  const Size a = random_size(rng, depth - 1);
  switch (pick(4)) {
    case 0:
      return a + random_size(rng, depth - 1);
    case 1:
      return a - random_size(rng, depth - 1);
    case 2:
      return depth > 2 ? a : a * random_size(rng, depth - 1);
    default:
      return floordiv(a, pick(5) + 1);
  }
}

}  // namespace

TEST_CASE("equal values have equal forms") {
  CHECK(n + m == m + n);
  CHECK((n + 1) * (m - 2) == m * n - 2 * n + m - 2);
  CHECK(n - n == Size(0));
  CHECK(2 * n + 3 * n == 5 * n);
  CHECK((n + m) * (n - m) == n * n - m * m);
  CHECK_FALSE(n == m);
  CHECK_FALSE(n == Size(1));
}

TEST_CASE("floordiv divides out what is a multiple") {
  CHECK(floordiv(4 * n + 2, 4) == n);
  CHECK(floordiv(4 * n + m + 6, 4) == n + 1 + floordiv(m + 2, 4));
  CHECK(floordiv(2 * n + 3, 4) == floordiv(n + 1, 2));
  CHECK(floordiv(floordiv(n, 2), 3) == floordiv(n, 6));
  CHECK(floordiv(floordiv(n + 1, 2) + 1, 2) == floordiv(n + 3, 4));
  CHECK(floordiv(Size(-7), 2) == Size(-4));
  CHECK(floordiv(n - 7, 2) == floordiv(n + 1, 2) - 4);
  CHECK(floordiv(n, 1) == n);
  CHECK_THROWS_AS(floordiv(n, 0), Error);
  CHECK_THROWS_AS(floordiv(n, -2), Error);
}

TEST_CASE("sizes print in a readable order") {
  CHECK((2 * n - m + 1).to_string() == "2*n - m + 1");
  CHECK((1 + n * m).to_string() == "m*n + 1");
  CHECK((Size(0) - n).to_string() == "-n");
  CHECK(floordiv(n + 3, 2).to_string() == "floordiv(n + 1, 2) + 1");
  CHECK((3 * floordiv(n, 2) * m).to_string() == "3*m*floordiv(n, 2)");
  CHECK(Size(-5).to_string() == "-5");
  CHECK(to_string(Shape{n, 784}) == "[n,784]");
  CHECK(to_string(Shape{}) == "[]");
}

TEST_CASE("parse reads the front of the text only") {
  std::string_view text = "2*n - m == 0";
  CHECK(parse_size(text) == 2 * n - m);
  CHECK(text == " == 0");
  text = "784]";
  CHECK(parse_size(text) == Size(784));
  CHECK(text == "]");
  CHECK(parse("-(n + 1)*2") == Size(-2) - 2 * n);
  CHECK(parse("floordiv( n+3 , 2 )") == floordiv(n + 3, 2));
  CHECK(parse("floordiv") == Size::dim("floordiv"));
}

TEST_CASE("parse rejects what is no size with FileError") {
  for (const char* text : {"", "-", "n +", "(n", "n * ", "floordiv(n)", "floordiv(n, 0)", "floordiv(n, -1)", "+n", ")",
                           "9223372036854775808", "18446744073709551616", "9223372036854775807 + 1", "%"}) {
    CAPTURE(text);
    CHECK(parse_code(text) == ErrorCode::kFile);
  }
}

TEST_CASE("parse survives hostile text") {
  CHECK(parse_code(std::string(100000, '(')) == ErrorCode::kFile);
  std::string deep, long_sum = "n", wide = "a0", power = "n";
  for (int i = 0; i < 20; ++i) deep += "floordiv(n + ";
  for (int i = 0; i < 20; ++i) deep += (i == 0 ? "m, 1000)" : ", 1000)");
  for (int i = 0; i < 100000; ++i) long_sum += " + n";
  for (int i = 1; i < 65; ++i) wide += " + a" + std::to_string(i);
  for (int i = 0; i < 8; ++i) power += "*n";
  for (const std::string& text : {deep, long_sum, wide, power}) CHECK(parse_code(text) == ErrorCode::kFile);
}

TEST_CASE("extreme coefficients print and read back") {
  for (const Size& size : {Size(kMin), Size(kMax), Size(kMin) * n, Size(kMax) * n + kMin, n * m - kMax}) {
    CHECK(parse(size.to_string()) == size);
  }
  CHECK(floordiv(Size(kMin) * n + m + kMin, 3) ==
        floordiv(parse(Size(kMin).to_string()) * n + m + 1, 3) + floordiv(Size(kMin), 3));
}

TEST_CASE("overflow throws ShapeError and never wraps") {
  const Size big = kMax;
  CHECK_THROWS_AS(big + 1, Error);
  CHECK_THROWS_AS(big * 2, Error);
  CHECK_THROWS_AS(Size(kMin) - 1, Error);
  CHECK_THROWS_AS(Size(0) - Size(kMin), Error);
  CHECK_THROWS_AS(big * n + n, Error);
  CHECK_THROWS_AS(n - Size(kMin) * n, Error);
  CHECK_THROWS_AS((n * n * n).evaluate({{"n", kMax}}), Error);
  CHECK_THROWS_AS(num_elements({kMax, 2}), Error);
}

TEST_CASE("evaluate agrees with substitute, needs every dim") {
  const Size size = 2 * n * m - floordiv(n - 5, 3);
  const DimValues values{{"n", 7}, {"m", 4}};
  CHECK(size.evaluate(values) == 56);
  CHECK(size.substitute(values) == Size(56));
  CHECK(size.substitute({{"n", 7}}) == 14 * m);
  CHECK_THROWS_AS(size.evaluate({{"n", 7}}), Error);
}

TEST_CASE("as_dim and dims name what is inside") {
  CHECK(n.as_dim() == "n");
  CHECK_FALSE((2 * n).as_dim().has_value());
  CHECK_FALSE(Size(3).as_dim().has_value());
  CHECK_FALSE(floordiv(n, 2).as_dim().has_value());
  CHECK((floordiv(n, 2) * m + m).dims() == std::vector<std::string>{"m", "n"});
  CHECK_THROWS_AS(Size::dim("a b"), Error);
  CHECK_THROWS_AS(Size::dim(""), Error);
}

TEST_CASE("intervals saturate and relax floordiv") {
  const std::vector<Dim> dims{{"n", 1, 64}, {"m", 0, kUnbounded}};
  const auto check = [&](const Size& size, std::int64_t lo, std::int64_t hi) {
    const Interval interval = size.interval(dims);
    CAPTURE(size.to_string());
    CHECK(interval.lo == lo);
    CHECK(interval.hi == hi);
  };
  check(Size(3), 3, 3);
  check(2 * n + 1, 3, 129);
  check(n * m, 0, kMax);
  check(n - m, kMin, 64);
  check(Size::dim("unknown"), 0, kMax);
  check(n - floordiv(n, 2), 1, 32);
  check(n - 2 * floordiv(n, 2), 0, 1);
  check(Size(kMax) * m, 0, kMax);
  check(Size(0) - Size(kMax) * m, kMin, 0);
}

TEST_CASE("random forms: print, parse, evaluate and intervals agree") {
  std::mt19937 rng(7);
  const std::vector<Dim> dims{{"n", 2, 9}, {"m", 0, 5}};
  for (int round = 0; round < 3000; ++round) {
    const Size size = random_size(rng, 4);
    CAPTURE(size.to_string());
    REQUIRE(parse(size.to_string()) == size);
    REQUIRE(parse(size.to_string()).to_string() == size.to_string());
    const DimValues values{{"n", 2 + static_cast<std::int64_t>(rng() % 8)},
                           {"m", static_cast<std::int64_t>(rng() % 6)}};
    const std::int64_t value = size.evaluate(values);
    SizeTable table({"m"});
    const std::uint32_t entry = table.add(size), again = table.add(size + Size(1));
    const std::int64_t numbers[] = {values.at("m"), values.at("n")};
    REQUIRE(table.evaluate(entry, numbers) == value);
    REQUIRE(table.evaluate(again, numbers) == value + 1);
    REQUIRE(size.substitute(values) == Size(value));
    const Interval interval = size.interval(dims);
    REQUIRE(interval.lo <= value);
    REQUIRE(value <= interval.hi);
    for (const Guard::Relation relation : {Guard::Relation::kEqual, Guard::Relation::kAtLeast}) {
      const Guard guard{relation, size};
      const Guard normal = guard.normalized();
      REQUIRE(normal.holds(values) == guard.holds(values));
      REQUIRE(normal.normalized() == normal);
    }
  }
}

TEST_CASE("random floordivs mean the same before and after reduction") {
  std::mt19937 rng(11);
  for (int round = 0; round < 3000; ++round) {
    const Size inner = random_size(rng, 3);
    const std::int64_t divisor = 1 + static_cast<std::int64_t>(rng() % 6);
    const DimValues values{{"n", static_cast<std::int64_t>(rng() % 20)}, {"m", static_cast<std::int64_t>(rng() % 20)}};
    const std::int64_t value = inner.evaluate(values);
    const std::int64_t expected = value / divisor - (value % divisor < 0 ? 1 : 0);
    CAPTURE(inner.to_string());
    REQUIRE(floordiv(inner, divisor).evaluate(values) == expected);
  }
}

TEST_CASE("guards of one meaning have one form") {
  using enum Guard::Relation;
  CHECK(Guard{kEqual, 4 * n - 2 * m}.normalized() == Guard{kEqual, m - 2 * n}.normalized());
  CHECK(Guard{kAtLeast, 4 * n - 2}.normalized() == Guard{kAtLeast, n - 1});
  CHECK(Guard{kEqual, 2 * n - m}.to_string() == "2*n - m == 0");
  CHECK(Guard{kAtLeast, n - 3}.to_string() == "n - 3 >= 0");
  CHECK(Guard{kEqual, Size(kMin) * n + 2 * m}.normalized().holds({{"n", 0}, {"m", 0}}));
}

TEST_CASE("a total order tells forms apart") {
  CHECK(compare(Size(1), Size(2)) < 0);
  CHECK(compare(Size(2), n) < 0);
  CHECK(compare(n, n) == 0);
  CHECK(compare(n, 2 * n) == -compare(2 * n, n));
}

TEST_CASE("a size table reports what overflows, and lists new dims behind those it was given") {
  SizeTable table({"b"});
  const std::uint32_t cube = table.add(n * n * n), sum = table.add(n + Size(kMax));
  CHECK(table.dims() == std::vector<std::string>{"b", "n"});
  const std::int64_t large[] = {0, kMax}, small[] = {0, 2};
  CHECK_THROWS_AS(table.evaluate(cube, large), Error);
  CHECK_THROWS_AS(table.evaluate(sum, small), Error);
  CHECK(table.evaluate(cube, small) == 8);
}
