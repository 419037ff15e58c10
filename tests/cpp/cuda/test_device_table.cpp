// The device computes what the CPU computes: each op in each dtype.
#include <set>
#include <string>

#include "cuda/kernel.h"
#include "execute/levels.h"
#include "kernel_test.h"

namespace ingot::kernel_test {
namespace {

TEST_CASE("the device has a kernel for every op and dtype that the CPU has one for") {
  const std::set<std::string> of_the_cpu = {"panels"};  // only its plans lay operands out so
  const KernelTable& table = *available_levels().back();
  int checked = 0;
  for (int family = 0; family < table.num_families; ++family) {
    for (int i = 0; i < *table.families[family].num_kernels; ++i) {
      const Kernel& kernel = table.families[family].kernels[i];
      if (of_the_cpu.contains(kernel.op)) continue;
      CHECK_MESSAGE(cuda::find_device_kernel(kernel.op, kernel.dtype) != nullptr, kernel.op, " of dtype ",
                    kernel.dtype);
      ++checked;
    }
  }
  CHECK(checked > 50);
}

}  // namespace
}  // namespace ingot::kernel_test
