// Laws of check_plan about tables and single steps: a correct plan, damaged by hand in one place, is rejected with the
// law's name.
#include "check_plan_test.h"

using namespace ingot;
using namespace ingot::testing;

namespace {

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
graph g(x: f32[1,16,72,72], y: f32[1,16,72,72]) {
  %0 = conv2d(x, w) : f32[1,64,72,72]
  %1 = conv2d(%0, d, padding=[1,1,1,1], groups=64) : f32[1,64,72,72]
  %2 = conv2d(%1, p) : f32[1,16,72,72]
  %3 = exp(%2) : f32[1,16,72,72]
  %4 = conv2d(y, w) : f32[1,64,72,72]
  return %3, %4
}
)",
                 {.max_memory_bytes = 0, .strips = true});
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
          p.plan.steps[1].outputs[0].strides = {331776, 5184, 72, 1};
        }).breaks("do not follow each other"));
  CHECK(damaged([](Planned& p) {
          p.plan.steps[1].inputs[0].strides = {331776, 5184, 72, 1};
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
