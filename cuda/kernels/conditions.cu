#include "cuda/branches.h"
#include "cuda/launch.h"

namespace ingot::cuda {

#if CUDART_VERSION >= 12040

namespace {

// Grid: one thread. What was computed from a fault decides nothing, and who asks to stop is answered by a fault: so
// that no loop goes on, and nothing behind writes a state.
__global__ void set_conditions(DeviceTest test, Condition condition, Condition otherwise) {
  const bool holds = *test.condition != 0;
  bool goes_on = test.fault->set == 0;
  if (goes_on && test.stop != nullptr && *static_cast<const volatile std::int32_t*>(test.stop) != 0) {
    test.fault->order = test.order;
    test.fault->step = kDeviceStopped;
    test.fault->set = 1;
    goes_on = false;
  }
  cudaGraphSetConditional(condition, goes_on && holds ? 1 : 0);
  if (otherwise != 0) cudaGraphSetConditional(otherwise, goes_on && !holds ? 1 : 0);
}

}  // namespace

cudaError_t enqueue_test(const DeviceTest& test, Condition condition, Condition otherwise, cudaStream_t stream) {
  return launch(set_conditions, dim3(1), dim3(1), 0, stream, test, condition, otherwise);
}

#endif

}  // namespace ingot::cuda
