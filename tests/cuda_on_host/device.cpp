// Of the devices: their properties, which is current, errors, and what tests ask of the emulator.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "emulator.h"

namespace cuda_on_host {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t& seed() {
  static std::uint64_t value = number_from("INGOT_CUDA_ON_HOST_SEED", 1);
  return value;
}

std::int64_t& memory_limit() {
  static auto value = static_cast<std::int64_t>(number_from("INGOT_CUDA_ON_HOST_BYTES", std::uint64_t{8} << 30));
  return value;
}

// Below 0: there is no driver.
int& num_devices() {
  static const char* text = std::getenv("INGOT_CUDA_ON_HOST_DEVICES");
  static int value = text == nullptr ? 1 : std::atoi(text);
  return value;
}

std::string& problem() {
  static std::string text;
  return text;
}

thread_local cudaError_t last_error = cudaSuccess;
thread_local int device_of_thread = 0;

}  // namespace

std::mutex& device_mutex() {
  static std::mutex mutex;
  return mutex;
}

CudaOnHostCounts& counts() {
  static CudaOnHostCounts counts = {};
  return counts;
}

std::uint64_t draw_for_host() {
  static std::uint64_t state = 0;
  std::uint64_t x = state += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30 ^ seed()) * 0xbf58476d1ce4e5b9u;
  return x ^ x >> 31;
}

bool runs_late() {
  return seed() != 0 && draw_for_host() % 2 == 0;
}

std::int64_t device_bytes() {
  return memory_limit();
}

int current_device() {
  return device_of_thread;
}

cudaError_t remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void break_device(const std::string& text) {
  if (!problem().empty()) return;
  problem() = text;
  std::fprintf(stderr, "cuda on host: %s\n", text.c_str());
}

cudaError_t device_state() {
  return problem().empty() ? cudaSuccess : cudaErrorLaunchFailure;
}

void fill_unwritten(char* address, std::size_t num_bytes) {
  for (std::size_t i = 0; i < num_bytes; i += sizeof kUnwritten) {
    std::memcpy(address + i, &kUnwritten, num_bytes - i < sizeof kUnwritten ? num_bytes - i : sizeof kUnwritten);
  }
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

void cuda_on_host_counts(CudaOnHostCounts* result) {
  const Lock lock(device_mutex());
  *result = counts();
}

void cuda_on_host_set_seed(std::uint64_t value) {
  const Lock lock(device_mutex());
  seed() = value;
}

void cuda_on_host_set_bytes(std::int64_t num_bytes) {
  const Lock lock(device_mutex());
  memory_limit() = num_bytes;
}

void cuda_on_host_set_devices(int count) {
  const Lock lock(device_mutex());
  num_devices() = count;
}

const char* cuda_on_host_problem() {
  return problem().c_str();
}

const char* cudaGetErrorName(cudaError_t error) {
#define CUDA_ON_HOST_NAME(name) \
  case name:                    \
    return #name
  switch (error) {
    CUDA_ON_HOST_NAME(cudaSuccess);
    CUDA_ON_HOST_NAME(cudaErrorInvalidValue);
    CUDA_ON_HOST_NAME(cudaErrorMemoryAllocation);
    CUDA_ON_HOST_NAME(cudaErrorInvalidConfiguration);
    CUDA_ON_HOST_NAME(cudaErrorStubLibrary);
    CUDA_ON_HOST_NAME(cudaErrorInsufficientDriver);
    CUDA_ON_HOST_NAME(cudaErrorInvalidDeviceFunction);
    CUDA_ON_HOST_NAME(cudaErrorNoDevice);
    CUDA_ON_HOST_NAME(cudaErrorInvalidDevice);
    CUDA_ON_HOST_NAME(cudaErrorInvalidKernelImage);
    CUDA_ON_HOST_NAME(cudaErrorNoKernelImageForDevice);
    CUDA_ON_HOST_NAME(cudaErrorInvalidResourceHandle);
    CUDA_ON_HOST_NAME(cudaErrorNotReady);
    CUDA_ON_HOST_NAME(cudaErrorIllegalAddress);
    CUDA_ON_HOST_NAME(cudaErrorLaunchFailure);
    CUDA_ON_HOST_NAME(cudaErrorNotSupported);
    CUDA_ON_HOST_NAME(cudaErrorSystemDriverMismatch);
    CUDA_ON_HOST_NAME(cudaErrorStreamCaptureUnsupported);
    CUDA_ON_HOST_NAME(cudaErrorStreamCaptureInvalidated);
    CUDA_ON_HOST_NAME(cudaErrorGraphExecUpdateFailure);
  }
#undef CUDA_ON_HOST_NAME
  return "an error without a name";
}

const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaErrorLaunchFailure && !problem().empty() ? problem().c_str() : cudaGetErrorName(error);
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() {
  return last_error;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = std::max(num_devices(), 0);
  return remember(*count > 0 ? cudaSuccess : num_devices() == 0 ? cudaErrorNoDevice : cudaErrorInsufficientDriver);
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= num_devices()) return remember(cudaErrorInvalidDevice);
  device_of_thread = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = device_of_thread;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (device < 0 || device >= num_devices()) return remember(cudaErrorInvalidDevice);
  *properties = {};
  std::strcpy(properties->name, "cuda on host");
  properties->totalGlobalMem = static_cast<std::size_t>(device_bytes());
  properties->major = 9;
  properties->multiProcessorCount = 4;  // few, so that grids that follow it are small here
  properties->sharedMemPerBlock = 48 << 10;
  properties->sharedMemPerBlockOptin = 227 << 10;
  properties->maxThreadsPerBlock = 1024;
  properties->warpSize = 32;
  properties->l2CacheSize = 1 << 20;  // small, so that what is measured against it takes no time
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return cudaErrorInvalidDevice;
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = properties.maxThreadsPerBlock;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(properties.sharedMemPerBlock);
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = properties.multiProcessorCount;
      return cudaSuccess;
    case cudaDevAttrL2CacheSize:
      *value = properties.l2CacheSize;
      return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = 2048;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *value = properties.major;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *value = properties.minor;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(properties.sharedMemPerBlockOptin);
      return cudaSuccess;
  }
  return remember(cudaErrorInvalidValue);
}

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(device_mutex());
  if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
  return remember(finish_all());
}

cudaError_t cudaDeviceReset() {
  const Lock lock(device_mutex());
  finish_all();
  release_all_memory();
  problem().clear();
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = num_devices() < 0 ? 0 : CUDART_VERSION;
  return cudaSuccess;
}
