// Capture: what is enqueued becomes a graph that one call launches. Its nodes form a chain, in which a part is a child
// graph: that can be replaced by another capture of its launches alone.
#pragma once

#include <cuda_runtime.h>

#include "device/api.h"

namespace ingot::cuda {

DeviceStatus begin_capture(DeviceStream* stream);
DeviceStatus end_capture(DeviceStream* stream, DeviceGraph** graph);
DeviceStatus run_graph(DeviceStream* stream, DeviceGraph* graph);
void release_graph(DeviceGraph* graph);

DeviceStatus begin_part(DeviceStream* stream);
DeviceStatus end_part(DeviceStream* stream);
DeviceStatus begin_patch(DeviceStream* stream, DeviceGraph* graph);
DeviceStatus end_patch(DeviceStream* stream);

}  // namespace ingot::cuda
