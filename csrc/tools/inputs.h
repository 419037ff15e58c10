// The inputs of one run, from what the command line says about them.
#pragma once

#include <vector>

#include "tools/arguments.h"
#include "tools/tensor.h"

namespace ingot::tools {

// One tensor per input of the graph. Dims of made-up inputs come from --dim, else from the inputs that were read.
// Throws Failure where an input or a dim is missing, or a name is unknown.
std::vector<Tensor> make_inputs(const Module& module, const Graph& graph, const Arguments& arguments);

}  // namespace ingot::tools
