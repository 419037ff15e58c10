#include "cuda/branches.h"

#include "cuda/recording.h"
#include "cuda/status.h"

namespace ingot::cuda {

#if CUDART_VERSION >= 12040

namespace {

constexpr int kFirstDriver = 12040;  // that has conditional nodes

// Puts a conditional node behind the last one, and what is enqueued from now on into its body.
DeviceStatus open_body(DeviceStream* stream, cudaGraphConditionalNodeType type, Condition condition, OpenBody body) {
  Recording& recording = *stream->recording;
  Chain& chain = recording.chain;
  cudaGraphNodeParams params = {};
  params.type = cudaGraphNodeTypeConditional;
  params.conditional.handle = condition;
  params.conditional.type = type;
  params.conditional.size = 1;
  INGOT_CUDA_CHECK(append_node(chain, &params), "capture");
  body.outer = chain;
  recording.bodies.push_back(body);
  recording.has_conditions = true;
  chain = {.graph = params.conditional.phGraph_out[0]};
  INGOT_CUDA_CHECK(extend_begin(stream->stream, chain), "capture");
  return kDeviceDone;
}

DeviceStatus make_condition(const Recording& recording, Condition* condition) {
  INGOT_CUDA_CHECK(cudaGraphConditionalHandleCreate(condition, recording.chain.graph, 0, 0), "capture");
  return kDeviceDone;
}

// Goes on behind the innermost body.
DeviceStatus close_body(DeviceStream* stream, OpenBody* body) {
  Recording& recording = *stream->recording;
  INGOT_CUDA_CHECK(extend_end(stream->stream, recording.chain), "capture");
  *body = recording.bodies.back();
  recording.bodies.pop_back();
  recording.chain = body->outer;
  return kDeviceDone;
}

}  // namespace

std::int32_t has_branches(DeviceContext*) {
  int version = 0;
  return cudaDriverGetVersion(&version) == cudaSuccess && version >= kFirstDriver ? 1 : 0;
}

DeviceStatus begin_if(DeviceStream* stream, const DeviceTest* test, std::int32_t has_else) {
  INGOT_CUDA_DEVICE(*stream->context);
  Recording& recording = *stream->recording;
  Condition condition = 0, otherwise = 0;
  DeviceStatus status = make_condition(recording, &condition);
  if (status == kDeviceDone && has_else != 0) status = make_condition(recording, &otherwise);
  if (status != kDeviceDone) return status;
  INGOT_CUDA_CHECK(enqueue_test(*test, condition, otherwise, stream->stream), "capture");
  INGOT_CUDA_CHECK(extend_end(stream->stream, recording.chain), "capture");
  return open_body(stream, cudaGraphCondTypeIf, condition, {.outer = {}, .repeats = 0, .otherwise = otherwise});
}

DeviceStatus begin_else(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  OpenBody body;
  if (const DeviceStatus status = close_body(stream, &body); status != kDeviceDone) return status;
  return open_body(stream, cudaGraphCondTypeIf, body.otherwise, {.outer = {}, .repeats = 0, .otherwise = 0});
}

DeviceStatus begin_while(DeviceStream* stream, const DeviceTest* test) {
  INGOT_CUDA_DEVICE(*stream->context);
  Recording& recording = *stream->recording;
  Condition condition = 0;
  if (const DeviceStatus status = make_condition(recording, &condition); status != kDeviceDone) return status;
  INGOT_CUDA_CHECK(enqueue_test(*test, condition, 0, stream->stream), "capture");
  INGOT_CUDA_CHECK(extend_end(stream->stream, recording.chain), "capture");
  return open_body(stream, cudaGraphCondTypeWhile, condition, {.outer = {}, .repeats = condition, .otherwise = 0});
}

DeviceStatus end_turn(DeviceStream* stream, const DeviceTest* test) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(enqueue_test(*test, stream->recording->bodies.back().repeats, 0, stream->stream), "capture");
  return end_branch(stream);
}

DeviceStatus end_branch(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  OpenBody body;
  if (const DeviceStatus status = close_body(stream, &body); status != kDeviceDone) return status;
  INGOT_CUDA_CHECK(extend_begin(stream->stream, stream->recording->chain), "capture");
  return kDeviceDone;
}

#else

namespace {

DeviceStatus refuse() {
  return fail(kDeviceFailed, "capture: this plugin was built without conditional nodes: expected CUDA 12.4 or newer");
}

}  // namespace

std::int32_t has_branches(DeviceContext*) {
  return 0;
}

DeviceStatus begin_if(DeviceStream*, const DeviceTest*, std::int32_t) {
  return refuse();
}

DeviceStatus begin_else(DeviceStream*) {
  return refuse();
}

DeviceStatus begin_while(DeviceStream*, const DeviceTest*) {
  return refuse();
}

DeviceStatus end_turn(DeviceStream*, const DeviceTest*) {
  return refuse();
}

DeviceStatus end_branch(DeviceStream*) {
  return refuse();
}

#endif

}  // namespace ingot::cuda
