// What the plan of a program with symbolic sizes relies on: what a launch needs beside its operands grows with them.
#include "cuda/kernel.h"
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

TensorArg arg_of(const Sizes& shape, bool shared_columns = false) {
  TensorArg x{};
  x.rank = static_cast<std::int32_t>(shape.size());
  x.dtype = static_cast<std::int32_t>(DType::kF32);
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    x.shape[i] = shape[i];
    x.strides[i] = shared_columns && i + 1 == shape.size() ? 0 : stride;
    stride *= shape[i];
  }
  return x;
}

std::int64_t bytes_of(const char* op, const std::vector<TensorArg>& inputs, const TensorArg& output,
                      const AttrBuffer& attrs, DType dtype = DType::kF32) {
  const cuda::DeviceKernel* const kernel = cuda::find_device_kernel(op, static_cast<std::int32_t>(dtype));
  REQUIRE(kernel != nullptr);
  const KernelCall call{
      &output, inputs.data(), 1, static_cast<std::int32_t>(inputs.size()), attrs.values.data(), attrs.begin.data(),
      nullptr, nullptr};
  return kernel->workspace_bytes == nullptr ? 0 : kernel->workspace_bytes(call);
}

// The most that the ops need at these sizes.
std::vector<std::int64_t> needs(const Sizes& s) {
  return {bytes_of("matmul", {arg_of({s[0], s[1], s[2]}), arg_of({s[2], s[3]})}, arg_of({s[0], s[1], s[3]}), {}),
          bytes_of("conv2d", {arg_of({s[0], s[2], s[1], 9}), arg_of({s[3], s[2], 3, 3})}, arg_of({s[0], s[3], s[1], 9}),
                   {{1, 1}, {1, 1, 1, 1}, {1, 1}, {1}}),
          bytes_of("attention", {arg_of({s[0], s[1], s[2]}), arg_of({s[2], s[3]}), arg_of({s[0], s[3], s[1]})},
                   arg_of({s[0], s[1], s[1]}), {}),
          bytes_of("argsort", {arg_of({s[0], s[1]})}, arg_of({s[0], s[1]}), {{1}, {0}}),
          bytes_of("cumulative_sum", {arg_of({s[0], 8 * s[1]})}, arg_of({s[0], 8 * s[1]}), {{1}, {0}}, DType::kI32),
          bytes_of("scatter", {arg_of({s[0], s[3]}), arg_of({s[1], s[3]}), arg_of({s[1], s[3]})}, arg_of({s[0], s[3]}),
                   {{0}}),
          bytes_of("scatter", {arg_of({s[0], s[3]}), arg_of({s[1], s[3]}), arg_of({s[1], s[3]}, true)},
                   arg_of({s[0], s[3]}), {{0}})};
}

}  // namespace

TEST_CASE("workspaces grow with the sizes") {
  Rng rng(1);
  for (int i = 0; i < 3000; ++i) {
    Sizes sizes;
    for (int n = 0; n < 4; ++n) sizes.push_back(pick(rng, 0, std::int64_t{1} << pick(rng, 0, 12)));
    const std::vector<std::int64_t> small = needs(sizes);
    for (std::int64_t& size : sizes)
      size += pick(rng, 0, 1) == 0 ? 0 : pick(rng, 0, std::int64_t{1} << pick(rng, 0, 12));
    const std::vector<std::int64_t> large = needs(sizes);
    for (std::size_t op = 0; op < small.size(); ++op) CHECK(small[op] <= large[op]);
  }
}

}  // namespace ingot::kernel_test
