// Which part of the scores each round of attention computes. What attention computes: tests/test_cuda_attention.py.
#include "cuda/kernels/rounds.h"
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

constexpr std::int64_t kFloat = sizeof(float);

// Bytes of the round; counts every row of it in `times`.
std::int64_t visit(const cuda::Round& round, const Sizes& shape, std::vector<int>& times) {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
    CHECK(round.size[i] >= 1);
    CHECK(round.first[i] + round.size[i] <= shape[i]);
    rows *= round.size[i];
  }
  for (std::int64_t n = 0; n < rows; ++n) {
    std::int64_t left = n, flat = 0, below = 1;
    for (std::size_t i = shape.size() - 1; i-- > 0;) {
      flat += (round.first[i] + left % round.size[i]) * below;
      left /= round.size[i];
      below *= shape[i];
    }
    ++times[static_cast<std::size_t>(flat)];
  }
  return rows * round.size[shape.size() - 1] * kFloat;
}

}  // namespace

TEST_CASE("rounds cover every row once, and no more at a time than they may") {
  Rng rng(1);
  for (int n = 0; n < 400; ++n) {
    Sizes shape;
    for (std::int64_t rank = pick(rng, 2, 5); rank > 0; --rank) shape.push_back(pick(rng, 1, 9));
    shape[shape.size() - 2] = pick(rng, 1, 300);
    const Tensor<float> scores = contiguous<float>(shape);
    TensorArg arg = Tensor<float>(scores).arg();
    const std::int64_t most = pick(rng, 1, 4000) * kFloat, row = shape.back() * kFloat;
    std::vector<int> times(static_cast<std::size_t>(product(shape) / shape.back()));
    cuda::Rounds rounds(arg, most);
    for (cuda::Round round; rounds.next(&round);) CHECK(visit(round, shape, times) <= std::max(most, row));
    CHECK(std::all_of(times.begin(), times.end(), [](int count) { return count == 1; }));
  }
}

TEST_CASE("there is no round of no rows") {
  TensorArg scores = contiguous<float>({3, 0, 5}).arg();
  cuda::Rounds rounds(scores, 1000);
  cuda::Round round;
  CHECK(!rounds.next(&round));
}

TEST_CASE("a round sees its part of an operand") {
  Tensor<float> x = contiguous<float>({4, 1, 6, 5});
  TensorArg scores = contiguous<float>({2, 4, 3, 6, 7}).arg();
  cuda::Rounds rounds(scores, 2 * 7 * kFloat);
  cuda::Round round;
  int turn = 0;
  for (; rounds.next(&round); ++turn) {  // two rows of one matrix at a time
    const TensorArg part = cuda::part_of(x.arg(), round, 5, 4);
    const std::int64_t batch = turn / 9 % 4, row = turn % 3 * 2;
    CHECK((part.data - x.arg().data) / kFloat == batch * 30 + row * 5);
    CHECK(Sizes(part.shape, part.shape + 4) == Sizes{1, 1, 2, 5});
    CHECK(Sizes(part.strides, part.strides + 4) == x.strides);
  }
  CHECK(turn == 2 * 4 * 3 * 3);
}

}  // namespace ingot::kernel_test
