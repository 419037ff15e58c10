// Programs on the fake device, and modules to run there.
#pragma once

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "fake_device/fake_device.h"
#include "run_text.h"

namespace ingot::testing {

// Groups, a product, a gather that can fail, a counted loop: everything that is captured. `walked` adds a loop that
// depends on data.
inline const std::string kWork = kHead + R"(dim n in 1..16
graph counted(x: f32[n,4], w: f32[4,5], i: i64[2]) {
  %0 = matmul(x, w) : f32[n,5]
  %1 = max(%0, axes=[1], keepdims=true) : f32[n,1]
  %2 = subtract(%0, %1) : f32[n,5]
  %3 = exp(%2) : f32[n,5]
  %4 = sum(%3, axes=[1], keepdims=true) : f32[n,1]
  %5 = divide(%3, %4) : f32[n,5]
  %6 = take(%5, i, axis=1) : f32[n,2]  @ model.py:5
  %7 = sum(%5, axes=[0]) : f32[5]
  %8, %9 = scan(%7, %5, carries=1, length=n) : f32[5], f32[n,5] {
    body(%10: f32[5], %11: i64[], %12: f32[5]) {
      %13 = multiply(%10, 0.5) : f32[5]
      %14 = add(%13, %12) : f32[5]
      return %14, %10
    }
  }
  return %6, %9, %8
}
graph walked(x: f32[5], i: i64[1]) {
  %1, %2 = while(0:i64, x) : i64[], f32[5] {
    cond(%3: i64[], %4: f32[5]) {
      %5 = take(%4, i, axis=0) : f32[1]  @ model.py:8
      %6 = sum(%5, axes=[0]) : f32[]
      %7 = less(%6, 100.0) : bool[]
      return %7
    }
    body(%8: i64[], %9: f32[5]) {
      %10 = add(%8, 1) : i64[]
      %11 = multiply(%9, 1.5) : f32[5]
      return %10, %11
    }
  }
  return %2, %1
}
)";

// A setting of the fake device for the length of a scope.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Setting() { unsetenv(name_); }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
};

inline const fake::Counts& counts() {
  static const fake::Counts* counts = [] {
    setenv("INGOT_CUDA_PLUGIN", INGOT_FAKE_DEVICE, 1);
    void* const library = dlopen(INGOT_FAKE_DEVICE, RTLD_NOW);
    REQUIRE(library != nullptr);
    return reinterpret_cast<fake::GetCounts>(dlsym(library, fake::kGetCountsName))();
  }();
  return *counts;
}

inline std::shared_ptr<Program> on_device(const std::string& text, const Tensors& tensors = {},
                                          const char* device = "cuda") {
  counts();
  CompileOptions options;
  options.device = device;
  return Program::compile(parse_for_run(text, tensors), options);
}

inline std::vector<Array> work_inputs(std::int64_t n, std::int64_t index = 3) {
  return {Array::of<float>({n, 4}, {0.5f, -1, 2, 0.25f, 3, -0.125f, 1}), Array::of<float>({4, 5}, {0.1f, 0.7f, -0.3f}),
          Array::of<std::int64_t>({2}, {index, -1})};
}

inline std::vector<Array> walk_inputs(std::int64_t index = 1) {
  return {Array::of<float>({5}, {1, 2, 3}), Array::of<std::int64_t>({1}, {index})};
}

inline void check_equal(const std::vector<Array>& got, const std::vector<Array>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i].bytes == expected[i].bytes);
}

}  // namespace ingot::testing
