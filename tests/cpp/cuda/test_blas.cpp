// Products by cuBLASLt, or its double, on the emulated device: results, which algorithm runs, what happens where it
// does not compute.
#include <filesystem>

#include "cublaslt.h"
#include "device_test.h"
#include "kernel_test.h"
#include "temporary_folder.h"

extern "C" ingot::DeviceStatus ingot_cuda_open(const ingot::HostApi* host, ingot::DeviceApi* api);

namespace ingot::kernel_test {
namespace {

namespace fs = std::filesystem;
using cuda::CublasLt;

constexpr std::int32_t kF32 = static_cast<std::int32_t>(DType::kF32);

// out[..., m, n] of a call, whatever the order of sums: within k roundings of each sum of magnitudes.
template <class T>
void check_within(const std::vector<Tensor<T>*>& operands, const Tensor<T>& out, std::int64_t unit_bits) {
  const Tensor<T>&a = *operands[0], &b = *operands[1];
  const std::size_t rank = out.shape.size();
  const std::int64_t k = a.shape.back();
  const double unit = std::ldexp(1.0, -static_cast<int>(unit_bits));
  for (std::int64_t i = 0; i < product(out.shape); ++i) {
    Sizes index(rank);
    std::int64_t rest = i;
    for (std::size_t axis = rank; axis-- > 0;) index[axis] = rest % out.shape[axis], rest /= out.shape[axis];
    const auto at = [&](const Tensor<T>& x, std::int64_t row, std::int64_t column) {
      Sizes own(x.shape.size());
      for (std::size_t axis = 0; axis + 2 < own.size(); ++axis) {
        own[axis] = x.shape[axis] == 1 ? 0 : index[axis + rank - own.size()];
      }
      own[own.size() - 2] = row;
      own[own.size() - 1] = column;
      return static_cast<double>(x.at(own));
    };
    double sum = 0, magnitude = 0;
    for (std::int64_t p = 0; p < k; ++p) {
      const double term = at(a, index[rank - 2], p) * at(b, p, index[rank - 1]);
      sum += term;
      magnitude += std::fabs(term);
    }
    CHECK(std::fabs(static_cast<double>(out[i]) - sum) <= unit * static_cast<double>(k + 2) * magnitude);
  }
}

// Rows or columns that lie on each other: told from sizes that are not known yet only when it runs.
template <class T>
bool is_spread(const Tensor<T>& x) {
  const std::size_t rank = x.shape.size();
  return (x.strides[rank - 1] == 0 && x.shape[rank - 1] > 1) || (x.strides[rank - 2] == 0 && x.shape[rank - 2] > 1);
}

template <class T>
void check_product(Tensor<T> a, Tensor<T> b, const Sizes& shape, std::uint32_t freedoms = kFreeOrder,
                   std::int64_t unit_bits = sizeof(T) == 4 ? 23 : 52) {
  const CublasLt library;
  const std::int64_t before = library.counts().products;
  Tensor<T> out = contiguous<T>(shape);
  const TensorArg inputs[] = {a.arg(), b.arg()}, output = out.arg();
  const std::int32_t no_attrs[] = {0};
  KernelCall call = {};
  call.inputs = inputs;
  call.outputs = &output;
  call.num_inputs = 2;
  call.num_outputs = 1;
  call.attr_begin = no_attrs;
  REQUIRE(run_on_device("matmul", dtype_of<T>(), call, nullptr, freedoms));
  CHECK(library.problem() == "");
  const bool is_asked = product(shape) > 0 && a.shape.back() > 0 && !is_spread(a) && !is_spread(b);
  if (is_asked || product(shape) == 0) CHECK((library.counts().products > before) == is_asked);
  check_within<T>({&a, &b}, out, unit_bits);
}

}  // namespace

TEST_CASE_TEMPLATE("cuBLASLt multiplies operands of any strides", T, float, double) {
  Rng rng(11);
  for (int i = 0; i < 60; ++i) {
    const std::int64_t m = pick(rng, 0, 5), n = pick(rng, 1, 6), k = pick(rng, 0, 7);
    const std::int64_t x = pick(rng, 1, 3), y = pick(rng, 1, 3);
    const Sizes batches[][3] = {
        {{}, {}, {}},         {{x}, {}, {x}}, {{}, {y}, {y}}, {{x, y}, {x, y}, {x, y}}, {{x, 1}, {1, y}, {x, y}},
        {{x, y}, {y}, {x, y}}};
    const auto& [of_a, of_b, of_out] = batches[pick(rng, 0, 5)];
    const auto join = [](Sizes first, std::int64_t rows, std::int64_t columns) {
      first.insert(first.end(), {rows, columns});
      return first;
    };
    check_product<T>(random_tensor<T>(rng, join(of_a, m, k)), random_tensor<T>(rng, join(of_b, k, n)),
                     join(of_out, m, n));
  }
}

TEST_CASE("tf32 rounds operands to 10 bits, and says so") {
  Rng rng(12);
  check_product<float>(random_tensor<float>(rng, {17, 90}), random_tensor<float>(rng, {90, 5}), {17, 5}, kTf32, 10);
}

namespace {

// A process of the plugin's, so to say: a context, and one product of two matrices of 8 x 8.
class Process {
 public:
  explicit Process(const std::string& cache_folder, std::uint32_t freedoms = kFreeOrder, std::int32_t guarded = 0)
      : a_(values(1)), b_(values(2)), out_(64), fault_(1) {
    const HostApi host = {sizeof(HostApi), kDeviceApiVersion, INGOT_VERSION, cache_folder.c_str(),
                          std::int64_t{1} << 28};
    REQUIRE(ingot_cuda_open(&host, &api) == kDeviceDone);
    REQUIRE(api.open(0, &context) == kDeviceDone);
    REQUIRE(api.open_stream(context, &stream) == kDeviceDone);
    for (TensorArg* x : {&inputs_[0], &inputs_[1], &output_}) {
      x->rank = 2;
      x->dtype = kF32;
      x->shape[0] = x->shape[1] = x->strides[0] = 8;
      x->strides[1] = 1;
    }
    inputs_[0].data = reinterpret_cast<char*>(a_.data());
    inputs_[1].data = reinterpret_cast<char*>(b_.data());
    output_.data = reinterpret_cast<char*>(out_.data());
    call_.inputs = inputs_;
    call_.outputs = &output_;
    call_.num_inputs = 2;
    call_.num_outputs = 1;
    call_.attr_begin = kNoAttrs;
    const DeviceStepRequest request = {"matmul", kF32, &call_, nullptr, freedoms, guarded};
    REQUIRE(api.compile_step(context, &request, &step) == kDeviceDone);
    const std::int64_t bytes = api.workspace_bytes(step, &call_);
    REQUIRE(bytes >= 0);
    REQUIRE(api.allocate(context, bytes, &workspace_) == kDeviceDone);
    REQUIRE(api.clear(stream, reinterpret_cast<char*>(fault_.data()), sizeof(DeviceFault)) == kDeviceDone);
  }
  ~Process() {
    api.release(context, workspace_);
    api.release_step(step);
    api.close_stream(stream);
    api.close(context);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  DeviceStatus launch(std::int32_t guarded = 0) const {
    const DeviceLaunch launch = {step, &call_, fault_.data(), 1, 0, guarded, workspace_};
    return api.launch(stream, &launch);
  }
  std::vector<float> run(std::int32_t guarded = 0) const {
    REQUIRE(launch(guarded) == kDeviceDone);
    REQUIRE(api.synchronize(stream) == kDeviceDone);
    return out_.values();
  }
  void set_fault() {
    REQUIRE(api.synchronize(stream) == kDeviceDone);  // it was cleared before
    const DeviceFault fault = {.lock = 0, .set = 1, .order = 0, .step = 0, .element = 0, .value = 0, .extent = 0};
    REQUIRE(cudaMemcpy(fault_.data(), &fault, sizeof fault, cudaMemcpyHostToDevice) == cudaSuccess);
  }
  std::string description() const { return api.describe_step(step); }

  DeviceApi api = {};
  DeviceContext* context = nullptr;
  DeviceStream* stream = nullptr;
  DeviceStep* step = nullptr;

 private:
  static constexpr std::int32_t kNoAttrs[] = {0};
  static std::vector<float> values(std::uint64_t seed) {
    Rng rng(seed);
    std::vector<float> x(64);
    for (float& value : x) value = random_value<float>(rng);
    return x;
  }

  DeviceArray<float> a_, b_, out_;
  DeviceArray<DeviceFault> fault_;
  TensorArg inputs_[2] = {}, output_ = {};
  KernelCall call_ = {};
  char* workspace_ = nullptr;
};

}  // namespace

TEST_CASE("the fastest algorithm is measured once and kept from process to process") {
  const CublasLt library;
  const testing::TemporaryFolder folder;
  const std::string cache = (folder.path() / "cache").string();
  library.set_fastest(2);
  std::vector<float> first;
  {
    const Process process(cache);
    first = process.run();
    CHECK(library.last_algorithm() == 2);
    const std::int64_t products = library.counts().products;
    process.run();
    CHECK(library.counts().products == products + 1);
  }
  const std::int64_t searches = library.counts().searches;
  library.set_fastest(0);
  {
    const Process process(cache);
    CHECK(process.run() == first);
    CHECK(library.last_algorithm() == 2);
    CHECK(library.counts().searches == searches);
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(cache)) fs::resize_file(entry.path(), 20);
  const Process process(cache);
  process.run();
  CHECK(library.last_algorithm() == 0);
  CHECK(library.problem() == "");
}

TEST_CASE("where nothing can be kept nothing is measured: the first proposal runs") {
  const CublasLt library;
  library.set_fastest(2);
  const std::int64_t products = library.counts().products;
  const Process process("");
  process.run();
  CHECK(library.last_algorithm() == 0);
  CHECK(library.counts().products == products + 1);
  CHECK(process.description() == "matmul by cuBLASLt 13.1.0 (fast: free_order)");
}

TEST_CASE("a capture measures nothing, and is replayed") {
  const CublasLt library;
  const testing::TemporaryFolder folder;
  const Process process(folder.path().string());
  const std::int64_t products = library.counts().products;
  DeviceGraph* graph = nullptr;
  REQUIRE(process.api.begin_capture(process.stream) == kDeviceDone);
  CHECK(process.launch() == kDeviceDone);
  REQUIRE(process.api.end_capture(process.stream, &graph) == kDeviceDone);
  CHECK(library.counts().products == products + 1);
  REQUIRE(process.api.run_graph(process.stream, graph) == kDeviceDone);
  REQUIRE(process.api.synchronize(process.stream) == kDeviceDone);
  process.api.release_graph(graph);
}

TEST_CASE("what cuBLASLt does not take runs on the own kernel, and the step says so") {
  const CublasLt library;
  const Process exact("", 0);
  CHECK(exact.description() == "matmul");
  const std::vector<float> expected = exact.run();
  for (const std::int32_t call : {kSearchCall, kCheckCall, kMultiplyCall}) {
    library.fail(call, 15);
    const Process process("");
    CHECK(process.run() == expected);
    CHECK(process.description() == "matmul: cuBLASLt does not take it at the sizes of a run: own kernel there");
  }
}

TEST_CASE("a cuBLASLt that does not start is as good as none") {
  const CublasLt library;
  library.fail(kCreateCall, 1);
  const Process process("");
  CHECK(process.description() == "matmul, own kernel: cuBLASLt does not start: the library was not initialized");
  CHECK(process.api.has_fast(process.context, "matmul", nullptr, kF32, kFreeOrder) == 0);
  process.run();
}

TEST_CASE("freedoms are asked for by op and dtype") {
  const CublasLt library;
  const Process process("");
  const auto has = [&](const char* op, DType dtype, std::uint32_t freedoms, const char* row_op = nullptr) {
    return process.api.has_fast(process.context, op, row_op, static_cast<std::int32_t>(dtype), freedoms) != 0;
  };
  CHECK(has("matmul", DType::kBF16, kFreeOrder));
  CHECK(has("matmul", DType::kF64, kFreeOrder | kTf32));
  CHECK(has("matmul", DType::kF32, kTf32));
  CHECK_FALSE(has("matmul", DType::kF32, 0));
  CHECK_FALSE(has("matmul", DType::kBF16, kTf32));
  CHECK_FALSE(has("matmul", DType::kI32, kFreeOrder));
  CHECK_FALSE(has("conv", DType::kF32, kFreeOrder));
  CHECK(has("matmul", DType::kF32, kFreeOrder, "add"));
  CHECK(has("matmul", DType::kF32, kTf32, "add"));
  CHECK_FALSE(has("matmul", DType::kF32, 0, "add"));
  CHECK_FALSE(has("matmul", DType::kF32, kFreeOrder, "subtract"));
  CHECK_FALSE(has("matmul", DType::kF64, kFreeOrder, "add"));
  CHECK_FALSE(has("matmul", DType::kBF16, kFreeOrder, "add"));
}

TEST_CASE("a failure of cuBLASLt is one of the device") {
  const CublasLt library;
  const Process process("");
  library.fail(kMultiplyCall, 13);
  CHECK(process.launch() == kDeviceFailed);
  CHECK(std::string(process.api.message()) == "matmul: cuBLASLt failed: a status of the double's");
  library.fail(kMultiplyCall, 3);
  CHECK(process.launch() == kDeviceOutOfMemory);
}

TEST_CASE("a product that goes into a state is written only if nothing has failed before") {
  const CublasLt library;
  const std::vector<float> expected = Process("").run();
  Process process("", kFreeOrder, 1);
  CHECK(process.run(1) == expected);
  const std::int64_t products = library.counts().products;
  Process stopped("", kFreeOrder, 1);
  stopped.set_fault();
  CHECK(stopped.run(1) != expected);
  CHECK(library.counts().products == products + 1);
  CHECK(process.description() == "matmul by cuBLASLt 13.1.0 (fast: free_order), copied into a state");
}

TEST_CASE("nothing of cuBLASLt's is left when its devices are closed") {
  const CublasLt library;
  const CublasLtOnHostCounts before = library.counts();
  {
    Process("").run();
  }
  const CublasLtOnHostCounts after = library.counts();
  CHECK(after.handles == before.handles);
  CHECK(after.descriptions == before.descriptions);
  CHECK(after.layouts == before.layouts);
  CHECK(after.preferences == before.preferences);
}

}  // namespace ingot::kernel_test
