// legalize: an op on a dtype that no kernel computes becomes the op on a wider one, between casts.
//
//   %0 = add(x, y) : f16[4]            %0 = cast(x, dtype=f32) : f32[4]
//                               ->     %1 = cast(y, dtype=f32) : f32[4]
//                                      %2 = add(%0, %1) : f32[4]
//                                      %3 = cast(%2, dtype=f16) : f16[4]
//
// This is what ops on narrow dtypes mean, so it is no pass of the pipeline: it runs first, always, and the pipeline
// sees its casts like any others and fuses them. float16 and bfloat16 are computed in float32; integers of 8 and 16
// bits in int32, which wraps to the same bits; what an op makes from sizes, in int64. Widening is exact, so the result
// is rounded once from float32 to the narrow dtype (for + - * / and sqrt, as if exact: 24 >= 2*11 + 2 bits). Ops that a
// kernel moves or computes in the narrow dtype itself stay. Linear in the graph.
#pragma once

#include <optional>

#include "optimize/pass.h"

namespace ingot {

// The dtype that the op's kernel computes on for values of `dtype`: that one, a wider one, or none if there is no
// kernel. `result`: the dtype of the op's result.
std::optional<DType> computing_dtype(const OpRow& op, DType dtype, DType result, const Evaluator& evaluator);

// Rewrites every graph of the module, regions included. Values that exist keep their ids' meaning, types and names;
// new nodes have the origin of the node they serve. Throws DTypeError naming the op and the line that no kernel
// computes.
void legalize(Module& module, const Evaluator& evaluator);

}  // namespace ingot
