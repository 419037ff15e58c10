// What steps come to in numbers, and what the machine could do at best. Part of program.
#pragma once

#include <vector>

#include "device/device.h"
#include "execute/bind.h"
#include "program.h"

namespace ingot {

std::vector<StepWork> measure_steps(const CompiledPlan& compiled, const ParallelPolicy& policy, const DimValues& dims);

// Of each level and of each device once per process. Thread rule: any thread.
const MachineLimits& measure_limits(const KernelTable& level);
const MachineLimits& measure_limits(const Device& device);

}  // namespace ingot
