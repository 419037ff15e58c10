#include "cuda/anchored_steps.h"

#include "cuda/codegen_registers.h"
#include "cuda/status.h"

namespace ingot::cuda {
namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 31;  // are counted in 32 bits where a kernel has a group

std::int64_t num_elements(const TensorArg& x) {
  std::int64_t n = 1;
  for (std::int32_t i = 0; i < x.rank; ++i) n *= x.shape[i];
  return n;
}

// In one launch. The same for all smaller calls.
bool runs_together(const AnchoredStep& step, const KernelCall& call) {
  return step.has_all_codes && num_elements(call.outputs[0]) < kMostElements;
}

// Code for every kernel that the anchor may take.
void make_codes(const DeviceContext& context, const KernelCall& call, const DeviceGroup& group, AnchoredStep& step,
                std::string* why) {
  if (!may_generate(why)) return;
  const DeviceProperties& device = context.properties;
  const AnchorKernels wanted = step.anchor->anchor_kernels(call, device.num_processors);
  step.has_all_codes = true;
  for (int i = 0; i < kNumAnchorKernels && step.has_all_codes; ++i) {
    const auto kernel = static_cast<AnchorKernel>(i);
    if (!wanted.has(kernel)) continue;
    step.codes.of[i] = make_anchored_code(group, kernel, device.major, device.minor, context.cache_folder.c_str(), why);
    step.has_all_codes = step.codes.of[i] != nullptr;
  }
}

std::int64_t result_bytes(const AnchoredStep& step, const KernelCall& call) {
  return (num_elements(call.outputs[0]) * type_of_dtype(step.dtype).bytes + 255) / 256 * 256;
}

// Where the anchor's result lies between two launches: in the order of the group's outputs.
TensorArg result_in(const AnchoredStep& step, const KernelCall& call, char* workspace) {
  TensorArg result = call.outputs[0];
  result.data = workspace;
  result.dtype = step.dtype;
  return result;
}

cudaError_t enqueue_apart(const AnchoredStep& step, const Enqueue& e) {
  const TensorArg result = result_in(step, e.call, e.workspace);
  KernelCall product = e.call;
  product.outputs = &result;
  product.num_outputs = 1;
  char* const rest = e.workspace + result_bytes(step, e.call);
  const Enqueue first = {
      .call = product, .guard = e.guard, .workspace = rest, .num_processors = e.num_processors, .stream = e.stream};
  const cudaError_t status = step.anchor->enqueue(first);
  if (status != cudaSuccess) return status;
  TensorArg inputs[kMaxProgramInputs] = {result};
  const std::int32_t num_inputs = e.call.num_inputs - step.first_input;
  for (std::int32_t i = 0; i < num_inputs; ++i) inputs[i + 1] = e.call.inputs[step.first_input + i];
  KernelCall group = e.call;
  group.inputs = inputs;
  group.num_inputs = num_inputs + 1;
  const Enqueue second = {
      .call = group, .guard = e.guard, .workspace = rest, .num_processors = e.num_processors, .stream = e.stream};
  return enqueue_step(*step.group, second);
}

}  // namespace

CountedGroup::CountedGroup(const DeviceStepRequest& request)
    : input_dtypes(request.group->input_dtypes, request.group->input_dtypes + request.group->num_inputs),
      group(*request.group) {
  input_dtypes.insert(input_dtypes.begin(), request.dtype);
  group.input_dtypes = input_dtypes.data();
  group.num_inputs += 1;
}

DeviceGroup CountedGroup::alone() const {
  DeviceGroup same = group;
  same.anchored = same.first_input = 0;
  return same;
}

DeviceStatus compile_anchored(DeviceContext& context, const DeviceStepRequest& request, const std::string& no_library,
                              DeviceStep& step) {
  DeviceStep anchor;
  if (const DeviceStatus status = find_kernel(request, no_library, anchor); status != kDeviceDone) return status;
  step.anchored = std::make_unique<AnchoredStep>();
  AnchoredStep& made = *step.anchored;
  made.anchor = anchor.kernel;
  if (made.anchor == nullptr || made.anchor->anchor_kernels == nullptr) {
    return fail(kDeviceNoKernel, "%s: no kernel of the device computes it in this dtype with a group", request.kernel);
  }
  made.dtype = request.dtype;
  made.first_input = request.group->first_input;
  made.group = std::make_unique<DeviceStep>();
  const CountedGroup counted(request);
  std::string why;
  make_codes(context, *request.call, counted.group, made, &why);
  const DeviceGroup alone = counted.alone();
  if (made.has_all_codes) {  // then the group alone is for results of 2^31 elements
    step.description = anchor.description + " with a " + count_ops(alone) + ", generated";
    return interpret_group(alone, "", *made.group);
  }
  DeviceStepRequest group = request;
  group.group = &alone;
  const DeviceStatus status = compile_group(context, group, *made.group);
  step.description = anchor.description + ", then " + made.group->description;
  if (made.group->code != nullptr) step.description += ": " + why;
  return status;
}

std::int64_t anchored_workspace_bytes(const AnchoredStep& step, const KernelCall& call) {
  const std::int64_t product = step.anchor->workspace_bytes == nullptr ? 0 : step.anchor->workspace_bytes(call);
  return runs_together(step, call) ? product : product + result_bytes(step, call);
}

cudaError_t enqueue_anchored(const AnchoredStep& step, const Enqueue& e) {
  if (num_elements(e.call.outputs[0]) == 0) return cudaSuccess;
  if (!runs_together(step, e.call)) return enqueue_apart(step, e);
  Enqueue together = e;
  together.codes = &step.codes;
  return step.anchor->enqueue(together);
}

}  // namespace ingot::cuda
