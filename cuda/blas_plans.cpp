#include "cuda/blas_plans.h"

#include <cstring>
#include <limits>

#include "base/dtype.h"
#include "cuda/cache.h"
#include "cuda/status.h"

namespace ingot::cuda {
namespace {

using blas::library;

constexpr int kMostCandidates = 8;
constexpr int kTimedRuns = 4;
constexpr float kMostMs = 500;            // of measuring a shape; the candidate that is being measured is finished
constexpr float kBetter = 0.97f;          // of the time of the best so far: what noise is, changes nothing
constexpr std::size_t kMostPlans = 4096;  // of a device; then all of them are found anew

// What an algorithm is chosen for: it is not read then, but its alignment is looked at.
const void* const kAnyBias = reinterpret_cast<const void*>(kBiasAlignment);

struct Types {
  int matrices, computed, scaled;
};

Types types_of(const BlasShape& shape) {
  switch (static_cast<DType>(shape.dtype)) {
    case DType::kF64:
      return {blas::kF64, blas::kComputeF64, blas::kF64};
    case DType::kF16:
      return {blas::kF16, blas::kComputeF32, blas::kF32};
    case DType::kBF16:
      return {blas::kBF16, blas::kComputeF32, blas::kF32};
    default:
      return {blas::kF32, shape.tf32 != 0 ? blas::kComputeTf32 : blas::kComputeF32, blas::kF32};
  }
}

bool make_layout(blas::Layout* layout, int type, std::int64_t rows, std::int64_t columns, std::int64_t leading,
                 std::int64_t num_batches, std::int64_t batch) {
  const blas::Functions& call = library().call;
  const auto count = static_cast<std::int32_t>(num_batches);
  return call.create_layout(layout, type, static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(columns),
                            leading) == blas::kSuccess &&
         call.set_layout(*layout, blas::kBatches, &count, sizeof count) == blas::kSuccess &&
         call.set_layout(*layout, blas::kBatchStride, &batch, sizeof batch) == blas::kSuccess;
}

struct OwnedPreference {
  blas::Preference preference = nullptr;
  ~OwnedPreference() {
    if (preference != nullptr) library().call.destroy_preference(preference);
  }
};

bool make_preference(OwnedPreference& made, const BlasShape& shape) {
  const blas::Functions& call = library().call;
  if (call.create_preference(&made.preference) != blas::kSuccess) return false;
  const auto most = static_cast<std::uint64_t>(shape.workspace_bytes);
  const auto set = [&](int attribute, const auto& value) {
    return call.set_preference(made.preference, attribute, &value, sizeof value) == blas::kSuccess;
  };
  const auto alignment = [&](int attribute, std::int32_t bytes) {
    return set(attribute, static_cast<std::uint32_t>(bytes));
  };
  return set(blas::kMostWorkspace, most) && set(blas::kReductions, blas::kReduceInComputeType) &&
         alignment(blas::kAlignmentA, shape.alignment_a) && alignment(blas::kAlignmentB, shape.alignment_b) &&
         alignment(blas::kAlignmentC, shape.alignment_d) && alignment(blas::kAlignmentD, shape.alignment_d);
}

bool is_capturing(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  return cudaStreamIsCapturing(stream, &status) != cudaSuccess || status != cudaStreamCaptureStatusNone;
}

class Timer {
 public:
  Timer() { made_ = cudaEventCreate(&begin_) == cudaSuccess && cudaEventCreate(&end_) == cudaSuccess; }
  ~Timer() {
    if (begin_ != nullptr) cudaEventDestroy(begin_);
    if (end_ != nullptr) cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool start(cudaStream_t stream) { return made_ && cudaEventRecord(begin_, stream) == cudaSuccess; }
  bool stop(cudaStream_t stream, float* ms) {
    return cudaEventRecord(end_, stream) == cudaSuccess && cudaEventSynchronize(end_) == cudaSuccess &&
           cudaEventElapsedTime(ms, begin_, end_) == cudaSuccess;
  }

 private:
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
  bool made_ = false;
};

std::string to_bytes(const blas::Algorithm& algorithm) {
  return {reinterpret_cast<const char*>(&algorithm), sizeof algorithm};
}

}  // namespace

struct BlasPlans::Plan {
  blas::Description description = nullptr;
  blas::Layout a = nullptr, b = nullptr, d = nullptr;
  blas::Algorithm algorithm = {};
  std::size_t workspace_bytes = 0;
  bool is_double = false;
  bool has_bias = false;
  mutable std::mutex bias_mutex;  // the description names the vector of the launch

  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    const blas::Functions& call = library().call;
    if (description != nullptr) call.destroy_description(description);
    for (const blas::Layout layout : {a, b, d}) {
      if (layout != nullptr) call.destroy_layout(layout);
    }
  }

  bool describe(const BlasShape& s) {
    const blas::Functions& call = library().call;
    const Types types = types_of(s);
    is_double = types.scaled == blas::kF64;
    if (call.create_description(&description, types.computed, types.scaled) != blas::kSuccess) return false;
    const auto set = [&](int attribute, std::int32_t value) {
      return call.set_description(description, attribute, &value, sizeof value) == blas::kSuccess;
    };
    const bool ta = s.transposed_a != 0, tb = s.transposed_b != 0;
    has_bias = s.has_bias != 0;
    if (has_bias &&
        call.set_description(description, blas::kEpilogue, &blas::kAddBias, sizeof blas::kAddBias) != blas::kSuccess) {
      return false;
    }
    return set_bias(kAnyBias) && set(blas::kTransposeA, s.transposed_a) && set(blas::kTransposeB, s.transposed_b) &&
           make_layout(&a, types.matrices, ta ? s.k : s.m, ta ? s.m : s.k, s.leading_a, s.num_batches, s.batch_a) &&
           make_layout(&b, types.matrices, tb ? s.n : s.k, tb ? s.k : s.n, s.leading_b, s.num_batches, s.batch_b) &&
           make_layout(&d, types.matrices, s.m, s.n, s.leading_d, s.num_batches, s.batch_d);
  }

  bool set_bias(const void* bias) const {
    return !has_bias ||
           library().call.set_description(description, blas::kBiasPointer, &bias, sizeof bias) == blas::kSuccess;
  }

  // Whether it is one that cuBLASLt runs in this much workspace.
  bool take(blas::Handle handle, const blas::Algorithm& given, std::int64_t most_bytes) {
    blas::Candidate result = {};
    if (!set_bias(kAnyBias)) return false;
    if (library().call.check(handle, description, a, b, d, d, &given, &result) != blas::kSuccess) return false;
    if (result.status != blas::kSuccess || result.workspace_bytes > static_cast<std::size_t>(most_bytes)) return false;
    algorithm = given;
    workspace_bytes = result.workspace_bytes;
    return true;
  }
};

std::shared_ptr<BlasPlans> BlasPlans::open(const DeviceContext& context, std::string* why) {
  if (!library().why.empty()) {
    *why = library().why;
    return nullptr;
  }
  std::shared_ptr<BlasPlans> plans(new BlasPlans);
  const int status = library().call.create(&plans->handle_);
  if (status != blas::kSuccess) {
    *why = std::string("cuBLASLt does not start: ") + library().call.status_text(status);
    return nullptr;
  }
  const DeviceProperties& device = context.properties;
  plans->cache_folder_ = context.cache_folder;
  plans->machine_ = "cublaslt " + library().version + " " + device.name + " " + std::to_string(device.major) + "." +
                    std::to_string(device.minor) + " " + std::to_string(device.num_processors) + "\n";
  return plans;
}

BlasPlans::~BlasPlans() {
  plans_.clear();
  if (handle_ != nullptr) library().call.destroy(handle_);
}

int BlasPlans::launch(const Plan& plan, const BlasOperands& operands, cudaStream_t stream) const {
  const float one = 1, zero = 0;
  const double one_double = 1, zero_double = 0;
  const void* const alpha = plan.is_double ? static_cast<const void*>(&one_double) : &one;
  const void* const beta = plan.is_double ? static_cast<const void*>(&zero_double) : &zero;
  std::unique_lock<std::mutex> lock(plan.bias_mutex, std::defer_lock);
  if (plan.has_bias) lock.lock();
  if (!plan.set_bias(operands.bias)) return blas::kInvalidValue;
  return library().call.multiply(handle_, plan.description, alpha, operands.a, plan.a, operands.b, plan.b, beta,
                                 operands.d, plan.d, operands.d, plan.d, &plan.algorithm, operands.workspace,
                                 plan.workspace_bytes, stream);
}

// Milliseconds of some runs; of what does not run, as long as there is.
float BlasPlans::time(const Plan& plan, const BlasOperands& operands, cudaStream_t stream) const {
  constexpr float kNever = std::numeric_limits<float>::max();
  Timer timer;
  float ms = kNever;
  if (launch(plan, operands, stream) != blas::kSuccess || !timer.start(stream)) return kNever;
  for (int i = 0; i < kTimedRuns; ++i) {
    if (launch(plan, operands, stream) != blas::kSuccess) return kNever;
  }
  return timer.stop(stream, &ms) ? ms : kNever;
}

// Sets the plan's algorithm: the one that is kept for this shape, else the fastest, which is kept then.
bool BlasPlans::choose(Plan& plan, const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream) {
  const std::string key = machine_ + to_text(shape);
  blas::Algorithm known;
  if (std::string bytes; read_cached_code(cache_folder_, key, &bytes) && bytes.size() == sizeof known) {
    std::memcpy(&known, bytes.data(), sizeof known);
    if (plan.take(handle_, known, shape.workspace_bytes)) return true;
  }
  OwnedPreference preference;
  blas::Candidate candidates[kMostCandidates] = {};
  int count = 0;
  if (!make_preference(preference, shape) ||
      library().call.find_candidates(handle_, plan.description, plan.a, plan.b, plan.d, plan.d, preference.preference,
                                     kMostCandidates, candidates, &count) != blas::kSuccess) {
    return false;
  }
  const auto take = [&](int i) {
    return candidates[i].status == blas::kSuccess && plan.take(handle_, candidates[i].algorithm, shape.workspace_bytes);
  };
  int first = 0;
  while (first < count && !take(first)) ++first;
  if (first == count) return false;
  if (!keeps_ || cache_folder_.empty() || is_capturing(stream)) return true;
  int best = first;
  float least = time(plan, operands, stream), spent = least;
  for (int i = first + 1; i < count && spent < kMostMs; ++i) {
    if (!take(i)) continue;
    const float ms = time(plan, operands, stream);
    if (ms < least * kBetter) best = i, least = ms;
    spent += ms;
  }
  std::string chosen = to_bytes(candidates[best].algorithm);
  keeps_ = keep_cached_code(cache_folder_, key, &chosen);
  if (!keeps_ || chosen.size() != sizeof known) return take(first);
  std::memcpy(&known, chosen.data(), sizeof known);  // another process may have been first
  return plan.take(handle_, known, shape.workspace_bytes) || take(first);
}

std::shared_ptr<const BlasPlans::Plan> BlasPlans::make_plan(const BlasShape& shape, const BlasOperands& operands,
                                                            cudaStream_t stream) {
  auto made = std::make_shared<Plan>();
  if (!made->describe(shape) || !choose(*made, shape, operands, stream)) return nullptr;
  return made;
}

std::shared_ptr<const BlasPlans::Plan> BlasPlans::plan(const BlasShape& shape, const BlasOperands& operands,
                                                       cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  if (const auto found = plans_.find(shape); found != plans_.end()) return found->second;
  if (plans_.size() >= kMostPlans) plans_.clear();
  return plans_[shape] = make_plan(shape, operands, stream);
}

DeviceStatus BlasPlans::multiply(const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream) {
  const std::shared_ptr<const Plan> found = plan(shape, operands, stream);
  const int status = found == nullptr ? blas::kNotSupported : launch(*found, operands, stream);
  if (status == blas::kSuccess) return kDeviceDone;
  const bool refused = status == blas::kNotSupported || status == blas::kInvalidValue || status == blas::kArchMismatch;
  const DeviceStatus result = refused                             ? kDeviceNoKernel
                              : status == blas::kAllocationFailed ? kDeviceOutOfMemory
                                                                  : kDeviceFailed;
  return fail(result, "matmul: cuBLASLt failed: %s", library().call.status_text(status));
}

}  // namespace ingot::cuda
