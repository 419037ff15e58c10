// Each simple pointwise op against a plain statement of its rule, on values at which rules break and on random ones, at
// every level of this machine, for lengths that are no multiple of a vector; casts; the table holds what the rows
// promise.
#include <algorithm>
#include <functional>

#include <bit>
#include "ops/op.h"

#include "pointwise_test.h"

namespace ingot {
namespace {

using namespace pointwise_test;

constexpr std::size_t kRandomValues = 3001;

template <class T>
using Rule1 = std::function<T(T)>;
template <class T, class Out = T>
using Rule2 = std::function<Out(T, T)>;

template <class T>
std::vector<T> values_for_unary() {
  std::mt19937_64 rng(1);
  std::vector<T> values = special_values<T>();
  for (std::size_t i = 0; i < kRandomValues; ++i) values.push_back(random_value<T>(rng));
  return values;
}

// All pairs of special values, then random pairs.
template <class T>
std::pair<std::vector<T>, std::vector<T>> values_for_binary() {
  std::mt19937_64 rng(2);
  std::vector<T> a, b;
  for (const T x : special_values<T>()) {
    for (const T y : special_values<T>()) {
      a.push_back(x);
      b.push_back(y);
    }
  }
  for (std::size_t i = 0; i < kRandomValues; ++i) {
    a.push_back(random_value<T>(rng));
    b.push_back(random_value<T>(rng));
  }
  return {a, b};
}

template <class T>
void check_unary(const std::string& op, const Rule1<T>& rule) {
  const std::vector<T> a = values_for_unary<T>();
  for (const KernelTable* const table : available_levels()) {
    const std::vector<T> got = run_op<T>(*table, op, a);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (same(got[i], rule(a[i]))) continue;
      FAIL_CHECK(std::string(table->level), " ", op, "(", a[i], ") = ", got[i], ", expected ", rule(a[i]));
    }
  }
}

template <class T, class Out>
void check_binary(const std::string& op, const Rule2<T, Out>& rule) {
  const auto [a, b] = values_for_binary<T>();
  for (const KernelTable* const table : available_levels()) {
    const std::vector<Out> got = run_op<Out>(*table, op, a, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (same(got[i], rule(a[i], b[i]))) continue;
      FAIL_CHECK(std::string(table->level), " ", op, "(", a[i], ", ", b[i], ") = ", got[i], ", expected ",
                 rule(a[i], b[i]));
    }
  }
}

template <class T>
void check_comparisons() {
  check_binary<T, Bool>("equal", [](T a, T b) { return Bool(a == b); });
  check_binary<T, Bool>("not_equal", [](T a, T b) { return Bool(a != b); });
  check_binary<T, Bool>("less", [](T a, T b) { return Bool(a < b); });
  check_binary<T, Bool>("less_equal", [](T a, T b) { return Bool(a <= b); });
  check_binary<T, Bool>("greater", [](T a, T b) { return Bool(a > b); });
  check_binary<T, Bool>("greater_equal", [](T a, T b) { return Bool(a >= b); });
}

TEST_CASE("comparisons are those of C, so false with NaN but for not_equal") {
  check_comparisons<float>();
  check_comparisons<double>();
  check_comparisons<std::int32_t>();
  check_comparisons<std::int64_t>();
  check_comparisons<Bool>();
}

template <class T>
T numpy_remainder(T a, T b) {
  T r = std::fmod(a, b);
  if (b == 0) return r;
  if (r == 0) return std::copysign(T{0}, b);
  return (b < 0) != (r < 0) ? r + b : r;
}

template <class T>
T numpy_floor_divide(T a, T b) {
  if (b == 0) return a / b;
  const T r = std::fmod(a, b);
  T quotient = (a - r) / b;
  if (r != 0 && (b < 0) != (r < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(T{0}, a / b);
  const T below = std::floor(quotient);
  return quotient - below > T{0.5} ? below + 1 : below;
}

template <class T>
void check_float_arithmetic() {
  check_binary<T, T>("add", [](T a, T b) { return a + b; });
  check_binary<T, T>("subtract", [](T a, T b) { return a - b; });
  check_binary<T, T>("multiply", [](T a, T b) { return a * b; });
  check_binary<T, T>("divide", [](T a, T b) { return a / b; });
  check_binary<T, T>("remainder", numpy_remainder<T>);
  check_binary<T, T>("floor_divide", numpy_floor_divide<T>);
  check_unary<T>("negative", [](T a) { return -a; });
  check_unary<T>("abs", [](T a) { return std::fabs(a); });
  check_unary<T>("sqrt", [](T a) { return std::sqrt(a); });
  check_unary<T>("rsqrt", [](T a) { return static_cast<T>(1.0 / std::sqrt(static_cast<double>(a))); });
  check_unary<T>("floor", [](T a) { return std::floor(a); });
  check_unary<T>("ceil", [](T a) { return std::ceil(a); });
  check_unary<T>("trunc", [](T a) { return std::trunc(a); });
}

TEST_CASE("float arithmetic is that of IEEE 754, remainder and floor_divide are NumPy's") {
  check_float_arithmetic<float>();
  check_float_arithmetic<double>();
}

template <class T>
void check_float_order() {
  check_unary<T>("round", [](T a) { return std::nearbyint(a); });
  check_unary<T>("sign", [](T a) { return std::isnan(a) ? a : a > 0 ? T{1} : a < 0 ? T{-1} : T{0}; });
  check_binary<T, T>("maximum", [](T a, T b) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    return a == 0 && b == 0 ? (std::signbit(a) ? b : a) : std::max(a, b);
  });
  check_binary<T, T>("minimum", [](T a, T b) {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
    return a == 0 && b == 0 ? (std::signbit(a) ? a : b) : std::min(a, b);
  });
}

// Significands at which a quotient by Newton's method is hardest, and numbers at the ends of its range.
std::vector<float> divisors(std::mt19937_64& rng) {
  std::vector<float> values = special_values<float>();
  for (std::uint32_t last = 0; last < 6; ++last) {
    for (const int exponent : {-126, -61, -60, -1, 0, 1, 13, 60, 61, 127}) {
      const float high = std::bit_cast<float>(0x3fffffffu - last), low = std::bit_cast<float>(0x3f800000u + last);
      values.push_back(std::ldexp(high, exponent));
      values.push_back(-std::ldexp(low, exponent));
    }
  }
  for (int i = 0; i < 200; ++i)
    values.push_back(std::ldexp(std::bit_cast<float>(static_cast<std::uint32_t>(0x3f800000u | (rng() >> 41))), i % 12));
  return values;
}

TEST_CASE("the forms with one element give the bits of the form with many") {
  std::mt19937_64 rng(5);
  const std::vector<float> scalars = divisors(rng);
  std::vector<float> many = scalars;
  for (int i = 0; i < 3000; ++i) many.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(rng())));
  for (int i = 0; i < 3000; ++i)
    many.push_back(std::ldexp(std::bit_cast<float>(static_cast<std::uint32_t>(0x3f800000u | (rng() >> 41))), i % 20));
  for (const KernelTable* const table : available_levels()) {
    for (const char* const op : {"add", "divide", "maximum", "minimum", "multiply", "subtract"}) {
      const PointwiseKernel& kernel = *find_pointwise(*table, op, DType::kF32, DType::kF32);
      for (int side = 0; side < 2; ++side) {
        const TileFunction form = find_arithmetic(*table, op)->with_scalar[side];
        if (form == nullptr) continue;
        for (const float scalar : scalars) {
          const std::vector<float> spread(many.size(), scalar);
          std::vector<float> expected(many.size()), got(many.size());
          const void* const dense[] = {side == 0 ? spread.data() : many.data(),
                                       side == 0 ? many.data() : spread.data()};
          const void* const short_form[] = {side == 0 ? &scalar : many.data(), side == 0 ? many.data() : &scalar};
          kernel.function(dense, expected.data(), static_cast<std::int64_t>(many.size()));
          form(short_form, got.data(), static_cast<std::int64_t>(many.size()));
          bool equal = true;
          for (std::size_t i = 0; i < many.size(); ++i) equal = equal && same(expected[i], got[i]);
          CAPTURE(scalar);
          CHECK(equal);
        }
      }
    }
  }
}

TEST_CASE("maximum and minimum propagate NaN and order -0 below +0; round is half to even; sign of NaN is NaN") {
  check_float_order<float>();
  check_float_order<double>();
}

template <class T>
T wrap(__int128 x) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(x));
}

template <class T>
T integer_power(T a, T b) {
  if (b < 0) return static_cast<T>(a == 1 ? 1 : a == -1 ? (b % 2 != 0 ? -1 : 1) : 0);
  std::make_unsigned_t<T> result = 1, base = static_cast<std::make_unsigned_t<T>>(a);
  for (std::make_unsigned_t<T> n = static_cast<std::make_unsigned_t<T>>(b); n != 0; n /= 2) {
    if (n % 2 == 1) result *= base;
    base *= base;
  }
  return static_cast<T>(result);
}

// Floor of the exact quotient; 0 for division by 0.
template <class T>
__int128 floor_quotient(T a, T b) {
  if (b == 0) return 0;
  const __int128 quotient = static_cast<__int128>(a) / b;
  return quotient * b != a && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

template <class T>
void check_integer_arithmetic() {
  check_binary<T, T>("add", [](T a, T b) { return wrap<T>(static_cast<__int128>(a) + b); });
  check_binary<T, T>("subtract", [](T a, T b) { return wrap<T>(static_cast<__int128>(a) - b); });
  check_binary<T, T>("multiply", [](T a, T b) { return wrap<T>(static_cast<__int128>(a) * b); });
  check_binary<T, T>("floor_divide", [](T a, T b) { return wrap<T>(floor_quotient(a, b)); });
  check_binary<T, T>("remainder", [](T a, T b) { return b == 0 ? T{0} : wrap<T>(a - floor_quotient(a, b) * b); });
  check_binary<T, T>("pow", integer_power<T>);
  check_binary<T, T>("maximum", [](T a, T b) { return std::max(a, b); });
  check_binary<T, T>("minimum", [](T a, T b) { return std::min(a, b); });
  check_unary<T>("negative", [](T a) { return wrap<T>(-static_cast<__int128>(a)); });
  check_unary<T>("abs", [](T a) { return wrap<T>(a < 0 ? -static_cast<__int128>(a) : a); });
  check_unary<T>("sign", [](T a) { return static_cast<T>((a > 0) - (a < 0)); });
}

TEST_CASE("integers wrap, divide to the floor, and x // 0 = x % 0 = 0") {
  check_integer_arithmetic<std::int32_t>();
  check_integer_arithmetic<std::int64_t>();
}

template <class T>
void check_bits() {
  constexpr T kWidth = sizeof(T) * 8;
  check_binary<T, T>("bitwise_and", [](T a, T b) { return a & b; });
  check_binary<T, T>("bitwise_or", [](T a, T b) { return a | b; });
  check_binary<T, T>("bitwise_xor", [](T a, T b) { return a ^ b; });
  check_unary<T>("bitwise_invert", [](T a) { return ~a; });
  check_binary<T, T>("bitwise_left_shift", [](T a, T b) {
    return b < 0 || b >= kWidth ? T{0} : wrap<T>(static_cast<__int128>(a) * (static_cast<__int128>(1) << b));
  });
  check_binary<T, T>("bitwise_right_shift", [](T a, T b) {
    if (b < 0 || b >= kWidth) return static_cast<T>(a < 0 ? -1 : 0);
    return wrap<T>(floor_quotient<std::int64_t>(a, b == 63 ? 1 : std::int64_t{1} << b) >> (b == 63 ? 63 : 0));
  });
}

TEST_CASE("shifts by the width or more, or by a negative number, leave 0 or the sign") {
  check_bits<std::int32_t>();
  check_bits<std::int64_t>();
}

TEST_CASE("bool ops are those of logic") {
  for (const std::string op : {"logical_and", "bitwise_and", "minimum"}) {
    check_binary<Bool, Bool>(op, [](Bool a, Bool b) { return Bool(a && b); });
  }
  for (const std::string op : {"logical_or", "bitwise_or", "maximum"}) {
    check_binary<Bool, Bool>(op, [](Bool a, Bool b) { return Bool(a || b); });
  }
  for (const std::string op : {"logical_xor", "bitwise_xor"}) {
    check_binary<Bool, Bool>(op, [](Bool a, Bool b) { return Bool(a != b); });
  }
  for (const std::string op : {"logical_not", "bitwise_invert"}) {
    check_unary<Bool>(op, [](Bool a) { return Bool(!a); });
  }
}

template <class T>
void check_where() {
  const auto [a, b] = values_for_binary<T>();
  std::mt19937_64 rng(3);
  std::vector<Bool> condition(a.size());
  for (Bool& c : condition) c = random_value<Bool>(rng);
  for (const KernelTable* const table : available_levels()) {
    const std::vector<T> got = run_op<T>(*table, "where", condition, a, b);
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(same(got[i], condition[i] ? a[i] : b[i]));
  }
}

TEST_CASE("where takes the first where the condition holds") {
  check_where<float>();
  check_where<double>();
  check_where<std::int32_t>();
  check_where<std::int64_t>();
  check_where<Bool>();
}

template <class Out, class T>
Out cast_rule(T a) {
  if constexpr (std::is_same_v<Out, Bool>) {
    return Bool(a != T(0));
  } else if constexpr (kIsFloat<T> && !kIsFloat<Out>) {
    if (std::isnan(a)) return 0;
    const long double limit = std::ldexp(1.0L, sizeof(Out) * 8 - 1);
    if (a >= limit) return std::numeric_limits<Out>::max();
    if (a < -limit) return std::numeric_limits<Out>::min();
    return static_cast<Out>(a);
  } else {
    return static_cast<Out>(a);
  }
}

template <class T, class Out>
void check_cast() {
  const std::vector<T> a = values_for_unary<T>();
  for (const KernelTable* const table : available_levels()) {
    const TileFunction function = find(*table, "cast", dtype_of<T>(), dtype_of<Out>());
    const std::vector<Out> got =
        run_tiles<Out>(function, {reinterpret_cast<const char*>(a.data())}, {sizeof(T)}, a.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (same(got[i], cast_rule<Out>(a[i]))) continue;
      FAIL_CHECK(std::string(table->level), " cast(", a[i], ") = ", got[i], ", expected ", cast_rule<Out>(a[i]));
    }
  }
}

template <class T>
void check_casts_from() {
  check_cast<T, Bool>();
  check_cast<T, std::int32_t>();
  check_cast<T, std::int64_t>();
  check_cast<T, float>();
  check_cast<T, double>();
}

TEST_CASE("a cast to an integer truncates and saturates, NaN gives 0; integers wrap; to bool is not 0") {
  check_casts_from<float>();
  check_casts_from<double>();
  check_casts_from<std::int32_t>();
  check_casts_from<std::int64_t>();
  check_casts_from<Bool>();
}

constexpr DType kWide[] = {DType::kBool, DType::kI32, DType::kI64, DType::kF32, DType::kF64};
constexpr DType kNarrow[] = {DType::kI8, DType::kI16, DType::kU8, DType::kU16, DType::kF16, DType::kBF16};

constexpr DType kComputed[] = {DType::kBool, DType::kI32, DType::kI64, DType::kF32, DType::kF64, DType::kI8,
                               DType::kI16,  DType::kU8,  DType::kU16, DType::kF16, DType::kBF16};

// (dtype of the values, of the result) of every tile function that a row must have. Ops compute in the wide dtypes; a
// choice copies elements of up to 8 bytes, a bitcast those of equal width; casts lead to narrow dtypes from every wide
// one, and back to one.
std::vector<std::pair<DType, DType>> wanted_functions(const OpRow& row) {
  std::vector<std::pair<DType, DType>> wanted;
  if (row.dtype_rule == DTypeRule::kSelect) {
    for (const DTypeInfo& info : dtype_table()) {
      if (info.size_bytes <= 8) wanted.emplace_back(info.dtype, info.dtype);
    }
    return wanted;
  }
  if (row.dtype_rule == DTypeRule::kReinterpret) {
    for (const DType dtype : kComputed) {
      for (const DType result : kComputed) {
        const bool fits = size_bytes(dtype) == size_bytes(result);
        if (fits && dtype != DType::kBool && result != DType::kBool) wanted.emplace_back(dtype, result);
      }
    }
    return wanted;
  }
  for (const DType dtype : kWide) {
    if ((row.classes & class_of(dtype)) == 0) continue;
    if (row.dtype_rule == DTypeRule::kConvert) {
      for (const DType result : kWide) wanted.emplace_back(dtype, result);
      for (const DType result : kNarrow) wanted.emplace_back(dtype, result);
    } else {
      wanted.emplace_back(dtype, row.dtype_rule == DTypeRule::kCompare ? DType::kBool : dtype);
    }
  }
  if (row.name == "nextafter") {  // of the dtype itself, so it cannot go through a wider one
    for (const DType dtype : {DType::kF16, DType::kBF16}) wanted.emplace_back(dtype, dtype);
  }
  if (row.dtype_rule == DTypeRule::kConvert) {
    for (const DType dtype : kNarrow) {
      wanted.emplace_back(dtype, class_of(dtype) == kFloatClass ? DType::kF32 : DType::kI32);
    }
  }
  return wanted;
}

TEST_CASE("every pointwise row has a tile function for each of the dtypes that it computes in, and for no other") {
  for (const KernelTable* const table : available_levels()) {
    std::size_t expected = 0;
    for (const OpRow& row : op_table()) {
      if (!row.has(kPointwise)) continue;
      for (const auto& [dtype, result] : wanted_functions(row)) {
        CHECK_MESSAGE(find_pointwise(*table, row.name, dtype, result) != nullptr, row.name, " ", name(dtype));
        ++expected;
      }
    }
    std::size_t present = 0;
    for (int i = 0; i < table->num_pointwise; ++i) {
      present += static_cast<std::size_t>(table->pointwise[i]->num_functions);
    }
    CHECK(present == expected);
  }
}

TEST_CASE("a result may be written over an operand, at every length") {
  std::mt19937_64 rng(4);
  for (const KernelTable* const table : available_levels()) {
    const TileFunction add = find(*table, "add", DType::kF32, DType::kF32);
    const TileFunction exp = find(*table, "exp", DType::kF64, DType::kF64);
    for (std::size_t n = 0; n <= 70; ++n) {
      std::vector<float> a(n), b(n);
      std::vector<double> x(n);
      for (std::size_t i = 0; i < n; ++i) {
        a[i] = random_value<float>(rng);
        b[i] = random_value<float>(rng);
        x[i] = random_value<double>(rng);
      }
      const std::vector<float> sum = run_op<float>(*table, "add", a, b);
      const std::vector<double> powers = run_op<double>(*table, "exp", x);
      const void* const operands[] = {a.data(), b.data()};
      add(operands, b.data(), static_cast<std::int64_t>(n));
      const void* const operand[] = {x.data()};
      exp(operand, x.data(), static_cast<std::int64_t>(n));
      for (std::size_t i = 0; i < n; ++i) CHECK((same(b[i], sum[i]) && same(x[i], powers[i])));
    }
  }
}

}  // namespace
}  // namespace ingot
