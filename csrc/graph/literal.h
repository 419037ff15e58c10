// Elements as text: what a constant's literal may be, one element at a time. Floats print as the shortest decimal that
// reads back to the same value (16-bit floats through f32); NaN has one form. Complex dtypes have no literals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/dtype.h"

namespace ingot {

// Requires size_bytes(dtype) bytes and a dtype that is not complex.
void append_element(std::string& out, DType dtype, const std::byte* bytes);
// Always with '.', 'e', "inf" or "nan".
void append_float(std::string& out, double value);

// Reads all of `token`; false where it is no literal of this dtype or does not fit it. Writes size_bytes(dtype) bytes.
bool parse_element(std::string_view token, DType dtype, std::byte* bytes);
bool parse_float(std::string_view token, double& value);

}  // namespace ingot
