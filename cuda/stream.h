// One queue of a device: what is enqueued on it, captured from it and timed on it.
#pragma once

#include <cuda_runtime.h>

#include "cuda/context.h"

struct ingot::DeviceStream {
  DeviceContext* context;
  cudaStream_t stream;
  cudaEvent_t meeting;  // with another stream
};

struct ingot::DeviceEvent {
  DeviceContext* context;
  cudaEvent_t event;
};

struct ingot::DeviceGraph {
  DeviceContext* context;
  cudaGraphExec_t executable;
};

namespace ingot::cuda {

DeviceStatus open_stream(DeviceContext* context, DeviceStream** stream);
void close_stream(DeviceStream* stream);
void* native_stream(DeviceStream* stream);
DeviceStatus synchronize(DeviceStream* stream);
DeviceStatus wait_for(DeviceStream* stream, void* other);
DeviceStatus let_wait(DeviceStream* stream, void* other);

DeviceStatus upload(DeviceStream* stream, char* to, const void* from, std::int64_t num_bytes);
DeviceStatus download(DeviceStream* stream, void* to, const char* from, std::int64_t num_bytes);
DeviceStatus copy(DeviceStream* stream, char* to, const char* from, std::int64_t num_bytes);
DeviceStatus clear(DeviceStream* stream, char* to, std::int64_t num_bytes);
DeviceStatus set_number(DeviceStream* stream, char* to, std::int64_t value);

DeviceStatus begin_capture(DeviceStream* stream);
DeviceStatus end_capture(DeviceStream* stream, DeviceGraph** graph);
DeviceStatus run_graph(DeviceStream* stream, DeviceGraph* graph);
void release_graph(DeviceGraph* graph);

DeviceStatus make_event(DeviceContext* context, DeviceEvent** event);
void release_event(DeviceEvent* event);
DeviceStatus record_event(DeviceStream* stream, DeviceEvent* event);
DeviceStatus elapsed_ns(DeviceEvent* begin, DeviceEvent* end, std::int64_t* ns);

}  // namespace ingot::cuda
