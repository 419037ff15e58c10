// The emulator's graphs with conditions: bodies run where and as often as kernels say, and what CUDA forbids is
// refused.
#include <string>

#include "device_test.h"

namespace {

using ingot::cuda::launch;

// Counts down in memory, and goes on while something is left.
__global__ void count_down(int* left, cudaGraphConditionalHandle handle) {
  if (handle != 0) cudaGraphSetConditional(handle, *left > 0);
  *left -= 1;
}

__global__ void count_up(int* count) {
  *count += 1;
}

// A graph of count_down(left), a conditional node, and count_down(left) and count_up(count) in its body.
struct ConditionalGraph {
  explicit ConditionalGraph(cudaGraphConditionalNodeType type) {
    REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    REQUIRE(cudaGraphCreate(&graph, 0) == cudaSuccess);
    REQUIRE(cudaGraphConditionalHandleCreate(&handle, graph) == cudaSuccess);
    begin(graph, nullptr);
    CHECK(launch(count_down, 1, 1, 0, stream, left.data(), handle) == cudaSuccess);
    cudaGraphNode_t last = end(graph);
    cudaGraphNode_t node = nullptr;
    cudaGraphNodeParams params = params_of(type);
    REQUIRE(cudaGraphAddNode(&node, graph, &last, nullptr, 1, &params) == cudaSuccess);
    body = params.conditional.phGraph_out[0];
    begin(body, nullptr);
    CHECK(launch(count_down, 1, 1, 0, stream, left.data(), handle) == cudaSuccess);
    CHECK(launch(count_up, 1, 1, 0, stream, count.data()) == cudaSuccess);
    end(body);
  }
  ~ConditionalGraph() {
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
  }
  ConditionalGraph(const ConditionalGraph&) = delete;
  ConditionalGraph& operator=(const ConditionalGraph&) = delete;

  cudaGraphNodeParams params_of(cudaGraphConditionalNodeType type) const {
    cudaGraphNodeParams params = {};
    params.type = cudaGraphNodeTypeConditional;
    params.conditional = {handle, type, 1, nullptr};
    return params;
  }
  void begin(cudaGraph_t into, const cudaGraphNode_t* last) const {
    CHECK(cudaStreamBeginCaptureToGraph(stream, into, last, nullptr, last == nullptr ? 0 : 1,
                                        cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  }
  cudaGraphNode_t end(cudaGraph_t into) const {
    cudaStreamCaptureStatus status;
    const cudaGraphNode_t* last = nullptr;
    const cudaGraphEdgeData* edges = nullptr;
    std::size_t num_last = 0;
    cudaGraph_t same = nullptr;
    CHECK(cudaStreamGetCaptureInfo(stream, &status, nullptr, nullptr, &last, &edges, &num_last) == cudaSuccess);
    CHECK(num_last == 1);
    const cudaGraphNode_t result = *last;
    CHECK(cudaStreamEndCapture(stream, &same) == cudaSuccess);
    CHECK(same == into);
    return result;
  }
  int turns_from(int start) {
    const int zero = 0;
    cudaGraphExec_t executable = nullptr;
    REQUIRE(cudaGraphInstantiate(&executable, graph) == cudaSuccess);
    cudaMemcpy(left.data(), &start, sizeof start, cudaMemcpyHostToDevice);
    cudaMemcpy(count.data(), &zero, sizeof zero, cudaMemcpyHostToDevice);
    CHECK(cudaGraphLaunch(executable, stream) == cudaSuccess);
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    cudaGraphExecDestroy(executable);
    return count.values()[0];
  }

  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr, body = nullptr;
  cudaGraphConditionalHandle handle = 0;
  const DeviceArray<int> left{1}, count{1};
};

}  // namespace

TEST_CASE("a body runs where its condition holds, or as long as it does") {
  ConditionalGraph once(cudaGraphCondTypeIf), loop(cudaGraphCondTypeWhile);
  for (const int start : {0, 1, 2, 5}) {
    CHECK(once.turns_from(start) == (start > 0 ? 1 : 0));
    CHECK(loop.turns_from(start) == start);
  }
}

TEST_CASE("a graph that never ends can be asked whether it has") {
  ConditionalGraph loop(cudaGraphCondTypeWhile);
  cudaGraphExec_t executable = nullptr;
  REQUIRE(cudaGraphInstantiate(&executable, loop.graph) == cudaSuccess);
  const int many = 5000;
  cudaMemcpy(loop.left.data(), &many, sizeof many, cudaMemcpyHostToDevice);
  CHECK(cudaGraphLaunch(executable, loop.stream) == cudaSuccess);
  int asked = 0;
  while (cudaStreamQuery(loop.stream) == cudaErrorNotReady) ++asked;
  CHECK(asked > 3);
  CHECK(cudaStreamQuery(loop.stream) == cudaSuccess);
  cudaGraphExecDestroy(executable);
}

TEST_CASE("what CUDA does not allow in graphs with conditions is refused") {
  ConditionalGraph made(cudaGraphCondTypeIf);
  cudaGraphExec_t executable = nullptr, second = nullptr;
  REQUIRE(cudaGraphInstantiate(&executable, made.graph) == cudaSuccess);
  CHECK(cudaGraphInstantiate(&second, made.graph) == cudaErrorInvalidValue);  // two at a time
  cudaGraphExecDestroy(executable);
  CHECK(cudaGraphInstantiate(&second, made.graph) == cudaSuccess);
  cudaGraphExecDestroy(second);

  cudaGraph_t other = nullptr;
  cudaGraphNode_t node = nullptr;
  REQUIRE(cudaGraphCreate(&other, 0) == cudaSuccess);
  CHECK(cudaGraphAddChildGraphNode(&node, other, nullptr, 0, made.graph) == cudaErrorInvalidValue);
  cudaGraphNodeParams params = made.params_of(cudaGraphCondTypeIf);
  CHECK(cudaGraphAddNode(&node, other, nullptr, nullptr, 0, &params) == cudaErrorInvalidValue);  // of another graph
  cudaGraphConditionalHandle unused = 0;
  CHECK(cudaGraphConditionalHandleCreate(&unused, other) == cudaSuccess);
  CHECK(cudaGraphInstantiate(&second, other) == cudaErrorInvalidValue);  // no node looks at it
  cudaGraphDestroy(other);

  cudaGraphExecUpdateResultInfo info = {};
  ConditionalGraph like(cudaGraphCondTypeIf);
  REQUIRE(cudaGraphInstantiate(&executable, made.graph) == cudaSuccess);
  CHECK(cudaGraphExecUpdate(executable, like.graph, &info) == cudaErrorGraphExecUpdateFailure);
  cudaGraphExecDestroy(executable);
  CHECK(cudaStreamBeginCapture(made.stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaLaunchHostFunc(made.stream, [](void*) {}, nullptr) == cudaSuccess);
  cudaGraph_t host = nullptr;
  CHECK(cudaStreamEndCapture(made.stream, &host) == cudaSuccess);
  CHECK(cudaGraphDestroy(host) == cudaSuccess);
  cudaGetLastError();
}

TEST_CASE("a body holds nothing of the host") {
  ConditionalGraph made(cudaGraphCondTypeIf);
  const cudaGraphNode_t last = nullptr;
  CHECK(cudaStreamBeginCaptureToGraph(made.stream, made.body, &last, nullptr, 1, cudaStreamCaptureModeThreadLocal) ==
        cudaErrorInvalidValue);  // not behind its last node
  cudaGraph_t outer = nullptr;
  cudaGraphNode_t node = nullptr;
  cudaGraphConditionalHandle handle = 0;
  REQUIRE(cudaGraphCreate(&outer, 0) == cudaSuccess);
  CHECK(cudaGraphConditionalHandleCreate(&handle, outer) == cudaSuccess);
  cudaGraphNodeParams params = {};
  params.type = cudaGraphNodeTypeConditional;
  params.conditional = {handle, cudaGraphCondTypeIf, 1, nullptr};
  CHECK(cudaGraphAddNode(&node, outer, nullptr, nullptr, 0, &params) == cudaSuccess);
  made.begin(params.conditional.phGraph_out[0], nullptr);
  CHECK(cudaLaunchHostFunc(made.stream, [](void*) {}, nullptr) == cudaSuccess);
  made.end(params.conditional.phGraph_out[0]);
  cudaGraphExec_t executable = nullptr;
  CHECK(cudaGraphInstantiate(&executable, outer) == cudaErrorNotSupported);
  cudaGraphDestroy(outer);
  cudaGetLastError();
}

TEST_CASE("a kernel that sets a condition of another graph breaks the device") {
  const DeviceRepair repair;
  ConditionalGraph one(cudaGraphCondTypeIf), other(cudaGraphCondTypeIf);
  const cudaError_t launched = launch(count_down, 1, 1, 0, one.stream, one.left.data(), other.handle);
  CHECK((launched == cudaSuccess || launched == cudaErrorLaunchFailure));  // by whether it runs late
  CHECK(cudaStreamSynchronize(one.stream) == cudaErrorLaunchFailure);
  CHECK(std::string(cuda_on_host_problem()).find("a condition that is not of its graph") != std::string::npos);
}
