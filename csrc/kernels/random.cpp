// random_bits: Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3,
// 2011). Element i is word i mod 4 of the block of counter + i / 4, so that every element is a function of the state
// and its place alone.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kTile = 4096;  // elements, a multiple of 4

struct Block {
  std::uint32_t words[4];
};

// The 64 bits of the counter are words 0 and 1, the others 0; the key's are both key words.
Block philox(std::uint64_t counter, std::uint64_t key) {
  Block b{{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0}};
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p = std::uint64_t{0xD2511F53} * b.words[0], q = std::uint64_t{0xCD9E8D57} * b.words[2];
    b = {{static_cast<std::uint32_t>(q >> 32) ^ b.words[1] ^ k0, static_cast<std::uint32_t>(q),
          static_cast<std::uint32_t>(p >> 32) ^ b.words[3] ^ k1, static_cast<std::uint32_t>(p)}};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return b;
}

std::int64_t tiles(const KernelCall* call) {
  return ceil_div(num_elements(call->outputs[0]), kTile);
}

std::int64_t cost(const KernelCall* call) {
  return num_elements(call->outputs[0]) * 4;
}

void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const TensorArg& state = call->inputs[0];
  const std::int64_t* const numbers = reinterpret_cast<const std::int64_t*>(state.data);
  const auto key = static_cast<std::uint64_t>(numbers[0]);
  const auto counter = static_cast<std::uint64_t>(numbers[state.strides[0]]);
  std::uint32_t* const out = reinterpret_cast<std::uint32_t*>(call->outputs[0].data);
  const std::int64_t last = smaller(end * kTile, num_elements(call->outputs[0]));
  for (std::int64_t i = begin * kTile; i < last; i += 4) {
    const Block block = philox(counter + static_cast<std::uint64_t>(i / 4), key);
    __builtin_memcpy(out + i, block.words, static_cast<std::size_t>(smaller(last - i, 4)) * sizeof(std::uint32_t));
  }
}

}  // namespace

extern constinit const Kernel random_kernels[] = {{"random_bits", kI64Type, tiles, nullptr, cost, run}};
extern constinit const std::int32_t num_random_kernels = 1;

}  // namespace ingot::INGOT_LEVEL
