#include "device_session.h"

#include <cstring>
#include <utility>

#include "arrays.h"
#include "base/checked.h"
#include "base/error.h"

namespace ingot {

namespace {

std::int64_t aligned(std::int64_t num_bytes) {
  const auto bytes = checked_align_up(num_bytes, kDeviceAlignment);
  if (!bytes) fail(ErrorCode::kLimit, concat("memory: no device has ", num_bytes, " bytes"));
  return *bytes;
}

std::int64_t num_bytes(const ArrayRef& array) {
  return num_elements(array) * static_cast<std::int64_t>(size_bytes(array.dtype));
}

std::int64_t num_bytes(const Signature& signature, const TypeNumbers& type, const BoundDims& dims) {
  std::int64_t shape[kMaxRank];
  evaluate_shape(signature, type, dims.data(), shape);
  std::int64_t bytes = type.element_bytes;
  for (int axis = 0; axis < type.rank; ++axis) bytes *= shape[axis];
  return bytes;
}

// Row-major at `data` unless strides are given, in bytes.
TensorArg to_arg(const ArrayRef& array, char* data, const std::int64_t* strides) {
  TensorArg arg = {};
  arg.data = data;
  arg.rank = array.rank;
  arg.dtype = static_cast<std::int32_t>(array.dtype);
  std::int64_t next = 1;
  for (int axis = array.rank - 1; axis >= 0; --axis) {
    arg.shape[axis] = array.shape[axis];
    arg.strides[axis] = strides == nullptr ? next : strides[axis] / static_cast<std::int64_t>(size_bytes(array.dtype));
    next *= array.shape[axis];
  }
  return arg;
}

}  // namespace

DeviceSession::DeviceSession(std::shared_ptr<const Device> device) : device_(std::move(device)), executor_(device_) {}

void DeviceSession::plan(const PlannedGraph& planned) {
  executor_.finish();
  executor_.forget();
  const std::int64_t arena_bytes = aligned(planned.compiled->plan.arena_bytes);
  const std::int64_t total = aligned(planned.workspace_bytes) + kDeviceAlignment;
  if (arena_.size_bytes() < total) {
    arena_ = DeviceMemory();  // first, so that both are never held together
    arena_ = DeviceMemory(device_, total);
  }
  workspace_ = arena_.data() + arena_bytes;
}

void DeviceSession::bind(const Signature& signature, const BoundDims& dims) {
  executor_.forget();
  offsets_.clear();
  staged_bytes_ = 0;
  const auto add = [&](const std::vector<TypeNumbers>& types) {
    for (const TypeNumbers& type : types) {
      offsets_.push_back(staged_bytes_);
      staged_bytes_ = aligned(staged_bytes_ + num_bytes(signature, type, dims));
    }
  };
  add(signature.input_numbers);
  add(signature.output_numbers);
  copies_.resize(signature.input_numbers.size());
}

void DeviceSession::reserve_staging() {
  if (staging_.size_bytes() >= staged_bytes_) return;
  executor_.finish();
  staging_ = DeviceMemory();
  pinned_ = DeviceMemory();
  staging_ = DeviceMemory(device_, staged_bytes_);
  pinned_ = DeviceMemory(device_, staged_bytes_, DeviceMemory::Where::kHost);
}

char* DeviceSession::stage_input(std::size_t input, const ArrayRef& array, const Slots& slots) {
  const bool in_place = is_contiguous(array);
  if (!in_place || (array.device == kHost && !(is_aligned(array) && is_clean(array))))
    slots.copied.push_back(static_cast<std::uint32_t>(input));
  if (array.device != kHost && in_place) return static_cast<char*>(array.data);
  reserve_staging();
  char* const to = staging_.data() + offsets_[input];
  if (array.device != kHost) {
    copy_strided(input, array, to);
  } else if (num_elements(array) > 0) {
    char* const pinned = pinned_.data() + offsets_[input];
    copy_array(array, pinned);
    uploads_.push_back({.device = to, .host = pinned, .num_bytes = num_bytes(array)});
  }
  return to;
}

char* DeviceSession::stage_output(const ArrayRef& array, std::int64_t offset) {
  if (array.device != kHost) return static_cast<char*>(array.data);
  reserve_staging();
  char* const from = staging_.data() + offset;
  if (num_elements(array) > 0)
    downloads_.push_back({.device = from, .host = pinned_.data() + offset, .num_bytes = num_bytes(array)});
  return from;
}

void DeviceSession::copy_strided(std::size_t input, const ArrayRef& array, char* to) {
  constexpr std::int32_t kNoAttrs[] = {0};
  const TensorArg source = to_arg(array, static_cast<char*>(array.data), array.strides);
  const TensorArg target = to_arg(array, to, nullptr);
  KernelCall call = {};
  call.outputs = &target;
  call.inputs = &source;
  call.num_outputs = call.num_inputs = 1;
  call.attr_begin = kNoAttrs;
  if (copies_[input] == nullptr) copies_[input] = make_copy_step(device_, array.dtype, call);
  executor_.enqueue(copies_[input].get(), call);
}

void DeviceSession::run(const PlannedGraph& planned, std::span<char* const> states, std::span<const ArrayRef> inputs,
                        std::span<const ArrayRef> outputs, const Slots& slots, RunState& state,
                        const RunOptions& options, StepProfile* profile) {
  uploads_.clear();
  downloads_.clear();
  executor_.begin(options);
  for (std::size_t i = 0; i < inputs.size(); ++i) slots.inputs[i] = stage_input(i, inputs[i], slots);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    slots.outputs[i] = stage_output(outputs[i], offsets_[inputs.size() + i]);
  const DeviceRunBuffers buffers = {.slots = {.arena = arena_.data(),
                                              .scratch = nullptr,
                                              .scratch_stride = 0,
                                              .inputs = slots.inputs,
                                              .outputs = slots.outputs,
                                              .params = planned.device_data.params,
                                              .states = states,
                                              .constants = planned.device_data.constants},
                                    .workspace = workspace_,
                                    .uploads = uploads_,
                                    .downloads = downloads_};
  executor_.run(*planned.compiled, *planned.device_plan, buffers, state, options, profile);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].device != kHost || num_elements(outputs[i]) == 0) continue;
    std::memcpy(outputs[i].data, pinned_.data() + offsets_[inputs.size() + i],
                static_cast<std::size_t>(num_bytes(outputs[i])));
  }
}

}  // namespace ingot
