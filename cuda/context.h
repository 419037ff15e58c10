// One device: its properties and its memory.
#pragma once

#include <cuda_runtime.h>

#include <memory>
#include <mutex>
#include <string>

#include "device/api.h"

namespace ingot::cuda {
class BlasPlans;
}  // namespace ingot::cuda

struct ingot::DeviceContext {
  DeviceProperties properties;
  std::string cache_folder;  // see HostApi

  std::mutex blas_mutex;
  std::shared_ptr<cuda::BlasPlans> blas;  // see cuda/blas.h; null: not asked for yet, or not there:
  std::string no_blas;                    // why
};

namespace ingot::cuda {

// Makes a device the current one of this thread, and the caller's the current one again.
class DeviceScope {
 public:
  explicit DeviceScope(const DeviceContext& context);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

  cudaError_t error() const { return error_; }

 private:
  int before_ = -1;  // -1: nothing to bring back
  cudaError_t error_ = cudaSuccess;
};

// The cache folder of contexts that are opened from now on.
void set_cache_folder(const char* folder);

DeviceStatus count_devices(std::int32_t* num_devices);
DeviceStatus describe_device(std::int32_t index, DeviceProperties* properties);

DeviceStatus open_context(std::int32_t index, DeviceContext** context);
void close_context(DeviceContext* context);
DeviceStatus free_bytes(DeviceContext* context, std::int64_t* num_bytes);

DeviceStatus allocate(DeviceContext* context, std::int64_t num_bytes, char** address);
void release(DeviceContext* context, char* address);
DeviceStatus allocate_host(DeviceContext* context, std::int64_t num_bytes, char** address);
void release_host(DeviceContext* context, char* address);
std::int32_t owns(DeviceContext* context, const void* address);

}  // namespace ingot::cuda

// Leaves the function with a status unless the context's device is the current one from here to the end of the block.
#define INGOT_CUDA_DEVICE(context)                        \
  const ::ingot::cuda::DeviceScope device_scope(context); \
  INGOT_CUDA_CHECK(device_scope.error(), "device")
