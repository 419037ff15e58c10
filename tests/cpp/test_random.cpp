// Philox against the known answers of its authors, and the independence of tiles.
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

std::vector<std::int32_t> bits_of(std::int64_t key, std::int64_t counter, std::int64_t n, Rng& rng) {
  Tensor<std::int64_t> state = contiguous<std::int64_t>({2});
  state.storage = {key, counter};
  AttrBuffer attrs{{n}};
  std::vector<std::int32_t> found;
  run_everywhere<std::int32_t>("random_bits", DType::kI64, {state.arg()}, {n}, attrs, rng,
                               [&](const std::string& level, const Tensor<std::int32_t>& out) {
                                 if (!found.empty()) REQUIRE_MESSAGE(found == out.storage, level);
                                 found = out.storage;
                               });
  return found;
}

}  // namespace

TEST_CASE("philox gives its authors' known answer") {  // kat_vectors of Random123: counter 0, key 0
  Rng rng(1);
  const std::vector<std::int32_t> expected = {0x6627e8d5, static_cast<std::int32_t>(0xe169c58d),
                                              static_cast<std::int32_t>(0xbc57ac4c),
                                              static_cast<std::int32_t>(0x9b00dbd8)};
  CHECK(bits_of(0, 0, 4, rng) == expected);
}

TEST_CASE("an element depends on the state and its place alone") {
  Rng rng(2);
  const std::vector<std::int32_t> whole = bits_of(-5, -2, 10000, rng);
  for (const std::int64_t n : {1, 2, 3, 4097, 9999}) {
    const std::vector<std::int32_t> part = bits_of(-5, -2, n, rng);
    CHECK(std::equal(part.begin(), part.end(), whole.begin()));
  }
  const std::vector<std::int32_t> later = bits_of(-5, 1, 100, rng);  // the counter wraps through 0 on its way
  CHECK(std::equal(later.begin(), later.end(), whole.begin() + 12));
}

}  // namespace ingot::kernel_test
