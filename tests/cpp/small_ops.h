// Ops over whole numbers, for small_machine.cpp.
#pragma once

#include "small_machine.h"

namespace ingot::testing {

std::int64_t count(const std::vector<std::int64_t>& shape);
std::vector<std::int64_t> constant_shape(const Shape& shape, const DimValues& dims);

// One element of a pointwise op.
std::int64_t pointwise(const OpRow& op, const std::vector<std::int64_t>& operands);
// Any op without regions; result: its type with constant sizes.
Numbers apply(const OpRow& op, const Attrs& attrs, const std::vector<Numbers>& operands, const TensorType& result,
              const DimValues& dims);

}  // namespace ingot::testing
