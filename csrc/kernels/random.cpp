// random_bits: element i is word i mod 4 of the block of counter + i / 4 (philox.h), so that every element is a
// function of the state and its place alone.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/philox.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kTile = 4096;  // elements, a multiple of 4

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
    const PhiloxBlock block = philox(counter + static_cast<std::uint64_t>(i / 4), key);
    __builtin_memcpy(out + i, block.words, static_cast<std::size_t>(smaller(last - i, 4)) * sizeof(std::uint32_t));
  }
}

}  // namespace

extern constinit const Kernel random_kernels[] = {{"random_bits", kI64Type, tiles, nullptr, cost, run}};
extern constinit const std::int32_t num_random_kernels = 1;

}  // namespace ingot::INGOT_LEVEL
