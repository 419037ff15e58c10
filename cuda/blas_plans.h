// What cuBLASLt knows of a device, and how it multiplies matrices of a shape: found once per shape.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "cuda/blas_library.h"
#include "cuda/blas_product.h"
#include "cuda/context.h"

namespace ingot::cuda {

// Kernels of cuBLASLt read several elements at once without looking where they lie.
inline constexpr std::uintptr_t kBiasAlignment = 16;

// One product of matrices as it is launched.
struct BlasOperands {
  const char *a, *b;
  char* d;
  const char* bias;  // where shape.has_bias, at a multiple of kBiasAlignment, apart from d
  char* workspace;   // shape.workspace_bytes of it, at a multiple of 256
};

// Thread rule: any thread.
class BlasPlans {
 public:
  // null, with `why`, where there is no cuBLASLt that works on the device, which is the current one.
  static std::shared_ptr<BlasPlans> open(const DeviceContext& context, std::string* why);
  ~BlasPlans();
  BlasPlans(const BlasPlans&) = delete;
  BlasPlans& operator=(const BlasPlans&) = delete;

  // kDeviceNoKernel where cuBLASLt does not take these matrices; then nothing of them is enqueued.
  DeviceStatus multiply(const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream);

 private:
  struct Plan;
  BlasPlans() = default;
  std::shared_ptr<const Plan> plan(const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream);
  std::shared_ptr<const Plan> make_plan(const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream);
  bool choose(Plan& plan, const BlasShape& shape, const BlasOperands& operands, cudaStream_t stream);
  int launch(const Plan& plan, const BlasOperands& operands, cudaStream_t stream) const;
  float time(const Plan& plan, const BlasOperands& operands, cudaStream_t stream) const;

  blas::Handle handle_ = nullptr;
  std::string cache_folder_, machine_;  // what choices are kept for
  bool keeps_ = true;
  std::mutex mutex_;
  std::map<BlasShape, std::shared_ptr<const Plan>> plans_;  // null: cuBLASLt does not take it
};

}  // namespace ingot::cuda
