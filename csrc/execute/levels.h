// The instruction-set levels compiled into this library, and the choice among them. Compiled without vector flags.
#pragma once

#include <span>
#include <string_view>

#include "base/dtype.h"
#include "execute/kernel.h"
#include "graph/layout.h"

namespace ingot {

// Levels that this processor can run, the slowest ("generic") first.
std::span<const KernelTable* const> available_levels();
// "" gives the best, or what the environment variable INGOT_LEVEL names; throws ArgumentError naming the available
// ones.
const KernelTable& choose_level(std::string_view name = "");

// Null if there is none. A kernel for the dtype is preferred to one for any dtype.
const Kernel* find_kernel(const KernelTable& table, std::string_view op, DType dtype);
// Of an operand of `rank` axes.
PanelWish panel_wish(const Kernel& kernel, std::size_t operand, std::size_t rank, const Attrs& attrs);
const PointwiseKernel* find_pointwise(const KernelTable& table, std::string_view op, DType dtype, DType result_dtype);
const ArithmeticForms* find_arithmetic(const KernelTable& table, std::string_view op);
const RowKernel* find_row_function(const KernelTable& table, std::string_view op, DType dtype);

}  // namespace ingot
