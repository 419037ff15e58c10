#include "cuda/blas.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/dtype.h"
#include "cuda/blas_plans.h"
#include "cuda/status.h"
#include "cuda/steps.h"

namespace ingot::cuda {

struct BlasStep {
  std::shared_ptr<BlasPlans> plans;
  std::unique_ptr<DeviceStep> own;
  const DeviceKernel* copy;  // of operands that it could not take as they lie, of results that a fault may stop
  std::int32_t dtype;
  bool tf32;
  bool has_bias;  // the third input
  bool packs[2];  // the operand comes together in the workspace
  bool guarded;   // the result is computed there
  std::string words, words_without;
  mutable std::atomic<bool> went_without{false};
};

namespace {

constexpr std::int64_t kAlignment = 256;

std::int64_t num_elements(const TensorArg& x) {
  std::int64_t n = 1;
  for (int i = 0; i < x.rank; ++i) n *= x.shape[i];
  return n;
}

std::int64_t aligned(std::int64_t num_bytes) {
  return (num_bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::int64_t size_of(const BlasStep& step) {
  const auto dtype = static_cast<DType>(step.dtype);
  return dtype == DType::kF64 ? 8 : dtype == DType::kF32 ? 4 : 2;
}

// What cuBLASLt is given to work in: room for 64 parts of each sum, within what its maker advises for a device.
std::int64_t library_bytes(const KernelCall& call) {
  constexpr std::int64_t kLeast = std::int64_t{4} << 20, kMost = std::int64_t{32} << 20;
  return std::clamp(std::min(num_elements(call.outputs[0]), kMost) * 64 * 4, kLeast, kMost);
}

// Only float32 has operands that tf32 rounds.
bool is_allowed(const char* op, std::int32_t dtype, std::uint32_t freedoms) {
  if (std::strcmp(op, "matmul") != 0) return false;
  switch (static_cast<DType>(dtype)) {
    case DType::kF32:
      return (freedoms & (kFreeOrder | kTf32)) != 0;
    case DType::kF16:
    case DType::kBF16:
    case DType::kF64:
      return (freedoms & kFreeOrder) != 0;
    default:
      return false;
  }
}

// A sum of float32 is rounded to float32 before the vector is added, as separate steps do it; narrow ones are not.
bool is_allowed(const char* op, const char* row_op, std::int32_t dtype, std::uint32_t freedoms) {
  const bool adds = row_op == nullptr || (std::strcmp(row_op, "add") == 0 && static_cast<DType>(dtype) == DType::kF32);
  return adds && is_allowed(op, dtype, freedoms);
}

// One element for each of the last axis, however they lie.
bool is_along_last_axis(const TensorArg& x, const TensorArg& out) {
  if (x.rank != out.rank) return false;
  for (int axis = 0; axis + 1 < x.rank; ++axis) {
    if (x.strides[axis] != 0 && out.shape[axis] != 1) return false;
  }
  return true;
}

// Whether all that the group does is to add its input, which is as far as is known a vector along the last axis.
bool is_bias(const DeviceStepRequest& request) {
  const DeviceGroup& group = *request.group;
  if (group.anchored == 0 || group.first_input != 2 || group.row_axes != 0) return false;
  if (request.call->num_inputs != 3 || group.num_inputs != 1 || group.num_ops != 1 || group.num_outputs != 1)
    return false;
  const DeviceGroupOp& op = group.ops[0];
  const bool is_float = group.input_dtypes[0] == request.dtype && op.dtype == request.dtype;
  return is_float && is_allowed(request.kernel, op.op, op.result_dtype, request.freedoms) && op.num_operands == 2 &&
         op.operands[0] + op.operands[1] == 1 && op.operands[0] * op.operands[1] == 0 &&
         group.output_registers[0] == 2 && is_along_last_axis(request.call->inputs[2], request.call->outputs[0]);
}

// The one of a context, opened when it is first asked for.
std::shared_ptr<BlasPlans> plans_of(DeviceContext& context, std::string* why) {
  const std::lock_guard lock(context.blas_mutex);
  if (context.blas == nullptr && context.no_blas.empty()) context.blas = BlasPlans::open(context, &context.no_blas);
  *why = context.no_blas;
  return context.blas;
}

// A row-major array at `data` of the shape of x.
TensorArg packed(const TensorArg& x, char* data) {
  TensorArg to = x;
  to.data = data;
  std::int64_t next = 1;
  for (int axis = x.rank - 1; axis >= 0; --axis) {
    to.strides[axis] = next;
    next *= x.shape[axis];
  }
  return to;
}

cudaError_t copy(const BlasStep& step, const Enqueue& enqueue, const TensorArg& to, const TensorArg& from,
                 const Guard& guard) {
  constexpr std::int32_t kNoAttrs[] = {0};
  KernelCall call = {};
  call.outputs = &to;
  call.inputs = &from;
  call.num_outputs = call.num_inputs = 1;
  call.attr_begin = kNoAttrs;
  return step.copy->enqueue({.call = call,
                             .guard = guard,
                             .workspace = nullptr,
                             .num_processors = enqueue.num_processors,
                             .stream = enqueue.stream});
}

// 16 where every matrix begins and every column lies at a multiple of 16 bytes, else the size of an element.
std::int32_t alignment_of(const char* data, std::int64_t size, std::int64_t leading, std::int64_t batch,
                          const Axes& loops, std::int64_t Axis::* stride) {
  std::int64_t all = leading | batch;
  for (int i = 0; i < loops.rank; ++i) all |= loops.axes[i].*stride;
  const bool wide = reinterpret_cast<std::uintptr_t>(data) % 16 == 0 && all * size % 16 == 0;
  return wide ? 16 : static_cast<std::int32_t>(size);
}

// One product for each element of the loops. kDeviceNoKernel where cuBLASLt does not take them.
DeviceStatus multiply_all(const BlasStep& step, const KernelCall& call, char* workspace, cudaStream_t stream) {
  BlasProduct product;
  if (!make_blas_product(call, step.has_bias, &product)) return kDeviceNoKernel;
  const std::int64_t size = size_of(step);
  const Axes& loops = product.loops;
  BlasShape& shape = product.shape;
  const char *const a = product.a->data, *const b = product.b->data;
  char* const d = call.outputs[0].data;
  const char* const bias = step.has_bias ? call.inputs[2].data : nullptr;
  shape.dtype = step.dtype;
  shape.tf32 = step.tf32 ? 1 : 0;
  shape.alignment_a = alignment_of(a, size, shape.leading_a, shape.batch_a, loops, &Axis::a);
  shape.alignment_b = alignment_of(b, size, shape.leading_b, shape.batch_b, loops, &Axis::b);
  shape.alignment_d = alignment_of(d, size, shape.leading_d, shape.batch_d, loops, &Axis::out);
  shape.workspace_bytes = library_bytes(call);
  std::int64_t count = 1;
  for (int i = 0; i < loops.rank; ++i) count *= loops.axes[i].size;
  for (std::int64_t turn = 0; turn < count; ++turn) {
    std::int64_t rest = turn, at_a = 0, at_b = 0, at_d = 0;
    for (int i = loops.rank - 1; i >= 0; --i) {
      const Axis& axis = loops.axes[i];
      const std::int64_t index = rest % axis.size;
      rest /= axis.size;
      at_a += index * axis.a, at_b += index * axis.b, at_d += index * axis.out;
    }
    const BlasOperands operands = {a + at_a * size, b + at_b * size, d + at_d * size, bias, workspace};
    const DeviceStatus status = step.plans->multiply(shape, operands, stream);
    if (status != kDeviceDone) return status;
  }
  return kDeviceDone;
}

TensorArg last_axis(const TensorArg& x) {
  TensorArg vector = x;
  vector.rank = 1;
  vector.shape[0] = x.shape[x.rank - 1];
  vector.strides[0] = x.strides[x.rank - 1];
  return vector;
}

// It may lie where the result lies, if that is a single row.
bool must_copy_bias(const TensorArg& vector, const TensorArg& out) {
  const bool is_together = vector.strides[0] == 1 || vector.shape[0] == 1;
  return !is_together || reinterpret_cast<std::uintptr_t>(vector.data) % kBiasAlignment != 0 || vector.data == out.data;
}

// With operands and result where cuBLASLt takes them.
DeviceStatus enqueue_library(const BlasStep& step, const Enqueue& enqueue) {
  const TensorArg& out = enqueue.call.outputs[0];
  if (step.has_bias && !is_along_last_axis(enqueue.call.inputs[2], out)) return kDeviceNoKernel;
  const Guard free = {
      .fault = enqueue.guard.fault, .order = enqueue.guard.order, .step = enqueue.guard.step, .guarded = 0};
  TensorArg inputs[3] = {enqueue.call.inputs[0], enqueue.call.inputs[1], {}}, output = out;
  bool packs[3] = {step.packs[0], step.packs[1], false};
  if (step.has_bias) {
    inputs[2] = last_axis(enqueue.call.inputs[2]);
    packs[2] = must_copy_bias(inputs[2], out);
  }
  char* room = enqueue.workspace + library_bytes(enqueue.call);
  for (int i = 0; i < 3; ++i) {
    if (!packs[i]) continue;
    const TensorArg together = packed(inputs[i], room);
    INGOT_CUDA_CHECK(copy(step, enqueue, together, inputs[i], free), "matmul");
    room += aligned(num_elements(inputs[i]) * size_of(step));
    inputs[i] = together;
  }
  if (step.guarded) output = packed(output, room);
  KernelCall call = enqueue.call;
  call.inputs = inputs;
  call.outputs = &output;
  const DeviceStatus status = multiply_all(step, call, enqueue.workspace, enqueue.stream);
  if (status != kDeviceDone || !step.guarded) return status;
  INGOT_CUDA_CHECK(copy(step, enqueue, out, output, enqueue.guard), "matmul");
  return kDeviceDone;
}

}  // namespace

void DeleteBlasStep::operator()(BlasStep* step) const {
  delete step;
}

bool has_blas(DeviceContext& context, const char* op, const char* row_op, std::int32_t dtype, std::uint32_t freedoms) {
  std::string why;
  return is_allowed(op, row_op, dtype, freedoms) && plans_of(context, &why) != nullptr;
}

bool takes_step(DeviceContext& context, const DeviceStepRequest& request, std::string* why) {
  if (!is_allowed(request.kernel, request.dtype, request.freedoms)) return false;
  if (plans_of(context, why) == nullptr) return false;
  if (request.group == nullptr || is_bias(request)) return true;
  *why = "it carries a group";  // only a file can ask for that
  return false;
}

OwnedBlasStep make_blas_step(DeviceContext& context, const DeviceStepRequest& request,
                             std::unique_ptr<DeviceStep> own) {
  OwnedBlasStep step(new BlasStep);
  std::string why;
  step->plans = plans_of(context, &why);
  step->own = std::move(own);
  step->copy = find_device_kernel("copy", -1);
  step->dtype = request.dtype;
  step->tf32 = static_cast<DType>(request.dtype) == DType::kF32 && (request.freedoms & kTf32) != 0;
  step->has_bias = request.group != nullptr;
  for (int i = 0; i < 2; ++i) step->packs[i] = !may_be_matrix(request.call->inputs[i]);
  step->guarded = request.guarded != 0;
  const std::string name = request.kernel, freedom = step->tf32 ? "tf32" : "free_order";
  const std::string bias = step->has_bias ? " with its bias" : "";
  step->words = name + " by cuBLASLt " + blas::library().version + bias + " (fast: " + freedom + ")";
  if (step->packs[0] || step->packs[1]) step->words += ", of copies that lie together";
  if (step->guarded) step->words += ", copied into a state";
  step->words_without = name + bias + ": cuBLASLt does not take it at the sizes of a run: own kernel there";
  return step;
}

std::int64_t blas_workspace_bytes(const BlasStep& step, const KernelCall& call) {
  std::int64_t bytes = library_bytes(call);
  for (int i = 0; i < 2; ++i) bytes += step.packs[i] ? aligned(num_elements(call.inputs[i]) * size_of(step)) : 0;
  if (step.has_bias) bytes += aligned(num_elements(last_axis(call.inputs[2])) * size_of(step));
  if (step.guarded) bytes += aligned(num_elements(call.outputs[0]) * size_of(step));
  return std::max(bytes, workspace_bytes(step.own.get(), &call));
}

const char* describe_blas(const BlasStep& step) {
  return (step.went_without ? step.words_without : step.words).c_str();
}

DeviceStatus enqueue_blas(const BlasStep& step, const Enqueue& enqueue) {
  if (num_elements(enqueue.call.outputs[0]) == 0) return kDeviceDone;
  const TensorArg& a = enqueue.call.inputs[0];
  if (a.shape[a.rank - 1] > 0) {
    const DeviceStatus status = enqueue_library(step, enqueue);
    if (status != kDeviceNoKernel) return status;
    step.went_without = true;
  }
  return status_of(enqueue_step(*step.own, enqueue), "matmul");
}

}  // namespace ingot::cuda
