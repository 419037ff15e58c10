// Streams and events. What is enqueued runs at once or stays until somebody waits for it, drawn each time: results must
// not depend on it, unless a buffer was used again too early.
#include "stream.h"

#include <chrono>

namespace cuda_on_host {
namespace {

std::int64_t now_ns() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

CUstream_st& default_stream() {
  static CUstream_st stream;
  return stream;
}

CUstream_st& stream_of_thread() {
  static CUstream_st stream;
  return stream;
}

// The streams without a name are those of the device that is current.
bool is_of_current_device(const CUstream_st& stream) {
  return &stream == &default_stream() || &stream == &stream_of_thread() || stream.device == current_device();
}

}  // namespace

std::set<CUstream_st*>& streams() {
  static std::set<CUstream_st*> set = {&default_stream(), &stream_of_thread()};
  return set;
}

CUstream_st* find_stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return &default_stream();
  if (handle == cudaStreamPerThread) return &stream_of_thread();
  return streams().count(handle) == 1 ? handle : nullptr;
}

namespace {

// Of a graph not more than so many nodes. False: it is not done, and stays the first thing of the queue.
bool run_first(Queue& queue, std::int64_t most_nodes) {
  Work work = std::move(queue.work.front());
  queue.work.pop_front();
  std::string problem;
  if (work.rest == nullptr) {
    if (device_state() == cudaSuccess) problem = work.run();
  } else {
    for (; problem.empty() && most_nodes > 0 && !work.rest->is_done() && device_state() == cudaSuccess; --most_nodes)
      problem = work.rest->step();
    if (problem.empty() && !work.rest->is_done() && device_state() == cudaSuccess) {
      queue.work.push_front(std::move(work));
      return false;
    }
  }
  if (!problem.empty()) break_device(problem);
  ++queue.num_done;
  return true;
}

// For a while: a graph may go on for ever.
void run_some(CUstream_st& stream) {
  constexpr std::int64_t kMostNodes = 1000;
  const DeviceAccess access;
  while (!stream.queue->work.empty() && run_first(*stream.queue, kMostNodes)) {
  }
}

}  // namespace

void run_queue(Queue& queue, std::int64_t until) {
  if (queue.num_done >= until) return;
  const DeviceAccess access;
  while (queue.num_done < until && !queue.work.empty()) run_first(queue, INT64_MAX);
}

void run_stream(CUstream_st& stream) {
  run_queue(*stream.queue, stream.queue->num_enqueued);
}

cudaError_t finish_all() {
  const DeviceAccess access;
  for (CUstream_st* stream : streams()) run_stream(*stream);
  check_guards();
  return device_state();
}

cudaError_t refuse_while_capturing() {
  bool any = false;
  for (CUstream_st* stream : streams()) {
    if (stream->capture == nullptr || stream->capture_mode == cudaStreamCaptureModeRelaxed) continue;
    const bool other_thread = stream->capture_thread != std::this_thread::get_id();
    if (other_thread && stream->capture_mode == cudaStreamCaptureModeThreadLocal) continue;
    stream->capture_broken = any = true;
  }
  return any ? remember(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

cudaError_t enqueue(cudaStream_t handle, Work work) {
  if (const cudaError_t error = device_state(); error != cudaSuccess) return error;
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || !is_of_current_device(*stream)) return cudaErrorInvalidResourceHandle;
  if (stream->capture != nullptr) {
    if (stream->capture_broken) return cudaErrorStreamCaptureInvalidated;
    stream->capture->add(std::move(work));
    return cudaSuccess;
  }
  const bool legacy = stream == &default_stream();
  for (CUstream_st* other : streams()) {  // the default stream and blocking ones wait for each other
    const bool waits = legacy ? !other->non_blocking : other == &default_stream() && !stream->non_blocking;
    if (waits) run_stream(*other);
  }
  stream->queue->work.push_back(std::move(work));
  ++stream->queue->num_enqueued;
  ++counts().enqueued;
  if (!runs_late()) run_some(*stream);
  return device_state();
}

}  // namespace cuda_on_host

using namespace cuda_on_host;

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = device_state(); error != cudaSuccess) return remember(error);
  *stream = new CUstream_st;
  (*stream)->non_blocking = flags == cudaStreamNonBlocking;
  streams().insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr || stream != handle) return remember(cudaErrorInvalidResourceHandle);
  run_stream(*stream);
  streams().erase(stream);
  delete stream;
  return remember(device_state());
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    stream->capture_broken = true;
    return remember(cudaErrorStreamCaptureUnsupported);
  }
  run_stream(*stream);
  check_guards();
  return remember(device_state());
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (!stream->queue->work.empty() && draw_for_host() % 2 == 0) run_some(*stream);
  if (device_state() != cudaSuccess) return remember(device_state());
  return stream->queue->work.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  const Lock lock(device_mutex());
  return remember(enqueue(stream, {WorkKind::kHost, nullptr, [=] {
                                     function(argument);
                                     return std::string();
                                   }}));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const Lock lock(device_mutex());
  if (const cudaError_t error = device_state(); error != cudaSuccess) return remember(error);
  *event = new CUevent_st;
  (*event)->timed = (flags & cudaEventDisableTiming) == 0;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (event->device != current_device()) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  event->queue = stream->queue;
  event->ticket = stream->queue->num_enqueued + 1;
  event->time_ns = std::make_shared<std::int64_t>(0);
  return remember(enqueue(handle, {WorkKind::kRecord, nullptr, [time = event->time_ns] {
                                     *time = now_ns();
                                     return std::string();
                                   }}));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  const Lock lock(device_mutex());
  CUstream_st* stream = find_stream(handle);
  if (stream == nullptr) return remember(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) return remember(cudaErrorStreamCaptureUnsupported);
  if (event->queue == nullptr) return cudaSuccess;
  return remember(enqueue(handle, {WorkKind::kWait, nullptr, [queue = event->queue, ticket = event->ticket] {
                                     run_queue(*queue, ticket);
                                     return std::string();
                                   }}));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(device_mutex());
  if (event->queue != nullptr) run_queue(*event->queue, event->ticket);
  return remember(device_state());
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(device_mutex());
  if (event->queue != nullptr && draw_for_host() % 2 == 0) run_queue(*event->queue, event->ticket);
  if (device_state() != cudaSuccess) return remember(device_state());
  return event->queue == nullptr || event->queue->num_done >= event->ticket ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t begin, cudaEvent_t end) {
  const Lock lock(device_mutex());
  if (!begin->timed || !end->timed || begin->queue == nullptr || end->queue == nullptr) {
    return remember(cudaErrorInvalidResourceHandle);
  }
  const bool done = begin->queue->num_done >= begin->ticket && end->queue->num_done >= end->ticket;
  if (!done) return cudaErrorNotReady;
  *ms = static_cast<float>(*end->time_ns - *begin->time_ns) * 1e-6f;
  return remember(device_state());
}
