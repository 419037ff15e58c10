// The compiler in NVRTC's place: a source becomes code that can be kept, loaded and launched, or one line says why not.
#include <string>

#include "cuda/loaded_code.h"
#include "cuda/nvrtc.h"
#include "device_test.h"

namespace ingot::cuda {
namespace {

constexpr char kHeader[] = R"(#pragma once
namespace ingot::cuda {
struct Arguments {
  float* x;
  float factor;
};
}
)";

constexpr char kSource[] = R"(#include <cuda_runtime.h>
#include "group/arguments.h"
extern "C" __global__ void ingot_group(const ingot::cuda::Arguments arguments) {
  __shared__ float shared[64];
  shared[threadIdx.x] = arguments.x[blockIdx.x * 64 + threadIdx.x];
  __syncthreads();
  arguments.x[blockIdx.x * 64 + threadIdx.x] = shared[63 - threadIdx.x] * arguments.factor;
}
)";

struct Arguments {
  float* x;
  float factor;
};

bool compile(const char* text, std::string* code, std::string* why) {
  const EmbeddedHeader header = {"group/arguments.h", kHeader};
  return compile_source({text, &header, 1, 9, 0}, code, why);
}

}  // namespace

TEST_CASE("a generated kernel is compiled, loaded and launched") {
  const HostCompiler compiler;
  std::string code, why;
  CHECK(!compiler_of(9, 0, &why).empty());
  REQUIRE_MESSAGE(compile(kSource, &code, &why), why);
  LoadedCode* loaded = nullptr;
  REQUIRE(load_code(code, &loaded) == cudaSuccess);
  std::vector<float> x(256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i);
  {
    const DeviceArray<float> array(x);
    Arguments arguments = {array.data(), 0.5f};
    CHECK(launch_code(*loaded, dim3(4), dim3(64), 0, nullptr, &arguments) == cudaSuccess);
    arguments = {};
    const std::vector<float> y = array.values();
    for (std::size_t i = 0; i < x.size(); ++i) CHECK(y[i] == x[i / 64 * 64 + 63 - i % 64] * 0.5f);
  }
  unload_code(loaded);
}

TEST_CASE("what cannot be compiled or loaded is refused in one line") {
  std::string code, why;
  CHECK(compiler_of(9, 0, &why).empty());
  CHECK(why == "INGOT_CUDA_ON_HOST_COMPILER names no compiler");
  const HostCompiler compiler;
  CHECK(!compile("no kernel", &code, &why));
  CHECK(why.find("the compiler refuses: ") == 0);
  CHECK(why.find('\n') == std::string::npos);
  LoadedCode* loaded = nullptr;
  CHECK(load_code("no code", &loaded) == cudaErrorInvalidKernelImage);
}

}  // namespace ingot::cuda
