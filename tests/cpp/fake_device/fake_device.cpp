// A device plugin whose device is the processor: memory that the core must not touch, kernels that are the CPU's. It
// does what csrc/device/api.h says, one thing after the other, and gets wrong what fake_device.h can ask for.
#include "fake_device.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "device/api.h"
#include "execute/float_mode.h"
#include "execute/levels.h"
#include "memory.h"
#include "ops/op.h"

namespace ingot {

using Work = std::function<DeviceStatus()>;

struct DeviceContext {
  std::int32_t index;
};

struct FakeNode;  // ingot::Node is the core's, and this library shares its process
using Nodes = std::vector<FakeNode>;

// A branch or a loop of a graph.
struct Block {
  bool repeats;
  DeviceTest test, again;
  Nodes body, other;
};

struct FakeNode {
  Work work;  // where there is no block
  std::shared_ptr<Block> block;
};

struct DeviceGraph {
  Nodes nodes;
  std::vector<std::pair<std::size_t, std::size_t>> parts;  // of nodes: begin, end
};

struct DeviceStream {
  bool captures = false;
  DeviceGraph noted;
  std::vector<std::pair<std::shared_ptr<Block>, bool>> open;  // inner last; whether in the other branch
  DeviceGraph* patched = nullptr;

  Nodes& target() {
    if (open.empty()) return noted.nodes;
    const auto& [block, in_other] = open.back();
    return in_other ? block->other : block->body;
  }
};

struct DeviceEvent {
  std::chrono::steady_clock::time_point time;
};

struct DeviceStep {
  std::string op;
  const Kernel* kernel = nullptr;  // null: an abort
  std::size_t num_attrs = 0;
  bool has_group = false;
  std::vector<PointwiseInstruction> instructions;
  std::vector<std::int32_t> output_registers;
  PointwiseGroup group = {};
};

namespace {

thread_local std::string last_message;
fake::Counts counts;

fake::Memory& memory() {
  static fake::Memory memory;
  return memory;
}

DeviceStatus failed(DeviceStatus status, std::string message) {
  last_message = std::move(message);
  return status;
}

std::int64_t setting(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

std::int64_t memory_bytes() {
  return setting("FAKE_DEVICE_MEMORY", std::int64_t{1} << 30);
}

// ---- launches ------------------------------------------------------------------------------------------------------

// A launch that outlives the call that asked for it.
struct OwnedLaunch {
  const DeviceStep* step;
  std::vector<TensorArg> outputs, inputs;
  std::vector<std::int64_t> attrs;
  std::vector<std::int32_t> attr_begin;
  DeviceLaunch launch;

  explicit OwnedLaunch(const DeviceLaunch& given)
      : step(given.step),
        outputs(given.call->outputs, given.call->outputs + given.call->num_outputs),
        inputs(given.call->inputs, given.call->inputs + given.call->num_inputs),
        attr_begin(given.call->attr_begin, given.call->attr_begin + step->num_attrs + 1),
        launch(given) {
    if (attr_begin.back() > 0) attrs.assign(given.call->attrs, given.call->attrs + attr_begin.back());
  }
};

void report(const DeviceLaunch& launch, const ErrorWord& error) {
  DeviceFault& fault = *launch.fault;
  if (fault.set != 0 && (fault.order < launch.order || (fault.order == launch.order && fault.element <= error.element)))
    return;
  fault = {.lock = 0,
           .set = 1,
           .order = launch.order,
           .step = launch.step_index,
           .element = error.element,
           .value = error.value,
           .extent = error.extent};
}

DeviceStatus run(const OwnedLaunch& owned) {
  if (counts.launches++ >= setting("FAKE_DEVICE_FAILS", INT64_MAX)) return failed(kDeviceFailed, "a launch failed");
  const DeviceLaunch& launch = owned.launch;
  if (launch.guarded != 0 && launch.fault->set != 0) return kDeviceDone;
  const DeviceStep& step = *owned.step;
  if (step.kernel == nullptr) {
    if (*owned.inputs[0].data != 0) report(launch, {});
    return kDeviceDone;
  }
  ErrorWord error = {};
  KernelCall call = {.outputs = owned.outputs.data(),
                     .inputs = owned.inputs.data(),
                     .num_outputs = static_cast<std::int32_t>(owned.outputs.size()),
                     .num_inputs = static_cast<std::int32_t>(owned.inputs.size()),
                     .attrs = owned.attrs.data(),
                     .attr_begin = owned.attr_begin.data(),
                     .group = step.has_group ? &step.group : nullptr,
                     .error = &error};
  const FloatMode mode;
  const std::int64_t num_tiles = step.kernel->num_tiles(&call);
  if (num_tiles > 0) step.kernel->run(&call, 0, num_tiles, launch.workspace);
  if (error.set != 0) report(launch, error);
  return kDeviceDone;
}

DeviceStatus enqueue(DeviceStream* stream, Work work) {
  const auto guarded = [work = std::move(work)] {
    const fake::Memory::Access access(memory());
    return work();
  };
  if (!stream->captures) return guarded();
  stream->target().push_back({guarded, nullptr});
  return kDeviceDone;
}

// ---- steps ---------------------------------------------------------------------------------------------------------

bool add_group(const KernelTable& level, const DeviceGroup& from, DeviceStep& step) {
  for (std::int32_t i = 0; i < from.num_ops; ++i) {
    const DeviceGroupOp& op = from.ops[i];
    PointwiseInstruction to = {};
    const auto dtype = static_cast<DType>(op.dtype), result = static_cast<DType>(op.result_dtype);
    if (op.is_reduction != 0) {
      const RowKernel* kernel = find_row_function(level, op.op, dtype);
      if (kernel == nullptr) return false;
      to.reduce = kernel->function;
    } else {
      const PointwiseKernel* kernel = find_pointwise(level, op.op, dtype, result);
      if (kernel == nullptr) return false;
      to.function = kernel->function;
    }
    to.num_operands = op.num_operands;
    std::copy(std::begin(op.operands), std::end(op.operands), std::begin(to.operands));
    to.result_size_bytes = static_cast<std::int32_t>(size_bytes(result));
    to.per_row = op.per_row;
    step.instructions.push_back(to);
  }
  step.output_registers.assign(from.output_registers, from.output_registers + from.num_outputs);
  step.group = {.instructions = step.instructions.data(),
                .num_instructions = from.num_ops,
                .output_registers = step.output_registers.data(),
                .row_axes = from.row_axes,
                .first_input = from.first_input,
                .anchored = from.anchored};
  step.has_group = true;
  return true;
}

DeviceStatus compile_step(DeviceContext*, const DeviceStepRequest* request, DeviceStep** result) {
  const char* without = std::getenv("FAKE_DEVICE_WITHOUT");
  if (without != nullptr && request->kernel == std::string_view(without))
    return failed(kDeviceNoKernel, "the fake device was told so");
  auto step = std::make_unique<DeviceStep>();
  step->op = request->kernel;
  const KernelTable& level = choose_level();
  if (step->op != "abort") {
    step->kernel = find_kernel(level, request->kernel, static_cast<DType>(request->dtype));
    if (step->kernel == nullptr || (request->group != nullptr && !add_group(level, *request->group, *step)))
      return failed(kDeviceNoKernel, "the processor has none either");
  }
  const OpRow* row = find_op(request->kernel);
  step->num_attrs = row == nullptr || step->kernel == nullptr ? 0 : row->attrs.size();
  ++counts.steps;
  *result = step.release();
  return kDeviceDone;
}

std::int64_t workspace_bytes(const DeviceStep* step, const KernelCall* call) {
  KernelCall with_group = *call;
  with_group.group = step->has_group ? &step->group : nullptr;
  return step->kernel == nullptr || step->kernel->scratch_bytes == nullptr ? 0
                                                                           : step->kernel->scratch_bytes(&with_group);
}

// ---- the table -----------------------------------------------------------------------------------------------------

DeviceStatus count_devices(std::int32_t* num_devices) {
  *num_devices = static_cast<std::int32_t>(setting("FAKE_DEVICE_COUNT", 2));
  return *num_devices > 0 ? kDeviceDone : failed(kDeviceMissing, "no device: expected one");
}

DeviceStatus describe(std::int32_t index, DeviceProperties* properties) {
  *properties = {
      .name = "a fake", .index = index, .major = 9, .minor = 0, .num_processors = 1, .memory_bytes = memory_bytes()};
  return kDeviceDone;
}

DeviceStatus allocate(DeviceContext*, std::int64_t num_bytes, char** address) {
  *address = memory().allocate(num_bytes, memory_bytes());
  if (*address == nullptr) return failed(kDeviceOutOfMemory, "out of memory");
  ++counts.allocations;
  counts.allocated_bytes = memory().held_bytes();
  return kDeviceDone;
}

void release(DeviceContext*, char* address) {
  memory().release(address);
  counts.allocated_bytes = memory().held_bytes();
}

DeviceStatus allocate_host(DeviceContext*, std::int64_t num_bytes, char** address) {
  ++counts.host_allocations;
  *address = static_cast<char*>(std::aligned_alloc(256, (static_cast<std::size_t>(num_bytes) + 255) / 256 * 256));
  return kDeviceDone;
}

DeviceStatus copy(DeviceStream* stream, char* to, const char* from, std::int64_t num_bytes) {
  return enqueue(stream, [=] {
    std::memcpy(to, from, static_cast<std::size_t>(num_bytes));
    return kDeviceDone;
  });
}

DeviceStatus upload(DeviceStream* stream, char* to, const void* from, std::int64_t num_bytes) {
  ++counts.uploads;
  return copy(stream, to, static_cast<const char*>(from), num_bytes);
}

DeviceStatus download(DeviceStream* stream, void* to, const char* from, std::int64_t num_bytes) {
  ++counts.downloads;
  return copy(stream, static_cast<char*>(to), from, num_bytes);
}

DeviceStatus clear(DeviceStream* stream, char* to, std::int64_t num_bytes) {
  return enqueue(stream, [=] {
    std::memset(to, 0, static_cast<std::size_t>(num_bytes));
    return kDeviceDone;
  });
}

DeviceStatus set_number(DeviceStream* stream, char* to, std::int64_t value) {
  return enqueue(stream, [=] {
    std::memcpy(to, &value, sizeof(value));
    return kDeviceDone;
  });
}

DeviceStatus launch(DeviceStream* stream, const DeviceLaunch* given) {
  return enqueue(stream, [owned = OwnedLaunch(*given)] { return run(owned); });
}

DeviceStatus wait(DeviceStream*, void*) {
  ++counts.waits;
  return kDeviceDone;
}

DeviceStatus begin_capture(DeviceStream* stream) {
  stream->captures = true;
  stream->noted = {};
  stream->open.clear();
  return kDeviceDone;
}

DeviceStatus end_capture(DeviceStream* stream, DeviceGraph** graph) {
  stream->captures = false;
  if (graph == nullptr) return kDeviceDone;
  if (!stream->open.empty()) return failed(kDeviceFailed, "a capture with an open branch");
  if (*graph == nullptr) *graph = new DeviceGraph, ++counts.graphs;
  **graph = std::move(stream->noted);
  ++counts.captures;
  return kDeviceDone;
}

DeviceStatus begin_part(DeviceStream* stream) {
  if (!stream->open.empty()) return failed(kDeviceFailed, "a part inside of a branch");
  stream->noted.parts.emplace_back(stream->noted.nodes.size(), 0);
  return kDeviceDone;
}

DeviceStatus end_part(DeviceStream* stream) {
  stream->noted.parts.back().second = stream->noted.nodes.size();
  return kDeviceDone;
}

DeviceStatus begin_patch(DeviceStream* stream, DeviceGraph* graph) {
  stream->patched = graph;
  return begin_capture(stream);
}

// Parts as long as those of the graph, and nothing between them.
DeviceStatus end_patch(DeviceStream* stream) {
  stream->captures = false;
  DeviceGraph& graph = *stream->patched;
  const DeviceGraph& given = stream->noted;
  if (std::getenv("FAKE_DEVICE_REFUSES") != nullptr) return failed(kDeviceRefused, "told so");
  if (given.parts.size() != graph.parts.size()) return failed(kDeviceFailed, "a patch of other parts");
  std::size_t next = 0;
  for (std::size_t i = 0; i < given.parts.size(); ++i) {
    const auto [begin, end] = given.parts[i];
    const auto [first, last] = graph.parts[i];
    if (begin != next || end - begin != last - first) return failed(kDeviceFailed, "a patch of other launches");
    for (std::size_t k = begin; k < end; ++k) graph.nodes[first + k - begin] = given.nodes[k];
    next = end;
  }
  if (next != given.nodes.size()) return failed(kDeviceFailed, "a patch of more than parts");
  ++counts.patches;
  counts.patched_launches += static_cast<std::int64_t>(next);
  return kDeviceDone;
}

DeviceStatus open_block(DeviceStream* stream, bool repeats, const DeviceTest* test) {
  auto block = std::make_shared<Block>(Block{repeats, *test, *test, {}, {}});
  stream->target().push_back({nullptr, block});
  stream->open.emplace_back(block, false);
  return kDeviceDone;
}

DeviceStatus end_branch(DeviceStream* stream) {
  stream->open.pop_back();
  return kDeviceDone;
}

DeviceStatus end_turn(DeviceStream* stream, const DeviceTest* test) {
  stream->open.back().first->again = *test;
  return end_branch(stream);
}

enum class Answer { kNeither, kYes, kNo };

Answer answer_of(const DeviceTest& test) {
  const fake::Memory::Access access(memory());
  if (test.fault->set == 0 && test.stop != nullptr && *test.stop != 0) {
    *test.fault = {
        .lock = 0, .set = 1, .order = test.order, .step = kDeviceStopped, .element = 0, .value = 0, .extent = 0};
  }
  if (test.fault->set != 0) return Answer::kNeither;
  return *test.condition != 0 ? Answer::kYes : Answer::kNo;
}

DeviceStatus run_nodes(const Nodes& nodes);

DeviceStatus run_block(const Block& block) {
  DeviceStatus status = kDeviceDone;
  Answer answer = answer_of(block.test);
  if (answer == Answer::kNo) return run_nodes(block.other);
  while (status == kDeviceDone && answer == Answer::kYes) {
    status = run_nodes(block.body);
    answer = block.repeats ? answer_of(block.again) : Answer::kNeither;
  }
  return status;
}

DeviceStatus run_nodes(const Nodes& nodes) {
  for (const FakeNode& node : nodes)
    if (const DeviceStatus status = node.block == nullptr ? node.work() : run_block(*node.block); status != kDeviceDone)
      return status;
  return kDeviceDone;
}

DeviceStatus run_graph(DeviceStream*, DeviceGraph* graph) {
  ++counts.replays;
  return run_nodes(graph->nodes);
}

template <class Thing>
void destroy(Thing* thing, std::int64_t& count) {
  delete thing;
  --count;
}

constexpr DeviceApi kApi = {
    .size_bytes = sizeof(DeviceApi),
    .version = kDeviceApiVersion,
    .build = INGOT_VERSION,
    .name = "cuda",
    .message = [] { return last_message.c_str(); },
    .count = &count_devices,
    .describe = &describe,
    .open =
        [](std::int32_t index, DeviceContext** context) {
          *context = new DeviceContext{index};
          return kDeviceDone;
        },
    .close = [](DeviceContext* context) { delete context; },
    .free_bytes =
        [](DeviceContext*, std::int64_t* num_bytes) {
          *num_bytes = memory_bytes() - memory().held_bytes();
          return kDeviceDone;
        },
    .measure_limits =
        [](DeviceContext*, DeviceLimits* limits) {
          ++counts.measurements;
          *limits = {.flops_per_ns = 100,
                     .cached_bytes_per_ns = 20,
                     .memory_bytes_per_ns = 10,
                     .launch_ns = 1000,
                     .cached_bytes = 4096};
          return kDeviceDone;
        },
    .allocate = &allocate,
    .release = &release,
    .allocate_host = &allocate_host,
    .release_host = [](DeviceContext*, char* address) { std::free(address); },
    .owns = [](DeviceContext*, const void* address) { return std::int32_t{memory().owns(address)}; },
    .has_fast = [](DeviceContext*, const char*, const char*, std::int32_t, std::uint32_t) { return 0; },
    .compile_step = &compile_step,
    .release_step = [](DeviceStep* step) { destroy(step, counts.steps); },
    .workspace_bytes = &workspace_bytes,
    .describe_step = [](const DeviceStep* step) { return step->op.c_str(); },
    .open_stream =
        [](DeviceContext*, DeviceStream** stream) {
          ++counts.streams;
          *stream = new DeviceStream;
          return kDeviceDone;
        },
    .close_stream = [](DeviceStream* stream) { destroy(stream, counts.streams); },
    .native_stream = [](DeviceStream* stream) -> void* { return stream; },
    .synchronize =
        [](DeviceStream*) {
          ++counts.synchronizations;
          return kDeviceDone;
        },
    .is_done =
        [](DeviceStream*, std::int32_t* done) {
          *done = 1;
          return kDeviceDone;
        },
    .wait_for = &wait,
    .let_wait = &wait,
    .launch = &launch,
    .upload = &upload,
    .download = &download,
    .copy = &copy,
    .clear = &clear,
    .set_number = &set_number,
    .begin_capture = &begin_capture,
    .end_capture = &end_capture,
    .run_graph = &run_graph,
    .release_graph = [](DeviceGraph* graph) { destroy(graph, counts.graphs); },
    .begin_part = &begin_part,
    .end_part = &end_part,
    .begin_patch = &begin_patch,
    .end_patch = &end_patch,
    .has_branches = [](DeviceContext*) { return setting("FAKE_DEVICE_BRANCHES", 1) != 0 ? 1 : 0; },
    .begin_if = [](DeviceStream* stream, const DeviceTest* test,
                   std::int32_t) { return open_block(stream, false, test); },
    .begin_else =
        [](DeviceStream* stream) {
          stream->open.back().second = true;
          return kDeviceDone;
        },
    .end_branch = &end_branch,
    .begin_while = [](DeviceStream* stream, const DeviceTest* test) { return open_block(stream, true, test); },
    .end_turn = &end_turn,
    .make_event =
        [](DeviceContext*, DeviceEvent** event) {
          ++counts.events;
          *event = new DeviceEvent;
          return kDeviceDone;
        },
    .release_event = [](DeviceEvent* event) { destroy(event, counts.events); },
    .record_event =
        [](DeviceStream*, DeviceEvent* event) {
          event->time = std::chrono::steady_clock::now();
          return kDeviceDone;
        },
    .elapsed_ns =
        [](DeviceEvent* begin, DeviceEvent* end, std::int64_t* ns) {
          *ns = (end->time - begin->time) / std::chrono::nanoseconds(1);
          return kDeviceDone;
        },
};

}  // namespace
}  // namespace ingot

extern "C" {

__attribute__((visibility("default"))) ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host,
                                                                           ingot::DeviceApi* api) {
  *api = ingot::kApi;
  api->version = static_cast<std::uint32_t>(ingot::setting("FAKE_DEVICE_VERSION", ingot::kDeviceApiVersion));
  return host->version == api->version ? ingot::kDeviceDone : ingot::kDeviceFailed;
}

__attribute__((visibility("default"))) const ingot::fake::Counts* fake_device_counts() {
  return &ingot::counts;
}
}
