// The plugin's functions as the core calls them, on the device that is the CPU.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "device/api.h"
#include "device_test.h"
#include "open_device.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

// A step with one bool as its input: "abort".
class AbortStep {
 public:
  AbortStep(OpenDevice& device, char* condition) : device_(device) {
    condition_ = {.data = condition, .rank = 0, .dtype = 0, .panels = 0, .shape = {}, .strides = {}};
    call_.inputs = &condition_;
    call_.num_inputs = 1;
    const DeviceStepRequest request = {
        .kernel = "abort", .dtype = 0, .call = &call_, .group = nullptr, .freedoms = 0, .guarded = 0};
    REQUIRE(device.api.compile_step(device.context, &request, &step_) == kDeviceDone);
  }
  ~AbortStep() { device_.api.release_step(step_); }
  AbortStep(const AbortStep&) = delete;
  AbortStep& operator=(const AbortStep&) = delete;

  DeviceStatus launch(char* fault, std::int64_t order) {
    const DeviceLaunch launch = {.step = step_,
                                 .call = &call_,
                                 .fault = reinterpret_cast<DeviceFault*>(fault),
                                 .order = order,
                                 .step_index = 10 * order,
                                 .guarded = 0,
                                 .workspace = nullptr};
    return device_.api.launch(device_.stream, &launch);
  }
  std::string description() const { return device_.api.describe_step(step_); }
  std::int64_t workspace_bytes() const { return device_.api.workspace_bytes(step_, &call_); }

 private:
  OpenDevice& device_;
  TensorArg condition_;
  KernelCall call_ = {};
  DeviceStep* step_ = nullptr;
};

}  // namespace

TEST_CASE("a device is opened by its number, and says which there are") {
  const DeviceApi& api = plugin();
  std::int32_t num_devices = 0;
  CHECK(api.count(&num_devices) == kDeviceDone);
  CHECK(num_devices == 1);
  DeviceProperties properties = {};
  CHECK(api.describe(0, &properties) == kDeviceDone);
  CHECK(std::string(properties.name) == "cuda on host");
  CHECK(properties.major == 9);
  CHECK(properties.memory_bytes > 0);
  DeviceContext* context = nullptr;
  for (const int index : {1, -1}) {
    CHECK(api.open(index, &context) == kDeviceMissing);
    CHECK(std::string(api.message()) == "no such device: got " + std::to_string(index) + ", expected 0 to 0");
  }
}

TEST_CASE("memory is the device's, aligned, and runs out with an error") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  for (const std::int64_t size : {0, 1, 300}) {
    const char* const address = device.allocate(size);
    CHECK(reinterpret_cast<std::uintptr_t>(address) % 256 == 0);
    CHECK(api.owns(device.context, address) == 1);
  }
  const int on_stack = 0;
  CHECK(api.owns(device.context, &on_stack) == 0);
  char* host = nullptr;
  CHECK(api.allocate_host(device.context, 100, &host) == kDeviceDone);
  CHECK(api.owns(device.context, host) == 0);
  api.release_host(device.context, host);
  std::int64_t free = 0;
  CHECK(api.free_bytes(device.context, &free) == kDeviceDone);
  char* address = nullptr;
  CHECK(api.allocate(device.context, free + 1, &address) == kDeviceOutOfMemory);
  CHECK(std::string(api.message()) == "memory: the device is out of memory: got " + std::to_string(free + 1) +
                                          " bytes to allocate, " + std::to_string(free) + " are free");
  CHECK(api.allocate(device.context, 8, &address) == kDeviceDone);  // the device goes on
  api.release(device.context, address);
}

TEST_CASE("a stream copies, clears and writes numbers in order") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  char* const a = device.allocate(16);
  char* const b = device.allocate(16);
  const std::int64_t values[2] = {7, 8};
  CHECK(api.upload(device.stream, a, values, 16) == kDeviceDone);
  CHECK(api.copy(device.stream, b, a, 16) == kDeviceDone);
  CHECK(api.clear(device.stream, a, 16) == kDeviceDone);
  CHECK(api.set_number(device.stream, a + 8, -5) == kDeviceDone);
  CHECK(api.copy(device.stream, b, a, 0) == kDeviceDone);
  CHECK(device.number_at(a) == 0);
  CHECK(device.number_at(a + 8) == -5);
  CHECK(device.number_at(b) == 7);
  CHECK(device.number_at(b + 8) == 8);
}

TEST_CASE("streams wait for each other") {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    cuda_on_host_set_seed(seed);
    OpenDevice device;
    const DeviceApi& api = device.api;
    DeviceStream* other = nullptr;
    REQUIRE(api.open_stream(device.context, &other) == kDeviceDone);
    char* const a = device.allocate(8);
    char* const b = device.allocate(8);
    CHECK(api.set_number(other, a, 3) == kDeviceDone);
    CHECK(api.wait_for(device.stream, api.native_stream(other)) == kDeviceDone);
    CHECK(api.copy(device.stream, b, a, 8) == kDeviceDone);
    CHECK(api.let_wait(device.stream, api.native_stream(other)) == kDeviceDone);
    CHECK(api.set_number(other, a, 4) == kDeviceDone);
    CHECK(api.synchronize(other) == kDeviceDone);
    CHECK(device.number_at(b) == 3);
    CHECK(device.number_at(a) == 4);
    api.close_stream(other);
  }
}

TEST_CASE("events measure what lies between them") {
  OpenDevice device;
  const DeviceApi& api = device.api;
  DeviceEvent *begin = nullptr, *end = nullptr;
  CHECK(api.make_event(device.context, &begin) == kDeviceDone);
  CHECK(api.make_event(device.context, &end) == kDeviceDone);
  CHECK(api.record_event(device.stream, begin) == kDeviceDone);
  CHECK(api.set_number(device.stream, device.allocate(8), 1) == kDeviceDone);
  CHECK(api.record_event(device.stream, end) == kDeviceDone);
  CHECK(api.synchronize(device.stream) == kDeviceDone);
  std::int64_t ns = -1;
  CHECK(api.elapsed_ns(begin, end, &ns) == kDeviceDone);
  CHECK(ns >= 0);
  api.release_event(begin);
  api.release_event(end);
}

TEST_CASE("what the device does at best is measured, in what memory there is") {
  OpenDevice device;
  std::int64_t free = 0;
  CHECK(device.api.free_bytes(device.context, &free) == kDeviceDone);
  DeviceLimits limits = {};
  const auto measure = [&] {
    REQUIRE(device.api.measure_limits(device.context, &limits) == kDeviceDone);
    for (const double rate : {limits.flops_per_ns, limits.cached_bytes_per_ns, limits.memory_bytes_per_ns})
      CHECK(rate > 0);
    CHECK(limits.launch_ns > 0);
    CHECK(limits.cached_bytes == 512 << 10);
    std::int64_t left = 0;
    CHECK(device.api.free_bytes(device.context, &left) == kDeviceDone);
    CHECK(left == free);
  };
  measure();
  CudaOnHostCounts counts = {};
  cuda_on_host_counts(&counts);
  cuda_on_host_set_bytes(counts.live_bytes + (300 << 10));
  free = 300 << 10;
  measure();
  cuda_on_host_set_bytes(counts.live_bytes + 1000);
  CHECK(device.api.measure_limits(device.context, &limits) == kDeviceOutOfMemory);
  cuda_on_host_set_bytes(std::int64_t{8} << 30);
}

TEST_CASE("an op without a kernel is refused by name") {
  OpenDevice device;
  const KernelCall call = {};
  const DeviceStepRequest request = {
      .kernel = "no_such_op", .dtype = 0, .call = &call, .group = nullptr, .freedoms = 0, .guarded = 0};
  DeviceStep* step = nullptr;
  CHECK(device.api.compile_step(device.context, &request, &step) == kDeviceNoKernel);
  CHECK(std::string(device.api.message()) == "no_such_op: no kernel of the device computes it in this dtype");
  CHECK(step == nullptr);
}

TEST_CASE("an abort reports its launch where the condition holds, and the first one stays") {
  OpenDevice device;
  char* const condition = device.allocate(1);
  char* const fault = device.allocate(sizeof(DeviceFault));
  AbortStep step(device, condition);
  CHECK(step.description() == "abort");
  CHECK(step.workspace_bytes() == 0);
  const auto run = [&](char holds) {
    DeviceFault seen = {};
    CHECK(device.api.clear(device.stream, fault, sizeof(DeviceFault)) == kDeviceDone);
    CHECK(device.api.upload(device.stream, condition, &holds, 1) == kDeviceDone);
    for (const std::int64_t order : {4, 3, 5}) CHECK(step.launch(fault, order) == kDeviceDone);
    CHECK(device.api.download(device.stream, &seen, fault, sizeof(seen)) == kDeviceDone);
    CHECK(device.api.synchronize(device.stream) == kDeviceDone);
    return seen;
  };
  CHECK(run(0).set == 0);
  const DeviceFault seen = run(1);
  CHECK(seen.set == 1);
  CHECK(seen.order == 3);
  CHECK(seen.step == 30);
  CHECK(seen.element == 0);
}

TEST_CASE("a group has code where there is a compiler, and is interpreted where there is none") {
  OpenDevice device;
  const std::int32_t f32 = static_cast<std::int32_t>(DType::kF32), output_register = 1;
  DeviceGroupOp op = {.op = "negative",
                      .dtype = f32,
                      .result_dtype = f32,
                      .num_operands = 1,
                      .operands = {},
                      .per_row = 0,
                      .is_reduction = 0};
  const DeviceGroup group = {.ops = &op,
                             .num_ops = 1,
                             .num_inputs = 1,
                             .input_dtypes = &f32,
                             .output_registers = &output_register,
                             .num_outputs = 1,
                             .row_axes = 0,
                             .first_input = 0,
                             .anchored = 0};
  const float before[3] = {1, -2, 0.5f};
  TensorArg input = {.data = device.allocate(12), .rank = 1, .dtype = f32, .panels = 0, .shape = {3}, .strides = {1}};
  TensorArg output = input;
  output.data = device.allocate(12);
  KernelCall call = {};
  call.inputs = &input;
  call.outputs = &output;
  call.num_inputs = call.num_outputs = 1;
  const DeviceStepRequest request = {
      .kernel = "pointwise", .dtype = f32, .call = &call, .group = &group, .freedoms = 0, .guarded = 0};
  const auto run = [&] {
    DeviceStep* step = nullptr;
    REQUIRE(device.api.compile_step(device.context, &request, &step) == kDeviceDone);
    CHECK(device.api.workspace_bytes(step, &call) == 0);
    const DeviceLaunch launch = {
        .step = step, .call = &call, .fault = nullptr, .order = 0, .step_index = 0, .guarded = 0, .workspace = nullptr};
    float after[3] = {};
    CHECK(device.api.upload(device.stream, input.data, before, 12) == kDeviceDone);
    CHECK(device.api.launch(device.stream, &launch) == kDeviceDone);
    CHECK(device.api.download(device.stream, after, output.data, 12) == kDeviceDone);
    CHECK(device.api.synchronize(device.stream) == kDeviceDone);
    for (int i = 0; i < 3; ++i) CHECK(after[i] == -before[i]);
    const std::string description = device.api.describe_step(step);
    device.api.release_step(step);
    return description;
  };
  setenv("INGOT_CUDA_NVRTC", "0", 1);
  CHECK(run() == "group of 1 op, interpreted: INGOT_CUDA_NVRTC is 0");
  unsetenv("INGOT_CUDA_NVRTC");
  CHECK(run() == "group of 1 op, interpreted: INGOT_CUDA_ON_HOST_COMPILER names no compiler");
  {
    const HostCompiler compiler;
    CHECK(run() == "group of 1 op, generated");
  }

  op.op = "no_such_op";
  DeviceStep* step = nullptr;
  CHECK(device.api.compile_step(device.context, &request, &step) == kDeviceNoKernel);
  CHECK(std::string(device.api.message()).starts_with("group: no code of its own ("));
}
