#include "cuda/context.h"

#include <cstdio>
#include <memory>
#include <mutex>

#include "cuda/numbers.h"
#include "cuda/status.h"

namespace ingot::cuda {
namespace {

struct CacheFolder {
  std::mutex mutex;
  std::string path;
};

CacheFolder& cache_folder() {
  static CacheFolder folder;
  return folder;
}

DeviceStatus check_index(std::int32_t index) {
  int num_devices = 0;
  if (const DeviceStatus status = find_driver(&num_devices); status != kDeviceDone) return status;
  if (index >= 0 && index < num_devices) return kDeviceDone;
  return fail(kDeviceMissing, "no such device: got %d, expected 0 to %d", index, num_devices - 1);
}

DeviceStatus read_properties(std::int32_t index, DeviceProperties* properties) {
  cudaDeviceProp all;
  INGOT_CUDA_CHECK(cudaGetDeviceProperties(&all, index), "device");
  *properties = {};
  std::snprintf(properties->name, sizeof(properties->name), "%.127s", all.name);
  properties->index = index;
  properties->major = all.major;
  properties->minor = all.minor;
  properties->num_processors = all.multiProcessorCount;
  properties->memory_bytes = static_cast<std::int64_t>(all.totalGlobalMem);
  return kDeviceDone;
}

}  // namespace

DeviceScope::DeviceScope(const DeviceContext& context) {
  int before = 0;
  error_ = cudaGetDevice(&before);
  if (error_ != cudaSuccess || before == context.properties.index) return;
  error_ = cudaSetDevice(context.properties.index);
  if (error_ == cudaSuccess) before_ = before;
}

DeviceScope::~DeviceScope() {
  if (before_ >= 0) cudaSetDevice(before_);
}

void set_cache_folder(const char* folder) {
  const std::lock_guard lock(cache_folder().mutex);
  cache_folder().path = folder;
}

DeviceStatus count_devices(std::int32_t* num_devices) {
  return find_driver(num_devices);
}

DeviceStatus describe_device(std::int32_t index, DeviceProperties* properties) {
  const DeviceStatus status = check_index(index);
  return status == kDeviceDone ? read_properties(index, properties) : status;
}

DeviceStatus open_context(std::int32_t index, DeviceContext** context) {
  auto made = std::make_unique<DeviceContext>();
  if (const DeviceStatus status = describe_device(index, &made->properties); status != kDeviceDone) return status;
  {
    const std::lock_guard lock(cache_folder().mutex);
    made->cache_folder = cache_folder().path;
  }
  INGOT_CUDA_DEVICE(*made);
  INGOT_CUDA_CHECK(find_code(), "device");
  *context = made.release();
  return kDeviceDone;
}

void close_context(DeviceContext* context) {
  const DeviceScope scope(*context);  // for what libraries hold
  delete context;
}

DeviceStatus free_bytes(DeviceContext* context, std::int64_t* num_bytes) {
  INGOT_CUDA_DEVICE(*context);
  std::size_t free = 0, total = 0;
  INGOT_CUDA_CHECK(cudaMemGetInfo(&free, &total), "memory");
  *num_bytes = static_cast<std::int64_t>(free);
  return kDeviceDone;
}

DeviceStatus allocate(DeviceContext* context, std::int64_t num_bytes, char** address) {
  INGOT_CUDA_DEVICE(*context);
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, num_bytes > 0 ? static_cast<std::size_t>(num_bytes) : 1);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    std::int64_t free = 0;
    if (const DeviceStatus status = free_bytes(context, &free); status != kDeviceDone) return status;
    return fail(kDeviceOutOfMemory, "memory: the device is out of memory: got %lld bytes to allocate, %lld are free",
                static_cast<long long>(num_bytes), static_cast<long long>(free));
  }
  INGOT_CUDA_CHECK(error, "memory");
  *address = static_cast<char*>(memory);
  return kDeviceDone;
}

// What goes wrong here went wrong before: an error that stays is what the next call returns.
void release(DeviceContext* context, char* address) {
  const DeviceScope scope(*context);
  cudaFree(address);
}

DeviceStatus allocate_host(DeviceContext* context, std::int64_t num_bytes, char** address) {
  INGOT_CUDA_DEVICE(*context);
  void* memory = nullptr;
  const std::size_t size = num_bytes > 0 ? static_cast<std::size_t>(num_bytes) : 1;
  const cudaError_t error = cudaHostAlloc(&memory, size, cudaHostAllocPortable);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return fail(kDeviceOutOfMemory, "memory: the host has no %lld bytes that the device could read",
                static_cast<long long>(num_bytes));
  }
  INGOT_CUDA_CHECK(error, "memory");
  *address = static_cast<char*>(memory);
  return kDeviceDone;
}

void release_host(DeviceContext* context, char* address) {
  const DeviceScope scope(*context);
  cudaFreeHost(address);
}

std::int32_t owns(DeviceContext* context, const void* address) {
  const DeviceScope scope(*context);
  cudaPointerAttributes attributes = {};
  if (cudaPointerGetAttributes(&attributes, address) != cudaSuccess) {
    cudaGetLastError();  // memory that no device knows
    return 0;
  }
  return attributes.type == cudaMemoryTypeDevice && attributes.device == context->properties.index ? 1 : 0;
}

}  // namespace ingot::cuda
