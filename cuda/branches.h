// Branches and loops of a graph that depend on data: conditional nodes, whose bodies are graphs of their own.
#pragma once

#include <cuda_runtime.h>

#include "device/api.h"

namespace ingot::cuda {

std::int32_t has_branches(DeviceContext* context);
DeviceStatus begin_if(DeviceStream* stream, const DeviceTest* test, std::int32_t has_else);
DeviceStatus begin_else(DeviceStream* stream);
DeviceStatus begin_while(DeviceStream* stream, const DeviceTest* test);
DeviceStatus end_turn(DeviceStream* stream, const DeviceTest* test);
DeviceStatus end_branch(DeviceStream* stream);

// A condition of a graph, set by kernels of that graph (kernels/conditions.cu). 0: none.
using Condition = unsigned long long;
// Sets `condition` where the test holds, and `otherwise` where it fails but may go on.
cudaError_t enqueue_test(const DeviceTest& test, Condition condition, Condition otherwise, cudaStream_t stream);

}  // namespace ingot::cuda
