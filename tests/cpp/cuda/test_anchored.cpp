// Groups on the result of a product or a convolution: in one generated kernel, and in two launches where none was
// made. Either way the bits are those of the CPU's product and, on it, the CPU's group.
#include <cstdlib>
#include <memory>

#include "../kernel_test.h"
#include "cublaslt.h"
#include "cuda/anchored_launch.h"
#include "device_kernel.h"
#include "device_test.h"
#include "execute/levels.h"
#include "random_group.h"

extern "C" ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host, ingot::DeviceApi* api);

namespace ingot::cuda {
namespace {

using namespace group_test;

constexpr std::int32_t kProcessors = 4;  // of the emulated device

int num_rounds(int usual) {
  const char* const wanted = std::getenv("INGOT_GROUPS");
  return wanted == nullptr ? usual : std::atoi(wanted);
}

// An operand that the group does not see.
struct Dense {
  std::vector<char> bytes;
  TensorArg arg = {};

  Dense(DType dtype, const Sizes& shape, const std::vector<std::size_t>& order) {
    arg.dtype = static_cast<std::int32_t>(dtype);
    arg.rank = static_cast<std::int32_t>(shape.size());
    std::int64_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0;) {
      arg.shape[order[i]] = shape[order[i]];
      arg.strides[order[i]] = stride;
      stride *= shape[order[i]];
    }
    bytes.resize(static_cast<std::size_t>(stride) * size_bytes(dtype));
    arg.data = bytes.data();
  }
};

template <class T>
void fill(Rng& rng, Dense& x) {
  std::normal_distribution<double> numbers(0, 4);
  for (std::size_t i = 0; i < x.bytes.size() / sizeof(T); ++i) {
    const T value = static_cast<T>(numbers(rng));
    std::memcpy(x.bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

void fill(Rng& rng, DType dtype, Dense& x) {
  switch (dtype) {
    case DType::kF32:
      return fill<float>(rng, x);
    case DType::kF64:
      return fill<double>(rng, x);
    case DType::kI32:
      return fill<std::int32_t>(rng, x);
    default:
      return fill<std::int64_t>(rng, x);
  }
}

// A call of an op that groups can run on.
struct Anchor {
  const char* op;
  DType dtype;
  Dense left, right;
  Sizes shape;  // of the result
  std::vector<std::int64_t> attrs;
  std::vector<std::int32_t> attr_begin;
  bool outputs_last = false;  // of conv2d: its result lies so
};

std::vector<std::size_t> in_order(std::size_t rank, bool turned) {
  std::vector<std::size_t> order(rank);
  for (std::size_t i = 0; i < rank; ++i) order[i] = i;
  if (turned) std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

Anchor make_matmul(Rng& rng, DType dtype, const Sizes& a, const Sizes& b, bool turned_a = false,
                   bool turned_b = false) {
  Anchor made = {
      "matmul", dtype, Dense(dtype, a, in_order(a.size(), turned_a)), Dense(dtype, b, in_order(b.size(), turned_b)), a,
      {},       {0}};
  made.shape.back() = b.back();
  fill(rng, dtype, made.left);
  fill(rng, dtype, made.right);
  return made;
}

struct ConvSizes {
  std::int64_t images, groups, channels, outputs, height, width, kernel, stride, padding;
};

Anchor make_conv(Rng& rng, DType dtype, const ConvSizes& s, bool last) {
  const std::vector<std::size_t> order = last ? std::vector<std::size_t>{0, 2, 3, 1} : in_order(4, false);
  const auto out = [&](std::int64_t n) { return (n + 2 * s.padding - s.kernel) / s.stride + 1; };
  Anchor made = {"conv2d",
                 dtype,
                 Dense(dtype, {s.images, s.groups * s.channels, s.height, s.width}, order),
                 Dense(dtype, {s.groups * s.outputs, s.channels, s.kernel, s.kernel}, order),
                 {s.images, s.groups * s.outputs, out(s.height), out(s.width)},
                 {s.stride, s.stride, s.padding, s.padding, s.padding, s.padding, 1, 1, s.groups},
                 {0, 2, 6, 8, 9},
                 last};
  fill(rng, dtype, made.left);
  fill(rng, dtype, made.right);
  return made;
}

void run_on_processor(const Kernel& kernel, const KernelCall& call) {
  const std::int64_t bytes = kernel.scratch_bytes == nullptr ? 0 : kernel.scratch_bytes(&call);
  std::vector<char> scratch(static_cast<std::size_t>(bytes) + 64);
  void* aligned = scratch.data();
  std::size_t room = scratch.size();
  std::align(64, 1, aligned, room);
  const std::int64_t tiles = kernel.num_tiles(&call);
  if (tiles > 0) kernel.run(&call, 0, tiles, static_cast<char*>(aligned));
}

// What the anchor computes, as operand 0 of the group.
Operand result_of(const Anchor& anchor) {
  Dense result(anchor.dtype, anchor.shape, in_order(anchor.shape.size(), false));
  const TensorArg inputs[] = {anchor.left.arg, anchor.right.arg};
  KernelCall call = {};
  call.outputs = &result.arg;
  call.inputs = inputs;
  call.num_outputs = 1;
  call.num_inputs = 2;
  call.attrs = anchor.attrs.data();
  call.attr_begin = anchor.attr_begin.data();
  run_on_processor(*find_kernel(choose_level(), anchor.op, anchor.dtype), call);
  Operand made;
  made.bytes = std::move(result.bytes);
  made.strides.assign(result.arg.strides, result.arg.strides + result.arg.rank);
  return made;
}

// A call of the step: the anchor's operands, then the group's, all in memory of the host.
struct StepCall {
  std::vector<std::vector<char>> memory;
  std::unique_ptr<Arguments> arguments;
  std::vector<TensorArg> inputs;
  KernelCall call = {};

  StepCall(const Anchor& anchor, const Group& group) {
    for (const Operand& x : group.inputs) memory.push_back(x.bytes);
    for (const Operand& y : group.results) memory.emplace_back(y.bytes.size());
    std::vector<char*> addresses;
    for (std::vector<char>& bytes : memory) addresses.push_back(bytes.data());
    for (std::size_t i = 0; i < group.results.size(); ++i) {
      const int below = group.results[i].lies_on;
      if (below >= 0) addresses[group.inputs.size() + i] = addresses[static_cast<std::size_t>(below)];
    }
    arguments = std::make_unique<Arguments>(group, addresses);
    inputs = {anchor.left.arg, anchor.right.arg};
    inputs.insert(inputs.end(), arguments->inputs.begin() + 1, arguments->inputs.end());
    call = arguments->call;
    call.inputs = inputs.data();
    call.num_inputs = static_cast<std::int32_t>(inputs.size());
    call.attrs = anchor.attrs.data();
    call.attr_begin = anchor.attr_begin.data();
    call.group = nullptr;
  }
};

// The call while its first axis, and what is as far apart, is not known.
struct Unknown {
  std::vector<TensorArg> inputs, outputs;
  KernelCall call;

  explicit Unknown(const KernelCall& of)
      : inputs(of.inputs, of.inputs + of.num_inputs), outputs(of.outputs, of.outputs + of.num_outputs), call(of) {
    inputs[0].shape[0] = 0;
    for (TensorArg& x : outputs) x.shape[0] = 0;
    call.inputs = inputs.data();
    call.outputs = outputs.data();
  }
};

// Register 0 is no input of the group's own.
DeviceGroup anchored(const Group& group) {
  DeviceGroup asked = group.device_group();
  asked.input_dtypes += 1;
  asked.num_inputs -= 1;
  asked.anchored = 1;
  asked.first_input = 2;
  return asked;
}

AnchorKernels kernels_of(const Anchor& anchor, const KernelCall& call) {
  return find_device_kernel(anchor.op, static_cast<std::int32_t>(anchor.dtype))->anchor_kernels(call, kProcessors);
}

// Returns the kernel that the group was part of, or would have been.
AnchorKernels check_step(Rng& rng, const Anchor& anchor, int num_ops, bool is_symbolic = false) {
  Group group = random_anchored_group(rng, anchor.shape, anchor.dtype, num_ops);
  group.inputs[0] = result_of(anchor);
  for (Operand& y : group.results) {
    if (y.lies_on >= 0) continue;
    const Dense laid(anchor.dtype, anchor.shape,
                     anchor.outputs_last ? std::vector<std::size_t>{0, 2, 3, 1} : in_order(anchor.shape.size(), false));
    y.strides.assign(laid.arg.strides, laid.arg.strides + laid.arg.rank);
  }
  StepCall step(anchor, group);
  const std::vector<std::vector<char>> wanted = run_on_cpu(group);
  const DeviceGroup asked = anchored(group);
  const Unknown unknown(step.call);
  const KernelCall& compiled = is_symbolic ? unknown.call : step.call;
  REQUIRE(kernel_test::run_on_device(anchor.op, anchor.dtype, step.call, &asked, 0, &compiled));
  for (std::size_t i = 0; i < group.results.size(); ++i) {
    const int below = group.results[i].lies_on;
    const std::vector<char>& got = step.memory[below >= 0 ? static_cast<std::size_t>(below) : group.inputs.size() + i];
    CHECK_MESSAGE(same_elements(group.dtype_of(group.outputs[i]), wanted[i], got), anchor.op, ", output ", i, " of ",
                  describe(group));
  }
  return kernels_of(anchor, compiled);
}

std::vector<Anchor> anchors(Rng& rng) {
  std::vector<Anchor> all;
  all.push_back(make_matmul(rng, DType::kF32, {130, 40}, {40, 132}));  // tiles
  all.push_back(make_matmul(rng, DType::kF32, {2, 3, 90, 70}, {2, 1, 70, 33}, true, true));
  all.push_back(make_matmul(rng, DType::kF32, {512, 24}, {24, 516}));                 // large tiles
  all.push_back(make_matmul(rng, DType::kF32, {5, 200}, {200, 300}));                 // few rows
  all.push_back(make_matmul(rng, DType::kF32, {300, 250}, {250, 3}));                 // few columns
  all.push_back(make_matmul(rng, DType::kF32, {64, 1030}, {1030, 68}, false, true));  // parts
  all.push_back(make_matmul(rng, DType::kF64, {65, 40}, {40, 70}));
  all.push_back(make_matmul(rng, DType::kF64, {3, 100}, {100, 50}));
  all.push_back(make_matmul(rng, DType::kI32, {70, 30}, {30, 66}));
  all.push_back(make_matmul(rng, DType::kI64, {4, 33, 30}, {30, 36}));
  all.push_back(make_conv(rng, DType::kF32, {1, 1, 9, 20, 9, 8, 3, 1, 1}, true));  // tiles of patches
  all.push_back(make_conv(rng, DType::kF32, {2, 2, 5, 12, 9, 8, 3, 2, 1}, false));
  all.push_back(make_conv(rng, DType::kF32, {4, 1, 3, 130, 16, 16, 3, 1, 1}, true));  // large ones
  all.push_back(make_conv(rng, DType::kF32, {2, 1, 36, 40, 6, 6, 1, 1, 0}, true));    // products of pixels
  all.push_back(make_conv(rng, DType::kF32, {1, 1, 60, 20, 7, 8, 3, 1, 1}, false));   // parts
  all.push_back(make_conv(rng, DType::kF32, {2, 9, 1, 1, 9, 11, 3, 1, 1}, true));     // pixel by pixel
  all.push_back(make_conv(rng, DType::kF64, {2, 3, 2, 2, 6, 5, 3, 2, 1}, false));
  all.push_back(make_conv(rng, DType::kF64, {1, 1, 8, 9, 6, 6, 3, 1, 1}, true));
  return all;
}

TEST_CASE("groups on products and convolutions in two launches, by the interpreter, give the CPU's bits") {
  Rng rng(21);
  for (int round = 0; round < num_rounds(2); ++round) {
    for (const Anchor& anchor : anchors(rng)) check_step(rng, anchor, static_cast<int>(pick(rng, 1, 12)));
  }
}

TEST_CASE("groups in every kernel of products and convolutions give the CPU's bits") {
  const HostCompiler compiler;
  Rng rng(22);
  AnchorKernels seen;
  for (int round = 0; round < num_rounds(1); ++round) {
    for (const Anchor& anchor : anchors(rng)) {
      seen.add(check_step(rng, anchor, static_cast<int>(pick(rng, 1, 12))));
    }
  }
  CHECK(seen.bits == (1u << kNumAnchorKernels) - 1);
}

TEST_CASE("where sizes are not known every kernel that may be taken is made") {
  const HostCompiler compiler;
  Rng rng(24);
  const AnchorKernels matmul = check_step(rng, make_matmul(rng, DType::kF64, {40, 30}, {30, 36}), 2, true);
  CHECK(matmul.bits == AnchorKernels({AnchorKernel::kTiles, AnchorKernel::kFewRows}).bits);
  const AnchorKernels pixels = check_step(rng, make_conv(rng, DType::kF64, {3, 4, 1, 1, 6, 5, 3, 1, 1}, true), 2, true);
  CHECK(pixels.bits == AnchorKernels({AnchorKernel::kPixels}).bits);
}

struct Plugin {
  DeviceApi api = {};
  DeviceContext* context = nullptr;

  Plugin() {
    const HostApi host = {sizeof(HostApi), kDeviceApiVersion, INGOT_VERSION, "", 0};
    REQUIRE(ingot_cuda_open(&host, &api) == kDeviceDone);
    REQUIRE(api.open(0, &context) == kDeviceDone);
  }
  ~Plugin() { api.close(context); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
};

TEST_CASE("a step says in how many launches it runs, and asks for the memory between two") {
  const Plugin plugin;
  Rng rng(25);
  const Anchor anchor = make_matmul(rng, DType::kF32, {70, 30}, {30, 36});
  Group group;
  group.shape = anchor.shape;
  const auto f32 = static_cast<std::int32_t>(DType::kF32);
  group.input_dtypes = {f32};
  group.input_per_row = {false};
  REQUIRE(add_op(rng, group, {"negative", f32, f32, 1, false}));
  group.outputs = {static_cast<std::int32_t>(group.input_dtypes.size())};
  add_memory(rng, group, group.outputs);
  const StepCall step(anchor, group);
  const DeviceGroup asked = anchored(group);
  DeviceStepRequest request = {
      .kernel = "matmul", .dtype = f32, .call = &step.call, .group = &asked, .freedoms = 0, .guarded = 0};
  const auto describe = [&](std::int64_t workspace) {
    DeviceStep* made = nullptr;
    REQUIRE(plugin.api.compile_step(plugin.context, &request, &made) == kDeviceDone);
    CHECK(plugin.api.workspace_bytes(made, &step.call) == workspace);
    std::string description = plugin.api.describe_step(made);
    plugin.api.release_step(made);
    return description;
  };
  constexpr std::int64_t kResult = 70 * 36 * 4 / 256 * 256 + 256;
  const std::string apart = ", then group of 1 op, interpreted: INGOT_CUDA_ON_HOST_COMPILER names no compiler";
  CHECK(describe(kResult) == "matmul" + apart);
  {
    const CublasLt library;
    request.freedoms = kFreeOrder;
    CHECK(describe(kResult) == "matmul, own kernel: it carries a group" + apart);
    request.freedoms = 0;
  }
  {
    const HostCompiler compiler;
    CHECK(describe(0) == "matmul with a group of 1 op, generated");
  }
  request.kernel = "sum";
  DeviceStep* none = nullptr;
  CHECK(plugin.api.compile_step(plugin.context, &request, &none) == kDeviceNoKernel);
  CHECK(std::string(plugin.api.message()) == "sum: no kernel of the device computes it in this dtype with a group");
}

TEST_CASE("an empty result is computed, and a product of no steps is zeros under the group") {
  Rng rng(23);
  for (const auto& [a, b] : {std::pair<Sizes, Sizes>{{0, 3}, {3, 4}}, {{2, 0}, {0, 5}}}) {
    check_step(rng, make_matmul(rng, DType::kF32, a, b), 4);
  }
  const HostCompiler compiler;
  check_step(rng, make_matmul(rng, DType::kF32, {2, 0}, {0, 5}), 4);
}

TEST_CASE("neighbouring axes of a result are one where all operands of the group walk them alike") {
  const auto arg = [](const Sizes& shape, const Sizes& strides, char* data) {
    TensorArg x = {};
    x.data = data;
    x.rank = static_cast<std::int32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), x.shape);
    std::copy(strides.begin(), strides.end(), x.strides);
    return x;
  };
  alignas(16) char memory[64];
  const Sizes shape = {2, 3, 5, 8};
  const TensorArg dense = arg(shape, {120, 40, 8, 1}, memory);
  std::vector<TensorArg> inputs = {{}, {}, dense, arg(shape, {0, 0, 0, 1}, memory)};
  KernelCall call = {};
  call.outputs = &dense;
  call.inputs = inputs.data();
  call.num_outputs = 1;
  call.num_inputs = 4;
  GroupSource facts;
  facts.at_once = 4;
  facts.element_bytes = {4, 4, 4};
  facts.first_input = 2;
  const ResultSpace result = {{{0, 2, 1}}, {{1, 3, 1}, {2, 5, 1}}, {{3, 8, 1}}};
  const GroupPlacement one = place_operands(facts, call, result);
  CHECK(one.space.rank == 3);
  CHECK(one.axes.rows == 1);
  CHECK(one.axes.columns == 2);
  CHECK(one.space.axes[1].size == 15);
  CHECK(one.operands[0].steps[1] == 32);
  CHECK(one.operands[1].steps[2] == 4);
  CHECK(one.space.by_vectors == 1);
  inputs[3] = arg(shape, {0, 1, 0, 0}, memory);  // an element for each of an axis within the rows
  CHECK(place_operands(facts, call, result).space.rank == 4);
  CHECK(place_operands(facts, call, result).space.by_vectors == 1);
  inputs[2] = arg(shape, {120, 40, 8, 1}, memory + 4);  // off a vector
  CHECK(place_operands(facts, call, result).space.by_vectors == 0);
  const ResultSpace turned = {{{0, 2, 1}}, {{3, 8, 1}}, {{1, 3, 1}, {2, 5, 1}}};
  CHECK(place_operands(facts, call, turned).space.by_vectors == 0);
}

}  // namespace
}  // namespace ingot::cuda
