#include "cuda/stream.h"

#include <memory>

#include "cuda/numbers.h"
#include "cuda/status.h"

namespace ingot::cuda {
namespace {

DeviceStatus enqueue_copy(DeviceStream* stream, void* to, const void* from, std::int64_t num_bytes,
                          cudaMemcpyKind kind) {
  if (num_bytes <= 0) return kDeviceDone;
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaMemcpyAsync(to, from, static_cast<std::size_t>(num_bytes), kind, stream->stream), "copy");
  return kDeviceDone;
}

// The later work of one stream waits for what is now enqueued on the other.
DeviceStatus meet(DeviceStream* stream, cudaStream_t waiting, cudaStream_t awaited) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaEventRecord(stream->meeting, awaited), "stream");
  INGOT_CUDA_CHECK(cudaStreamWaitEvent(waiting, stream->meeting, 0), "stream");
  return kDeviceDone;
}

}  // namespace

DeviceStatus open_stream(DeviceContext* context, DeviceStream** stream) {
  INGOT_CUDA_DEVICE(*context);
  auto made = std::make_unique<DeviceStream>(DeviceStream{.context = context, .stream = nullptr, .meeting = nullptr});
  // It waits for no other stream of itself, nor does any for it: let_wait and wait_for say who waits.
  INGOT_CUDA_CHECK(cudaStreamCreateWithFlags(&made->stream, cudaStreamNonBlocking), "stream");
  if (const cudaError_t error = cudaEventCreateWithFlags(&made->meeting, cudaEventDisableTiming);
      error != cudaSuccess) {
    cudaStreamDestroy(made->stream);
    return status_of(error, "stream");
  }
  *stream = made.release();
  return kDeviceDone;
}

void close_stream(DeviceStream* stream) {
  if (stream == nullptr) return;
  const DeviceScope scope(*stream->context);
  cudaEventDestroy(stream->meeting);
  cudaStreamDestroy(stream->stream);
  delete stream;
}

void* native_stream(DeviceStream* stream) {
  return stream->stream;
}

DeviceStatus synchronize(DeviceStream* stream) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaStreamSynchronize(stream->stream), "stream");
  return kDeviceDone;
}

DeviceStatus is_done(DeviceStream* stream, std::int32_t* done) {
  INGOT_CUDA_DEVICE(*stream->context);
  const cudaError_t error = cudaStreamQuery(stream->stream);
  *done = error == cudaSuccess ? 1 : 0;
  return error == cudaErrorNotReady ? kDeviceDone : status_of(error, "stream");
}

DeviceStatus wait_for(DeviceStream* stream, void* other) {
  return meet(stream, stream->stream, static_cast<cudaStream_t>(other));
}

DeviceStatus let_wait(DeviceStream* stream, void* other) {
  return meet(stream, static_cast<cudaStream_t>(other), stream->stream);
}

DeviceStatus upload(DeviceStream* stream, char* to, const void* from, std::int64_t num_bytes) {
  return enqueue_copy(stream, to, from, num_bytes, cudaMemcpyHostToDevice);
}

DeviceStatus download(DeviceStream* stream, void* to, const char* from, std::int64_t num_bytes) {
  return enqueue_copy(stream, to, from, num_bytes, cudaMemcpyDeviceToHost);
}

DeviceStatus copy(DeviceStream* stream, char* to, const char* from, std::int64_t num_bytes) {
  return enqueue_copy(stream, to, from, num_bytes, cudaMemcpyDeviceToDevice);
}

DeviceStatus clear(DeviceStream* stream, char* to, std::int64_t num_bytes) {
  if (num_bytes <= 0) return kDeviceDone;
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaMemsetAsync(to, 0, static_cast<std::size_t>(num_bytes), stream->stream), "copy");
  return kDeviceDone;
}

DeviceStatus set_number(DeviceStream* stream, char* to, std::int64_t value) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(enqueue_number(to, value, stream->stream), "copy");
  return kDeviceDone;
}

DeviceStatus make_event(DeviceContext* context, DeviceEvent** event) {
  INGOT_CUDA_DEVICE(*context);
  auto made = std::make_unique<DeviceEvent>(DeviceEvent{context, nullptr});
  INGOT_CUDA_CHECK(cudaEventCreateWithFlags(&made->event, cudaEventDefault), "event");
  *event = made.release();
  return kDeviceDone;
}

void release_event(DeviceEvent* event) {
  if (event == nullptr) return;
  const DeviceScope scope(*event->context);
  cudaEventDestroy(event->event);
  delete event;
}

DeviceStatus record_event(DeviceStream* stream, DeviceEvent* event) {
  INGOT_CUDA_DEVICE(*stream->context);
  INGOT_CUDA_CHECK(cudaEventRecord(event->event, stream->stream), "event");
  return kDeviceDone;
}

DeviceStatus elapsed_ns(DeviceEvent* begin, DeviceEvent* end, std::int64_t* ns) {
  INGOT_CUDA_DEVICE(*begin->context);
  float ms = 0;
  INGOT_CUDA_CHECK(cudaEventElapsedTime(&ms, begin->event, end->event), "event");
  *ns = static_cast<std::int64_t>(static_cast<double>(ms) * 1e6);
  return kDeviceDone;
}

}  // namespace ingot::cuda
