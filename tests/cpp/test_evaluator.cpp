// Nodes run by themselves, as folding does: each on its own operands, however many equal ones came before.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "evaluator.h"
#include "execute/levels.h"

using namespace ingot;

namespace {

std::vector<float> run(const KernelEvaluator& evaluator, const char* name, std::vector<float> a, std::vector<float> b) {
  const auto size = static_cast<std::int64_t>(a.size());
  std::vector<TensorType> types = {{DType::kF32, {Size(size)}}};
  std::vector<std::span<const std::byte>> operands = {std::as_bytes(std::span(a))};
  if (!b.empty()) {
    types.push_back(types[0]);
    operands.push_back(std::as_bytes(std::span(b)));
  }
  const OpRow* const op = find_op(name);
  REQUIRE(op != nullptr);
  const std::vector<std::byte> bytes = evaluator.evaluate(*op, types, operands, {}, types[0]);
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

TEST_CASE("equal nodes are run on their own operands, other nodes are other programs") {
  const KernelEvaluator evaluator(choose_level());
  for (float x = 1; x < 5; ++x) {
    CHECK(run(evaluator, "add", {x, 2}, {10, 20}) == std::vector<float>{x + 10, 22});
    CHECK(run(evaluator, "multiply", {x, 2}, {10, 20}) == std::vector<float>{x * 10, 40});
    CHECK(run(evaluator, "add", {x, 2, 3}, {1, 1, 1}) == std::vector<float>{x + 1, 3, 4});
    CHECK(run(evaluator, "sqrt", {x * x, 4}, {}) == std::vector<float>{x, 2});
  }
}

TEST_CASE("more different nodes than are kept are all run") {
  const KernelEvaluator evaluator(choose_level());
  for (int round = 0; round < 2; ++round) {
    for (std::size_t size = 1; size < 100; ++size) {
      const std::vector<float> ones(size, 1);
      CHECK(run(evaluator, "add", ones, ones) == std::vector<float>(size, 2));
    }
  }
}
