// Ops of a group that a level computes at once (CombinedKernel) become one instruction.
#pragma once

#include "execute/bind.h"

namespace ingot {

// code: what compile_plan made of the step's group, instruction by instruction; registers stay those of `step` but for
// the instructions that go. Results keep their bits. Ops that something else reads as well stay apart.
void combine(const KernelTable& level, const Graph& graph, const std::vector<Slot>& slots, const Step& step,
             GroupCode& code);

}  // namespace ingot
