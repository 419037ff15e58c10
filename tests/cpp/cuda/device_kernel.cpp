#include "device_kernel.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

extern "C" ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host, ingot::DeviceApi* api);

namespace ingot::kernel_test {
namespace {

struct Device {
  DeviceApi api = {};
  DeviceContext* context = nullptr;
  DeviceStream* stream = nullptr;
};

const Device& device() {
  static const Device device = [] {
    Device made;
    const HostApi host = {sizeof(HostApi), kDeviceApiVersion, INGOT_VERSION, "", std::int64_t{1} << 28};
    REQUIRE(ingot_cuda_open(&host, &made.api) == kDeviceDone);
    REQUIRE(made.api.open(0, &made.context) == kDeviceDone);
    REQUIRE(made.api.open_stream(made.context, &made.stream) == kDeviceDone);
    return made;
  }();
  return device;
}

void must(DeviceStatus status) {
  if (status != kDeviceDone) FAIL_CHECK(device().api.message());
}

// The bytes that an operand touches, from its first element.
struct Extent {
  std::int64_t begin = 0, end = 0;
};

Extent extent_of(const TensorArg& x) {
  const auto item = static_cast<std::int64_t>(size_bytes(static_cast<DType>(x.dtype)));
  Extent extent = {0, item};
  for (std::int32_t i = 0; i < x.rank; ++i) {
    if (x.shape[i] == 0) return {};
    const std::int64_t reach = (x.shape[i] - 1) * x.strides[i] * item;
    (reach < 0 ? extent.begin : extent.end) += reach;
  }
  return extent;
}

// Memory of the device for the length of a call.
class Block {
 public:
  explicit Block(std::int64_t num_bytes) { must(device().api.allocate(device().context, num_bytes, &address_)); }
  ~Block() { device().api.release(device().context, address_); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  char* address() const { return address_; }

 private:
  char* address_ = nullptr;
};

// An operand there. What lies between the elements of an output comes along, and must come back unchanged.
struct Operand {
  const TensorArg& host;
  Extent extent;
  Block block;
  const Operand* shares = nullptr;  // lies where this one does

  explicit Operand(const TensorArg& x) : host(x), extent(extent_of(x)), block(extent.end - extent.begin) {
    must(device().api.upload(device().stream, block.address(), x.data + extent.begin, extent.end - extent.begin));
  }
  TensorArg arg() const {
    TensorArg there = host;
    there.data = shares != nullptr ? shares->arg().data : block.address() - extent.begin;
    return there;
  }
  void fetch() const {
    const auto& [api, context, stream] = device();
    must(api.download(stream, host.data + extent.begin, block.address(), extent.end - extent.begin));
  }
};

using Operands = std::vector<std::unique_ptr<Operand>>;

std::vector<TensorArg> args_of(const Operands& operands) {
  std::vector<TensorArg> args;
  for (const auto& operand : operands) args.push_back(operand->arg());
  return args;
}

Operands copy(const TensorArg* args, std::int32_t num_args) {
  Operands operands;
  for (std::int32_t i = 0; i < num_args; ++i) operands.push_back(std::make_unique<Operand>(args[i]));
  return operands;
}

void launch(const DeviceStep* step, const KernelCall& call, ErrorWord* error) {
  const auto& [api, context, stream] = device();
  const std::int64_t workspace_bytes = api.workspace_bytes(step, &call);
  REQUIRE(workspace_bytes >= 0);
  const Block workspace(workspace_bytes), fault(sizeof(DeviceFault));
  must(api.clear(stream, fault.address(), sizeof(DeviceFault)));
  const DeviceLaunch launch = {.step = step,
                               .call = &call,
                               .fault = reinterpret_cast<DeviceFault*>(fault.address()),
                               .order = 0,
                               .step_index = 0,
                               .guarded = 0,
                               .workspace = workspace.address()};
  must(api.launch(stream, &launch));
  DeviceFault found;
  must(api.download(stream, &found, fault.address(), sizeof found));
  must(api.synchronize(stream));
  if (error == nullptr || found.set == 0) return;
  error->set = 1;
  error->element = found.element;
  error->value = found.value;
  error->extent = found.extent;
}

}  // namespace

bool run_on_device(std::string_view op, DType dtype, const KernelCall& call, const DeviceGroup* group,
                   std::uint32_t freedoms, const KernelCall* compiled) {
  const auto& [api, context, stream] = device();
  const std::string name(op);
  const KernelCall& known = compiled != nullptr ? *compiled : call;
  const DeviceStepRequest request = {name.c_str(), static_cast<std::int32_t>(dtype), &known, group, freedoms, 0};
  DeviceStep* step = nullptr;
  const DeviceStatus status = api.compile_step(context, &request, &step);
  if (status == kDeviceNoKernel) return false;
  must(status);
  if (status != kDeviceDone) return true;
  {
    const Operands outputs = copy(call.outputs, call.num_outputs), inputs = copy(call.inputs, call.num_inputs);
    for (const auto& input : inputs) {
      for (const auto& output : outputs) {
        if (input->host.data == output->host.data) input->shares = output.get();  // in place
      }
    }
    const std::vector<TensorArg> output_args = args_of(outputs), input_args = args_of(inputs);
    KernelCall there = call;
    there.outputs = output_args.data();
    there.inputs = input_args.data();
    there.error = nullptr;
    launch(step, there, call.error);
    for (const auto& output : outputs) output->fetch();
    must(api.synchronize(stream));
  }
  api.release_step(step);
  return true;
}

}  // namespace ingot::kernel_test
