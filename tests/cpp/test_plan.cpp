// What plans promise: no step for what needs none, nothing copied that can be computed in place, space shared.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/error.h"
#include "graph/text.h"
#include "plan/plan.h"
#include "verify/verify.h"

using namespace ingot;

namespace {

Plan plan_of(const std::string& text, const PlanOptions& options = {}) {
  const Module module = parse_module("ingot 1\nnumerics 1\n" + text).module;
  verify(module);
  Plan plan = make_plan(module, module.graphs[0], options);
  check_plan(module, module.graphs[0], plan);
  return plan;
}

std::ptrdiff_t kernels(const Plan& plan, std::string_view name) {
  return std::count_if(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return step.kernel == name; });
}

std::ptrdiff_t steps(const Plan& plan, StepKind kind) {
  return std::count_if(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return step.kind == kind; });
}

SlotKind output_kind(const Plan& plan, std::size_t step) {
  return plan.slots[plan.steps[step].outputs[0].slot.index].kind;
}

ErrorCode code_of(const std::string& text, const PlanOptions& options = {}) {
  try {
    plan_of(text, options);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

// A carry of 8 floats and a counter that goes to 10; `body` gives %next from %value and %i.
std::string loop_over(const std::string& body, const std::string& next) {
  return R"(graph g(x: f32[8], y: f32[8]) {
  %0, %1 = while(x, 0:i64) : f32[8], i64[] {
    cond(%2: f32[8], %3: i64[]) {
      %4 = less(%3, 10) : bool[]
      return %4
    }
    body(%value: f32[8], %i: i64[]) {
      %j = add(%i, 1) : i64[]
)" + body +
         "      return " + next + ", %j\n    }\n  }\n  return %0\n}\n";
}

std::string number_values(std::string text) {
  const std::pair<std::string, std::string> names[] = {
      {"%value", "%5"}, {"%i", "%6"}, {"%j", "%7"}, {"%a", "%8"}, {"%b", "%9"}};
  for (const auto& [from, to] : names) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from)) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

Plan plan_of_loop(const std::string& body, const std::string& next) {
  return plan_of(number_values(loop_over(body, next)));
}

constexpr std::string_view kTwoCaches = R"(state k: f32[64,8] = zeros
state v: f32[64,8] = zeros
graph g(x: f32[1,8], at: i64[2], ok: bool[]) {
)";

}  // namespace

TEST_CASE("an output is computed in the caller's buffer, a second name of it is copied") {
  const Plan plan = plan_of(R"(graph g(x: f32[4,4]) {
  %0 = matmul(x, x) : f32[4,4]
  return %0, %0, x
}
)");
  REQUIRE(plan.steps.size() == 3);
  CHECK(output_kind(plan, 0) == SlotKind::kOutput);
  CHECK(kernels(plan, "copy") == 2);
  CHECK(plan.arena_bytes == 0);
  CHECK(plan.optimal);
}

TEST_CASE("a view that is an output is copied as soon as it is there, and its buffer is free again") {
  std::string text = "graph g(x: f32[16,16]) {\n", returned, last = "x";
  for (int layer = 0; layer < 6; ++layer) {
    const std::string sum = concat("%", 3 * layer), view = concat("%", 3 * layer + 1),
                      next = concat("%", 3 * layer + 2);
    text += "  " + sum + " = cumulative_sum(" + last + ", axis=0) : f32[16,16]\n";
    text += "  " + view + " = permute_dims(" + sum + ", axes=[1,0]) : f32[16,16]\n";
    text += "  " + next + " = cumulative_sum(" + sum + ", axis=1) : f32[16,16]\n";
    returned += (layer > 0 ? ", " : "") + view;
    last = next;
  }
  const Plan plan = plan_of(text + "  return " + returned + ", " + last + "\n}\n");
  CHECK(kernels(plan, "copy") == 6);
  CHECK(plan.arena_bytes == 2 * 16 * 16 * 4);
}

TEST_CASE("an output that is a state's new value is copied from the state at the end") {
  const Plan plan = plan_of(R"(state s: f32[16,16] = zeros
graph g(x: f32[16,16]) {
  %0 = add(s, x) : f32[16,16]
  %1 = permute_dims(%0, axes=[1,0]) : f32[16,16]
  %2 = cumulative_sum(x, axis=0) : f32[16,16]
  update s <- %0
  return %1, %2
}
)");
  CHECK(kernels(plan, "copy") == 1);
  CHECK(plan.steps.back().kernel == "copy");
}

TEST_CASE("a reshaped result still goes straight to its output") {
  const Plan plan = plan_of(R"(graph g(x: f32[4,4]) {
  %0 = matmul(x, x) : f32[4,4]
  %1 = reshape(%0, shape=[16]) : f32[16]
  return %1
}
)");
  CHECK(plan.steps.size() == 1);
}

TEST_CASE("views cost no step") {
  const Plan plan = plan_of(R"(dim n in 1..8
graph g(x: f32[n,6]) {
  %0 = permute_dims(x, axes=[1,0]) : f32[6,n]
  %1 = slice(%0, start=[1,0], stop=[6,n], step=[2,1]) : f32[3,n]
  %2 = flip(%1, axes=[1]) : f32[3,n]
  %3 = reshape(%2, shape=[3,1,n,1]) : f32[3,1,n,1]
  %4 = broadcast_to(%3, shape=[3,2,n,5]) : f32[3,2,n,5]
  %5 = exp(%4) : f32[3,2,n,5]
  return %5
}
)");
  REQUIRE(plan.steps.size() == 1);
  const Operand& input = plan.steps[0].inputs[0];
  const Size n = Size::dim("n");
  CHECK(input.strides == std::vector<Size>{2, 0, -6, 0});
  CHECK(input.offset == (n - 1) * 6 + 1);
}

TEST_CASE("a reshape splits and joins axes of a strided view, and copies only what strides cannot say") {
  const Plan split = plan_of(R"(dim n in 1..8
graph g(x: f32[n,2,12]) {
  %0 = permute_dims(x, axes=[1,0,2]) : f32[2,n,12]
  %1 = reshape(%0, shape=[2,n,3,4]) : f32[2,n,3,4]
  %2 = exp(%1) : f32[2,n,3,4]
  return %2
}
)");
  CHECK(split.steps.size() == 1);
  CHECK(split.steps[0].inputs[0].strides == std::vector<Size>{12, 24, 4, 1});
  const Plan joined = plan_of(R"(graph g(x: f32[2,3,4]) {
  %0 = permute_dims(x, axes=[2,0,1]) : f32[4,2,3]
  %1 = reshape(%0, shape=[4,6]) : f32[4,6]
  %2 = exp(%1) : f32[4,6]
  return %2
}
)");
  CHECK(joined.steps.size() == 1);
  const Plan copied = plan_of(R"(graph g(x: f32[3,4]) {
  %0 = permute_dims(x, axes=[1,0]) : f32[4,3]
  %1 = reshape(%0, shape=[12]) : f32[12]
  %2 = exp(%1) : f32[12]
  return %2
}
)");
  CHECK(kernels(copied, "copy") == 1);
}

TEST_CASE("a convolution lies channels last, and so does what follows it, up to the output") {
  const Plan p = plan_of(R"(dim n in 1..4
graph g(x: f32[n,8,6,6], w: f32[8,8,3,3], s: f32[1,8,1,1]) {
  %0 = conv2d(x, w, padding=[1,1,1,1]) : f32[n,8,6,6]
  %1 = multiply(%0, s) : f32[n,8,6,6]
  %2 = max_pool2d(%1, kernel=[2,2], stride=[2,2]) : f32[n,8,3,3]
  %3 = exp(%2) : f32[n,8,3,3]
  %4 = reshape(%3, shape=[n,72]) : f32[n,72]
  %5 = exp(%4) : f32[n,72]
  return %3, %5
}
)");
  const auto strides = [&](std::size_t step) { return p.steps[step].outputs[0].strides; };
  CHECK(strides(0) == std::vector<Size>{288, 1, 48, 8});
  CHECK(strides(1) == std::vector<Size>{288, 1, 48, 8});
  CHECK(strides(2) == std::vector<Size>{72, 1, 24, 8});
  CHECK(strides(3) == std::vector<Size>{72, 9, 3, 1});
}

TEST_CASE("a pointwise result takes the place of an operand that dies") {
  const Plan plan = plan_of(R"(graph g(x: f32[64,64]) {
  %0 = matmul(x, x) : f32[64,64]
  %1 = exp(%0) : f32[64,64]
  %2 = log(%1) : f32[64,64]
  %3 = matmul(%2, x) : f32[64,64]
  return %3
}
)");
  CHECK(plan.buffers.size() == 1);
  CHECK(plan.arena_bytes == 64 * 64 * 4);
}

TEST_CASE("a group writes over an input only when no later op of it reads the old elements") {
  const std::string head = R"(graph g(x: f32[8,8]) {
  %0 = matmul(x, x) : f32[8,8]
  %1, %2 = fused() : f32[8,8], f32[8,8] {
    body() {
      %3 = exp(%0) : f32[8,8]
)";
  const std::string tail = R"(      return %3, %4
    }
  }
  %5 = matmul(%1, %2) : f32[8,8]
  return %5
}
)";
  const Plan read_again = plan_of(head + "      %4 = log(%0) : f32[8,8]\n" + tail);
  const Plan not_read = plan_of(head + "      %4 = log(%3) : f32[8,8]\n" + tail);
  CHECK(read_again.buffers.size() == 2);  // %2 may, %1 may not
  CHECK(not_read.buffers.size() == 2);
  const auto first_output = [](const Plan& plan) { return plan.slots[plan.steps[1].outputs[0].slot.index].index; };
  const auto input = [](const Plan& plan) { return plan.slots[plan.steps[1].inputs[0].slot.index].index; };
  CHECK(first_output(read_again) != input(read_again));
  CHECK(first_output(not_read) == input(not_read));
}

TEST_CASE("a broadcast or reversed operand keeps its place") {
  const Plan plan = plan_of(R"(graph g(x: f32[8,8]) {
  %0 = matmul(x, x) : f32[8,8]
  %1 = flip(%0, axes=[0]) : f32[8,8]
  %2 = add(%0, %1) : f32[8,8]
  %3 = matmul(%2, x) : f32[8,8]
  return %3
}
)");
  CHECK(plan.buffers.size() == 2);
}

TEST_CASE("branches share space and write their results where both can") {
  const Plan plan = plan_of(R"(graph g(c: bool[], x: f32[64,64]) {
  %0 = if(c) : f32[64,64] {
    then() {
      %1 = matmul(x, x) : f32[64,64]
      %2 = matmul(%1, %1) : f32[64,64]
      return %2
    }
    else() {
      %3 = matmul(x, x) : f32[64,64]
      %4 = matmul(x, %3) : f32[64,64]
      return %4
    }
  }
  return %0
}
)");
  CHECK(plan.arena_bytes == 64 * 64 * 4);
  CHECK(kernels(plan, "copy") == 0);
}

TEST_CASE("an unchanged carry has no buffer, no copy and no swap") {
  const Plan plan = plan_of_loop("", "%value");
  CHECK(steps(plan, StepKind::kSwap) == 0);
  CHECK(kernels(plan, "copy") == 2);  // the counter's start, the output
}

TEST_CASE("a carry is written in place where its old value dies, and swaps where it does not") {
  const Plan in_place = plan_of_loop("      %a = add(%value, y) : f32[8]\n", "%a");
  CHECK(steps(in_place, StepKind::kSwap) == 0);
  const Plan swapped =
      plan_of_loop("      %a = flip(%value, axes=[0]) : f32[8]\n      %b = add(%value, %a) : f32[8]\n", "%b");
  CHECK(steps(swapped, StepKind::kSwap) == 1);
  CHECK(kernels(swapped, "copy") == 3);  // both starts, the output: the body computes %b in the second buffer
}

TEST_CASE("carries that change places are copied, then swapped") {
  const Plan plan = plan_of(R"(graph g(x: f32[8], y: f32[8]) {
  %0, %1 = scan(x, y, carries=2, length=3) : f32[8], f32[8] {
    body(%2: f32[8], %3: f32[8], %4: i64[]) {
      return %3, %2
    }
  }
  return %0, %1
}
)");
  CHECK(steps(plan, StepKind::kSwap) == 2);
}

TEST_CASE("a scan reads its operands and writes its stacked outputs through windows, without a copy") {
  const Plan plan = plan_of(R"(dim n in 0..16
graph g(x: f32[n,8]) {
  %0 = scan(x, carries=0, length=n, reverse=true) : f32[n,8] {
    body(%1: i64[], %2: f32[8]) {
      %3 = exp(%2) : f32[8]
      return %3
    }
  }
  return %0
}
)");
  CHECK(plan.steps.size() == 3);
  CHECK(plan.windows.size() == 2);
  CHECK(plan.windows[0].stride_bytes == Size(32));
  CHECK(plan.arena_bytes == 64);  // the index
}

TEST_CASE("caches written at one position are all updated in place") {
  const Plan plan = plan_of(std::string(kTwoCaches) + R"(  %0 = dynamic_update_slice(k, x, at) : f32[64,8]
  %1 = exp(x) : f32[1,8]
  %2 = dynamic_update_slice(v, x, at) : f32[64,8]
  %3 = sum(%0, axes=[0]) : f32[8]
  update k <- %0
  update v <- %2
  return %3
}
)" + std::string());
  CHECK(kernels(plan, "copy") == 0);
}

TEST_CASE("a state is copied at the end where something can fail after its update, or the old value is read") {
  const std::string update = "  %0 = dynamic_update_slice(k, x, at) : f32[64,8]\n";
  const std::string rest = "  update k <- %0\n  return %0\n}\n";
  const Plan in_place = plan_of(std::string(kTwoCaches) + update + rest);
  CHECK(kernels(in_place, "copy") == 1);  // the output
  const Plan fails_after = plan_of(std::string(kTwoCaches) + update + "  abort(ok, message=\"no\")\n" + rest);
  CHECK(fails_after.steps.back().kernel == "copy");
  CHECK(output_kind(fails_after, fails_after.steps.size() - 1) == SlotKind::kState);
  const Plan old_read = plan_of(std::string(kTwoCaches) + update + "  %1 = sum(k, axes=[0]) : f32[8]\n" +
                                "  update k <- %0\n  return %1, k\n}\n");
  CHECK(output_kind(old_read, old_read.steps.size() - 1) == SlotKind::kState);
}

TEST_CASE("updates read every state as it was") {
  const Plan plan = plan_of(std::string(kTwoCaches) + "  update k <- v\n  update v <- k\n  return x\n}\n");
  CHECK(kernels(plan, "copy") == 5);  // two into buffers, two into states, the output
  const Plan nothing = plan_of(std::string(kTwoCaches) + "  update k <- k\n  return x\n}\n");
  CHECK(nothing.steps.size() == 1);
}

TEST_CASE("a counter state is incremented in place") {
  const Plan plan = plan_of(R"(state count: i64[] = zeros
graph g(x: f32[4]) {
  %0 = add(count, 1) : i64[]
  %1 = exp(x) : f32[4]
  update count <- %0
  return %1
}
)");
  CHECK(plan.steps.size() == 2);
  CHECK(plan.arena_bytes == 0);
}

TEST_CASE("the order with the smaller arena is chosen") {
  // In the given order all four squares live at once; two at a time are enough.
  const Plan plan = plan_of(R"(graph g(x: f32[64,64]) {
  %0 = matmul(x, x) : f32[64,64]
  %1 = matmul(%0, x) : f32[64,64]
  %2 = matmul(%1, x) : f32[64,64]
  %3 = matmul(%2, x) : f32[64,64]
  %4 = sum(%0, axes=[0]) : f32[64]
  %5 = sum(%1, axes=[0]) : f32[64]
  %6 = sum(%2, axes=[0]) : f32[64]
  %7 = sum(%3, axes=[0]) : f32[64]
  return %4, %5, %6, %7
}
)");
  CHECK(plan.arena_bytes == 2 * 64 * 64 * 4);
}

TEST_CASE("errors keep their order whatever the schedule") {
  const Plan plan = plan_of(R"(graph g(x: f32[64,64], i: i64[], a: bool[]) {
  %0 = take(x, i, axis=0) : f32[64]
  abort(a, message="first")
  %1 = take(x, i, axis=1) : f32[64]
  abort(a, message="second")
  return %1, %0
}
)");
  std::string order;
  for (const Step& step : plan.steps) order += step.kind == StepKind::kAbort ? step.message + " " : step.kernel + " ";
  CHECK(order == "take first take second ");
}

TEST_CASE("dims without an upper bound and arenas over the limit are refused") {
  const std::string body = R"(graph g(x: f32[n]) {
  %0 = exp(x) : f32[n]
  %1 = sum(%0, axes=[0]) : f32[]
  return %1
}
)";
  CHECK(code_of("dim n in 0..\n" + body) == ErrorCode::kArgument);
  CHECK(code_of("dim n in 0..100000\n" + body, {.max_memory_bytes = 4096}) == ErrorCode::kLimit);
  CHECK(code_of("dim n in 0..2305843009213693951\n" + body) == ErrorCode::kShape);
}

TEST_CASE("a printed plan names kernels, places and the arena") {
  const Module module = parse_module(R"(ingot 1
numerics 1
graph g(x: f32[4,4]) {
  %0 = matmul(x, x) : f32[4,4]  @ model.py:12
  %1 = sum(%0, axes=[0]) : f32[4]
  return %1 as total
}
)")
                            .module;
  const std::string text = print_plan(module, module.graphs[0], make_plan(module, module.graphs[0]));
  CHECK(text == R"(0  matmul  x f32[4,4], x f32[4,4] -> arena+0 f32[4,4]  model.py:12
1  sum     arena+0 f32[4,4] -> output total f32[4]
buffers 1, arena 64 bytes, lower bound 64 bytes for this order (optimal), largest step 64 bytes
)");
}
