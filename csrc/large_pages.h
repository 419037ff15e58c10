// Memory for what programs hold as long as they live and read in every run: many params beside each other in large
// pages, which the system clears and finds faster. Part of program.
// Thread rule: allocate from one thread at a time, free from any.
#pragma once

#include <cstddef>
#include <memory>

namespace ingot {

inline constexpr std::size_t kLargePage = std::size_t{2} << 20;

class LargePages {
 public:
  // Not initialised, aligned to a cache line. Null where the system has not that much. Lives as long as it is held.
  std::shared_ptr<std::byte> allocate(std::size_t size_bytes);

 private:
  struct Block;
  std::shared_ptr<Block> block_with(std::size_t size_bytes);

  std::weak_ptr<Block> last_;  // where there may be room
};

}  // namespace ingot
