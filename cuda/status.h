// Results of the plugin's functions: a status, and a message of this thread. No exception leaves the plugin: whatever
// the core calls runs inside guarded().
#pragma once

#include <cuda_runtime.h>

#include <exception>
#include <new>

#include "device/api.h"

namespace ingot::cuda {

// Sets this thread's message, one line, and gives the status back.
[[gnu::format(printf, 2, 3)]] DeviceStatus fail(DeviceStatus status, const char* format, ...);
const char* last_message();

// kDeviceDone for success. what: the part of the plugin, "capture".
DeviceStatus status_of(cudaError_t error, const char* what);
// kDeviceMissing, with what to do, where the machine lacks a driver or a device; kDeviceDone otherwise.
DeviceStatus find_driver(int* num_devices);

template <class Body>
DeviceStatus guarded(Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(kDeviceOutOfMemory, "the host is out of memory");
  } catch (const std::exception& error) {
    return fail(kDeviceFailed, "%s", error.what());
  }
}

}  // namespace ingot::cuda

// Leaves the function with the status of a call of the runtime that failed.
#define INGOT_CUDA_CHECK(call, what)                                          \
  do {                                                                        \
    if (const cudaError_t check_error = (call); check_error != cudaSuccess) { \
      return ::ingot::cuda::status_of(check_error, what);                     \
    }                                                                         \
  } while (false)
