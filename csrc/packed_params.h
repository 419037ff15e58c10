// Params laid anew: in panels, or in rows. What one process makes of one param exists once: programs that compile the
// same module, or map the same file, share it as long as one of them lives. Part of program.
// Thread rule: any thread.
#pragma once

#include "execute/kernel.h"
#include "graph/graph.h"

namespace ingot {

// The bytes of a param. Pages of a mapped file that were read for it are given back to the system.
TensorData shared_layout(const TensorType& type, const TensorData& data, const Layout& from, const Layout& to,
                         const KernelTable& level, int num_threads);

}  // namespace ingot
