// Philox 4x32 with 10 rounds: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
#pragma once

#include "kernels/lane.h"

namespace ingot::INGOT_LEVEL {

struct PhiloxBlock {
  std::uint32_t words[4];
};

// The 64 bits of the counter are words 0 and 1, the others 0; the key's are both key words.
INGOT_DEVICE inline PhiloxBlock philox(std::uint64_t counter, std::uint64_t key) {
  PhiloxBlock b{{static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32), 0, 0}};
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

}  // namespace ingot::INGOT_LEVEL
