// What streams, events and graphs are made of. All of it is guarded by device_mutex().
#pragma once

#include <deque>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "graph.h"

namespace cuda_on_host {
struct Queue {
  std::deque<Work> work;
  std::int64_t num_enqueued = 0, num_done = 0;
};
}  // namespace cuda_on_host

struct CUstream_st {
  std::shared_ptr<cuda_on_host::Queue> queue = std::make_shared<cuda_on_host::Queue>();
  bool non_blocking = false;
  int device = cuda_on_host::current_device();
  CUgraph_st* capture = nullptr;  // into which it captures; null: it does not
  cudaStreamCaptureMode capture_mode = cudaStreamCaptureModeGlobal;
  std::thread::id capture_thread;
  bool capture_owned = true;               // made for this capture
  CUgraphNode_st* capture_last = nullptr;  // as it was last asked for
  bool capture_broken = false;
};

struct CUevent_st {
  bool timed = true;
  int device = cuda_on_host::current_device();
  std::shared_ptr<cuda_on_host::Queue> queue;  // on which it was recorded last; null: nowhere yet
  std::int64_t ticket = 0;                     // done when the queue's num_done is as much
  std::shared_ptr<std::int64_t> time_ns;
};

namespace cuda_on_host {
std::set<CUstream_st*>& streams();
CUstream_st* find_stream(cudaStream_t handle);  // null: there is none
}  // namespace cuda_on_host
