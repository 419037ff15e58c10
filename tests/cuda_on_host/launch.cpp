// Launches of kernels, and of what libraries do on the device.
#include <map>

#include "block.h"
#include "emulator.h"

namespace cuda_on_host {
namespace {

constexpr std::size_t kArgumentBytes = 32764;  // what a launch can carry
constexpr std::size_t kSharedBytes = 48 << 10, kSharedBytesOnRequest = 227 << 10;

std::map<const void*, std::size_t>& shared_bytes_allowed() {
  static std::map<const void*, std::size_t> map;
  return map;
}

std::size_t shared_limit(const void* kernel) {
  const auto allowed = shared_bytes_allowed().find(kernel);
  return allowed == shared_bytes_allowed().end() ? kSharedBytes : allowed->second;
}

bool fits_device(const cudaLaunchConfig_t& config, const void* kernel, std::size_t argument_bytes) {
  const dim3 grid = config.gridDim, block = config.blockDim;
  return grid.x >= 1 && grid.x <= 0x7fffffffu && grid.y >= 1 && grid.y <= 65535 && grid.z >= 1 && grid.z <= 65535 &&
         block.x >= 1 && block.y >= 1 && block.z >= 1 && block.z <= 64 &&
         std::uint64_t{block.x} * block.y * block.z <= 1024 && config.dynamicSmemBytes <= shared_limit(kernel) &&
         argument_bytes <= kArgumentBytes && config.numAttrs == 0;
}

}  // namespace

cudaError_t enqueue_kernel(const cudaLaunchConfig_t& config, const void* kernel, std::size_t argument_bytes,
                           std::function<void()> thread) {
  const Lock lock(device_mutex());
  if (!fits_device(config, kernel, argument_bytes)) return remember(cudaErrorInvalidConfiguration);
  Launch launch = {kernel, config.gridDim, config.blockDim, config.dynamicSmemBytes, std::move(thread)};
  return remember(enqueue(config.stream, {WorkKind::kKernel, kernel, [launch = std::move(launch)] {
                                            ++counts().kernels;
                                            return run_launch(launch, draw_for_host());
                                          }}));
}

cudaError_t set_kernel_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(device_mutex());
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || static_cast<std::size_t>(value) > kSharedBytesOnRequest) return remember(cudaErrorInvalidValue);
  shared_bytes_allowed()[kernel] = std::max(kSharedBytes, static_cast<std::size_t>(value));
  return cudaSuccess;
}

cudaError_t get_kernel_attributes(const void* kernel, cudaFuncAttributes* attributes) {
  const Lock lock(device_mutex());
  *attributes = {1024, static_cast<int>(shared_limit(kernel))};
  return remember(device_state());
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

int cuda_on_host_enqueue(cudaStream_t stream, const void* kernel, void (*run)(const void*), void (*release)(void*),
                         void* argument) {
  const std::shared_ptr<void> owner(argument, release);
  const Lock lock(device_mutex());
  return remember(enqueue(stream, {.kind = WorkKind::kKernel, .kernel = kernel, .run = [owner, run] {
                                     ++counts().kernels;
                                     run(owner.get());
                                     return std::string();
                                   }}));
}

int cuda_on_host_owns(const void* address, std::size_t num_bytes) {
  const Lock lock(device_mutex());
  return in_device_memory(address, num_bytes) ? 1 : 0;
}
