// Packing: the module with its params laid as its programs read them, so that loading what is saved of it is mapping.
// Part of program.
#pragma once

#include <memory>

#include "graph/graph.h"
#include "program.h"

namespace ingot {

// `module` with every param in the layout that a program of it chooses. Graphs, names and elements are as they were,
// so results have the same bits; packing again changes nothing. A program of a level that reads other panels lays
// anew what it must. Requires: `module` has passed verify. Throws what Program::compile throws.
//
//   param w: f32[784,512]  ->  param w: f32[784,512] layout panel16
Module pack_module(const std::shared_ptr<const Module>& module, const CompileOptions& options = {});

}  // namespace ingot
