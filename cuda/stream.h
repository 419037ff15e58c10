// One queue of a device: what is enqueued on it, captured from it and timed on it.
#pragma once

#include <cuda_runtime.h>

#include "cuda/context.h"

namespace ingot::cuda {
struct Recording;
}

struct ingot::DeviceStream {
  DeviceContext* context;
  cudaStream_t stream;
  cudaEvent_t meeting;                   // with another stream
  cuda::Recording* recording = nullptr;  // owned: between begin and end of a capture or a patch
};

struct ingot::DeviceEvent {
  DeviceContext* context;
  cudaEvent_t event;
};

namespace ingot::cuda {

DeviceStatus open_stream(DeviceContext* context, DeviceStream** stream);
void close_stream(DeviceStream* stream);
void* native_stream(DeviceStream* stream);
DeviceStatus synchronize(DeviceStream* stream);
DeviceStatus is_done(DeviceStream* stream, std::int32_t* done);
DeviceStatus wait_for(DeviceStream* stream, void* other);
DeviceStatus let_wait(DeviceStream* stream, void* other);

DeviceStatus upload(DeviceStream* stream, char* to, const void* from, std::int64_t num_bytes);
DeviceStatus download(DeviceStream* stream, void* to, const char* from, std::int64_t num_bytes);
DeviceStatus copy(DeviceStream* stream, char* to, const char* from, std::int64_t num_bytes);
DeviceStatus clear(DeviceStream* stream, char* to, std::int64_t num_bytes);
DeviceStatus set_number(DeviceStream* stream, char* to, std::int64_t value);

DeviceStatus make_event(DeviceContext* context, DeviceEvent** event);
void release_event(DeviceEvent* event);
DeviceStatus record_event(DeviceStream* stream, DeviceEvent* event);
DeviceStatus elapsed_ns(DeviceEvent* begin, DeviceEvent* end, std::int64_t* ns);

}  // namespace ingot::cuda
