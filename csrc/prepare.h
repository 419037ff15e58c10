// What is done to a module before it is optimized: dims fixed, params brought into the form that kernels read.
// Part of program.
#pragma once

#include <memory>

#include "program.h"

namespace ingot {

// Replaces dims by values everywhere and drops them and what they decide from dims and guards.
// Throws ArgumentError for an unknown dim or a value outside its range, ShapeError for a guard that does not hold.
void fix_dims(Module& module, const DimValues& values);

// Every param aligned to its elements, bools 0 or 1; initial states likewise. Params in panels become row-major unless
// a pass will choose among them. Data that is so already is shared, not copied. Throws ArgumentError where data is
// missing or of the wrong length.
void prepare_data(Module& module, bool keep_panels);

}  // namespace ingot
