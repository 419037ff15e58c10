// What the files of csrc/kernels export to the table of their level (table.cpp). A family is one array of kernels.
// Each array and its count are defined `extern const` and constant-initialised in the family's own file.
#pragma once

#include <cstdint>

#include "execute/kernel.h"

namespace ingot::INGOT_LEVEL {

extern const Kernel pointwise_kernels[];  // runs groups
extern const std::int32_t num_pointwise_kernels;
extern const Kernel reduce_kernels[];
extern const std::int32_t num_reduce_kernels;
extern const Kernel matmul_kernels[];
extern const std::int32_t num_matmul_kernels;
extern const Kernel attention_kernels[];
extern const std::int32_t num_attention_kernels;
extern const Kernel panel_kernels[];  // lays params
extern const std::int32_t num_panel_kernels;
extern const Kernel conv_kernels[];
extern const std::int32_t num_conv_kernels;
extern const Kernel pool_kernels[];
extern const std::int32_t num_pool_kernels;
extern const Kernel movement_kernels[];
extern const std::int32_t num_movement_kernels;
extern const Kernel indexing_kernels[];
extern const std::int32_t num_indexing_kernels;

extern const Kernel cumulative_kernels[];
extern const std::int32_t num_cumulative_kernels;
extern const Kernel sort_kernels[];
extern const std::int32_t num_sort_kernels;
extern const Kernel random_kernels[];
extern const std::int32_t num_random_kernels;
extern const Kernel scatter_kernels[];
extern const std::int32_t num_scatter_kernels;

extern const PointwiseFamily basic_functions;  // +, -, comparisons, ...
extern const PointwiseFamily cast_functions;
extern const PointwiseFamily math_functions;  // exp, log, ...

extern const ArithmeticFamily arithmetic_forms;  // of + - * / maximum minimum
extern const CombinedFamily combined_functions;  // sigmoid, ...

extern const RowFamily row_functions;  // of whole rows, in groups

extern const MachineLoops machine_loops;

extern const KernelTable kernel_table;

}  // namespace ingot::INGOT_LEVEL
