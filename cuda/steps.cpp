#include "cuda/steps.h"

#include <memory>

#include "cuda/status.h"
#include "cuda/stream.h"

namespace ingot::cuda {

DeviceStatus compile_step(DeviceContext*, const DeviceStepRequest* request, DeviceStep** step) {
  const DeviceKernel* const kernel = find_device_kernel(request->kernel, request->dtype);
  if (kernel == nullptr) {
    return fail(kDeviceNoKernel, "%s: no kernel of the device computes it in this dtype", request->kernel);
  }
  *step = new DeviceStep{kernel, kernel->op};
  return kDeviceDone;
}

void release_step(DeviceStep* step) {
  delete step;
}

std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call) {
  return step->kernel->workspace_bytes == nullptr ? 0 : step->kernel->workspace_bytes(*call);
}

const char* describe_step(const DeviceStep* step) {
  return step->description.c_str();
}

DeviceStatus launch_step(DeviceStream* stream, const DeviceLaunch* launch) {
  INGOT_CUDA_DEVICE(*stream->context);
  const DeviceStep& step = *launch->step;
  const Enqueue enqueue = {
      .call = *launch->call,
      .guard = {launch->fault, launch->order, launch->step_index, launch->guarded},
      .workspace = launch->workspace,
      .num_processors = stream->context->properties.num_processors,
      .stream = stream->stream,
  };
  INGOT_CUDA_CHECK(step.kernel->enqueue(enqueue), step.description.c_str());
  return kDeviceDone;
}

}  // namespace ingot::cuda
