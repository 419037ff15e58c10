// The double of cuBLASLt on the emulated device: the functions that cuda/blas_library.cpp looks for. It checks what it
// is given, adds up in an order that is not the project's, and gives three algorithms with different ones.
#include <dlfcn.h>

#include <chrono>
#include <cstring>
#include <new>
#include <string>
#include <thread>

#include "controls.h"
#include "cuda/blas_library.h"
#include "matrices.h"
#include "objects.h"

namespace {

namespace blas = ingot::cuda::blas;
using cublaslt_on_host::alignment_of_bias;
using cublaslt_on_host::check_product;
using cublaslt_on_host::Matrix;
using cublaslt_on_host::Product;

constexpr std::uint64_t kAlgorithmMark = 0x15607b1a5u;
constexpr int kAlgorithms = 3;
constexpr std::uint64_t kWorkspaces[kAlgorithms] = {0, 1 << 20, 0};

CublasLtOnHostCounts counts;
std::int32_t failing_call = kNoCall, failing_status = 0, fastest = -1, last_algorithm = -1;
std::string problem;

bool fails(CublasLtOnHostCall call) {
  return failing_call == call;
}

int refuse(const char* why) {
  problem = why;
  return blas::kInvalidValue;
}

// The emulator is whatever program or library calls.
struct Emulator {
  int (*enqueue)(cudaStream_t stream, const void* kernel, void (*run)(const void*), void (*release)(void*),
                 void* argument) = nullptr;
  int (*owns)(const void* address, std::size_t num_bytes) = nullptr;
} emulator;

bool find_emulator(const void* caller) {
  Dl_info info = {};
  if (dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return false;
  void* library = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) library = dlopen(nullptr, RTLD_NOW);
  emulator.enqueue = reinterpret_cast<decltype(emulator.enqueue)>(dlsym(library, "cuda_on_host_enqueue"));
  emulator.owns = reinterpret_cast<decltype(emulator.owns)>(dlsym(library, "cuda_on_host_owns"));
  return emulator.enqueue != nullptr && emulator.owns != nullptr;
}

}  // namespace

namespace {

template <class T>
int set(T* to, const void* value, std::size_t num_bytes) {
  if (num_bytes != sizeof(T)) return refuse("an attribute of another size");
  std::memcpy(to, value, num_bytes);
  return blas::kSuccess;
}

Matrix matrix_of(const blas::Layout layout, const void* data) {
  return {static_cast<char*>(const_cast<void*>(data)), layout->type,    static_cast<std::int64_t>(layout->rows),
          static_cast<std::int64_t>(layout->columns),  layout->leading, layout->batch_stride};
}

bool in_memory(const Matrix& x, std::int64_t num_batches) {
  const std::int64_t last = (num_batches - 1) * x.batch_stride + (x.columns - 1) * x.leading + x.rows;
  return emulator.owns(x.data, static_cast<std::size_t>(last) * cublaslt_on_host::size_bytes(x.type)) != 0;
}

bool is_aligned(const void* address, std::uint64_t packed, int index) {
  return reinterpret_cast<std::uintptr_t>(address) % (packed >> (16 * index) & 0xffff) == 0;
}

struct Work {
  Product product;
  bool is_slow;
};

void run_work(const void* argument) {
  const auto& work = *static_cast<const Work*>(argument);
  if (work.is_slow) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  multiply(work.product);
}

void release_work(void* argument) {
  delete static_cast<Work*>(argument);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void cublaslt_on_host_counts(CublasLtOnHostCounts* result) {
  *result = counts;
}
void cublaslt_on_host_fail(std::int32_t call, std::int32_t status) {
  failing_call = call;
  failing_status = status;
}
void cublaslt_on_host_set_fastest(std::int32_t algorithm) {
  fastest = algorithm;
}
std::int32_t cublaslt_on_host_last_algorithm() {
  return last_algorithm;
}
const char* cublaslt_on_host_problem() {
  return problem.c_str();
}

std::size_t cublasLtGetVersion() {
  return 130100;
}
const char* cublasLtGetStatusString(int status) {
  return status == blas::kNotInitialized ? "the library was not initialized" : "a status of the double's";
}

int cublasLtCreate(blas::Handle* handle) {
  if (fails(kCreateCall)) return failing_status;
  if (!find_emulator(__builtin_return_address(0))) return blas::kNotInitialized;
  *handle = new blas::OpaqueHandle;
  ++counts.handles;
  return blas::kSuccess;
}
int cublasLtDestroy(blas::Handle handle) {
  delete handle;
  --counts.handles;
  return blas::kSuccess;
}

int cublasLtMatmulDescCreate(blas::Description* description, int compute_type, int scale_type) {
  *description = new blas::OpaqueDescription{compute_type, scale_type};
  ++counts.descriptions;
  return blas::kSuccess;
}
int cublasLtMatmulDescDestroy(blas::Description description) {
  delete description;
  --counts.descriptions;
  return blas::kSuccess;
}
int cublasLtMatmulDescSetAttribute(blas::Description description, int attribute, const void* value,
                                   std::size_t num_bytes) {
  if (attribute == 3) return set(&description->transposed_a, value, num_bytes);
  if (attribute == 4) return set(&description->transposed_b, value, num_bytes);
  if (attribute == 7) return set(&description->epilogue, value, num_bytes);
  if (attribute == 8) return set(&description->bias, value, num_bytes);
  return refuse("an unknown attribute of a product");
}

int cublasLtMatrixLayoutCreate(blas::Layout* layout, int type, std::uint64_t rows, std::uint64_t columns,
                               std::int64_t leading) {
  *layout = new blas::OpaqueLayout{type, rows, columns, leading};
  ++counts.layouts;
  return blas::kSuccess;
}
int cublasLtMatrixLayoutDestroy(blas::Layout layout) {
  delete layout;
  --counts.layouts;
  return blas::kSuccess;
}
int cublasLtMatrixLayoutSetAttribute(blas::Layout layout, int attribute, const void* value, std::size_t num_bytes) {
  if (attribute == 5) return set(&layout->num_batches, value, num_bytes);
  if (attribute == 6) return set(&layout->batch_stride, value, num_bytes);
  return refuse("an unknown attribute of a matrix");
}

int cublasLtMatmulPreferenceCreate(blas::Preference* preference) {
  *preference = new blas::OpaquePreference;
  ++counts.preferences;
  return blas::kSuccess;
}
int cublasLtMatmulPreferenceDestroy(blas::Preference preference) {
  delete preference;
  --counts.preferences;
  return blas::kSuccess;
}
int cublasLtMatmulPreferenceSetAttribute(blas::Preference preference, int attribute, const void* value,
                                         std::size_t num_bytes) {
  if (attribute == 1) return set(&preference->workspace_bytes, value, num_bytes);
  if (attribute == 3) return set(&preference->reductions, value, num_bytes);
  if (attribute >= 5 && attribute <= 8) return set(&preference->alignments[attribute - 5], value, num_bytes);
  return refuse("an unknown attribute of a preference");
}

// An algorithm says which it is and what alignment it was chosen for, of matrices and of a bias.
int cublasLtMatmulAlgoGetHeuristic(blas::Handle, blas::Description description, blas::Layout a, blas::Layout b,
                                   blas::Layout c, blas::Layout d, blas::Preference preference, int most,
                                   blas::Candidate* candidates, int* count) {
  ++counts.searches;
  *count = 0;
  if (fails(kSearchCall)) return failing_status;
  if (const char* why = check_product(description, a, b, c, d); *why != '\0') return refuse(why);
  if (preference->reductions != blas::kReduceInComputeType) return refuse("reductions that round more than once");
  std::uint64_t alignments = 0;
  for (int i = 0; i < 4; ++i) alignments |= std::uint64_t{preference->alignments[i]} << (16 * i);
  for (int i = 0; i < kAlgorithms && *count < most; ++i) {
    if (kWorkspaces[i] > preference->workspace_bytes) continue;
    candidates[(*count)++] = {
        .algorithm = {{kAlgorithmMark, static_cast<std::uint64_t>(i), alignments, alignment_of_bias(description)}},
        .workspace_bytes = kWorkspaces[i],
        .status = blas::kSuccess,
        .num_waves = 1,
        .reserved = {}};
  }
  return blas::kSuccess;
}

int cublasLtMatmulAlgoCheck(blas::Handle, blas::Description description, blas::Layout a, blas::Layout b, blas::Layout c,
                            blas::Layout d, const blas::Algorithm* algorithm, blas::Candidate* result) {
  if (fails(kCheckCall)) return failing_status;
  if (const char* why = check_product(description, a, b, c, d); *why != '\0') return refuse(why);
  if (algorithm->data[0] != kAlgorithmMark || algorithm->data[1] >= kAlgorithms) return refuse("no algorithm");
  if ((algorithm->data[3] != 0) != (description->bias != nullptr)) return refuse("an algorithm of another epilogue");
  if (alignment_of_bias(description) < algorithm->data[3]) return refuse("a bias that is aligned less than promised");
  *result = {.algorithm = *algorithm,
             .workspace_bytes = kWorkspaces[algorithm->data[1]],
             .status = blas::kSuccess,
             .num_waves = 1,
             .reserved = {}};
  return blas::kSuccess;
}

int cublasLtMatmul(blas::Handle, blas::Description description, const void* alpha, const void* a, blas::Layout a_layout,
                   const void* b, blas::Layout b_layout, const void* beta, const void* c, blas::Layout c_layout,
                   void* d, blas::Layout d_layout, const blas::Algorithm* algorithm, void* workspace,
                   std::size_t workspace_bytes, cudaStream_t stream) {
  if (fails(kMultiplyCall)) return failing_status;
  blas::Candidate checked;
  const int status =
      cublasLtMatmulAlgoCheck(nullptr, description, a_layout, b_layout, c_layout, d_layout, algorithm, &checked);
  if (status != blas::kSuccess) return status;
  const bool is_double = d_layout->type == blas::kF64;
  const auto number = [&](const void* at) {
    return is_double ? *static_cast<const double*>(at) : *static_cast<const float*>(at);
  };
  if (number(alpha) != 1 || number(beta) != 0 || c != d) return refuse("factors");
  const std::uint64_t alignments = algorithm->data[2];
  if (!is_aligned(a, alignments, 0) || !is_aligned(b, alignments, 1) || !is_aligned(d, alignments, 3))
    return refuse("less alignment than was promised");
  const Product product = {.a = matrix_of(a_layout, a),
                           .b = matrix_of(b_layout, b),
                           .d = matrix_of(d_layout, d),
                           .num_batches = d_layout->num_batches,
                           .transposed_a = description->transposed_a != 0,
                           .transposed_b = description->transposed_b != 0,
                           .tf32 = description->compute_type == blas::kComputeTf32,
                           .bias = static_cast<const char*>(description->bias),
                           .order = static_cast<int>(algorithm->data[1]),
                           .workspace = static_cast<char*>(workspace),
                           .workspace_bytes = workspace_bytes};
  for (const Matrix& x : {product.a, product.b, product.d}) {
    if (!in_memory(x, product.num_batches)) return refuse("a matrix beyond the device's memory");
  }
  const std::size_t bias_bytes = static_cast<std::size_t>(product.d.rows) * sizeof(float);
  if (product.bias != nullptr && emulator.owns(product.bias, bias_bytes) == 0)
    return refuse("a bias beyond the device's memory");
  if (product.bias != nullptr && product.bias < product.d.data + bias_bytes &&
      product.d.data < product.bias + bias_bytes)
    return refuse("a bias in the place of the result");
  if (workspace_bytes < checked.workspace_bytes || reinterpret_cast<std::uintptr_t>(workspace) % 256 != 0 ||
      (workspace_bytes > 0 && emulator.owns(workspace, workspace_bytes) == 0))
    return refuse("a workspace");
  last_algorithm = product.order;
  ++counts.products;
  if (product.bias != nullptr) ++counts.biases;
  auto* const work = new Work{product, fastest >= 0 && fastest != product.order};
  return emulator.enqueue(stream, reinterpret_cast<const void*>(&cublasLtMatmul), run_work, release_work, work);
}
}
#pragma GCC visibility pop
