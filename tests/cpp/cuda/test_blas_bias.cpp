// Products to which cuBLASLt adds a vector: groups of one op that a file may ask for in any way. What is no such vector
// runs on the own kernel. On the emulated device, with the double of cuBLASLt.
#include <utility>

#include "cublaslt.h"
#include "kernel_test.h"
#include "open_device.h"

namespace ingot::kernel_test {
namespace {

using cuda::CublasLt;

constexpr std::int32_t kF32 = static_cast<std::int32_t>(DType::kF32);
constexpr std::int32_t kNoAttrs[] = {0};

// One op on the product, register 0, and the other input, register 1.
struct OneOp {
  DeviceGroupOp op;
  std::int32_t dtypes[1] = {kF32}, outputs[1] = {2};
  DeviceGroup group;

  explicit OneOp(const char* name = "add", std::int32_t first = 0, std::int32_t second = 1)
      : op{name, kF32, kF32, 2, {first, second, 0}, 0, 0}, group{&op, 1, 1, dtypes, outputs, 1, 0, 2, 1} {}
  OneOp(const OneOp&) = delete;
  OneOp& operator=(const OneOp&) = delete;
};

struct Call {
  TensorArg inputs[3], output;
  KernelCall call = {};

  Call(const TensorArg& a, const TensorArg& b, const TensorArg& other, const TensorArg& out)
      : inputs{a, b, other}, output(out) {
    call.inputs = inputs;
    call.outputs = &output;
    call.num_inputs = 3;
    call.num_outputs = 1;
    call.attr_begin = kNoAttrs;
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
};

// A vector as an operand of the result's shape.
TensorArg along_last_axis(Tensor<float>& vector, const Sizes& shape) {
  TensorArg arg = vector.arg();
  arg.rank = static_cast<std::int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), arg.shape);
  std::fill(std::begin(arg.strides), std::end(arg.strides), 0);
  arg.strides[shape.size() - 1] = vector.strides[0];
  return arg;
}

// a @ b by cuBLASLt, or by the own kernel where freedoms are 0, with a step behind it that adds.
Tensor<float> run_apart(Tensor<float>& a, Tensor<float>& b, const TensorArg& other, const Sizes& shape,
                        std::uint32_t freedoms) {
  Tensor<float> out = contiguous<float>(shape);
  Call step(a.arg(), b.arg(), other, out.arg());
  step.call.num_inputs = 2;
  REQUIRE(run_on_device("matmul", DType::kF32, step.call, nullptr, freedoms));
  for (std::int64_t i = 0; i < product(shape); ++i) {
    std::int64_t rest = i, at = 0;
    for (std::int32_t axis = other.rank; axis-- > 0;) {
      at += rest % other.shape[axis] * other.strides[axis];
      rest /= other.shape[axis];
    }
    out.storage[static_cast<std::size_t>(i)] += reinterpret_cast<const float*>(other.data)[at];
  }
  return out;
}

void check_same(const Tensor<float>& found, const Tensor<float>& expected) {
  for (std::int64_t i = 0; i < product(expected.shape); ++i) {
    if (same_bits(found[i], expected[i])) continue;
    FAIL_CHECK("element " << i << " is " << found[i] << ", expected " << expected[i]);
    return;
  }
}

// Whether cuBLASLt added it.
bool check_bias(Tensor<float> a, Tensor<float> b, Tensor<float> vector, const Sizes& shape, const OneOp& add,
                std::uint32_t freedoms) {
  const CublasLt library;
  Tensor<float> out = contiguous<float>(shape);
  const Call step(a.arg(), b.arg(), along_last_axis(vector, shape), out.arg());
  const std::int64_t before = library.counts().biases;
  REQUIRE(run_on_device("matmul", DType::kF32, step.call, &add.group, freedoms));
  CHECK(library.problem() == "");
  const bool added = library.counts().biases > before;
  check_same(out, run_apart(a, b, step.inputs[2], shape, added ? freedoms : 0));
  return added;
}

Sizes join(Sizes batches, std::int64_t rows, std::int64_t columns) {
  batches.insert(batches.end(), {rows, columns});
  return batches;
}

}  // namespace

TEST_CASE("cuBLASLt adds a vector to products of any strides") {
  Rng rng(31);
  const OneOp add, added("add", 1, 0);
  int num_added = 0;
  for (int i = 0; i < 120; ++i) {
    const std::int64_t m = pick(rng, 0, 5), n = pick(rng, 1, 6), k = pick(rng, 0, 7);
    const std::int64_t x = pick(rng, 1, 3), y = pick(rng, 1, 3);
    const Sizes batches[][3] = {
        {{}, {}, {}},         {{x}, {}, {x}}, {{}, {y}, {y}}, {{x, y}, {x, y}, {x, y}}, {{x, 1}, {1, y}, {x, y}},
        {{x, y}, {y}, {x, y}}};
    const auto& [of_a, of_b, of_out] = batches[pick(rng, 0, 5)];
    num_added += check_bias(random_tensor<float>(rng, join(of_a, m, k)), random_tensor<float>(rng, join(of_b, k, n)),
                            random_tensor<float>(rng, {n}), join(of_out, m, n), i % 2 == 0 ? add : added,
                            i % 3 == 0 ? kTf32 : kFreeOrder)
                     ? 1
                     : 0;
  }
  CHECK(num_added > 60);
}

TEST_CASE("a vector that lies where a single row comes is read before that") {
  Rng rng(32);
  const CublasLt library;
  const OneOp add;
  Tensor<float> a = random_tensor<float>(rng, {1, 9}), b = random_tensor<float>(rng, {9, 40});
  Tensor<float> vector = random_tensor<float>(rng, {40}, Walk::kContiguous);
  const Tensor<float> expected = run_apart(a, b, along_last_axis(vector, {1, 40}), {1, 40}, kFreeOrder);
  const std::int64_t before = library.counts().biases;
  TensorArg out = along_last_axis(vector, {1, 40});
  out.strides[0] = 40;
  const Call step(a.arg(), b.arg(), along_last_axis(vector, {1, 40}), out);
  REQUIRE(run_on_device("matmul", DType::kF32, step.call, &add.group, kFreeOrder));
  CHECK(library.counts().biases == before + 1);
  CHECK(library.problem() == "");
  vector.shape = {1, 40};
  vector.strides = {40, 1};
  check_same(vector, expected);
}

TEST_CASE("an addend that only seemed to be a vector before sizes were known runs on the own kernel") {
  Rng rng(33);
  const CublasLt library;
  const OneOp add;
  Tensor<float> a = random_tensor<float>(rng, {5, 9}), b = random_tensor<float>(rng, {9, 4});
  Tensor<float> other = random_tensor<float>(rng, {5, 4}, Walk::kContiguous), out = contiguous<float>({5, 4});
  const Call step(a.arg(), b.arg(), other.arg(), out.arg());
  Call unknown(a.arg(), b.arg(), other.arg(), out.arg());
  unknown.inputs[1].shape[1] = unknown.inputs[2].shape[1] = unknown.output.shape[1] = 0;
  unknown.inputs[1].strides[0] = unknown.inputs[2].strides[0] = unknown.output.strides[0] = 0;
  const std::int64_t before = library.counts().products;
  REQUIRE(run_on_device("matmul", DType::kF32, step.call, &add.group, kFreeOrder, &unknown.call));
  CHECK(library.counts().products == before);
  check_same(out, run_apart(a, b, other.arg(), {5, 4}, 0));
}

namespace {

std::string describe(const Call& step, const DeviceGroup& group, DType dtype = DType::kF32, std::int32_t guarded = 0) {
  testing::OpenDevice device;
  const DeviceStepRequest request = {"matmul", static_cast<std::int32_t>(dtype), &step.call, &group, kFreeOrder,
                                     guarded};
  DeviceStep* made = nullptr;
  REQUIRE(device.api.compile_step(device.context, &request, &made) == kDeviceDone);
  std::string words = device.api.describe_step(made);
  device.api.release_step(made);
  return words;
}

}  // namespace

TEST_CASE("any other group on a product runs on the own kernel, and the step says so") {
  const CublasLt library;
  Rng rng(34);
  Tensor<float> a = random_tensor<float>(rng, {5, 9}), b = random_tensor<float>(rng, {9, 4});
  Tensor<float> vector = random_tensor<float>(rng, {4}, Walk::kContiguous), out = contiguous<float>({5, 4});
  Tensor<float> other = random_tensor<float>(rng, {5, 4}, Walk::kContiguous);
  const TensorArg bias = along_last_axis(vector, {5, 4});
  const Call step(a.arg(), b.arg(), bias, out.arg());
  CHECK(describe(step, OneOp().group) == "matmul by cuBLASLt 13.1.0 with its bias (fast: free_order)");
  CHECK(describe(step, OneOp().group, DType::kF32, 1) ==
        "matmul by cuBLASLt 13.1.0 with its bias (fast: free_order), copied into a state");
  const auto is_own = [](const std::string& words) {
    return words.starts_with("matmul, own kernel: it carries a group");
  };
  for (const char* name : {"subtract", "multiply", "maximum"}) CHECK(is_own(describe(step, OneOp(name).group)));
  CHECK(is_own(describe(step, OneOp("add", 0, 0).group)));
  CHECK(is_own(describe(step, OneOp("add", 1, 1).group)));
  CHECK(is_own(describe(Call(a.arg(), b.arg(), other.arg(), out.arg()), OneOp().group)));
  TensorArg along_rows = bias;
  std::swap(along_rows.strides[0], along_rows.strides[1]);
  CHECK(is_own(describe(Call(a.arg(), b.arg(), along_rows, out.arg()), OneOp().group)));
  TensorArg number = bias;
  number.rank = 0;
  CHECK(is_own(describe(Call(a.arg(), b.arg(), number, out.arg()), OneOp().group)));
}

TEST_CASE("a step whose bias cuBLASLt does not take has the bits of the own kernel") {
  const CublasLt library;
  Rng rng(35);
  const OneOp add;
  for (const std::int32_t call : {kSearchCall, kCheckCall, kMultiplyCall}) {
    library.fail(call, 15);
    Tensor<float> a = random_tensor<float>(rng, {5, 90}), b = random_tensor<float>(rng, {90, 4});
    CHECK_FALSE(check_bias(a, b, random_tensor<float>(rng, {4}), {5, 4}, add, kTf32));
  }
}

}  // namespace ingot::kernel_test
