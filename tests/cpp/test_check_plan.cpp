// Every law of check_plan: a correct plan, damaged by hand in one place, is rejected with the law's name. And the
// reverse: what the checker accepts after random damage to offsets and order still computes the right thing.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>

#include "base/error.h"
#include "plan/plan.h"
#include "random_module.h"
#include "small_machine.h"
#include "text_modules.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

struct Planned {
  explicit Planned(const std::string& text, const PlanOptions& options = {})
      : module(verified("ingot 1\nnumerics 1\n" + text)) {
    plan = make_plan(module, module.graphs[0], options);
    check_plan(module, module.graphs[0], plan);
  }

  Step& step(std::string_view kernel, int which = 0) {
    for (Step& candidate : plan.steps) {
      if (candidate.kernel == kernel && which-- == 0) return candidate;
    }
    FAIL("no such step");
    return plan.steps[0];
  }
  Step& step(StepKind kind, int which = 0) {
    for (Step& candidate : plan.steps) {
      if (candidate.kind == kind && which-- == 0) return candidate;
    }
    FAIL("no such step");
    return plan.steps[0];
  }
  Buffer& buffer_of(SlotId slot) { return plan.buffers[plan.slots[slot.index].index]; }

  // The law that the plan breaks; empty if it is accepted.
  std::string broken() const {
    try {
      check_plan(module, module.graphs[0], plan);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::kInternal);
      return error.message();
    }
    return "";
  }
  bool breaks(std::string_view law) const {
    const std::string message = broken();
    CAPTURE(message);
    const bool found = message.find(law) != std::string::npos;
    CHECK_MESSAGE(found, message);
    return found;
  }

  Module module;
  Plan plan;
};

Planned straight() {
  return Planned(R"(dim n in 1..8
param w: f32[4,4]
graph g(x: f32[n,4], y: f32[4,4]) {
  %0 = matmul(x, w) : f32[n,4]
  %1 = matmul(x, y) : f32[n,4]
  %2 = matmul(%0, w) : f32[n,4]
  %3 = concat(%0, %1, %2, axis=0) : f32[3*n,4]
  %4 = slice(%3, start=[n,0], stop=[3*n,4], step=[1,1]) : f32[2*n,4]
  %5 = exp(%4) : f32[2*n,4]
  return %5, %2
}
)");
}

Planned in_panels() {
  return Planned(R"(param w: f32[4,20] layout panel16
param v: f32[20,4] layout panel16(0,1)
graph g(x: f32[8,4], y: f32[20,4]) {
  %0 = matmul(x, w) : f32[8,20]
  %1 = permute_dims(v, axes=[1,0]) : f32[4,20]
  %2 = matmul(x, %1) : f32[8,20]
  %3 = exp(y) : f32[20,4]
  return %0, %2, %3
}
)");
}

// Steps 0, 1 and 2 are one chain; 4 is a convolution for itself.
Planned in_strips() {
  return Planned(R"(param w: f32[64,16,1,1]
param d: f32[64,1,3,3]
param p: f32[16,64,1,1]
graph g(x: f32[1,16,64,64], y: f32[1,16,64,64]) {
  %0 = conv2d(x, w) : f32[1,64,64,64]
  %1 = conv2d(%0, d, padding=[1,1,1,1], groups=64) : f32[1,64,64,64]
  %2 = conv2d(%1, p) : f32[1,16,64,64]
  %3 = exp(%2) : f32[1,16,64,64]
  %4 = conv2d(y, w) : f32[1,64,64,64]
  return %3, %4
}
)",
                 {.max_memory_bytes = 0, .strips = true});
}

Planned branching() {
  return Planned(R"(graph g(c: bool[], x: f32[4,4]) {
  %0 = matmul(x, x) : f32[4,4]
  %1 = if(c) : f32[4,4] {
    then() {
      %2 = matmul(%0, x) : f32[4,4]
      return %2
    }
    else() {
      %3 = matmul(x, %0) : f32[4,4]
      return %3
    }
  }
  %4 = matmul(%1, %0) : f32[4,4]
  return %4
}
)");
}

Planned looping() {
  return Planned(R"(graph g(x: f32[4,4], y: f32[4,4]) {
  %0 = matmul(x, y) : f32[4,4]
  %1, %2 = while(y, 0:i64) : f32[4,4], i64[] {
    cond(%3: f32[4,4], %4: i64[]) {
      %5 = less(%4, 10) : bool[]
      return %5
    }
    body(%6: f32[4,4], %7: i64[]) {
      %8 = matmul(%6, %0) : f32[4,4]
      %9 = matmul(%8, %6) : f32[4,4]
      %10 = add(%7, 1) : i64[]
      return %9, %10
    }
  }
  %11 = matmul(%1, x) : f32[4,4]
  return %11
}
)");
}

Planned scanning() {
  return Planned(R"(dim n in 0..8
graph g(x: f32[n,4,4], y: f32[4,4]) {
  %0 = matmul(x, y) : f32[n,4,4]
  %1, %2 = scan(y, %0, carries=1, length=n) : f32[4,4], f32[n,4,4] {
    body(%3: f32[4,4], %4: i64[], %5: f32[4,4]) {
      %6 = matmul(%3, %5) : f32[4,4]
      %7 = matmul(%6, %3) : f32[4,4]
      return %6, %7
    }
  }
  %8 = sum(%2, axes=[0]) : f32[4,4]
  %9 = matmul(%8, %1) : f32[4,4]
  return %9
}
)");
}

Planned updating() {
  return Planned(R"(state k: f32[64,8] = zeros
graph g(x: f32[1,8], at: i64[2], other: i64[2], ok: bool[]) {
  %0 = sum(k, axes=[0]) : f32[8]
  abort(ok, message="no")
  %1 = dynamic_update_slice(k, x, at) : f32[64,8]
  %2 = sum(%1, axes=[0]) : f32[8]
  update k <- %1
  return %0, %2
}
)");
}

Planned grouped() {
  return Planned(R"(graph g(x: f32[8,8], c: f32[8]) {
  %0 = matmul(x, x) : f32[8,8]
  %1, %2 = fused() : f32[8,8], f32[8,8] {
    body() {
      %3 = exp(%0) : f32[8,8]
      %4 = add(%3, c) : f32[8,8]
      return %3, %4
    }
  }
  %5 = matmul(%1, %2) : f32[8,8]
  return %5
}
)");
}

void swap_steps(Planned& planned, std::size_t a, std::size_t b) {
  std::swap(planned.plan.steps[a], planned.plan.steps[b]);
}

// Moves a buffer or exchanges two steps that compute.
void damage(Plan& plan, std::mt19937_64& random) {
  if (random() % 3 != 0) {
    Buffer& buffer = plan.buffers[random() % plan.buffers.size()];
    const auto places = static_cast<std::uint64_t>((plan.arena_bytes - buffer.max_bytes) / kBufferAlignment);
    buffer.offset = static_cast<std::int64_t>(random() % (places + 1)) * kBufferAlignment;
  } else if (plan.steps.size() > 1) {
    Step* const step = &plan.steps[random() % (plan.steps.size() - 1)];
    const auto computes = [](const Step& s) { return s.kind == StepKind::kKernel && s.kernel != "copy"; };
    if (computes(step[0]) && computes(step[1])) std::swap(step[0], step[1]);
  }
}

}  // namespace

TEST_CASE("check_plan: offsets and sizes of buffers") {
  Planned p = straight();
  p.plan.buffers[0].offset += 8;
  p.breaks("its offset is not aligned");
  p = straight();
  p.plan.buffers[0].offset = p.plan.arena_bytes;
  p.breaks("it ends behind the arena");
  p = straight();
  p.plan.buffers[0].max_bytes -= kBufferAlignment;
  p.breaks("smaller than its size at the upper bound");
  p = straight();
  p.plan.lower_bound_bytes = p.plan.arena_bytes + 64;
  p.breaks("smaller than its lower bound");
}

TEST_CASE("check_plan: ids in range") {
  Planned p = straight();
  p.plan.slots[0].index = 1000;
  p.breaks("its index is outside its table");
  p = straight();
  p.step("concat").inputs[1].slot = SlotId(1000);
  p.breaks("an operand names no slot");
  p = scanning();
  p.plan.windows[0].base = SlotId();
  p.breaks("its base is no slot");
  p = scanning();
  p.plan.windows[0].loop = 9;
  p.breaks("its loop does not exist");
  p = scanning();
  p.step(StepKind::kLoopBegin).loop = 9;
  p.breaks("its loop does not exist");
}

TEST_CASE("check_plan: steps run their node") {
  Planned p = straight();
  p.step("matmul").inputs[0].type.shape[0] = Size(3);
  p.breaks("an operand is not of its value's type");
  p = straight();
  p.step("concat").inputs.pop_back();
  p.breaks("it has not its node's operands");
  p = straight();
  p.step("concat").attrs[0] = std::int64_t{1};
  p.breaks("its attributes are not its node's");
  p = straight();
  p.step("concat").kernel = "take";
  p.breaks("its kernel is not its op's");
  p = straight();
  p.step("matmul", 1).inputs[1] = p.step("matmul").inputs[1];
  p.breaks("an operand lies where another value");
}

TEST_CASE("check_plan: operands lie in their buffers, outputs are contiguous and writable") {
  Planned p = straight();
  p.step("pointwise").inputs[0].offset = p.step("pointwise").inputs[0].offset + 4;
  p.breaks("reaches outside");
  p = straight();
  p.step("pointwise").inputs[0].strides[0] = Size(-4);
  p.breaks("reaches outside");
  p = straight();
  p.step("matmul").outputs[0].strides[0] = Size(8);
  p.breaks("not contiguous");
  p = straight();
  p.step("matmul").outputs[0].slot = p.step("matmul").inputs[0].slot;
  p.breaks("it writes to an input");
  p = straight();
  p.step("matmul").outputs[0].strides.pop_back();
  p.breaks("one stride for an axis");
}

TEST_CASE("check_plan: operands show their value's elements, in whatever order it lies") {
  const auto images = [] {
    return Planned(R"(param w: f32[8,8,1,1]
graph g(x: f32[1,8,2,3]) {
  %0 = conv2d(x, w) : f32[1,8,2,3]
  %1 = permute_dims(%0, axes=[0,2,3,1]) : f32[1,2,3,8]
  %2 = reshape(%1, shape=[6,8]) : f32[6,8]
  %3 = exp(%2) : f32[6,8]
  %4 = exp(%0) : f32[1,8,2,3]
  %5 = sum(%3, axes=[0]) : f32[8]
  return %4, %5
}
)");
  };
  Planned p = images();
  p.step("conv2d").outputs[0].strides = {48, 6, 3, 1};
  p.breaks("does not show its value's elements");
  p = images();
  p.step("pointwise").inputs[0].strides = {1, 6};
  p.breaks("does not show its value's elements");
  p = images();
  p.step("pointwise", 1).inputs[0].strides = {48, 6, 3, 1};
  p.breaks("does not show its value's elements");
  p = images();
  p.step("sum").inputs[0].offset = Size(1);
  p.breaks("reaches outside");
  p = images();
  p.step("pointwise", 1).outputs[0].strides = {48, 1, 24, 8};
  p.breaks("not contiguous");
  p = images();
  p.step("conv2d").outputs[0].strides = {48, 1, 24, 16};
  p.breaks("not contiguous");
}

TEST_CASE("check_plan: reads see what was written") {
  Planned p = straight();
  swap_steps(p, 0, 2);
  p.breaks("it reads what was not written");
  p = straight();
  p.buffer_of(p.step("matmul").outputs[0].slot).offset = p.buffer_of(p.step("matmul", 1).outputs[0].slot).offset;
  p.breaks("something else has overwritten");
  p = straight();
  p.step("matmul", 1).outputs[0].slot = p.step("matmul").outputs[0].slot;
  p.breaks("another value");
}

TEST_CASE("check_plan: outputs of a step overlap inputs only in place") {
  Planned p = straight();
  Step& concat = p.step("concat");
  p.plan.slots[concat.outputs[0].slot.index] = p.plan.slots[concat.inputs[1].slot.index];
  p.buffer_of(concat.inputs[1].slot).size_bytes = Size::dim("n") * 48;
  p.buffer_of(concat.inputs[1].slot).max_bytes = 8 * 48;
  p.plan.arena_bytes += 8 * 48;
  p.plan.optimal = false;
  p.breaks("overlaps an input");
  p = grouped();
  Step& group = p.step("pointwise");
  p.plan.slots[group.outputs[1].slot.index] = p.plan.slots[group.outputs[0].slot.index];
  p.breaks("two outputs overlap");
}

TEST_CASE("check_plan: groups are their node's ops over well-set registers") {
  Planned p = grouped();
  p.step("pointwise").group[1].operands[0] = 7;
  p.breaks("a register that is not set");
  p = grouped();
  std::swap(p.step("pointwise").group[1].operands[0], p.step("pointwise").group[1].operands[1]);
  p.breaks("another value's register");
  p = grouped();
  p.step("pointwise").group_outputs[0] = 0;
  p.breaks("no instruction's register");
  p = grouped();
  p.step("pointwise").group[0].op = find_op("log");
  p.breaks("an instruction is not its node's");
  p = grouped();
  p.step("pointwise").inputs[1].type.shape = {8};
  p.step("pointwise").inputs[1].strides = {1};
  p.breaks("not broadcast");
}

TEST_CASE("check_plan: a group does not write over an input that it reads later") {
  Planned p(R"(graph g(x: f32[8,8]) {
  %0 = matmul(x, x) : f32[8,8]
  %1, %2 = fused() : f32[8,8], f32[8,8] {
    body() {
      %3 = exp(%0) : f32[8,8]
      %4 = log(%0) : f32[8,8]
      return %3, %4
    }
  }
  %5 = matmul(%1, %2) : f32[8,8]
  return %5
}
)");
  Step& group = p.step("pointwise");
  std::swap(group.outputs[0], group.outputs[1]);
  p.breaks("overlaps an input");
}

TEST_CASE("check_plan: jumps form nested blocks") {
  Planned p = branching();
  p.step(StepKind::kJumpIfFalse).target = 100;
  p.breaks("its target is outside the plan");
  p = branching();
  p.step(StepKind::kJumpIfFalse).target -= 1;
  p.breaks("no jump precedes its target");
  p = branching();
  p.step(StepKind::kJump).target = 100;
  p.breaks("its target is outside the plan");
  p = looping();
  p.step(StepKind::kJumpIfFalse).target -= 1;
  p.breaks("no jump precedes its target");
  p = scanning();
  p.step(StepKind::kLoopNext).target += 1;
  p.breaks("does not return to the first step");
  p = scanning();
  p.step(StepKind::kLoopBegin).target -= 1;
  p.breaks("its loop does not end before its target");
}

TEST_CASE("check_plan: what one branch alone wrote cannot be read behind") {
  Planned p = branching();
  Step& in_else = p.step("matmul", 2);
  Plan& plan = p.plan;
  plan.buffers.push_back({.size_bytes = 64, .max_bytes = 64, .offset = plan.arena_bytes});
  plan.arena_bytes += 64;
  plan.optimal = false;
  plan.slots.push_back({.kind = SlotKind::kArena, .index = static_cast<std::uint32_t>(plan.buffers.size() - 1)});
  in_else.outputs[0].slot = SlotId(static_cast<std::uint32_t>(plan.slots.size() - 1));
  p.breaks("not written on every path");
}

TEST_CASE("check_plan: a buffer that a loop reads every turn survives the turn") {
  Planned p = looping();
  // %0, read first in the body, shares its bytes with %8, which the body writes after: right only in the first turn.
  Step& last_read = p.step("matmul", 1);
  const SlotId outside = p.step("matmul").outputs[0].slot;
  REQUIRE(last_read.inputs[1].slot == outside);
  p.buffer_of(p.step("matmul", 2).outputs[0].slot).offset = p.buffer_of(outside).offset;
  CHECK_FALSE(p.broken().empty());
}

TEST_CASE("check_plan: swaps") {
  Planned p = looping();
  p.step(StepKind::kSwap).slot_b = p.step(StepKind::kSwap).slot_a;
  p.breaks("swaps a buffer with itself");
  p = looping();
  p.step(StepKind::kSwap).slot_b = SlotId();
  p.breaks("swaps slots outside the arena");
  p = looping();
  Step& swap = p.step(StepKind::kSwap);
  std::swap(swap.slot_a, swap.slot_b);
  CHECK_FALSE(p.broken().empty());  // what is read behind the loop is then the stale one
  p = looping();
  p.buffer_of(p.step(StepKind::kSwap).slot_b).offset = p.buffer_of(p.step("matmul").outputs[0].slot).offset;
  CHECK_FALSE(p.broken().empty());
}

TEST_CASE("check_plan: a pair that swaps owns both buffers before, in and behind its loop") {
  Planned p = looping();
  // Behind the loop the result may lie in either buffer; whoever runs there must leave both alone.
  Step& behind = p.step("matmul", 3);
  p.plan.slots.push_back(p.plan.slots[p.step(StepKind::kSwap).slot_b.index]);
  Step extra = behind;
  extra.outputs[0].slot = SlotId(static_cast<std::uint32_t>(p.plan.slots.size() - 1));
  p.plan.steps.insert(p.plan.steps.end() - 1, extra);
  CHECK_FALSE(p.broken().empty());
}

TEST_CASE("check_plan: windows stay in their loop and their base survives every turn") {
  Planned p = scanning();
  const SlotId window = p.step("matmul", 1).inputs[1].slot;
  REQUIRE(p.plan.slots[window.index].kind == SlotKind::kWindow);
  p.step("matmul", 3).inputs[1].slot = window;
  p.breaks("read outside its loop");
  p = scanning();
  p.plan.windows[0].stride_bytes = Size(128);
  p.breaks("reaches outside");
  p = scanning();
  // The stacked rows and the body's own buffer at one place: right in one turn, wrong in two.
  Buffer& stacked = p.buffer_of(p.step("sum").inputs[0].slot);
  stacked.offset = p.buffer_of(p.step("matmul", 1).outputs[0].slot).offset;
  p.plan.arena_bytes += stacked.max_bytes;
  p.plan.optimal = false;
  CHECK_FALSE(p.broken().empty());
}

TEST_CASE("check_plan: outputs are written, once they can be read") {
  Planned p = straight();
  REQUIRE(p.plan.steps.back().kernel == "pointwise");
  p.plan.steps.pop_back();
  p.breaks("output 0: it is not written");
}

TEST_CASE("check_plan: nothing fails once a state was written, nothing reads its old value") {
  Planned p = updating();
  std::size_t write = 0;
  while (p.plan.steps[write].kernel != "dynamic_update_slice") ++write;
  REQUIRE(p.plan.steps[write - 1].kind == StepKind::kAbort);
  swap_steps(p, write - 1, write);
  p.breaks("may fail after a state was written");
  p = updating();
  Step& first = p.step("sum");
  Step& second = p.step("sum", 1);
  std::swap(first.node, second.node);
  std::swap(first.outputs, second.outputs);
  p.breaks("an operand");
}

TEST_CASE("random damage to offsets and order that is accepted does no harm") {
  std::mt19937_64 random(7);
  int accepted = 0, rejected = 0;
  const char* wanted_seeds = std::getenv("INGOT_PLAN_SEEDS");
  const std::uint64_t seeds = wanted_seeds != nullptr ? std::stoull(wanted_seeds) : 150;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const Module module = random_module(seed);
    const Graph& graph = module.graphs[0];
    const Plan plan = make_plan(module, graph);
    const RunInputs inputs{
        .dims = {{"n", 6}},
        .inputs = {{{DType::kI64, {6, 3}}, std::vector<std::int64_t>(18, 3)},
                   {{DType::kI64, {4}}, {1, -2, 3, -4}},
                   {{DType::kI64, {}}, {5}}},
        .states = {{{DType::kI64, {4}}, {2, 3, 4, 5}}, {{DType::kI64, {4}}, {-1, 0, 7, 8}}, {{DType::kI64, {}}, {9}}}};
    const RunResult wanted = evaluate_graph(module, graph, inputs);
    for (int attempt = 0; attempt < 20 && !plan.buffers.empty(); ++attempt) {
      Plan damaged = plan;
      damage(damaged, random);
      try {
        check_plan(module, graph, damaged);
        ++accepted;
      } catch (const Error&) {
        ++rejected;
        continue;
      }
      CAPTURE(seed);
      CAPTURE(attempt);
      CAPTURE(print_plan(module, graph, plan));
      CAPTURE(print_plan(module, graph, damaged));
      REQUIRE(run_plan(module, graph, damaged, inputs) == wanted);
    }
  }
  CHECK(accepted > 100);
  CHECK(rejected > 100);
}

TEST_CASE("a chain is read by its next step alone and writes nothing that it reads") {
  CHECK(in_strips().broken() == "");
  const auto damaged = [](auto&& damage) {
    Planned p = in_strips();
    REQUIRE(p.plan.steps.size() == 5);
    REQUIRE(p.plan.slots[p.plan.steps[1].inputs[0].slot.index].kind == SlotKind::kStrip);
    damage(p);
    return p;
  };
  CHECK(damaged([](Planned& p) { std::swap(p.plan.steps[2], p.plan.steps[4]); }).breaks("a step of its chain reads"));
  CHECK(damaged([](Planned& p) {
          p.plan.steps[2].inputs[0].slot = p.plan.steps[2].inputs[1].slot;
        }).breaks("does not read the strips"));
  CHECK(damaged([](Planned& p) { std::swap(p.plan.steps[0], p.plan.steps[4]); }).breaks("no step before it writes"));
  CHECK(damaged([](Planned& p) {
          p.plan.steps[4].inputs[0].slot = p.plan.steps[1].inputs[0].slot;
        }).breaks("no step before it writes"));
  CHECK(damaged([](Planned& p) {
          p.step("pointwise").outputs[0].slot = p.plan.steps[0].outputs[0].slot;
        }).breaks("not contiguous"));
  CHECK(damaged([](Planned& p) {
          const SlotId slot = p.plan.steps[2].outputs[0].slot;
          p.plan.slots[slot.index] = {.kind = SlotKind::kInput, .index = 0};
        }).breaks("writes to an input"));
  CHECK(damaged([](Planned& p) {
          Operand& read = p.plan.steps[0].inputs[0];
          read.slot = p.plan.steps[2].outputs[0].slot;
        }).broken() != "");
  CHECK(damaged([](Planned& p) {
          p.plan.steps[1].outputs[0].strides = {262144, 4096, 64, 1};
        }).breaks("do not follow each other"));
  CHECK(damaged([](Planned& p) {
          p.plan.steps[1].inputs[0].strides = {262144, 4096, 64, 1};
        }).breaks("other strips than those before"));
  CHECK(damaged([](Planned& p) { p.plan.steps[1].outputs[0].slot = p.plan.steps[0].outputs[0].slot; }).broken() != "");
  CHECK(damaged([](Planned& p) {
          p.plan.slots[p.plan.steps[0].outputs[0].slot.index].index = 9;
        }).breaks("outside its table"));
}

TEST_CASE("an operand in panels is a whole param, read as it lies, by a row") {
  CHECK(in_panels().broken() == "");
  const auto damaged = [](auto&& damage) {
    Planned p = in_panels();
    damage(p);
    return p;
  };
  CHECK(damaged([](Planned& p) { p.step("matmul", 0).inputs[1].layout = kRowMajor; }).breaks("does not know"));
  CHECK(damaged([](Planned& p) { p.step("matmul", 0).inputs[0].layout = panels_of({1, 0}); }).breaks("does not know"));
  CHECK(damaged([](Planned& p) { p.step("matmul", 0).inputs[1].layout = panels_of({0, 1}); }).breaks("other panels"));
  CHECK(damaged([](Planned& p) { p.step("matmul", 1).inputs[1].layout = panels_of({0, 1}); }).breaks("other panels"));
  CHECK(damaged([](Planned& p) { p.step("matmul", 0).inputs[1].offset = Size(16); }).breaks("a part of a param"));
  CHECK(damaged([](Planned& p) {
          p.step("pointwise").inputs[0].slot = p.step("matmul", 1).inputs[1].slot;
          p.step("pointwise").inputs[0].layout = panels_of({0, 1});
        }).breaks("a copy or a group reads"));
}
