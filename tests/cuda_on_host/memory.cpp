// Memory of the device and pinned memory of the host: blocks between guards that are looked at whenever somebody waits
// for the device or frees one. New blocks hold no number that could pass for a result. The host cannot touch the
// device's blocks: only while the device works are they in reach.
#include <sys/mman.h>

#include <cstring>
#include <map>

#include "emulator.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define CUDA_ON_HOST_POISON(address, num_bytes) __asan_poison_memory_region(address, num_bytes)
#define CUDA_ON_HOST_UNPOISON(address, num_bytes) __asan_unpoison_memory_region(address, num_bytes)
#else
#define CUDA_ON_HOST_POISON(address, num_bytes) static_cast<void>(0)
#define CUDA_ON_HOST_UNPOISON(address, num_bytes) static_cast<void>(0)
#endif

namespace cuda_on_host {
namespace {

constexpr std::size_t kGuardBytes = 256;      // also the alignment
constexpr std::size_t kPageBytes = 64 << 10;  // of any system, at most
constexpr unsigned char kGuard = 0xa5;

struct Area {
  std::size_t num_bytes;
  bool on_device;
  int device;  // that was current
};

std::map<const char*, Area>& areas() {
  static std::map<const char*, Area> map;
  return map;
}

std::map<const char*, Area>::iterator area_of(const void* address) {
  auto next = areas().upper_bound(static_cast<const char*>(address));
  if (next == areas().begin()) return areas().end();
  const auto area = std::prev(next);
  return static_cast<const char*>(address) < area->first + area->second.num_bytes ? area : areas().end();
}

bool guard_is_whole(const char* begin, const char* end) {
  for (; begin < end; ++begin) {
    if (static_cast<unsigned char>(*begin) != kGuard) return false;
  }
  return true;
}

std::size_t whole_bytes(std::size_t num_bytes) {
  return (num_bytes + 2 * kGuardBytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

char* memory_of(const char* address) {
  return const_cast<char*>(address) - kGuardBytes;
}

void let_reach(const char* address, const Area& area, bool in_reach) {
  if (!area.on_device) return;
  mprotect(memory_of(address), whole_bytes(area.num_bytes), in_reach ? PROT_READ | PROT_WRITE : PROT_NONE);
}

int num_accesses = 0;

void check_guards_of(const char* address, const Area& area) {
  char* begin = memory_of(address);
  const std::size_t behind = whole_bytes(area.num_bytes) - kGuardBytes - area.num_bytes;
  CUDA_ON_HOST_UNPOISON(begin, kGuardBytes);
  CUDA_ON_HOST_UNPOISON(address + area.num_bytes, behind);
  const bool whole = guard_is_whole(begin, address);
  const bool whole_behind = guard_is_whole(address + area.num_bytes, address + area.num_bytes + behind);
  CUDA_ON_HOST_POISON(begin, kGuardBytes);
  CUDA_ON_HOST_POISON(address + area.num_bytes, behind);
  if (whole && whole_behind) return;
  break_device("something was written right " + std::string(whole ? "behind" : "before") + " a block of " +
               std::to_string(area.num_bytes) + " bytes");
}

cudaError_t allocate(void** address, std::size_t num_bytes, bool on_device) {
  *address = nullptr;
  if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
  if (num_bytes == 0) return cudaSuccess;
  const auto live = counts().live_bytes + static_cast<std::int64_t>(num_bytes);
  if (on_device && (num_bytes > std::size_t{1} << 50 || live > device_bytes())) return cudaErrorMemoryAllocation;
  const std::size_t whole = whole_bytes(num_bytes);
  void* mapped = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return cudaErrorMemoryAllocation;
  auto* memory = static_cast<char*>(mapped);
  std::memset(memory, kGuard, kGuardBytes);
  fill_unwritten(memory + kGuardBytes, num_bytes);
  std::memset(memory + kGuardBytes + num_bytes, kGuard, whole - kGuardBytes - num_bytes);
  CUDA_ON_HOST_POISON(memory, kGuardBytes);
  CUDA_ON_HOST_POISON(memory + kGuardBytes + num_bytes, whole - kGuardBytes - num_bytes);
  const Area area = {num_bytes, on_device, current_device()};
  areas()[memory + kGuardBytes] = area;
  let_reach(memory + kGuardBytes, area, false);
  if (on_device) counts().live_bytes = live;
  ++(on_device ? counts().allocations : counts().host_allocations);
  *address = memory + kGuardBytes;
  return cudaSuccess;
}

void release(std::map<const char*, Area>::iterator area) {
  {
    const DeviceAccess access;
    check_guards_of(area->first, area->second);
  }
  char* memory = memory_of(area->first);
  const std::size_t whole = whole_bytes(area->second.num_bytes);
  CUDA_ON_HOST_UNPOISON(memory, whole);
  if (area->second.on_device) counts().live_bytes -= static_cast<std::int64_t>(area->second.num_bytes);
  munmap(memory, whole);
  areas().erase(area);
}

cudaError_t release(void* address, bool on_device) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = refuse_while_capturing(); error != cudaSuccess) return error;
  if (address == nullptr) return cudaSuccess;
  finish_all();
  const auto area = areas().find(static_cast<char*>(address));
  if (area == areas().end() || area->second.on_device != on_device) return remember(cudaErrorInvalidValue);
  release(area);
  return remember(device_state());
}

}  // namespace

bool in_device_memory(const void* address, std::size_t num_bytes) {
  const auto area = area_of(address);
  if (area == areas().end() || !area->second.on_device) return false;
  return static_cast<const char*>(address) + num_bytes <= area->first + area->second.num_bytes;
}

DeviceAccess::DeviceAccess() {
  if (num_accesses++ != 0) return;
  for (const auto& [address, area] : areas()) let_reach(address, area, true);
}

DeviceAccess::~DeviceAccess() {
  if (--num_accesses != 0) return;
  for (const auto& [address, area] : areas()) let_reach(address, area, false);
}

void check_guards() {
  const DeviceAccess access;
  for (const auto& [address, area] : areas()) check_guards_of(address, area);
}

void release_all_memory() {
  while (!areas().empty()) release(areas().begin());
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

cudaError_t cudaMalloc(void** address, std::size_t num_bytes) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = device_state(); error != cudaSuccess) return remember(error);
  return remember(allocate(address, num_bytes, true));
}

cudaError_t cudaFree(void* address) {
  return release(address, true);
}

cudaError_t cudaHostAlloc(void** address, std::size_t num_bytes, unsigned) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = device_state(); error != cudaSuccess) return remember(error);
  return remember(allocate(address, num_bytes, false));
}

cudaError_t cudaMallocHost(void** address, std::size_t num_bytes) {
  return cudaHostAlloc(address, num_bytes, 0);
}

cudaError_t cudaFreeHost(void* address) {
  return release(address, false);
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  const Lock lock(device_mutex());
  *total_bytes = static_cast<std::size_t>(device_bytes());
  *free_bytes = static_cast<std::size_t>(device_bytes() - counts().live_bytes);
  return remember(device_state());
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  const Lock lock(device_mutex());
  const auto area = area_of(address);
  auto* memory = const_cast<void*>(address);
  *attributes = {cudaMemoryTypeUnregistered, -2, nullptr, memory};
  if (area != areas().end()) {
    const bool on_device = area->second.on_device;
    *attributes = {on_device ? cudaMemoryTypeDevice : cudaMemoryTypeHost, area->second.device, memory,
                   on_device ? nullptr : memory};
  }
  return remember(device_state());
}

namespace {

// Where the two ends lie must be what the kind says, to the last byte.
cudaError_t check_ends(const void* to, const void* from, std::size_t num_bytes, cudaMemcpyKind kind) {
  if (kind == cudaMemcpyDefault || num_bytes == 0) return cudaSuccess;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool right = in_device_memory(to, num_bytes) == to_device && in_device_memory(from, num_bytes) == from_device;
  return right ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t num_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(device_mutex());
  if (check_ends(to, from, num_bytes, kind) != cudaSuccess) return remember(cudaErrorInvalidValue);
  return remember(enqueue(stream, {WorkKind::kCopy, nullptr, [=] {
                                     if (num_bytes != 0) std::memmove(to, from, num_bytes);
                                     return std::string();
                                   }}));
}

cudaError_t cudaMemsetAsync(void* to, int byte, std::size_t num_bytes, cudaStream_t stream) {
  const Lock lock(device_mutex());
  if (num_bytes != 0 && !in_device_memory(to, num_bytes)) return remember(cudaErrorInvalidValue);
  return remember(enqueue(stream, {WorkKind::kFill, nullptr, [=] {
                                     if (num_bytes != 0) std::memset(to, byte, num_bytes);
                                     return std::string();
                                   }}));
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t num_bytes, cudaMemcpyKind kind) {
  const cudaError_t error = cudaMemcpyAsync(to, from, num_bytes, kind, cudaStreamLegacy);
  return error != cudaSuccess ? error : cudaStreamSynchronize(cudaStreamLegacy);
}

cudaError_t cudaMemset(void* to, int byte, std::size_t num_bytes) {
  return cudaMemsetAsync(to, byte, num_bytes, cudaStreamLegacy);
}
