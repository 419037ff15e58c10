// The double of cuBLASLt (tests/cuda_on_host/cublaslt) as tests see it: opened here before the plugin opens it, which
// then finds it by the environment.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "cublaslt/controls.h"

namespace ingot::cuda {

class CublasLt {
 public:
  CublasLt() {
    setenv("INGOT_CUBLASLT", INGOT_CUBLASLT_ON_HOST, 1);
    library_ = dlopen(INGOT_CUBLASLT_ON_HOST, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library_ != nullptr);
  }
  // The double as every test finds it.
  ~CublasLt() {
    fail(kNoCall, 0);
    set_fastest(-1);
  }
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;

  CublasLtOnHostCounts counts() const {
    CublasLtOnHostCounts counts;
    find<void(CublasLtOnHostCounts*)>("cublaslt_on_host_counts")(&counts);
    return counts;
  }
  void fail(std::int32_t call, std::int32_t status) const {
    find<void(std::int32_t, std::int32_t)>("cublaslt_on_host_fail")(call, status);
  }
  void set_fastest(std::int32_t algorithm) const {
    find<void(std::int32_t)>("cublaslt_on_host_set_fastest")(algorithm);
  }
  std::int32_t last_algorithm() const { return find<std::int32_t()>("cublaslt_on_host_last_algorithm")(); }
  std::string problem() const { return find<const char*()>("cublaslt_on_host_problem")(); }

 private:
  template <class Function>
  Function* find(const char* name) const {
    void* const function = dlsym(library_, name);
    REQUIRE(function != nullptr);
    return reinterpret_cast<Function*>(function);
  }

  void* library_;
};

}  // namespace ingot::cuda
