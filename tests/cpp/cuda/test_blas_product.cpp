// Which calls of matmul cuBLASLt is given, and as what matrices.
#include <doctest/doctest.h>

#include <vector>

#include "cuda/blas_product.h"

namespace ingot::cuda {
namespace {

using Sizes = std::vector<std::int64_t>;

TensorArg tensor(const Sizes& shape, const Sizes& strides) {
  TensorArg x{};
  x.rank = static_cast<std::int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), x.shape);
  std::copy(strides.begin(), strides.end(), x.strides);
  return x;
}

struct Call {
  TensorArg inputs[2], output;
  BlasProduct product = {};
  bool taken;

  Call(const TensorArg& a, const TensorArg& b, const TensorArg& c, bool has_bias = false) : inputs{a, b}, output(c) {
    KernelCall call = {};
    call.inputs = inputs;
    call.outputs = &output;
    taken = make_blas_product(call, has_bias, &product);
  }
};

TEST_CASE("a result that lies row by row is the product of the transposed operands") {
  const Call call(tensor({3, 5}, {5, 1}), tensor({5, 7}, {7, 1}), tensor({3, 7}, {7, 1}));
  REQUIRE(call.taken);
  const BlasShape& s = call.product.shape;
  CHECK(call.product.a == &call.inputs[1]);
  CHECK(Sizes{s.m, s.n, s.k} == Sizes{7, 3, 5});
  CHECK(Sizes{s.leading_a, s.leading_b, s.leading_d} == Sizes{7, 5, 7});
  CHECK(s.transposed_a == 0);
  CHECK(s.transposed_b == 0);
  CHECK(s.num_batches == 1);
  CHECK(call.product.loops.rank == 0);
}

TEST_CASE("operands that lie the other way are transposed, a result that does is not") {
  const Call turned(tensor({3, 5}, {1, 3}), tensor({5, 7}, {1, 9}), tensor({3, 7}, {7, 1}));
  REQUIRE(turned.taken);
  CHECK(turned.product.shape.transposed_a == 1);
  CHECK(turned.product.shape.transposed_b == 1);
  CHECK(turned.product.shape.leading_a == 9);
  CHECK(turned.product.shape.leading_b == 3);
  const Call columns(tensor({3, 5}, {1, 3}), tensor({5, 7}, {1, 9}), tensor({3, 7}, {1, 3}));
  REQUIRE(columns.taken);
  CHECK(columns.product.a == &columns.inputs[0]);
  CHECK(Sizes{columns.product.shape.m, columns.product.shape.n} == Sizes{3, 7});
  CHECK(columns.product.shape.leading_d == 3);
}

TEST_CASE("a weight that all sequences share makes one product of many rows") {
  const Call call(tensor({4, 3, 5}, {15, 5, 1}), tensor({5, 7}, {7, 1}), tensor({4, 3, 7}, {21, 7, 1}));
  REQUIRE(call.taken);
  CHECK(call.product.shape.n == 12);
  CHECK(call.product.shape.num_batches == 1);
  // Rows with gaps between sequences are a batch, for which the weight is always the same.
  const Call gaps(tensor({4, 3, 5}, {20, 5, 1}), tensor({5, 7}, {7, 1}), tensor({4, 3, 7}, {21, 7, 1}));
  REQUIRE(gaps.taken);
  CHECK(gaps.product.shape.n == 3);
  CHECK(gaps.product.shape.num_batches == 4);
  CHECK(Sizes{gaps.product.shape.batch_a, gaps.product.shape.batch_b, gaps.product.shape.batch_d} == Sizes{0, 20, 21});
}

TEST_CASE("of several axes of batches the longest is the batch, the others are loops") {
  // [batch, head, position, channel] of what lies as [batch, position, head, channel]
  const Call call(tensor({2, 6, 3, 5}, {90, 5, 30, 1}), tensor({2, 6, 5, 3}, {90, 5, 1, 30}),
                  tensor({2, 6, 3, 3}, {54, 9, 3, 1}));
  REQUIRE(call.taken);
  CHECK(call.product.shape.num_batches == 6);
  CHECK(call.product.shape.batch_a == 5);
  CHECK(call.product.shape.leading_a == 30);
  REQUIRE(call.product.loops.rank == 1);
  const Axis& loop = call.product.loops.axes[0];
  CHECK(Sizes{loop.size, loop.a, loop.b, loop.out} == Sizes{2, 90, 90, 54});
}

TEST_CASE("batches from the back to the front are loops") {
  const Call call(tensor({4, 3, 5}, {-15, 5, 1}), tensor({4, 5, 7}, {35, 7, 1}), tensor({4, 3, 7}, {21, 7, 1}));
  REQUIRE(call.taken);
  CHECK(call.product.shape.num_batches == 1);
  REQUIRE(call.product.loops.rank == 1);
  CHECK(call.product.loops.axes[0].b == -15);
}

TEST_CASE("a bias is along the rows of d, which are the columns of the result, also of a single row") {
  const TensorArg w = tensor({5, 7}, {7, 1});
  const Call without(tensor({1, 5}, {5, 1}), w, tensor({1, 7}, {7, 1}));
  REQUIRE(without.taken);
  CHECK(Sizes{without.product.shape.m, without.product.shape.n} == Sizes{1, 7});
  CHECK(without.product.shape.has_bias == 0);
  const Call row(tensor({1, 5}, {5, 1}), w, tensor({1, 7}, {7, 1}), true);
  REQUIRE(row.taken);
  CHECK(Sizes{row.product.shape.m, row.product.shape.n} == Sizes{7, 1});
  CHECK(row.product.shape.has_bias == 1);
  // A column, of one element each, whose bias is one number.
  const Call column(tensor({3, 5}, {5, 1}), tensor({4, 5, 1}, {5, 1, 1}), tensor({4, 3, 1}, {3, 1, 1}), true);
  REQUIRE(column.taken);
  CHECK(column.product.shape.m == 1);
  CHECK_FALSE(Call(tensor({3, 5}, {5, 1}), w, tensor({3, 7}, {1, 3}), true).taken);
}

TEST_CASE("a bias is not along what several axes are together") {
  const TensorArg a = tensor({1, 1}, {1, 1}), b = tensor({4, 1, 7}, {7, 7, 1}), c = tensor({4, 1, 7}, {7, 7, 1});
  const Call without(a, b, c);
  REQUIRE(without.taken);
  CHECK(without.product.shape.m * without.product.shape.n == 28);
  const Call with(a, b, c, true);
  CHECK((!with.taken || with.product.shape.m == 7));
}

TEST_CASE("what is no matrix is refused: gaps both ways, backwards, on each other") {
  const TensorArg b = tensor({5, 7}, {7, 1}), c = tensor({3, 7}, {7, 1});
  for (const Sizes& strides : {Sizes{10, 2}, Sizes{-5, 1}, Sizes{5, -1}, Sizes{0, 1}, Sizes{4, 1}, Sizes{1, 2}}) {
    CHECK_FALSE(Call(tensor({3, 5}, strides), b, c).taken);
  }
  CHECK(Call(tensor({1, 5}, {0, 1}), b, tensor({1, 7}, {7, 1})).taken);
  CHECK(Call(tensor({3, 1}, {1, 0}), tensor({1, 7}, {9, 1}), c).taken);
}

TEST_CASE("an operand is known not to be a matrix before its symbolic sizes are") {
  CHECK(may_be_matrix(tensor({3, 5}, {5, 1})));
  CHECK(may_be_matrix(tensor({3, 5}, {1, 3})));
  CHECK(may_be_matrix(tensor({0, 0}, {0, 1})));
  CHECK(may_be_matrix(tensor({3, 1}, {2, 2})));
  CHECK_FALSE(may_be_matrix(tensor({3, 5}, {10, 2})));
  CHECK_FALSE(may_be_matrix(tensor({3, 5}, {-5, 1})));
  CHECK_FALSE(may_be_matrix(tensor({3, 5}, {5, -1})));
}

}  // namespace
}  // namespace ingot::cuda
