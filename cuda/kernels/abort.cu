// Ends a run where a condition on the device says so: the fault is all that it writes.
#include "cuda/kernels/device.h"

namespace ingot::cuda {
namespace {

// Grid: one thread.
__global__ void report_if_true(TensorArg condition, Guard guard) {
  if (*reinterpret_cast<const std::uint8_t*>(condition.data) != 0) report(guard, 0, 0, 0);
}

cudaError_t enqueue_abort(const Enqueue& enqueue) {
  return launch(report_if_true, dim3(1), dim3(1), 0, enqueue.stream, enqueue.call.inputs[0], enqueue.guard);
}

const DeviceKernel kKernels[] = {{"abort", -1, enqueue_abort, nullptr}};

}  // namespace

extern const DeviceKernelFamily kAbortKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
