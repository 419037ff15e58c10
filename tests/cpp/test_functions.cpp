// The functions exp, log, tanh, erf, sin, cos, pow: special values as C99 says, errors against the C library (long
// double for double, double for float) within the bounds of docs/numerics.md, and equal bits at every level.
#include <algorithm>
#include <cstdlib>
#include <functional>

#include "pointwise_test.h"

namespace ingot {
namespace {

using namespace pointwise_test;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Wide = long double;

// Error of `got` in units of the last place of the exact value; 0 where both are the same special value.
template <class T>
double error_in_ulp(T got, Wide exact) {
  const T nearest = static_cast<T>(exact);
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) && std::isnan(got) ? 0 : kInf;
  if (std::isinf(got) || std::isinf(nearest)) return got == nearest ? 0 : kInf;
  int exponent = std::numeric_limits<T>::min_exponent;
  if (exact != 0) exponent = std::max(exponent, std::ilogb(exact) + 1);
  return static_cast<double>(std::fabs(static_cast<Wide>(got) - exact) /
                             std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits));
}

struct Function {
  std::string op;
  Wide (*exact)(Wide);
  double most;  // |x| of the sample near 1; all exponents are sampled too
};

const Function kFunctions[] = {
    {"acos", [](Wide x) { return std::acos(x); }, 1.0},   {"acosh", [](Wide x) { return std::acosh(x); }, 1000},
    {"asin", [](Wide x) { return std::asin(x); }, 1.0},   {"asinh", [](Wide x) { return std::asinh(x); }, 1000},
    {"atan", [](Wide x) { return std::atan(x); }, 100},   {"atanh", [](Wide x) { return std::atanh(x); }, 1.0},
    {"cos", [](Wide x) { return std::cos(x); }, 100},     {"cosh", [](Wide x) { return std::cosh(x); }, 711},
    {"erf", [](Wide x) { return std::erf(x); }, 7},       {"erfc", [](Wide x) { return std::erfc(x); }, 27},
    {"exp", [](Wide x) { return std::exp(x); }, 750},     {"exp2", [](Wide x) { return std::exp2(x); }, 1080},
    {"expm1", [](Wide x) { return std::expm1(x); }, 750}, {"log", [](Wide x) { return std::log(x); }, 4},
    {"log10", [](Wide x) { return std::log10(x); }, 4},   {"log1p", [](Wide x) { return std::log1p(x); }, 4},
    {"log2", [](Wide x) { return std::log2(x); }, 4},     {"sin", [](Wide x) { return std::sin(x); }, 100},
    {"sinh", [](Wide x) { return std::sinh(x); }, 711},   {"tan", [](Wide x) { return std::tan(x); }, 100},
    {"tanh", [](Wide x) { return std::tanh(x); }, 25},
};

template <class T>
std::vector<T> sample(double most, std::size_t n) {
  std::mt19937_64 rng(7);
  std::vector<T> values = special_values<T>();
  for (std::size_t i = 0; i < n; ++i) {
    values.push_back(random_value<T>(rng));
    values.push_back(static_cast<T>(std::uniform_real_distribution<double>(-most, most)(rng)));
    values.push_back(static_cast<T>(std::uniform_real_distribution<double>(-2, 2)(rng)));
    const double magnitude = std::exp2(std::uniform_real_distribution<double>(-40, 60)(rng));
    values.push_back(static_cast<T>((rng() & 1) != 0 ? magnitude : -magnitude));
  }
  return values;
}

// The functions with a float32 version of their own; the others round a double once.
const std::vector<std::string> kInFloat = {"cos", "erf", "exp", "exp2", "expm1", "log", "log1p", "sin", "tanh"};

double bound_of_float(const std::string& op) {
  return std::find(kInFloat.begin(), kInFloat.end(), op) != kInFloat.end() ? 1 : 0.51;
}

// INGOT_SAMPLES=5000000 makes the search for the worst argument denser.
std::size_t num_samples() {
  const char* const given = std::getenv("INGOT_SAMPLES");
  return given == nullptr ? 50000 : static_cast<std::size_t>(std::atoll(given));
}

template <class T>
void check_function(const Function& f, double bound) {
  const std::vector<T> x = sample<T>(f.most, num_samples());
  const std::vector<T> got = run_op<T>(choose_level(), f.op, x);
  double worst = 0;
  T worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = error_in_ulp<T>(got[i], f.exact(x[i]));
    if (error > worst || std::isinf(error)) {
      worst = error;
      worst_at = x[i];
    }
  }
  CHECK_MESSAGE(worst <= bound, f.op, " ", name(dtype_of<T>()), ": largest error ", worst, " ULP, at ", worst_at);
}

TEST_CASE("functions of float are within 0.51 or 1 ULP, of double within 2 ULP") {
  for (const Function& f : kFunctions) {
    check_function<float>(f, bound_of_float(f.op));
    check_function<double>(f, 2);
  }
}

void for_all_floats(const std::function<void(const std::vector<float>&)>& visit) {
  constexpr std::uint64_t kChunk = 1 << 20;
  std::vector<float> x(kChunk);
  for (std::uint64_t first = 0; first < (1ull << 32); first += kChunk) {
    for (std::uint64_t i = 0; i < kChunk; ++i) {
      const std::uint32_t bits = static_cast<std::uint32_t>(first + i);
      std::memcpy(&x[i], &bits, sizeof bits);
    }
    visit(x);
  }
}

// The largest error over all floats, against the C library's double functions (whose own error is below 2^-28 ULP
// here).
double worst_of_all_floats(const std::string& op, double (*exact)(double)) {
  double worst = 0;
  for_all_floats([&](const std::vector<float>& x) {
    const std::vector<float> got = run_op<float>(choose_level(), op, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double value = exact(static_cast<double>(x[i]));
      if (same(got[i], static_cast<float>(value))) continue;  // the nearest float: an error of at most 1/2
      worst = std::max(worst, error_in_ulp<float>(got[i], value));
    }
  });
  return worst;
}

// Takes minutes: run with --no-skip --test-case="*all floats*".
TEST_CASE("functions are within 0.51 or 1 ULP at all floats" * doctest::skip()) {
  using Exact = double (*)(double);
  const std::pair<const char*, Exact> functions[] = {
      {"acos", std::acos},   {"acosh", std::acosh}, {"asin", std::asin},   {"asinh", std::asinh}, {"atan", std::atan},
      {"atanh", std::atanh}, {"cos", std::cos},     {"cosh", std::cosh},   {"erf", std::erf},     {"erfc", std::erfc},
      {"exp", std::exp},     {"exp2", std::exp2},   {"expm1", std::expm1}, {"log", std::log},     {"log10", std::log10},
      {"log1p", std::log1p}, {"log2", std::log2},   {"sin", std::sin},     {"sinh", std::sinh},   {"tan", std::tan},
      {"tanh", std::tanh},
  };
  for (const auto& [op, exact] : functions) {
    const double worst = worst_of_all_floats(op, exact);
    MESSAGE(std::string(op), ": largest error where not correctly rounded ", worst, " ULP");
    CHECK(worst <= bound_of_float(op));
  }
}

// The generic level, whose fma is a call, at an eighth of them.
TEST_CASE("functions computed in float have the same bits at every level at all floats" * doctest::skip()) {
  for (const std::string& op : kInFloat) {
    std::size_t differing = 0;
    std::size_t chunk = 0;
    for_all_floats([&](const std::vector<float>& x) {
      const std::vector<float> expected = run_op<float>(choose_level(), op, x);
      const bool all = chunk++ % 8 == 0;
      for (const KernelTable* const table : available_levels()) {
        if (!all && table == available_levels().front()) continue;
        const std::vector<float> got = run_op<float>(*table, op, x);
        for (std::size_t i = 0; i < x.size(); ++i) differing += same(got[i], expected[i]) ? 0 : 1;
      }
    });
    CHECK_MESSAGE(differing == 0, op);
  }
}

template <class T>
void check_pow(double bound) {
  std::mt19937_64 rng(8);
  std::vector<T> x, y;
  for (int i = 0; i < 100000; ++i) {
    const double base = std::exp2(std::uniform_real_distribution<double>(-30, 30)(rng));
    const double reach = sizeof(T) == 4 ? 140 : 1060;
    const double power = std::uniform_real_distribution<double>(-1, 1)(rng) * reach / std::fabs(std::log2(base));
    x.push_back(static_cast<T>(i % 3 == 0 ? 1 + std::ldexp(base, -40) : base));
    y.push_back(static_cast<T>(i % 3 == 0 ? power * 1e3 : i % 5 == 0 ? std::nearbyint(power) : power));
    x.push_back(random_value<T>(rng));
    y.push_back(random_value<T>(rng));
  }
  const std::vector<T> got = run_op<T>(choose_level(), "pow", x, y);
  double worst = 0;
  std::size_t worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = error_in_ulp<T>(got[i], std::pow(static_cast<Wide>(x[i]), static_cast<Wide>(y[i])));
    if (!(error <= worst)) {
      worst = error;
      worst_at = i;
    }
  }
  CHECK_MESSAGE(worst <= bound, "pow ", name(dtype_of<T>()), ": ", worst, " ULP, at ", x[worst_at], ", ", y[worst_at]);
}

TEST_CASE("pow of float is within 0.51 ULP, of double within 2 ULP") {
  check_pow<float>(0.51);
  check_pow<double>(2);
}

// Any two magnitudes, near diagonals, nearly flat and nearly upright, in all quadrants.
template <class T>
void check_atan2(double bound) {
  std::mt19937_64 rng(9);
  std::vector<T> y, x;
  const auto power = [&](double reach) {
    return std::exp2(std::uniform_real_distribution<double>(-reach, reach)(rng));
  };
  const auto sign = [&] { return (rng() & 1) != 0 ? 1.0 : -1.0; };
  for (std::size_t i = 0; i < num_samples(); ++i) {
    const double size = power(sizeof(T) == 4 ? 60 : 400);
    const double ratio = i % 3 == 0 ? power(3) : i % 3 == 1 ? power(60) : 1 + sign() * power(40) * 0x1p-41;
    y.push_back(static_cast<T>(sign() * size * ratio));
    x.push_back(static_cast<T>(sign() * size));
    y.push_back(random_value<T>(rng));
    x.push_back(random_value<T>(rng));
  }
  const std::vector<T> got = run_op<T>(choose_level(), "atan2", y, x);
  double worst = 0;
  std::size_t worst_at = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error = error_in_ulp<T>(got[i], std::atan2(static_cast<Wide>(y[i]), static_cast<Wide>(x[i])));
    if (!(error <= worst)) {
      worst = error;
      worst_at = i;
    }
  }
  CHECK_MESSAGE(worst <= bound, "atan2 ", name(dtype_of<T>()), ": ", worst, " ULP, at ", y[worst_at], ", ",
                x[worst_at]);
}

TEST_CASE("atan2 of float is within 0.51 ULP, of double within 2 ULP") {
  check_atan2<float>(0.51);
  check_atan2<double>(2);
}

struct Special {
  std::string op;
  double x, expected;
};

const Special kSpecials[] = {
    {"exp", -kInf, 0},     {"exp", kInf, kInf},    {"exp", kNaN, kNaN},   {"exp", 0.0, 1},       {"exp", -0.0, 1},
    {"exp", 1e308, kInf},  {"exp", -1e308, 0},     {"log", 0.0, -kInf},   {"log", -0.0, -kInf},  {"log", -1, kNaN},
    {"log", -kInf, kNaN},  {"log", kInf, kInf},    {"log", kNaN, kNaN},   {"log", 1, 0.0},       {"exp2", kInf, kInf},
    {"exp2", -kInf, 0.0},  {"exp2", kNaN, kNaN},   {"exp2", -0.0, 1},     {"exp2", 10, 1024},    {"expm1", kInf, kInf},
    {"expm1", -kInf, -1},  {"expm1", kNaN, kNaN},  {"expm1", 0.0, 0.0},   {"expm1", -0.0, -0.0}, {"log1p", -1, -kInf},
    {"log1p", -1.5, kNaN}, {"log1p", -kInf, kNaN}, {"log1p", kInf, kInf}, {"log1p", kNaN, kNaN}, {"log1p", 0.0, 0.0},
    {"log1p", -0.0, -0.0}, {"tanh", 0.0, 0.0},     {"tanh", -0.0, -0.0},  {"tanh", kInf, 1},     {"tanh", -kInf, -1},
    {"tanh", kNaN, kNaN},  {"erf", 0.0, 0.0},      {"erf", -0.0, -0.0},   {"erf", kInf, 1},      {"erf", -kInf, -1},
    {"erf", kNaN, kNaN},   {"sin", 0.0, 0.0},      {"sin", -0.0, -0.0},   {"sin", kInf, kNaN},   {"sin", -kInf, kNaN},
    {"sin", kNaN, kNaN},   {"cos", 0.0, 1},        {"cos", -0.0, 1},      {"cos", kInf, kNaN},   {"cos", kNaN, kNaN},
    {"rsqrt", 0.0, kInf},  {"rsqrt", -0.0, -kInf}, {"rsqrt", kInf, 0.0},  {"rsqrt", -1, kNaN},   {"rsqrt", kNaN, kNaN},
};

template <class T>
void check_specials(const KernelTable& table) {
  for (const Special& special : kSpecials) {
    const T got = run_op<T>(table, special.op, std::vector<T>{static_cast<T>(special.x)})[0];
    CHECK_MESSAGE(same(got, static_cast<T>(special.expected)), std::string(table.level), " ", special.op, "(",
                  special.x, ") = ", got);
  }
}

TEST_CASE("special values of functions are those of C99") {
  for (const KernelTable* const table : available_levels()) {
    check_specials<float>(*table);
    check_specials<double>(*table);
  }
}

template <class T>
void check_pow_specials(const KernelTable& table) {
  std::vector<T> x, y;
  for (const T a : special_values<T>()) {
    for (const T b : special_values<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  const std::vector<T> got = run_op<T>(table, "pow", x, y);
  for (std::size_t i = 0; i < x.size(); ++i) {
    // In double where x is infinite: glibc's long double pow(-inf, -2^63) is wrong.
    const Wide exact = std::isinf(x[i]) ? std::pow(static_cast<double>(x[i]), static_cast<double>(y[i]))
                                        : std::pow(static_cast<Wide>(x[i]), static_cast<Wide>(y[i]));
    const double error = error_in_ulp<T>(got[i], exact);
    const bool same_sign = std::isnan(got[i]) || std::signbit(got[i]) == std::signbit(std::pow(x[i], y[i]));
    CHECK_MESSAGE((error <= 2 && same_sign), std::string(table.level), " pow(", x[i], ", ", y[i], ") = ", got[i]);
  }
}

TEST_CASE("pow agrees with C on all pairs of special values, zeros with their signs") {
  for (const KernelTable* const table : available_levels()) {
    check_pow_specials<float>(*table);
    check_pow_specials<double>(*table);
  }
}

TEST_CASE("sin and cos are right beside multiples of pi/2 and for the largest numbers") {
  // The double closest to a multiple of pi/2 is 6381956970095103 * 2^797 (Muller, Elementary Functions, chapter 11).
  std::vector<double> x{std::ldexp(6381956970095103.0, 797), 1e22, 1.7976931348623157e308, 0x1p1023, 0x1p20, 1048575.5};
  for (int k = 1; k < 2000000; k += k / 7 + 1) {
    const double near = static_cast<double>(k * 1.57079632679489661923132169163975144L);
    x.insert(x.end(), {near, -near, std::nextafter(near, kInf), std::nextafter(near, 0)});
  }
  for (const char* const op : {"sin", "cos"}) {
    const std::vector<double> got = run_op<double>(choose_level(), op, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Wide exact = op[0] == 's' ? std::sin(static_cast<Wide>(x[i])) : std::cos(static_cast<Wide>(x[i]));
      CHECK_MESSAGE(error_in_ulp(got[i], exact) <= 2, std::string(op), "(", x[i], ")");
    }
  }
}

template <class T>
void check_equal_levels() {
  const std::vector<T> x = sample<T>(100, 20000);
  std::vector<T> y(x.rbegin(), x.rend());
  const KernelTable& generic = *available_levels().front();
  for (const KernelTable* const table : available_levels()) {
    for (const char* const op :
         {"exp", "exp2", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos", "rsqrt", "sqrt", "pow"}) {
      const bool binary = op[0] == 'p';
      const std::vector<T> expected = binary ? run_op<T>(generic, op, x, y) : run_op<T>(generic, op, x);
      const std::vector<T> got = binary ? run_op<T>(*table, op, x, y) : run_op<T>(*table, op, x);
      std::size_t differing = 0;
      for (std::size_t i = 0; i < x.size(); ++i) differing += same(got[i], expected[i]) ? 0 : 1;
      CHECK_MESSAGE(differing == 0, std::string(table->level), " ", std::string(op), ": ", differing, " of ", x.size());
    }
  }
}

TEST_CASE("functions have the same bits at every level") {
  check_equal_levels<float>();
  check_equal_levels<double>();
}

template <class T>
void check_places(const KernelTable& table, const char* op) {
  const std::vector<T> x = sample<T>(30, 40);
  const std::vector<T> all = run_op<T>(table, op, x);
  for (std::size_t begin = 0; begin + 40 < x.size(); ++begin) {
    const std::vector<T> part(x.begin() + static_cast<std::ptrdiff_t>(begin),
                              x.begin() + static_cast<std::ptrdiff_t>(begin + begin % 40));
    const std::vector<T> got = run_op<T>(table, op, part);
    for (std::size_t i = 0; i < part.size(); ++i) CHECK(same(got[i], all[begin + i]));
  }
}

TEST_CASE("a function's value does not depend on the lane or the length") {
  for (const KernelTable* const table : available_levels()) {
    for (const char* const op : {"exp", "sin", "erf"}) {
      check_places<float>(*table, op);
      check_places<double>(*table, op);
    }
  }
}

TEST_CASE("a function's result may replace its operand") {
  const std::vector<float> x = sample<float>(30, 20);
  for (const KernelTable* const table : available_levels()) {
    const TileFunction function = find(*table, "exp", DType::kF32, DType::kF32);
    const std::vector<float> expected = run_op<float>(*table, "exp", x);
    for (std::size_t n = 0; n <= x.size(); ++n) {
      std::vector<float> values = x;
      const void* const operand = values.data();
      function(&operand, values.data(), static_cast<std::int64_t>(n));
      for (std::size_t i = 0; i < x.size(); ++i) CHECK(same(values[i], i < n ? expected[i] : x[i]));
    }
  }
}

}  // namespace
}  // namespace ingot
