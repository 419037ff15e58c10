// The emulator itself: threads meet where they must, what a device leaves undefined is an error, streams keep order.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <numeric>
#include <set>
#include <string>

#include "device_test.h"

namespace {

using ingot::cuda::launch;

__global__ void reverse_in_block(const float* x, float* y) {
  __shared__ float shared[128];
  shared[threadIdx.x] = x[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  y[blockIdx.x * blockDim.x + threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

__global__ void reverse_without_barrier(const float* x, float* y) {
  auto* shared = reinterpret_cast<float*>(cuda_on_host::dynamic_shared_memory());
  shared[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = shared[blockDim.x - 1 - threadIdx.x];
}

__global__ void sum_of_warp(const float* x, float* y) {
  float sum = x[threadIdx.x];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_down_sync(0xffffffffu, sum, static_cast<unsigned>(step));
  y[threadIdx.x] = __shfl_sync(0xffffffffu, sum, 0);
}

__global__ void look_around(const int* x, int* y) {
  const int value = x[threadIdx.x];
  int* out = y + threadIdx.x * 7;
  out[0] = __shfl_up_sync(0xffffffffu, value, 1);
  out[1] = __shfl_down_sync(0xffffffffu, value, 1, 8);
  out[2] = __shfl_xor_sync(0xffffffffu, value, 3);
  out[3] = __shfl_sync(0xffffffffu, value, 9, 8);
  out[4] = static_cast<int>(__ballot_sync(0xffffffffu, value % 3 == 0));
  out[5] = __any_sync(0xffffffffu, value == 31);
  out[6] = __all_sync(0xffffffffu, value >= 0);
}

__global__ void some_wait(int) {
  if (threadIdx.x < 40) __syncthreads();
}

__global__ void half_a_warp_shuffles(int) {
  if (threadIdx.x % 2 == 0) __shfl_sync(0xffffffffu, 1, 0);
}

__global__ void mask_without_self(int) {
  __syncwarp(1u);
}

__global__ void barrier_against_shuffle(int) {
  if (threadIdx.x % 2 == 0)
    __shfl_sync(0xffffffffu, 1, 0);
  else
    __syncwarp();
}

__global__ void count_threads(int* count) {
  atomicAdd(count, 1);
}

cudaError_t start(void (*kernel)(int), unsigned threads) {
  launch(kernel, 1, threads, 0, nullptr, 0);
  return cudaDeviceSynchronize();
}

bool problem_says(const std::string& part) {
  return std::string(cuda_on_host_problem()).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("threads of a block see at a barrier what all have written") {
  std::vector<float> x(512);
  std::iota(x.begin(), x.end(), 0.0f);
  const DeviceArray<float> in(x), out(x.size());
  for (unsigned seed = 0; seed < 20; ++seed) {
    cuda_on_host_set_seed(seed);
    CHECK(launch(reverse_in_block, 4, 128, 0, nullptr, in.data(), out.data()) == cudaSuccess);
    const std::vector<float> y = out.values();
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == x[i / 128 * 128 + 127 - i % 128]);
  }
}

TEST_CASE("a missing barrier shows") {
  const std::vector<float> x(64, 1.0f);
  const DeviceArray<float> in(x), out(x.size());
  std::set<int> seen;
  for (unsigned seed = 0; seed < 10; ++seed) {
    cuda_on_host_set_seed(seed);
    CHECK(launch(reverse_without_barrier, 1, 64, 64 * 4, nullptr, in.data(), out.data()) == cudaSuccess);
    int num_unwritten = 0;
    for (float value : out.values()) num_unwritten += std::isnan(value);
    CHECK(num_unwritten > 0);
    seen.insert(num_unwritten);
  }
}

TEST_CASE("lanes of a warp exchange registers") {
  std::vector<float> x(96);
  std::iota(x.begin(), x.end(), 0.0f);
  const DeviceArray<float> in(x), out(x.size());
  launch(sum_of_warp, 1, 96, 0, nullptr, in.data(), out.data());
  const std::vector<float> y = out.values();
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == static_cast<float>(496 + i / 32 * 1024));
}

TEST_CASE("shuffles and votes look where CUDA's do") {
  std::vector<int> x(32);
  std::iota(x.begin(), x.end(), 0);
  const DeviceArray<int> in(x), out(std::size_t{32} * 7);
  launch(look_around, 1, 32, 0, nullptr, in.data(), out.data());
  const std::vector<int> y = out.values();
  for (int i = 0; i < 32; ++i) {
    const int* lane = y.data() + i * 7;
    CHECK(lane[0] == (i == 0 ? 0 : i - 1));
    CHECK(lane[1] == (i % 8 == 7 ? i : i + 1));
    CHECK(lane[2] == (i ^ 3));
    CHECK(lane[3] == i / 8 * 8 + 1);
    CHECK(lane[4] == 0x49249249);
    CHECK(lane[5] == 1);
    CHECK(lane[6] == 1);
  }
}

TEST_CASE("a barrier that some threads do not reach breaks the device") {
  const DeviceRepair repair;
  CHECK(start(some_wait, 64) == cudaErrorLaunchFailure);
  CHECK(problem_says("40 at __syncthreads"));
  CHECK(problem_says("24 have returned"));
  CHECK(start(some_wait, 32) == cudaErrorLaunchFailure);  // it stays broken
}

TEST_CASE("a shuffle without all lanes of its mask breaks the device") {
  const DeviceRepair repair;
  CHECK(start(half_a_warp_shuffles, 32) == cudaErrorLaunchFailure);
  CHECK(problem_says("16 at operations of warps"));
}

TEST_CASE("a mask must hold the lane that gives it") {
  const DeviceRepair repair;
  CHECK(start(mask_without_self, 32) == cudaErrorLaunchFailure);
  CHECK(problem_says("a thread is not in the mask that it gives"));
}

TEST_CASE("lanes of a warp must be at the same operation") {
  const DeviceRepair repair;
  CHECK(start(barrier_against_shuffle, 32) == cudaErrorLaunchFailure);
  CHECK(problem_says("the threads of a warp are at different operations"));
}

TEST_CASE("a repaired device runs again") {
  const DeviceArray<int> count(std::vector<int>{0});
  launch(count_threads, dim3(3, 2, 2), dim3(8, 4, 2), 0, nullptr, count.data());
  CHECK(count.values()[0] == 12 * 64);
}

TEST_CASE("a launch that no device takes is refused") {
  const DeviceArray<int> count(std::vector<int>{0});
  CHECK(launch(count_threads, 1, 1025, 0, nullptr, count.data()) == cudaErrorInvalidConfiguration);
  CHECK(launch(count_threads, 0, 32, 0, nullptr, count.data()) == cudaErrorInvalidConfiguration);
  CHECK(launch(count_threads, 1, 32, 49153, nullptr, count.data()) == cudaErrorInvalidConfiguration);
  CHECK(cudaFuncSetAttribute(count_threads, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536) == cudaSuccess);
  CHECK(launch(count_threads, 1, 32, 65536, nullptr, count.data()) == cudaSuccess);
  CHECK(count.values()[0] == 32);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
}

#if !defined(__SANITIZE_ADDRESS__)  // which ends the process there
__global__ void write_at(float* x, std::int64_t i) {
  x[i] = 1;
}

TEST_CASE("a write right behind a block is found") {
  const DeviceRepair repair;
  void* block = nullptr;
  REQUIRE(cudaMalloc(&block, 40) == cudaSuccess);
  launch(write_at, 1, 1, 0, nullptr, static_cast<float*>(block), 10);
  CHECK(cudaDeviceSynchronize() == cudaErrorLaunchFailure);
  CHECK(problem_says("right behind a block of 40 bytes"));
}
#endif

TEST_CASE("memory that nothing wrote holds NaNs, and the device has only so much") {
  const DeviceArray<float> array(7);
  for (float value : array.values()) CHECK(std::isnan(value));
  cuda_on_host_set_bytes(1 << 20);
  void* block = nullptr;
  CHECK(cudaMalloc(&block, 2 << 20) == cudaErrorMemoryAllocation);
  cuda_on_host_set_bytes(std::int64_t{8} << 30);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
}

TEST_CASE("the host reaches memory of the device by copies alone") {
  const DeviceArray<int> array(std::vector<int>{7});
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    _exit(*array.data() == 7 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status != 0);
  CHECK(array.values()[0] == 7);
}

TEST_CASE("a captured stream runs when its graph is launched, with what an update put in") {
  cudaStream_t stream;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  const DeviceArray<int> first(std::vector<int>{0}), second(std::vector<int>{0});
  const auto capture = [&](const DeviceArray<int>& count) {
    cudaGraph_t graph;
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
    CHECK(launch(count_threads, 1, 5, 0, stream, count.data()) == cudaSuccess);
    CHECK(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
    return graph;
  };
  const cudaGraph_t old_graph = capture(first), new_graph = capture(second);
  cudaGraphExec_t executable;
  CHECK(cudaGraphInstantiate(&executable, old_graph) == cudaSuccess);
  CHECK(first.values()[0] == 0);
  CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
  cudaGraphExecUpdateResultInfo info;
  CHECK(cudaGraphExecUpdate(executable, new_graph, &info) == cudaSuccess);
  CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(first.values()[0] == 5);
  CHECK(second.values()[0] == 5);
  cudaGraphDestroy(old_graph);
  cudaGraphDestroy(new_graph);
  cudaGraphExecDestroy(executable);
  cudaStreamDestroy(stream);
}

TEST_CASE("a capture does not survive an allocation or a wait") {
  cudaStream_t stream;
  REQUIRE(cudaStreamCreate(&stream) == cudaSuccess);
  cudaGraph_t graph;
  void* block;
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaMalloc(&block, 16) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  cudaGetLastError();
}

TEST_CASE("streams run late, and a wait for an event keeps their order") {
  cudaStream_t one, other;
  cudaEvent_t event;
  REQUIRE(cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  const DeviceArray<int> from(std::vector<int>{1}), to(std::vector<int>{0});
  int num_late = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    cuda_on_host_set_seed(seed);
    int value = static_cast<int>(seed), result = -1;
    cudaMemcpyAsync(from.data(), &value, 4, cudaMemcpyHostToDevice, one);
    cudaEventRecord(event, one);
    cudaStreamWaitEvent(other, event);
    cudaMemcpyAsync(to.data(), from.data(), 4, cudaMemcpyDeviceToDevice, other);
    cudaMemcpyAsync(&result, to.data(), 4, cudaMemcpyDeviceToHost, other);
    num_late += result == -1;
    CHECK(cudaStreamSynchronize(other) == cudaSuccess);
    CHECK(result == value);
  }
  CHECK(num_late > 0);
  CHECK(num_late < 50);
  cudaEventDestroy(event);
  cudaStreamDestroy(one);
  cudaStreamDestroy(other);
}
