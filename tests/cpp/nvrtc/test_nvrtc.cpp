// Generated code is accepted by NVRTC, for every op and dtype and for random groups. Needs no device; where NVRTC is
// not found (INGOT_NVRTC names it) the tests say so and pass.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "../cuda/random_group.h"
#include "cuda/codegen.h"
#include "cuda/nvrtc.h"

namespace ingot::cuda {
namespace {

using namespace group_test;

bool have_nvrtc() {
  std::string why;
  if (!compiler_of(9, 0, &why).empty()) return true;
  MESSAGE("skipped: ", why);
  return false;
}

bool compile(const std::string& text, int major, int minor, std::string* code, std::string* why) {
  const auto headers = embedded_headers();
  const SourceCode source = {
      .text = text.c_str(), .headers = headers.data(), .num_headers = headers.size(), .major = major, .minor = minor};
  return compile_source(source, code, why);
}

// Milliseconds that the compiler took.
double check_text(const GroupSource& source, int major) {
  std::string why, code;
  const auto begin = std::chrono::steady_clock::now();
  CHECK_MESSAGE(compile(source.text, major, 0, &code, &why), why, "\n", source.text);
  CHECK(code.substr(1, 3) == "ELF");
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

double check_group(const Group& group, int major) {
  GroupSource source;
  std::string why;
  REQUIRE_MESSAGE(generate_group(group.device_group(), &source, &why), why);
  return check_text(source, major);
}

TEST_CASE("NVRTC compiles every op and dtype") {
  if (!have_nvrtc()) return;
  Rng rng(3);
  int rows = 0;
  for (const Choice& choice : choices()) {
    Group group;
    group.shape = {4, 8};
    group.row_axes = choice.is_reduction ? 1 : 0;
    REQUIRE(add_op(rng, group, choice));
    if (rows++ % 8 != 0) continue;  // the others are in the groups below
    add_memory(rng, group, {static_cast<std::int32_t>(group.input_dtypes.size())});
    check_group(group, 8);
  }
  for (std::size_t begin = 0; begin < choices().size();) {
    Group group;
    group.shape = {4, 8};
    group.row_axes = 1;
    for (; begin < choices().size() && group.ops.size() < 16 && group.input_dtypes.size() < 12; ++begin) {
      REQUIRE(add_op(rng, group, choices()[begin]));
    }
    std::vector<std::int32_t> outputs(group.ops.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = static_cast<std::int32_t>(group.input_dtypes.size() + i);
    }
    add_memory(rng, group, outputs);
    check_group(group, 9);
  }
}

TEST_CASE("NVRTC compiles random groups, each in some tenths of a second") {
  if (!have_nvrtc()) return;
  const char* const wanted = std::getenv("INGOT_GROUPS");
  const int count = wanted == nullptr ? 12 : std::atoi(wanted);
  Rng rng(4);
  std::vector<double> times;
  for (int i = 0; i < count; ++i) {
    const int row_axes = static_cast<int>(pick(rng, 0, 2));
    times.push_back(check_group(random_group(rng, {2, 3, 40}, row_axes, static_cast<int>(pick(rng, 1, 12))), 9));
  }
  std::sort(times.begin(), times.end());
  MESSAGE("milliseconds a group: ", times[times.size() / 2], " in the middle, ", times.back(), " at most");
}

DeviceGroupOp float_op(const char* name, std::initializer_list<std::int32_t> operands, int is_reduction = 0) {
  DeviceGroupOp op = {.op = name,
                      .dtype = static_cast<std::int32_t>(DType::kF32),
                      .result_dtype = static_cast<std::int32_t>(DType::kF32),
                      .num_operands = static_cast<std::int32_t>(operands.size()),
                      .operands = {},
                      .per_row = is_reduction,
                      .is_reduction = is_reduction};
  std::copy(operands.begin(), operands.end(), op.operands);
  return op;
}

// Of scores (register 0), with or without reading them again once the exp has been computed.
std::string attention_text(bool again) {
  const DeviceGroupOp ops[] = {float_op("max", {0}, 1),     float_op("subtract", {0, 2}), float_op("exp", {3}),
                               float_op("sum", {4}, 1),     float_op("divide", {4, 5}),   float_op("add", {6, 1}),
                               float_op("multiply", {7, 0})};
  const std::int32_t dtypes[] = {ops[0].dtype, ops[0].dtype}, outputs[] = {again ? 8 : 7};
  DeviceGroup group = {};
  group.ops = ops, group.num_ops = again ? 7 : 6;
  group.input_dtypes = dtypes, group.num_inputs = 2;
  group.output_registers = outputs, group.num_outputs = 1;
  group.row_axes = 1;
  GroupSource source;
  std::string why;
  REQUIRE_MESSAGE(generate_attention(group, &source, &why), why);
  return source.text;
}

TEST_CASE("NVRTC compiles attention, which keeps the exp where scores were that nothing reads any more") {
  CHECK(attention_text(false).find("RowsOfTile<true>") != std::string::npos);
  CHECK(attention_text(true).find("RowsOfTile<false>") != std::string::npos);
  if (!have_nvrtc()) return;
  for (const bool again : {false, true}) {
    for (const int major : {8, 9}) {
      std::string code, why;
      CHECK_MESSAGE(compile(attention_text(again), major, 0, &code, &why), why);
    }
  }
}

TEST_CASE("NVRTC compiles groups in every kernel of their anchors, on every dtype that it has") {
  if (!have_nvrtc()) return;
  using enum AnchorKernel;
  const std::pair<DType, std::vector<AnchorKernel>> all[] = {
      {DType::kF32, {kTiles, kLargeTiles, kPatchTiles, kLargePatchTiles, kFewRows, kSums, kPixels}},
      {DType::kF64, {kTiles, kPatchTiles, kFewRows, kSums, kPixels}},
      {DType::kI32, {kTiles, kSums}},
      {DType::kI64, {kTiles, kSums}}};
  Rng rng(5);
  for (const auto& [dtype, kernels] : all) {
    for (const AnchorKernel kernel : kernels) {
      const Group group = random_anchored_group(rng, {4, 8}, dtype, static_cast<int>(pick(rng, 1, 6)));
      DeviceGroup asked = group.device_group();
      asked.anchored = 1;
      asked.first_input = 2;
      GroupSource source;
      std::string why;
      REQUIRE_MESSAGE(generate_anchored_group(asked, kernel, &source, &why), why);
      const double old = check_text(source, 8), now = check_text(source, 9);
      MESSAGE(name(dtype), ", kernel ", static_cast<int>(kernel), ": ", old, " and ", now, " ms");
    }
  }
}

TEST_CASE("an error of NVRTC says what is wrong with the text, on one line") {
  if (!have_nvrtc()) return;
  std::string code, why;
  CHECK_FALSE(compile("extern \"C\" __global__ void ingot_group() {\n  no_such_function();\n}\n", 9, 0, &code, &why));
  CHECK(why.find("no_such_function") != std::string::npos);
  CHECK(why.find('\n') == std::string::npos);
}

TEST_CASE("a device newer than NVRTC gets text for its driver, one too old an error") {
  if (!have_nvrtc()) return;
  std::string code, why;
  CHECK(compiler_of(99, 0, &why).find("compute_") != std::string::npos);
  REQUIRE(compile("extern \"C\" __global__ void ingot_group() {}", 99, 0, &code, &why));
  CHECK(code.find(".version") != std::string::npos);
  CHECK(compiler_of(2, 0, &why).empty());
  CHECK(why == "NVRTC compiles for no device as old as this one");
}

}  // namespace
}  // namespace ingot::cuda
