// Checks every law of a module; one function per law in the .cpp files. Nothing is used before it passed.
#pragma once

#include "graph/budgets.h"
#include "graph/graph.h"

namespace ingot {

// Structure (ids, definitions before uses, region arguments, dangling or repeated values), names, types re-inferred
// node by node, attributes, guards present, budgets, sizes that overflow. Throws FileError (LimitError for budgets):
// "verify: %7 = add(...): declared f32[3], inferred f32[4]".
void verify(const Module& module);

}  // namespace ingot
