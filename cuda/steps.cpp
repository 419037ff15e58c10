#include "cuda/steps.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "cuda/anchored_steps.h"
#include "cuda/status.h"
#include "cuda/stream.h"

namespace ingot::cuda {
namespace {

OwnedGroupCode generate(const DeviceContext& context, const DeviceStepRequest& request, std::string* why) {
  if (!may_generate(why)) return nullptr;
  const DeviceProperties& device = context.properties;
  return make_group_code(request, device.major, device.minor, context.cache_folder.c_str(), why);
}

}  // namespace

bool may_generate(std::string* why) {
  const char* const given = std::getenv("INGOT_CUDA_NVRTC");
  if (given == nullptr || std::strcmp(given, "0") != 0) return true;
  *why = "INGOT_CUDA_NVRTC is 0";
  return false;
}

DeviceStatus interpret_group(const DeviceGroup& group, const std::string& no_code, DeviceStep& step) {
  const char* why = "";
  if (!make_group_program(group, &step.program, &why)) {
    return fail(kDeviceNoKernel, "group: no code of its own (%s), and the interpreter does not compute it: %s",
                no_code.c_str(), why);
  }
  step.kernel = find_device_kernel("pointwise", -1);
  step.has_program = true;
  step.description = count_ops(group) + ", interpreted: " + no_code;
  return kDeviceDone;
}

DeviceStatus compile_group(const DeviceContext& context, const DeviceStepRequest& request, DeviceStep& step) {
  std::string why;
  step.code = generate(context, request, &why);
  if (step.code == nullptr) return interpret_group(*request.group, why, step);
  step.description = describe_group(*step.code);
  return kDeviceDone;
}

DeviceStatus find_kernel(const DeviceStepRequest& request, const std::string& no_library, DeviceStep& step) {
  step.kernel = find_device_kernel(request.kernel, request.dtype);
  if (step.kernel == nullptr) {
    return fail(kDeviceNoKernel, "%s: no kernel of the device computes it in this dtype", request.kernel);
  }
  step.description = step.kernel->op;
  if (!no_library.empty()) step.description += ", own kernel: " + no_library;
  return kDeviceDone;
}

namespace {

// The group of attention reads the scores like any other input: what the anchor computes has their register.
DeviceStatus compile_attention(DeviceContext& context, const DeviceStepRequest& request, DeviceStep& step) {
  const DeviceStatus status = find_kernel(request, "", step);
  if (status != kDeviceDone) return status;
  const CountedGroup counted(request);
  const DeviceGroup group = counted.alone();
  step.group = std::make_unique<DeviceStep>();
  DeviceStepRequest part = request;
  part.kernel = "pointwise";
  part.group = &group;
  const DeviceStatus compiled = compile_group(context, part, *step.group);
  step.description += ": " + step.group->description;
  if (compiled != kDeviceDone) return compiled;
  part.kernel = request.kernel;
  std::string why;
  step.code = generate(context, part, &why);
  if (step.code != nullptr) step.description += ", where they fit on tiles of scores";
  return kDeviceDone;
}

DeviceStatus compile_own(DeviceContext& context, const DeviceStepRequest& request, const std::string& no_library,
                         DeviceStep& step) {
  if (request.group == nullptr) return find_kernel(request, no_library, step);
  if (std::strcmp(request.kernel, "attention") == 0) return compile_attention(context, request, step);
  if (request.group->anchored != 0) return compile_anchored(context, request, no_library, step);
  return compile_group(context, request, step);
}

DeviceStatus compile(DeviceContext& context, const DeviceStepRequest& request, DeviceStep& step) {
  std::string no_library;
  if (!takes_step(context, request, &no_library)) return compile_own(context, request, no_library, step);
  auto own = std::make_unique<DeviceStep>();
  if (const DeviceStatus status = compile_own(context, request, "", *own); status != kDeviceDone) return status;
  step.blas = make_blas_step(context, request, std::move(own));
  return kDeviceDone;
}

}  // namespace

std::int32_t has_fast(DeviceContext* context, const char* op, const char* row_op, std::int32_t dtype,
                      std::uint32_t freedoms) {
  const DeviceScope scope(*context);
  return scope.error() == cudaSuccess && has_blas(*context, op, row_op, dtype, freedoms) ? 1 : 0;
}

DeviceStatus compile_step(DeviceContext* context, const DeviceStepRequest* request, DeviceStep** step) {
  INGOT_CUDA_DEVICE(*context);
  auto made = std::make_unique<DeviceStep>();
  made->context = context;
  const DeviceStatus status = compile(*context, *request, *made);
  if (status == kDeviceDone) *step = made.release();
  return status;
}

void release_step(DeviceStep* step) {
  if (step == nullptr) return;
  const DeviceScope scope(*step->context);
  delete step;
}

std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call) {
  if (step->anchored != nullptr) return anchored_workspace_bytes(*step->anchored, *call);
  if (step->blas != nullptr) return blas_workspace_bytes(*step->blas, *call);
  if (step->kernel == nullptr) return group_workspace_bytes(*step->code, *call);
  return step->kernel->workspace_bytes == nullptr ? 0 : step->kernel->workspace_bytes(*call);
}

const char* describe_step(const DeviceStep* step) {
  return step->blas != nullptr ? describe_blas(*step->blas) : step->description.c_str();
}

DeviceStatus launch_step(DeviceStream* stream, const DeviceLaunch* launch) {
  INGOT_CUDA_DEVICE(*stream->context);
  const Enqueue enqueue = {
      .call = *launch->call,
      .guard = {launch->fault, launch->order, launch->step_index, launch->guarded},
      .workspace = launch->workspace,
      .num_processors = stream->context->properties.num_processors,
      .stream = stream->stream,
  };
  if (launch->step->blas != nullptr) return enqueue_blas(*launch->step->blas, enqueue);
  return status_of(enqueue_step(*launch->step, enqueue), launch->step->description.c_str());
}

cudaError_t enqueue_step(const DeviceStep& step, const Enqueue& enqueue) {
  if (step.anchored != nullptr) return enqueue_anchored(*step.anchored, enqueue);
  if (step.kernel == nullptr) return enqueue_group(*step.code, enqueue);
  Enqueue mine = enqueue;
  mine.program = step.has_program ? &step.program : nullptr;
  mine.attention = step.group != nullptr ? &step : nullptr;
  return step.kernel->enqueue(mine);
}

}  // namespace ingot::cuda
