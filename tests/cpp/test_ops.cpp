// The op table and its rules: rows are well formed, right calls give right types, wrong calls give clear errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "base/error.h"
#include "ops/op.h"

using namespace ingot;

namespace {

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
const Size n = Size::dim("n");
const Size m = Size::dim("m");
const std::vector<Dim> kDims{{"n", 1, 64}, {"m", 0, kUnbounded}};

struct Guards final : GuardSink {
  std::vector<Guard> all;
  void add(const Guard& guard) override { all.push_back(guard); }
};

using Ints = std::vector<std::int64_t>;

TensorType f32(Shape shape) {
  return {DType::kF32, std::move(shape)};
}

std::vector<TensorType> apply(std::string_view op, const std::vector<TensorType>& operands, const Attrs& attrs = {},
                              GuardSink* guards = nullptr) {
  std::vector<const TensorType*> pointers;
  for (const TensorType& operand : operands) pointers.push_back(&operand);
  const OpRow* row = find_op(op);
  REQUIRE(row != nullptr);
  return infer(*row, pointers, attrs, kDims, guards);
}

std::string result(std::string_view op, const std::vector<TensorType>& operands, const Attrs& attrs = {},
                   GuardSink* guards = nullptr) {
  return to_string(apply(op, operands, attrs, guards).at(0));
}

std::string error(std::string_view op, const std::vector<TensorType>& operands, const Attrs& attrs = {}) {
  try {
    apply(op, operands, attrs);
  } catch (const Error& e) {
    CHECK(e.code() != ErrorCode::kInternal);
    return e.message();
  }
  return "no error";
}

ErrorCode code(std::string_view op, const std::vector<TensorType>& operands, const Attrs& attrs = {}) {
  try {
    apply(op, operands, attrs);
  } catch (const Error& e) {
    return e.code();
  }
  return ErrorCode::kInternal;
}

std::int64_t nasty_number(std::mt19937& rng) {
  constexpr std::int64_t kNumbers[] = {0, 1, 2, 3, 4, -1, 7, 1 << 20, kMax, kMin, kMax / 2, std::int64_t{1} << 40};
  return kNumbers[rng() % std::size(kNumbers)];
}

Size nasty_size(std::mt19937& rng) {
  if (rng() % 4 == 0) return n;
  if (rng() % 6 == 0) return n * m - 3;
  return rng() % 3 == 0 ? nasty_number(rng) : static_cast<std::int64_t>(rng() % 4);
}

template <class T, class Make>
std::vector<T> several(std::mt19937& rng, Make make) {
  std::vector<T> items(rng() % 20 == 0 ? 40 : rng() % 5);
  for (T& item : items) item = make(rng);
  return items;
}

AttrValue nasty_attr(AttrKind kind, std::mt19937& rng) {
  switch (kind) {
    case AttrKind::kInt:
      return nasty_number(rng);
    case AttrKind::kFloat:
      return 0.5;
    case AttrKind::kBool:
      return rng() % 2 == 0;
    case AttrKind::kString:
      return std::string("text");
    case AttrKind::kInts:
      return several<std::int64_t>(rng, nasty_number);
    case AttrKind::kSize:
      return nasty_size(rng);
    case AttrKind::kSizes:
      return several<Size>(rng, nasty_size);
    case AttrKind::kDType:
      return static_cast<DType>(rng() % 15);
  }
  return false;
}

}  // namespace

TEST_CASE("rows are sorted, unique and complete") {
  std::set<std::string_view> names;
  for (const OpRow& row : op_table()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(find_op(row.name) == &row);
    CHECK((row.shape_rule == nullptr) == row.has(kRegionOp));
    CHECK((row.dtype_rule == DTypeRule::kRegion) == row.has(kRegionOp));
    for (const AttrSpec& spec : row.attrs) {
      if (!spec.required) CHECK(spec.default_value.index() == static_cast<std::size_t>(spec.kind));
      CHECK(attr_index(row, spec.name) < row.attrs.size());
    }
  }
  CHECK(std::is_sorted(op_table().begin(), op_table().end(),
                       [](const OpRow& a, const OpRow& b) { return a.name < b.name; }));
  CHECK(find_op("where")->operand_names.size() == 3);
  CHECK(find_op("no_such_op") == nullptr);
  CHECK(find_op("") == nullptr);
}

TEST_CASE("pointwise results broadcast; a dim never stretches") {
  CHECK(result("add", {f32({n, 1}), f32({4})}) == "f32[n,4]");
  CHECK(result("add", {f32({}), f32({0, 3})}) == "f32[0,3]");
  CHECK(result("less", {f32({2}), f32({2})}) == "bool[2]");
  CHECK(result("where", {{DType::kBool, {3, 1}}, f32({2}), f32({})}) == "f32[3,2]");
  CHECK(result("cast", {f32({n})}, {DType::kI64}) == "i64[n]");
  CHECK(error("add", {f32({3}), f32({4})}) ==
        "add: shapes do not broadcast: got [3] and [4], expected equal sizes or 1");
  Guards guards;
  CHECK(result("add", {f32({n}), f32({m})}, {}, &guards) == "f32[n]");
  CHECK(result("add", {f32({m}), f32({5})}, {}, &guards) == "f32[5]");
  REQUIRE(guards.all.size() == 2);
  CHECK(guards.all[0].to_string() == "m - n == 0");
  CHECK(guards.all[1].to_string() == "m - 5 == 0");
}

TEST_CASE("what intervals decide needs no guard") {
  CHECK(code("add", {f32({n}), f32({65})}) == ErrorCode::kShape);
  CHECK(code("add", {f32({2 * m}), f32({2 * m + 1})}) == ErrorCode::kShape);
  Guards guards;
  CHECK_THROWS_AS(apply("add", {f32({2 * m}), f32({2 * n + 1})}, {}, &guards), Error);
  CHECK(guards.all.empty());
  CHECK(error("add", {f32({n}), f32({m})}).find("undecided: m - n == 0") != std::string::npos);
}

TEST_CASE("dtype rules name what they expect") {
  CHECK(error("add", {f32({3}), {DType::kI64, {3}}}) ==
        "add: operand dtypes differ: got f32[3] and i64[3], expected equal dtypes");
  CHECK(error("exp", {{DType::kI64, {3}}}) == "exp: dtype is not supported: got i64[3], expected float");
  CHECK(code("logical_and", {f32({}), f32({})}) == ErrorCode::kDType);
  CHECK(code("where", {f32({}), f32({}), f32({})}) == ErrorCode::kDType);
  CHECK(code("take", {f32({3}), f32({})}, {std::int64_t{0}}) == ErrorCode::kDType);
  CHECK(code("abort", {f32({})}, {std::string("no")}) == ErrorCode::kDType);
  CHECK(code("arange", {}, {Size(3), DType::kBool}) == ErrorCode::kDType);
}

TEST_CASE("counts and attribute kinds are checked") {
  CHECK(error("add", {f32({3})}) == "add: wrong number of operands: got 1, expected 2 (a, b)");
  CHECK(code("concat", {}, {std::int64_t{0}}) == ErrorCode::kArgument);
  CHECK(code("sum", {f32({3})}) == ErrorCode::kArgument);
  CHECK(code("sum", {f32({3})}, {std::int64_t{0}, false}) == ErrorCode::kArgument);
  CHECK(code("if", {{DType::kBool, {}}}) == ErrorCode::kArgument);
}

TEST_CASE("reductions drop or keep ascending axes") {
  CHECK(result("sum", {f32({n, 3, 4})}, {Ints{0, 2}, false}) == "f32[3]");
  CHECK(result("sum", {f32({n, 3, 4})}, {Ints{0, 2}, true}) == "f32[1,3,1]");
  CHECK(result("sum", {f32({n})}, {Ints{}, false}) == "f32[n]");
  CHECK(result("sum", {f32({0})}, {Ints{0}, false}) == "f32[]");
  for (const Ints& axes : {Ints{1, 0}, Ints{0, 0}, Ints{-1}, Ints{3}, Ints{kMin}, Ints(100, 0)}) {
    CHECK(code("sum", {f32({n, 3, 4})}, {axes, false}) == ErrorCode::kShape);
  }
}

TEST_CASE("extrema refuse axes that may be empty") {
  CHECK(result("max", {f32({n, 3})}, {Ints{0}, false}) == "f32[3]");
  CHECK(code("max", {f32({m})}, {Ints{0}, false}) == ErrorCode::kShape);
  CHECK(code("min", {f32({0})}, {Ints{0}, false}) == ErrorCode::kShape);
  Guards guards;
  CHECK(result("argmax", {f32({m, 2})}, {std::int64_t{0}, false}, &guards) == "i64[2]");
  REQUIRE(guards.all.size() == 1);
  CHECK(guards.all[0].to_string() == "m - 1 >= 0");
  CHECK(result("argmax", {f32({3, 2})}, {std::int64_t{1}, true}) == "i64[3,1]");
  CHECK(code("argmax", {f32({})}, {std::int64_t{0}, false}) == ErrorCode::kShape);
}

TEST_CASE("matmul takes batches as NumPy does") {
  CHECK(result("matmul", {f32({n, 784}), f32({784, 128})}) == "f32[n,128]");
  CHECK(result("matmul", {f32({n, 1, 3, 4}), f32({5, 4, 6})}) == "f32[n,5,3,6]");
  CHECK(result("matmul", {f32({3, 0}), f32({0, 4})}) == "f32[3,4]");
  CHECK(error("matmul", {f32({32, 784}), f32({128, 10})}) ==
        "matmul: inner sizes differ: got f32[32,784] and f32[128,10], expected [m,k] and [k,n]");
  CHECK(code("matmul", {f32({3}), f32({3, 3})}) == ErrorCode::kShape);
}

TEST_CASE("convolution and pooling count window places") {
  const Attrs plain{Ints{1, 1}, Ints{0, 0, 0, 0}, Ints{1, 1}, std::int64_t{1}};
  const Attrs strided{Ints{2, 2}, Ints{1, 1, 1, 1}, Ints{1, 1}, std::int64_t{1}};
  CHECK(result("conv2d", {f32({n, 3, 8, 8}), f32({16, 3, 3, 3})}, plain) == "f32[n,16,6,6]");
  CHECK(result("conv2d", {f32({n, 3, 8, 7}), f32({16, 3, 3, 3})}, strided) == "f32[n,16,4,4]");
  CHECK(result("conv2d", {f32({1, 4, 8, 2 * n}), f32({6, 2, 1, 1})},
               {Ints{1, 1}, Ints{0, 0, 0, 0}, Ints{1, 1}, std::int64_t{2}}) == "f32[1,6,8,2*n]");
  CHECK(code("conv2d", {f32({1, 3, 8, 8}), f32({16, 4, 3, 3})}, plain) == ErrorCode::kShape);
  CHECK(code("conv2d", {f32({1, 3, 2, 8}), f32({16, 3, 3, 3})}, plain) == ErrorCode::kShape);
  CHECK(code("conv2d", {f32({1, 3, 2, 8}), f32({16, 3, 0, 3})}, plain) == ErrorCode::kShape);
  const Attrs pool{Ints{2, 2}, Ints{2, 2}, Ints{0, 0, 0, 0}, Ints{1, 1}};
  CHECK(result("max_pool2d", {f32({n, 3, 8, 7})}, pool) == "f32[n,3,4,3]");
  CHECK(code("max_pool2d", {f32({1, 1, 8, 8})}, {Ints{2, 2}, Ints{2, 2}, Ints{2, 0, 0, 0}, Ints{1, 1}}) ==
        ErrorCode::kShape);
  CHECK(code("max_pool2d", {f32({1, 1, 1, 8})}, {Ints{2, 2}, Ints{1, 1}, Ints{2, 0, 3, 0}, Ints{3, 1}}) ==
        ErrorCode::kShape);
  CHECK(result("avg_pool2d", {f32({1, 1, 8, 8})}, {Ints{3, 3}, Ints{1, 1}, Ints{1, 1, 1, 1}, true}) == "f32[1,1,8,8]");
}

TEST_CASE("views keep the elements they say") {
  CHECK(result("reshape", {f32({n, 12, 64})}, {Shape{n, 768}}) == "f32[n,768]");
  CHECK(code("reshape", {f32({n, 3})}, {Shape{n, 4}}) == ErrorCode::kShape);
  CHECK(code("reshape", {f32({6})}, {Shape{-2, -3}}) == ErrorCode::kShape);
  CHECK(result("permute_dims", {f32({n, 2, 3})}, {Ints{2, 0, 1}}) == "f32[3,n,2]");
  CHECK(code("permute_dims", {f32({n, 2})}, {Ints{0, 0}}) == ErrorCode::kShape);
  CHECK(result("broadcast_to", {f32({1, 3})}, {Shape{n, 2, 3}}) == "f32[n,2,3]");
  CHECK(code("broadcast_to", {f32({2})}, {Shape{}}) == ErrorCode::kShape);
  CHECK(result("flip", {f32({n, 2})}, {Ints{0}}) == "f32[n,2]");
  CHECK(result("slice", {f32({10, n})}, {Shape{1, 0}, Shape{10, n}, Ints{4, 2}}) == "f32[3,floordiv(n + 1, 2)]");
  CHECK(result("slice", {f32({3})}, {Shape{2}, Shape{2}, Ints{5}}) == "f32[0]");
  CHECK(code("slice", {f32({3})}, {Shape{2}, Shape{1}, Ints{1}}) == ErrorCode::kShape);
  CHECK(code("slice", {f32({3})}, {Shape{0}, Shape{4}, Ints{1}}) == ErrorCode::kShape);
  CHECK(code("slice", {f32({3})}, {Shape{0}, Shape{3}, Ints{0}}) == ErrorCode::kShape);
}

TEST_CASE("a slice of a part of a dim needs no guard") {
  CHECK(result("slice", {f32({n})}, {Shape{0}, Shape{floordiv(n, 2)}, Ints{1}}) == "f32[floordiv(n, 2)]");
  CHECK(result("slice", {f32({n})}, {Shape{floordiv(n, 2)}, Shape{n}, Ints{1}}) == "f32[n - floordiv(n, 2)]");
}

TEST_CASE("movement ops compute their sizes") {
  const TensorType index{DType::kI64, {2}};
  CHECK(result("concat", {f32({n, 2}), f32({3, 2})}, {std::int64_t{0}}) == "f32[n + 3,2]");
  CHECK(code("concat", {f32({n, 2}), f32({3, 3})}, {std::int64_t{0}}) == ErrorCode::kShape);
  CHECK(code("concat", {f32({})}, {std::int64_t{0}}) == ErrorCode::kShape);
  CHECK(result("take", {f32({5, n}), {DType::kI32, {7, 2}}}, {std::int64_t{0}}) == "f32[7,2,n]");
  CHECK(result("dynamic_slice", {f32({5, n}), index}, {Shape{2, 1}}) == "f32[2,1]");
  CHECK(code("dynamic_slice", {f32({5, n}), index}, {Shape{6, 1}}) == ErrorCode::kShape);
  CHECK(code("dynamic_slice", {f32({5}), index}, {Shape{1}}) == ErrorCode::kShape);
  CHECK(result("dynamic_update_slice", {f32({5, n}), f32({2, 1}), index}) == "f32[5,n]");
  CHECK(code("dynamic_update_slice", {f32({5, n}), f32({6, 1}), index}) == ErrorCode::kShape);
  CHECK(result("pad", {f32({n}), f32({})}, {Shape{1}, Shape{m}}) == "f32[m + n + 1]");
  CHECK(code("pad", {f32({n}), f32({})}, {Shape{-1}, Shape{2}}) == ErrorCode::kShape);
  CHECK(code("pad", {f32({n}), f32({1})}, {Shape{1}, Shape{2}}) == ErrorCode::kShape);
}

TEST_CASE("ops without operands and effects") {
  CHECK(result("arange", {}, {2 * n, DType::kI32}) == "i32[2*n]");
  CHECK(code("arange", {}, {Size(-1), DType::kI32}) == ErrorCode::kShape);
  CHECK(result("size", {}, {n * m, DType::kF32}) == "f32[]");
  CHECK(apply("abort", {{DType::kBool, {}}}, {std::string("negative")}).empty());
  CHECK(code("abort", {{DType::kBool, {1}}}, {std::string("negative")}) == ErrorCode::kShape);
}

TEST_CASE("results that are too large or of too high rank are errors") {
  CHECK(code("broadcast_to", {f32({})}, {Shape{kMax, kMax}}) == ErrorCode::kShape);
  CHECK(code("broadcast_to", {f32({})}, {Shape{kMax, 0, kMax}}) == ErrorCode::kShape);
  CHECK(code("broadcast_to", {f32({})}, {Shape{n, kMax / 64}}) == ErrorCode::kShape);
  CHECK(code("broadcast_to", {f32({})}, {Shape{n * Size(kMax / 2)}}) == ErrorCode::kShape);
  CHECK(result("broadcast_to", {f32({})}, {Shape{m, 4}}) == "f32[m,4]");
  CHECK(code("take", {f32({2, 2, 2, 2, 2}), {DType::kI64, {2, 2, 2, 2, 2}}}, {std::int64_t{0}}) == ErrorCode::kShape);
  CHECK(code("abs", {f32(Shape(9, 1))}) == ErrorCode::kShape);
  CHECK(error("concat", {f32({kMax}), f32({kMax})}, {std::int64_t{0}}).starts_with("concat: "));
}

TEST_CASE("infer is total: any operands and attributes give a valid type or an error") {
  std::mt19937 rng(3);
  int accepted = 0;
  for (int round = 0; round < 40000; ++round) {
    const OpRow& row = op_table()[rng() % op_table().size()];
    std::vector<TensorType> operands(row.variadic ? rng() % 4 : row.operand_names.size());
    const DType dtype = rng() % 4 == 0 ? static_cast<DType>(rng() % 15) : DType::kF32;
    for (TensorType& operand : operands) operand = {dtype, several<Size>(rng, nasty_size)};
    if (row.dtype_rule == DTypeRule::kIndexed && !operands.empty()) operands.back().dtype = DType::kI64;
    Attrs attrs;
    for (const AttrSpec& spec : row.attrs) attrs.push_back(nasty_attr(spec.kind, rng));
    std::vector<const TensorType*> pointers;
    for (const TensorType& operand : operands) pointers.push_back(&operand);
    Guards guards;
    CAPTURE(row.name);
    try {
      for (const TensorType& type : infer(row, pointers, attrs, kDims, &guards)) {
        ++accepted;
        REQUIRE(type.shape.size() <= kMaxRank);
        for (const Size& size : type.shape) REQUIRE((!size.is_constant() || size.constant() >= 0));
      }
    } catch (const Error& e) {
      REQUIRE(e.code() != ErrorCode::kInternal);
      REQUIRE(e.message().starts_with(row.name));
    }
    for (const Guard& guard : guards.all) {
      REQUIRE(guard == guard.normalized());
      REQUIRE_FALSE(guard.difference.is_constant());
    }
  }
  CHECK(accepted > 500);
}
