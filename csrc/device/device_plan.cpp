#include "device/device_plan.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace ingot {

namespace {

// A group as the plugin sees it. Names are those of table rows: literals, which end with NUL.
struct GroupRequest {
  std::vector<DeviceGroupOp> ops;
  std::vector<std::int32_t> input_dtypes, output_registers;
  DeviceGroup group = {};

  explicit GroupRequest(const Step& step) {
    for (const GroupInstruction& from : step.group) {
      DeviceGroupOp to = {.op = from.op->name.data(),
                          .dtype = static_cast<std::int32_t>(from.dtype),
                          .result_dtype = static_cast<std::int32_t>(from.result_dtype),
                          .num_operands = static_cast<std::int32_t>(from.operands.size()),
                          .operands = {},
                          .per_row = from.per_row ? 1 : 0,
                          .is_reduction = from.op->has(kReduction) ? 1 : 0};
      INGOT_CHECK(from.operands.size() <= std::size(to.operands));
      std::copy(from.operands.begin(), from.operands.end(), std::begin(to.operands));
      ops.push_back(to);
    }
    for (std::size_t i = step.num_anchor_inputs; i < step.inputs.size(); ++i)
      input_dtypes.push_back(static_cast<std::int32_t>(step.inputs[i].type.dtype));
    output_registers.assign(step.group_outputs.begin(), step.group_outputs.end());
    group = {.ops = ops.data(),
             .num_ops = static_cast<std::int32_t>(ops.size()),
             .num_inputs = static_cast<std::int32_t>(input_dtypes.size()),
             .input_dtypes = input_dtypes.data(),
             .output_registers = output_registers.data(),
             .num_outputs = static_cast<std::int32_t>(output_registers.size()),
             .row_axes = static_cast<std::int32_t>(step.group_row_axes),
             .first_input = static_cast<std::int32_t>(step.num_anchor_inputs),
             .anchored = step.num_anchor_inputs > 0 ? 1 : 0};
  }
};

OwnedStep compile_step(const std::shared_ptr<const Device>& device, const DeviceStepRequest& request,
                       const std::string& origin) {
  DeviceStep* step = nullptr;
  const DeviceStatus status = device->api().compile_step(device->context(), &request, &step);
  if (status == kDeviceNoKernel)
    fail(ErrorCode::kDType,
         concat(request.kernel, ": no kernel: got ", name(static_cast<DType>(request.dtype)), ", expected what device ",
                device->name(), " can compute: ", device->api().message(), origin));
  device->require(status, concat("compile: ", request.kernel));
  return {step, {device}};
}

OwnedStep compile_step(const std::shared_ptr<const Device>& device, const CompiledPlan& compiled,
                       const ArgumentBlocks& blocks, std::size_t index, std::uint32_t freedoms, bool guarded) {
  const Step& step = compiled.plan.steps[index];
  DeviceStepRequest request = {.kernel = step.kind == StepKind::kAbort ? "abort" : step.kernel.c_str(),
                               .dtype = static_cast<std::int32_t>(kernel_dtype(step)),
                               .call = &blocks.calls[index],
                               .group = nullptr,
                               .freedoms = freedoms,
                               .guarded = guarded ? 1 : 0};
  if (step.group.empty()) return compile_step(device, request, origin_suffix(compiled, index));
  const GroupRequest group(step);
  request.group = &group.group;
  return compile_step(device, request, origin_suffix(compiled, index));
}

}  // namespace

std::shared_ptr<DevicePlan> make_device_plan(std::shared_ptr<const Device> device, const CompiledPlan& compiled,
                                             std::uint32_t freedoms) {
  auto plan = std::make_shared<DevicePlan>();
  ArgumentBlocks blocks;  // not bound: what is symbolic stands as 0
  make_blocks(compiled, blocks);
  plan->steps.resize(compiled.steps.size());
  for (std::uint32_t i = 0; i < compiled.steps.size(); ++i) {
    const StepCode& code = compiled.steps[i];
    const bool tests = code.kind == StepKind::kJumpIfFalse;
    plan->is_counted = plan->is_counted && !tests;
    plan->may_turn_forever = plan->may_turn_forever || (tests && branch_at(compiled, i).repeats);
    plan->can_fail = plan->can_fail || code.may_fail || plan->may_turn_forever;
    if (code.kind == StepKind::kSwap) plan->swaps.emplace_back(code.slot_a, code.slot_b);
  }
  for (std::size_t i = 0; i < plan->steps.size(); ++i) {
    const StepCode& code = compiled.steps[i];
    if (code.kind == StepKind::kKernel || code.kind == StepKind::kAbort)
      plan->steps[i] = compile_step(device, compiled, blocks, i, freedoms, plan->can_fail && code.writes_state);
  }
  plan->device = std::move(device);
  return plan;
}

//   if:    step: jump_if_false -> other; first ..; jump: -> end; other ..; end:
//   while: other ..; step: jump_if_false -> end; first ..; jump: -> other; end:
DeviceBranch branch_at(const CompiledPlan& compiled, std::uint32_t step) {
  const std::uint32_t target = compiled.steps[step].target, jump = target - 1, closing = compiled.steps[jump].target;
  INGOT_CHECK(compiled.steps[jump].kind == StepKind::kJump);
  const bool repeats = closing <= step;
  return {.repeats = repeats,
          .first = step + 1,
          .other = repeats ? closing : target,
          .jump = jump,
          .end = repeats ? target : closing};
}

std::int64_t workspace_bytes(const DevicePlan& plan, const ArgumentBlocks& blocks) {
  std::int64_t most = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (plan.steps[i] == nullptr) continue;
    const std::int64_t bytes = plan.device->api().workspace_bytes(plan.steps[i].get(), &blocks.calls[i]);
    if (bytes < 0) plan.device->require(kDeviceOutOfMemory, "compile");
    most = std::max(most, bytes);
  }
  return most;
}

OwnedStep make_copy_step(const std::shared_ptr<const Device>& device, DType dtype, const KernelCall& call) {
  return compile_step(device,
                      {.kernel = "copy",
                       .dtype = static_cast<std::int32_t>(dtype),
                       .call = &call,
                       .group = nullptr,
                       .freedoms = 0,
                       .guarded = 0},
                      "");
}

}  // namespace ingot
