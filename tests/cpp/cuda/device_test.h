// Memory of the emulated device that lives as long as a test, and kernels started on it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <vector>

#include "cuda/launch.h"
#include "emulator.h"

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) {
    void* address = nullptr;
    REQUIRE(cudaMalloc(&address, size * sizeof(T)) == cudaSuccess);
    data_ = static_cast<T*>(address);
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    CHECK(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice) == cudaSuccess);
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::vector<T> values() const {
    std::vector<T> result(size_);
    CHECK(cudaMemcpy(result.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost) == cudaSuccess);
    return result;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

// In NVRTC's place, for as long as it lives.
struct HostCompiler {
  explicit HostCompiler(const char* name = INGOT_CXX_COMPILER) { setenv("INGOT_CUDA_ON_HOST_COMPILER", name, 1); }
  ~HostCompiler() { unsetenv("INGOT_CUDA_ON_HOST_COMPILER"); }
};

// After a test that breaks the device on purpose; the memory of its arrays must be gone by then.
struct DeviceRepair {
  ~DeviceRepair() { cudaDeviceReset(); }
};
