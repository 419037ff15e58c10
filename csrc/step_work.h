// What steps come to in numbers, and what the machine could do at best. Part of program.
#pragma once

#include <vector>

#include "execute/bind.h"
#include "program.h"

namespace ingot {

std::vector<StepWork> measure_steps(const CompiledPlan& compiled, const ParallelPolicy& policy, const DimValues& dims);

// Of each level once per process. Thread rule: any thread.
const MachineLimits& measure_limits(const KernelTable& level);

}  // namespace ingot
