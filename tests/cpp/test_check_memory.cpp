// Laws of check_plan about what lies where when: a correct plan, damaged by hand in one place, is rejected with the
// law's name. And the reverse: what the checker accepts after random damage to offsets and order still computes the
// right thing.
#include <cstdlib>
#include <random>

#include "check_plan_test.h"
#include "random_module.h"
#include "small_machine.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

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
