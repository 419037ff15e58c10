// The bytes of constants: what a literal of the text can hold, and when two are one. Private to graph.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "ops/op.h"

namespace ingot {

// The bytes with every NaN as the one that the text knows. Throws ArgumentError or ShapeError unless a literal can hold
// them: constant sizes, at most kMaxConstantElements, no complex dtype, bools of 0 and 1.
std::vector<std::byte> canonical_constant(const TensorType& type, std::span<const std::byte> bytes);

// Equal for constants of equal type and bytes only.
std::string constant_key(const TensorType& type, std::span<const std::byte> bytes);

}  // namespace ingot
