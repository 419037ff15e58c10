// Checks every law of a module; one function per law in the .cpp files. Nothing is used before it passed.
#pragma once

#include "graph/graph.h"

namespace ingot {

// Budgets of docs/file_format.md.
inline constexpr std::size_t kMaxTextBytes = 16u << 20;
inline constexpr std::size_t kMaxNodes = 1u << 20;  // of all graphs together
inline constexpr int kMaxNesting = 64;              // of regions
inline constexpr std::size_t kMaxDims = 256;
inline constexpr std::size_t kMaxOperands = 4096;  // of one node

// Structure (ids, definitions before uses, region arguments, dangling or repeated values), names, types re-inferred
// node by node, attributes, guards present, budgets, sizes that overflow. Throws FileError (LimitError for budgets):
// "verify: %7 = add(...): declared f32[3], inferred f32[4]".
void verify(const Module& module);

}  // namespace ingot
