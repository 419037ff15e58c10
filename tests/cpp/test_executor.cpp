// The step loop on hand-made plans with a handful of toy kernels: loops, windows, swaps, errors, limits, threads.
#include <doctest/doctest.h>

#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "execute/executor.h"

using namespace ingot;

namespace {

std::int64_t elements(const TensorArg& arg) {
  std::int64_t count = 1;
  for (int axis = 0; axis < arg.rank; ++axis) count *= arg.shape[axis];
  return count;
}

std::int64_t* values(const TensorArg& arg) {
  return reinterpret_cast<std::int64_t*>(arg.data);
}

std::int64_t tile_per_element(const KernelCall* call) {
  return elements(call->outputs[0]);
}

std::int64_t cheap(const KernelCall*) {
  return 10;
}

std::int64_t scratch_of_output(const KernelCall* call) {
  return elements(call->outputs[0]) * 8;
}

// out = a + b, both with the stride of axis 0.
void run_add(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t a = values(call->inputs[0])[i * call->inputs[0].strides[0]];
    const std::int64_t b = values(call->inputs[1])[i * call->inputs[1].strides[0]];
    reinterpret_cast<std::int64_t*>(scratch)[i] = a + b;
    values(call->outputs[0])[i] = reinterpret_cast<std::int64_t*>(scratch)[i];
  }
}

// out = the attributes' sum
void run_fill(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  std::int64_t sum = 0;
  for (std::int32_t i = call->attr_begin[0]; i < call->attr_begin[2]; ++i) sum += call->attrs[i];
  for (std::int64_t i = begin; i < end; ++i) values(call->outputs[0])[i] = sum;
}

// out: bool[] = a < 10
void run_below_ten(const KernelCall* call, std::int64_t, std::int64_t, char*) {
  *call->outputs[0].data = values(call->inputs[0])[0] < 10 ? 1 : 0;
}

// Fails at every element above 100, the lowest wins.
void run_checked(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t value = values(call->inputs[0])[i];
    if (value <= 100) continue;
    while (__atomic_exchange_n(&call->error->lock, 1, __ATOMIC_ACQUIRE) != 0) {
    }
    if (call->error->set == 0 || i < call->error->element) *call->error = {1, 1, i, value, 5};
    __atomic_store_n(&call->error->lock, 0, __ATOMIC_RELEASE);
  }
}

constexpr int kI64 = static_cast<int>(DType::kI64);
constexpr Kernel kKernels[] = {
    {"add", kI64, tile_per_element, scratch_of_output, cheap, run_add},
    {"below_ten", kI64, tile_per_element, nullptr, cheap, run_below_ten},
    {"checked", kI64, tile_per_element, nullptr, cheap, run_checked},
    {"fill", -1, tile_per_element, nullptr, cheap, run_fill},
};
constexpr std::int32_t kNumKernels = 4;
constexpr KernelFamily kFamily = {kKernels, &kNumKernels};
constexpr KernelTable kLevel = {"toy", &kFamily, 1, nullptr, 0};

OpRow make_row(std::string_view name, std::uint32_t traits) {
  return {.name = name,
          .operand_names = {},
          .attrs = {},
          .dtype_rule = DTypeRule::kSame,
          .classes = kAnyClass,
          .shape_rule = nullptr,
          .traits = traits};
}
const OpRow kCheckedRow = make_row("checked", kMayFail);

// A plan under construction: slots are named by the order of their creation.
struct Builder {
  Graph graph;
  Plan plan;

  SlotId slot(SlotKind kind, std::uint32_t index) {
    plan.slots.push_back({kind, index});
    return SlotId(static_cast<std::uint32_t>(plan.slots.size() - 1));
  }
  SlotId arena(std::int64_t bytes) {
    const auto index = static_cast<std::uint32_t>(plan.buffers.size());
    plan.buffers.push_back({.size_bytes = bytes, .max_bytes = bytes, .offset = plan.arena_bytes});
    plan.arena_bytes += (bytes + 63) / 64 * 64;
    return slot(SlotKind::kArena, index);
  }
  SlotId window(SlotId base, Size stride_bytes, std::uint32_t loop) {
    plan.windows.push_back({base, stride_bytes, loop});
    return slot(SlotKind::kWindow, static_cast<std::uint32_t>(plan.windows.size() - 1));
  }
  static Operand vector(SlotId slot, Size size, Size stride = 1, Size offset = 0) {
    return {slot, {DType::kI64, {size}}, {stride}, offset};
  }
  static Operand scalar(SlotId slot, DType dtype = DType::kI64) { return {slot, {dtype, {}}, {}, 0}; }
  Step& step(StepKind kind, const char* kernel = "") {
    plan.steps.emplace_back();
    plan.steps.back().kind = kind;
    plan.steps.back().kernel = kernel;
    return plan.steps.back();
  }
  void add(Operand out, Operand a, Operand b) {
    Step& s = step(StepKind::kKernel, "add");
    s.outputs = {out};
    s.inputs = {a, b};
  }
};

struct Runner {
  std::unique_ptr<const CompiledPlan> compiled;
  ParallelPolicy policy;
  RunState state;
  alignas(64) char arena[4096] = {};
  std::vector<char> scratch;
  std::vector<char*> inputs, outputs, states;

  explicit Runner(const Builder& builder, int num_threads = 1)
      : compiled(compile_plan(builder.graph, builder.plan, &kLevel)) {
    policy = {.num_threads = num_threads, .min_step_ns = 0, .min_run_ns = 0, .wake_step_ns = 0};
    make_run_state(*compiled, state);
  }
  void run(const DimValues& dims, const RunOptions& options = {}, StepProfile* profile = nullptr) {
    bind_dims(*compiled, policy, dims, state.blocks);
    const std::int64_t stride = scratch_bytes(*compiled, state.blocks);
    scratch.resize(static_cast<std::size_t>(stride * policy.num_threads + 64));
    const RunBuffers buffers = {.arena = arena,
                                .scratch = scratch.data(),
                                .scratch_stride = stride,
                                .inputs = inputs,
                                .outputs = outputs,
                                .params = {},
                                .states = states};
    execute(*compiled, policy, buffers, state, options, profile);
  }
};

char* bytes(std::vector<std::int64_t>& vector) {
  return reinterpret_cast<char*>(vector.data());
}

ErrorCode code_of(Runner& runner, const RunOptions& options = {}, std::string* message = nullptr) {
  try {
    runner.run({}, options);
  } catch (const Error& error) {
    if (message != nullptr) *message = error.message();
    return error.code();
  }
  return ErrorCode::kInternal;
}

// i = 0; do { i += step } while (i < 10): never ends for step 0.
Builder make_counting_loop() {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
  const SlotId one = b.arena(8), two = b.arena(8), flag = b.arena(1);
  Step& fill = b.step(StepKind::kKernel, "fill");
  fill.outputs = {Builder::vector(one, 1)};
  fill.attrs = {std::int64_t{0}, Shape{}};
  b.add(Builder::vector(two, 1), Builder::vector(one, 1), Builder::vector(in, 1));  // 1
  Step& swap = b.step(StepKind::kSwap);
  swap.slot_a = one;
  swap.slot_b = two;
  Step& below = b.step(StepKind::kKernel, "below_ten");
  below.outputs = {Builder::scalar(flag, DType::kBool)};
  below.inputs = {Builder::vector(one, 1)};
  Step& leave = b.step(StepKind::kJumpIfFalse);
  leave.inputs = {Builder::scalar(flag, DType::kBool)};
  leave.target = 6;
  b.step(StepKind::kJump).target = 1;
  b.add(Builder::vector(out, 1), Builder::vector(one, 1), Builder::vector(one, 1));  // 6
  return b;
}

}  // namespace

TEST_CASE("symbolic shapes, strides, offsets and attributes follow the dims") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0), sum = b.arena(800);
  const Size n = Size::dim("n");
  Step& fill = b.step(StepKind::kKernel, "fill");
  fill.outputs = {Builder::vector(sum, n)};
  fill.attrs = {Size(n * 2), Shape{n, 5}};
  b.add(Builder::vector(out, n), Builder::vector(sum, n), Builder::vector(in, n, -1, n - 1));  // reversed input
  Runner runner(b);
  CHECK(runner.compiled->sizes.size() == 3);  // n, 2*n, n - 1
  for (std::int64_t size : {7, 3, 100, 0, 1}) {
    std::vector<std::int64_t> input(static_cast<std::size_t>(size)), output(input.size());
    std::iota(input.begin(), input.end(), 0);
    runner.inputs = {bytes(input)};
    runner.outputs = {bytes(output)};
    runner.run({{"n", size}});
    for (std::int64_t i = 0; i < size; ++i) CHECK(output[static_cast<std::size_t>(i)] == size - 1 - i + 3 * size + 5);
  }
}

TEST_CASE("carried values swap places until the condition fails, and the next run starts afresh") {
  Runner runner(make_counting_loop());
  for (std::int64_t step : {3, 4, 10, 3}) {
    std::vector<std::int64_t> input = {step}, output = {0};
    runner.inputs = {bytes(input)};
    runner.outputs = {bytes(output)};
    runner.run({});
    CHECK(output[0] == 2 * ((10 + step - 1) / step * step));
  }
}

TEST_CASE("a counted loop moves its windows, forwards and backwards, nested too") {
  for (bool reverse : {false, true}) {
    Builder b;
    const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
    const SlotId outer_index = b.arena(8), inner_index = b.arena(8);
    const Size n = Size::dim("n"), m = Size::dim("m");
    b.plan.loops = {{n, false}, {m, reverse}};
    const SlotId in_row = b.window(in, m * 8, 0), out_row = b.window(out, m * 8, 0);
    const SlotId in_cell = b.window(in_row, 8, 1), out_cell = b.window(out_row, 8, 1);
    Step& outer = b.step(StepKind::kLoopBegin);
    outer.outputs = {Builder::scalar(outer_index)};
    outer.target = 5;
    Step& inner = b.step(StepKind::kLoopBegin);
    inner.outputs = {Builder::scalar(inner_index)};
    inner.loop = 1;
    inner.target = 4;
    b.add(Builder::vector(out_cell, 1), Builder::vector(in_cell, 1), Builder::vector(inner_index, 1));  // 2
    Step& inner_next = b.step(StepKind::kLoopNext);
    inner_next.outputs = {Builder::scalar(inner_index)};
    inner_next.loop = 1;
    inner_next.target = 2;
    Step& outer_next = b.step(StepKind::kLoopNext);  // 4
    outer_next.outputs = {Builder::scalar(outer_index)};
    outer_next.target = 1;
    Runner runner(b);
    for (auto [rows, columns] : {std::pair<std::int64_t, std::int64_t>{3, 4}, {1, 1}, {0, 4}, {3, 0}, {2, 5}}) {
      std::vector<std::int64_t> input(static_cast<std::size_t>(rows * columns)), output(input.size(), -1);
      std::iota(input.begin(), input.end(), 100);
      runner.inputs = {bytes(input)};
      runner.outputs = {bytes(output)};
      runner.run({{"n", rows}, {"m", columns}});
      for (std::size_t i = 0; i < output.size(); ++i)
        CHECK(output[i] == input[i] + static_cast<std::int64_t>(i) % columns);
    }
  }
}

TEST_CASE("threads compute the same as one, and never share scratch") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
  const Size n = Size::dim("n");
  b.add(Builder::vector(out, n), Builder::vector(in, n), Builder::vector(in, n));
  for (int num_threads : {2, 3, 4}) {
    Runner runner(b, num_threads);
    for (std::int64_t size : {1, 2, 3, 17, 1000}) {
      std::vector<std::int64_t> input(static_cast<std::size_t>(size)), output(input.size());
      std::iota(input.begin(), input.end(), 0);
      runner.inputs = {bytes(input)};
      runner.outputs = {bytes(output)};
      runner.run({{"n", size}});
      for (std::size_t i = 0; i < output.size(); ++i) REQUIRE(output[i] == 2 * static_cast<std::int64_t>(i));
    }
  }
}

TEST_CASE("the lowest element out of range is reported, whatever the threads do") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
  b.graph.nodes.emplace_back().origin = {.file = "model.py", .line = 12, .composite = ""};
  Step& checked = b.step(StepKind::kKernel, "checked");
  checked.op = &kCheckedRow;
  checked.node = NodeId(0);
  checked.outputs = {Builder::vector(out, 64)};
  checked.inputs = {Builder::vector(in, 64)};
  for (int num_threads : {1, 2}) {
    Runner runner(b, num_threads);
    std::vector<std::int64_t> input(64, 0), output(64);
    for (std::size_t i = 23; i < 64; i += 3) input[i] = 1000 + static_cast<std::int64_t>(i);
    runner.inputs = {bytes(input)};
    runner.outputs = {bytes(output)};
    std::string message;
    CHECK(code_of(runner, {}, &message) == ErrorCode::kRange);
    CHECK(message == "checked: index out of range: got 1023, expected -5..4 (element 23)  (model.py:12)");
    std::fill(input.begin(), input.end(), 0);
    CHECK_NOTHROW(runner.run({}));
  }
}

TEST_CASE("abort names its message and line, and a false condition passes") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0);
  b.graph.nodes.emplace_back().origin = {.file = "model.py", .line = 15, .composite = ""};
  Step& abort = b.step(StepKind::kAbort);
  abort.inputs = {Builder::scalar(in, DType::kBool)};
  abort.message = "negative";
  abort.node = NodeId(0);
  Runner runner(b);
  char condition = 1;
  runner.inputs = {&condition};
  std::string message;
  CHECK(code_of(runner, {}, &message) == ErrorCode::kAbort);
  CHECK(message == "abort: negative  (model.py:15)");
  condition = 0;
  CHECK_NOTHROW(runner.run({}));
}

TEST_CASE("max_steps and an interrupt end a loop that would never end") {
  Runner runner(make_counting_loop());
  std::vector<std::int64_t> input = {0}, output = {0};
  runner.inputs = {bytes(input)};
  runner.outputs = {bytes(output)};
  CHECK(code_of(runner, {.max_steps = 1000}) == ErrorCode::kLimit);
  int polls = 0;
  const auto third_time = [](void* context) { return ++*static_cast<int*>(context) == 3; };
  std::string message;
  CHECK(code_of(runner, {.interrupted = third_time, .interrupt_context = &polls}, &message) == ErrorCode::kAbort);
  CHECK(message == "run: interrupted");
  CHECK(polls == 3);
}

TEST_CASE("exactly max_steps steps may run") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
  for (int i = 0; i < 3; ++i) b.add(Builder::vector(out, 1), Builder::vector(in, 1), Builder::vector(in, 1));
  Runner runner(b);
  std::vector<std::int64_t> input = {1}, output = {0};
  runner.inputs = {bytes(input)};
  runner.outputs = {bytes(output)};
  CHECK_NOTHROW(runner.run({}, {.max_steps = 3}));
  CHECK(code_of(runner, {.max_steps = 2}) == ErrorCode::kLimit);
}

TEST_CASE("states count as written from the first step that may write one") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0),
               state = b.slot(SlotKind::kState, 0);
  b.add(Builder::vector(out, 1), Builder::vector(in, 1), Builder::vector(in, 1));
  b.add(Builder::vector(state, 1), Builder::vector(in, 1), Builder::vector(in, 1));
  b.add(Builder::vector(state, 1), Builder::vector(in, 1), Builder::vector(in, 1));
  Runner runner(b);
  std::vector<std::int64_t> input = {1}, output = {0}, cache = {0};
  runner.inputs = {bytes(input)};
  runner.outputs = {bytes(output)};
  runner.states = {bytes(cache)};
  CHECK(runner.compiled->commit_step == 1);
  CHECK(code_of(runner, {.max_steps = 1}) == ErrorCode::kInternal);  // the limit does not tear the updates apart
  CHECK(runner.state.state_written);
  CHECK(cache[0] == 2);
}

TEST_CASE("a missing kernel is named with dtype and line") {
  Builder b;
  const SlotId in = b.slot(SlotKind::kInput, 0), out = b.slot(SlotKind::kOutput, 0);
  b.graph.nodes.emplace_back().origin = {.file = "m.py", .line = 3, .composite = ""};
  Step& step = b.step(StepKind::kKernel, "add");
  step.node = NodeId(0);
  step.outputs = {{out, {DType::kF16, {4}}, {1}, 0}};
  step.inputs = {{in, {DType::kF16, {4}}, {1}, 0}, {in, {DType::kF16, {4}}, {1}, 0}};
  try {
    compile_plan(b.graph, b.plan, &kLevel);
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kDType);
    CHECK(error.message() == "add: no kernel: got f16, expected a dtype that level toy can compute  (m.py:3)");
  }
}

TEST_CASE("a profile counts every call of a step") {
  Runner runner(make_counting_loop());
  std::vector<std::int64_t> input = {5}, output = {0};
  runner.inputs = {bytes(input)};
  runner.outputs = {bytes(output)};
  std::vector<StepProfile> profile(runner.compiled->steps.size());
  runner.run({}, {}, profile.data());
  CHECK(profile[0].calls == 1);
  CHECK(profile[1].calls == 2);
  CHECK(profile[6].calls == 1);
}
