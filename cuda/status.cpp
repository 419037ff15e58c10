#include "cuda/status.h"

#include <cstdarg>
#include <cstdio>

namespace ingot::cuda {
namespace {

thread_local char message[512];

constexpr int kToolkitMajor = CUDART_VERSION / 1000, kToolkitMinor = CUDART_VERSION % 1000 / 10;

DeviceStatus fail_driver() {
  int version = 0;
  if (cudaDriverGetVersion(&version) != cudaSuccess || version == 0) {
    return fail(kDeviceMissing,
                "no NVIDIA driver was found: expected one for CUDA %d.%d: install it, or start the container "
                "with its devices (--gpus all)",
                kToolkitMajor, kToolkitMinor);
  }
  return fail(kDeviceMissing,
              "the NVIDIA driver is too old: got one for CUDA %d.%d, expected CUDA %d.%d or newer: update it, or "
              "build ingot with an older toolkit",
              version / 1000, version % 1000 / 10, kToolkitMajor, kToolkitMinor);
}

DeviceStatus fail_device() {
  return fail(kDeviceMissing,
              "no CUDA device was found: expected an NVIDIA GPU that this process may use (CUDA_VISIBLE_DEVICES "
              "may hide it)");
}

}  // namespace

DeviceStatus fail(DeviceStatus status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  return status;
}

const char* last_message() {
  return message;
}

DeviceStatus status_of(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return kDeviceDone;
  // Else the next call that asks for the last error would find this one. Errors that stay are returned by every call.
  cudaGetLastError();
  switch (error) {
    case cudaErrorInsufficientDriver:
    case cudaErrorStubLibrary:
    case cudaErrorSystemDriverMismatch:
      return fail_driver();
    case cudaErrorNoDevice:
      return fail_device();
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
      return fail(kDeviceMissing,
                  "this build has no code for the device: expected an architecture of %s: build ingot with "
                  "-DCMAKE_CUDA_ARCHITECTURES=",
                  INGOT_CUDA_ARCHITECTURES);
    case cudaErrorMemoryAllocation:
      return fail(kDeviceOutOfMemory, "%s: the device is out of memory", what);
    default:
      return fail(kDeviceFailed, "%s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
  }
}

DeviceStatus find_driver(int* num_devices) {
  INGOT_CUDA_CHECK(cudaGetDeviceCount(num_devices), "device");
  return *num_devices == 0 ? fail_device() : kDeviceDone;
}

}  // namespace ingot::cuda
