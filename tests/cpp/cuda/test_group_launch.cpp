// Arguments and grids of generated kernels: every element is covered once, by whatever launches it takes.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "cuda/group_launch.h"
#include "random_group.h"

namespace ingot::cuda {
namespace {

using namespace group_test;

std::uint32_t divide(std::uint32_t n, const GroupAxis& by) {
  return (static_cast<std::uint32_t>(static_cast<std::uint64_t>(n) * by.multiplier >> 32) + n) >> by.shift;
}

TensorArg tensor(const Sizes& shape, const Sizes& strides, char* data = nullptr) {
  TensorArg x = {};
  x.data = data;
  x.rank = static_cast<std::int32_t>(shape.size());
  x.dtype = static_cast<std::int32_t>(DType::kF32);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    x.shape[i] = shape[i];
    x.strides[i] = strides[i];
  }
  return x;
}

GroupSource pointwise_facts(std::size_t operands) {
  return {.text = {},
          .at_once = 4,
          .has_rows = false,
          .element_bytes = std::vector<int>(operands, 4),
          .output_per_row = {0}};
}

struct Call {
  std::vector<TensorArg> inputs, outputs;
  KernelCall call = {};

  Call(std::vector<TensorArg> in, std::vector<TensorArg> out) : inputs(std::move(in)), outputs(std::move(out)) {
    call.inputs = inputs.data();
    call.outputs = outputs.data();
    call.num_inputs = static_cast<std::int32_t>(inputs.size());
    call.num_outputs = static_cast<std::int32_t>(outputs.size());
  }
};

// Byte offsets of the last operand's elements over all launches.
std::multiset<std::int64_t> covered(GroupLaunches& launches, int operand) {
  std::multiset<std::int64_t> offsets;
  GroupLaunch launch;
  while (launches.next(&launch)) {
    const GroupSpace& space = launch.arguments.space;
    const GroupOperand& x = launch.arguments.operands[operand];
    for (std::uint64_t i = 0; i < std::uint64_t{space.rows} * space.columns; ++i) {
      auto row = static_cast<std::uint32_t>(i / space.columns), column = static_cast<std::uint32_t>(i % space.columns);
      std::int64_t at = reinterpret_cast<std::int64_t>(x.data);
      for (int axis = space.rank - 1; axis >= 0; --axis) {
        std::uint32_t& flat = axis < space.lead_rank ? row : column;
        const std::uint32_t above = divide(flat, space.axes[axis]);
        at += (flat - above * space.axes[axis].size) * x.steps[axis];
        flat = above;
      }
      offsets.insert(at);
    }
  }
  return offsets;
}

TEST_CASE("division by multiplication is exact for every size and number below 2^31") {
  Rng rng(1);
  for (int i = 0; i < 20000; ++i) {
    const std::int64_t size =
        pick(rng, 0, 2) == 0 ? pick(rng, 1, 70) : pick(rng, 2, std::int64_t{1} << pick(rng, 1, 30));
    const Call call({tensor({2, size}, {0, 1})}, {tensor({2, size}, {size, 1})});
    const GroupSource facts = pointwise_facts(2);
    GroupLaunches launches(facts, call.call, 4, std::int64_t{1} << 32);
    GroupLaunch launch;
    REQUIRE(launches.next(&launch));
    const GroupAxis& axis = launch.arguments.space.axes[launch.arguments.space.rank - 1];
    if (size == 1) continue;
    REQUIRE(axis.size == size);
    for (const std::int64_t n : {size - 1, size, 2 * size - 1, pick(rng, 0, 0x7fffffff), std::int64_t{0x7fffffff}}) {
      CHECK(divide(static_cast<std::uint32_t>(n), axis) == n / size);
    }
  }
}

TEST_CASE("launches cover every element once, however few they may cover at once") {
  for (const std::int64_t most : {1, 7, 64, 100, 1 << 20}) {
    const Call all({tensor({6, 5, 7}, {0, 7, 1})}, {tensor({6, 5, 7}, {35, 1, 5})});
    const GroupSource facts = pointwise_facts(2);
    GroupLaunches launches(facts, all.call, 4, most);
    const std::multiset<std::int64_t> offsets = covered(launches, 1);
    CHECK(offsets.size() == 210);
    CHECK(std::set<std::int64_t>(offsets.begin(), offsets.end()).size() == 210);
    const Call rows({tensor({6, 5, 7}, {70, 14, 2})}, {tensor({6, 5, 1}, {5, 1, 1})});
    GroupSource row_facts = pointwise_facts(2);
    row_facts.has_rows = true;
    row_facts.row_axes = 1;
    row_facts.output_per_row = {1};
    GroupLaunches row_launches(row_facts, rows.call, 4, most);
    const std::multiset<std::int64_t> row_offsets = covered(row_launches, 0);
    CHECK(std::set<std::int64_t>(row_offsets.begin(), row_offsets.end()).size() == 210);
  }
}

TEST_CASE("neighboring axes that all operands walk alike are one, and are walked by vectors") {
  const GroupSource facts = pointwise_facts(2);
  alignas(16) static char memory[1 << 16];
  const auto by_vectors = [&](const Sizes& shape, const Sizes& in, const Sizes& out, int shift, int* rank) {
    const Call call({tensor(shape, in, memory + shift)}, {tensor(shape, out, memory)});
    GroupLaunches launches(facts, call.call, 4);
    GroupLaunch launch;
    REQUIRE(launches.next(&launch));
    *rank = launch.arguments.space.rank;
    return launch.arguments.space.by_vectors != 0;
  };
  int rank = 0;
  CHECK(by_vectors({4, 8, 16}, {128, 16, 1}, {128, 16, 1}, 0, &rank));
  CHECK(rank == 1);
  CHECK(by_vectors({3, 7}, {7, 1}, {7, 1}, 0, &rank));  // one axis: its end is done by elements
  CHECK(by_vectors({4, 8, 16}, {0, 0, 1}, {128, 16, 1}, 0, &rank));
  CHECK(rank == 2);
  CHECK(by_vectors({8, 16}, {1, 8}, {1, 8}, 0, &rank));  // both transposed
  CHECK(rank == 1);
  CHECK_FALSE(by_vectors({8, 16}, {1, 8}, {16, 1}, 0, &rank));
  CHECK_FALSE(by_vectors({4, 16}, {16, 1}, {16, 1}, 4, &rank));  // begins between two vectors
  CHECK_FALSE(by_vectors({4, 7}, {0, 1}, {7, 1}, 0, &rank));
  CHECK_FALSE(by_vectors({4, 16}, {17, 1}, {16, 1}, 0, &rank));
}

TEST_CASE("nothing is launched for nothing; a row that is too long does not fit") {
  const GroupSource facts = pointwise_facts(2);
  const Call none({tensor({0, 3}, {3, 1})}, {tensor({0, 3}, {3, 1})});
  GroupLaunches launches(facts, none.call, 4);
  GroupLaunch launch;
  CHECK_FALSE(launches.next(&launch));
  CHECK(launches.fits());
  GroupSource rows = facts;
  rows.has_rows = true;
  rows.row_axes = 1;
  const Call long_row({tensor({2, 65537}, {65537, 1})}, {tensor({2, 65537}, {65537, 1})});
  CHECK_FALSE(GroupLaunches(rows, long_row.call, 4).fits());
}

}  // namespace
}  // namespace ingot::cuda
