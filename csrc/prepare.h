// What is done to a module before it is optimized: dims fixed, params brought into the form that kernels read.
// Part of program.
#pragma once

#include <memory>

#include "optimize/pass.h"
#include "program.h"

namespace ingot {

// Replaces dims by values everywhere and drops them and what they decide from dims and guards.
// Throws ArgumentError for an unknown dim or a value outside its range, ShapeError for a guard that does not hold.
void fix_dims(Module& module, const DimValues& values);

// Every param aligned to its elements, bools 0 or 1; initial states likewise. `to_rows` lays params in panels
// row-major; null: a pass will choose among them. Data that is so already is shared, not copied. Throws ArgumentError
// where data is missing or of the wrong length.
void prepare_data(Module& module, const Evaluator* to_rows);

}  // namespace ingot
