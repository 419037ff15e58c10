// Generated code of groups on the emulated device gives the bits of the CPU's kernel.
#include <doctest/doctest.h>

#include <cstdlib>

#include "cuda/codegen.h"
#include "cuda/group_arguments.h"
#include "cuda/group_code.h"
#include "device_test.h"
#include "random_group.h"
#include "temporary_folder.h"

namespace ingot::cuda {
namespace {

using namespace group_test;

// The groups are few because a C++ compiler takes a second for each; INGOT_GROUPS asks for more.
int num_groups(int usual) {
  const char* const wanted = std::getenv("INGOT_GROUPS");
  return wanted == nullptr ? usual : std::atoi(wanted);
}

OwnedGroupCode make(const Group& group, std::string* why, const char* cache_folder = "",
                    const char* compiler = INGOT_CXX_COMPILER) {
  const HostCompiler named(compiler);
  const DeviceGroup asked = group.device_group();
  const DeviceStepRequest request = {.kernel = "pointwise",
                                     .dtype = group.input_dtypes[0],
                                     .call = nullptr,
                                     .group = &asked,
                                     .freedoms = 0,
                                     .guarded = 0};
  return make_group_code(request, 9, 0, cache_folder, why);
}

// Memory of the device with what an operand holds; 256 bytes apart from its neighbors.
void check_on_device(const GroupCode& code, const Group& group) {
  std::vector<std::unique_ptr<DeviceArray<char>>> memory;
  std::vector<char*> addresses;
  for (const Operand& x : group.inputs) {
    memory.push_back(std::make_unique<DeviceArray<char>>(x.bytes));
    addresses.push_back(memory.back()->data());
  }
  for (const Operand& y : group.results) {
    memory.push_back(std::make_unique<DeviceArray<char>>(std::vector<char>(y.bytes.size())));
    addresses.push_back(y.lies_on >= 0 ? addresses[static_cast<std::size_t>(y.lies_on)] : memory.back()->data());
  }
  const Arguments arguments(group, addresses);
  const Enqueue enqueue = {
      .call = arguments.call, .guard = {}, .workspace = nullptr, .num_processors = 1, .stream = nullptr};
  REQUIRE(enqueue_group(code, enqueue) == cudaSuccess);
  REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
  const std::vector<std::vector<char>> wanted = run_on_cpu(group);
  for (std::size_t i = 0; i < group.results.size(); ++i) {
    const int below = group.results[i].lies_on;
    const std::vector<char> got =
        memory[below >= 0 ? static_cast<std::size_t>(below) : group.inputs.size() + i]->values();
    CHECK_MESSAGE(same_elements(group.dtype_of(group.outputs[i]), wanted[i], got), "output ", i, " of ",
                  describe(group));
  }
}

void check_group(const Group& group) {
  std::string why;
  const OwnedGroupCode code = make(group, &why);
  REQUIRE_MESSAGE(code != nullptr, why, ": ", describe(group));
  check_on_device(*code, group);
}

Sizes random_shape(Rng& rng) {
  static const Sizes shapes[] = {{},       {1},      {511},         {4096},      {1023},    {0, 3},
                                 {3, 700}, {40, 32}, {7, 5, 11, 3}, {2, 1, 600}, {1500, 1}, {1, 2, 3, 4, 5, 1, 2, 2}};
  return shapes[pick(rng, 0, std::size(shapes) - 1)];
}

TEST_CASE("generated code of random pointwise groups gives the CPU's bits") {
  Rng rng(5);
  for (int i = 0; i < num_groups(6); ++i)
    check_group(random_group(rng, random_shape(rng), 0, static_cast<int>(pick(rng, 1, 20))));
}

TEST_CASE("generated code of random groups of rows gives the CPU's bits") {
  static const std::pair<Sizes, int> shapes[] = {{{5, 7}, 1},     {{3, 16}, 1},    {{9, 512}, 1},     {{2, 513}, 1},
                                                 {{33, 1000}, 1}, {{2, 1500}, 1},  {{3, 5000}, 1},    {{2, 3, 40}, 2},
                                                 {{1, 65536}, 1}, {{7, 20, 3}, 1}, {{600}, 1},        {{4, 30, 50}, 2},
                                                 {{0, 5}, 1},     {{5, 1}, 1},     {{2, 8, 8, 8}, 3}, {{3, 8195}, 1}};
  Rng rng(6);
  for (int i = 0; i < num_groups(8); ++i) {
    const auto& [shape, row_axes] = shapes[pick(rng, 0, std::size(shapes) - 1)];
    check_group(random_group(rng, shape, row_axes, static_cast<int>(pick(rng, 1, 16))));
  }
}

TEST_CASE("generated code of every op and dtype gives the CPU's bits") {
  Rng rng(7);
  const std::vector<Choice>& all = choices();
  for (std::size_t begin = 0; begin < all.size();) {
    Group group;
    group.shape = {3, 700};
    group.row_axes = 1;
    for (; begin < all.size() && group.ops.size() < 32; ++begin) {
      if (group.input_dtypes.size() > 12) break;
      REQUIRE(add_op(rng, group, all[begin]));
    }
    std::vector<std::int32_t> outputs;
    for (std::size_t i = 0; i < group.ops.size(); ++i) {
      outputs.push_back(static_cast<std::int32_t>(group.input_dtypes.size() + i));
    }
    add_memory(rng, group, outputs);
    check_group(group);
  }
}

DeviceGroupOp op_of(const char* name, DType dtype, std::initializer_list<std::int32_t> operands, int per_row = 0) {
  DeviceGroupOp op = {.op = name,
                      .dtype = static_cast<std::int32_t>(dtype),
                      .result_dtype = static_cast<std::int32_t>(dtype),
                      .num_operands = static_cast<std::int32_t>(operands.size()),
                      .operands = {},
                      .per_row = per_row,
                      .is_reduction = per_row};
  std::copy(operands.begin(), operands.end(), op.operands);
  return op;
}

TEST_CASE("softmax of rows of every length gives the CPU's bits, whether a row fits into shared memory or not") {
  Rng rng(9);
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    Group group;
    group.row_axes = 1;
    group.input_dtypes = {static_cast<std::int32_t>(dtype)};
    group.input_per_row = {false};
    group.ops = {op_of("max", dtype, {0}, 1), op_of("subtract", dtype, {0, 1}), op_of("exp", dtype, {2}),
                 op_of("sum", dtype, {3}, 1), op_of("divide", dtype, {3, 4})};
    GroupSource source;
    std::string why;
    group.outputs = {5};
    REQUIRE(generate_group(group.device_group(), &source, &why));
    CHECK(source.kept_bytes == static_cast<int>(size_bytes(dtype)));
    const OwnedGroupCode code = make(group, &why);
    REQUIRE_MESSAGE(code != nullptr, why);
    for (const Sizes& shape : {Sizes{600, 5}, Sizes{80, 1025}, Sizes{40, 16}, Sizes{3, 17}, Sizes{5, 511},
                               Sizes{2, 512}, Sizes{3, 513}, Sizes{5, 1000}, Sizes{3, 1025}, Sizes{2, 4100},
                               Sizes{2, 10240}, Sizes{2, 10241}, Sizes{1, 65536}, Sizes{2, 2, 300}}) {
      group.shape = shape;
      group.inputs.clear();
      group.results.clear();
      add_memory(rng, group, {5});
      check_on_device(*code, group);
    }
  }
}

Group small_group(const char* op) {
  Rng rng(8);
  Group group;
  group.shape = {2, 3};
  REQUIRE(add_op(rng, group,
                 {op, static_cast<std::int32_t>(DType::kF32), static_cast<std::int32_t>(DType::kF32), 1, false}));
  add_memory(rng, group, {1});
  return group;
}

TEST_CASE("equal groups share their code; a folder keeps it from process to process") {
  const testing::TemporaryFolder temporary;
  const std::string folder = temporary.path().string();
  std::string why;
  const Group group = small_group("sqrt");
  OwnedGroupCode first = make(group, &why, folder.c_str());
  REQUIRE(first != nullptr);
  const char* const none = "/no/such/compiler";
  CHECK(make(group, &why, "", none) != nullptr);  // from memory
  CHECK(make(small_group("floor"), &why, "", none) == nullptr);
  CHECK(why.find('\n') == std::string::npos);
  first.reset();
  CHECK(make(group, &why, "", none) == nullptr);
  first = make(group, &why, folder.c_str(), none);
  REQUIRE(first != nullptr);
  check_on_device(*first, group);
}

TEST_CASE("a group with an anchor, or an op on a dtype that it is not computed in, gets no code, and a reason") {
  std::string why;
  Group group = small_group("sqrt");
  DeviceGroup asked = group.device_group();
  GroupSource source;
  asked.anchored = 1;
  CHECK_FALSE(generate_group(asked, &source, &why));
  CHECK(why == "a group with an anchor is part of the anchor's code");
  group.ops[0].dtype = static_cast<std::int32_t>(DType::kI32);
  asked = group.device_group();
  CHECK_FALSE(generate_group(asked, &source, &why));
  CHECK(why == "sqrt: no code is generated for it on std::int32_t");
  group.outputs.assign(kGroupMaxOperands, 1);
  CHECK_FALSE(generate_group(group.device_group(), &source, &why));
  CHECK(why == "a group has more than 48 inputs and outputs");
}

TEST_CASE("a guarded launch writes nothing once an earlier one has reported a fault") {
  const Group group = small_group("sqrt");
  std::string why;
  const OwnedGroupCode code = make(group, &why);
  REQUIRE(code != nullptr);
  const DeviceArray<float> x(std::vector<float>(6, 4.0f)), y(std::vector<float>(6, 1.0f));
  Group dense = group;
  dense.inputs[0].strides = dense.results[0].strides = {3, 1};
  dense.inputs[0].offset = 0;
  const Arguments arguments(dense, {reinterpret_cast<char*>(x.data()), reinterpret_cast<char*>(y.data())});
  const auto run = [&](std::int32_t set, std::int32_t guarded) {
    const DeviceArray<DeviceFault> fault(std::vector<DeviceFault>{
        {.lock = 0, .set = set, .order = 3, .step = 0, .element = 0, .value = 0, .extent = 0}});
    const Enqueue enqueue = {.call = arguments.call,
                             .guard = {fault.data(), 4, 0, guarded},
                             .workspace = nullptr,
                             .num_processors = 1,
                             .stream = nullptr};
    REQUIRE(enqueue_group(*code, enqueue) == cudaSuccess);
    REQUIRE(cudaDeviceSynchronize() == cudaSuccess);
    return y.values();
  };
  CHECK(run(1, 1) == std::vector<float>(6, 1.0f));
  CHECK(run(0, 1) == std::vector<float>(6, 2.0f));
}

}  // namespace
}  // namespace ingot::cuda
