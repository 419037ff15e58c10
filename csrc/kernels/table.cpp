// The one kernel table of this level: addresses only, so that it is complete before any code runs. Nothing registers
// itself, and nothing compiled for this level runs before the level is chosen.
#include "execute/kernel.h"
#include "kernels/families.h"

#define INGOT_STRING_(x) #x
#define INGOT_STRING(x) INGOT_STRING_(x)

namespace ingot::INGOT_LEVEL {
namespace {

constinit const KernelFamily kFamilies[] = {
    {pointwise_kernels, &num_pointwise_kernels}, {reduce_kernels, &num_reduce_kernels},
    {matmul_kernels, &num_matmul_kernels},       {conv_kernels, &num_conv_kernels},
    {pool_kernels, &num_pool_kernels},           {movement_kernels, &num_movement_kernels},
    {indexing_kernels, &num_indexing_kernels},   {cumulative_kernels, &num_cumulative_kernels},
    {sort_kernels, &num_sort_kernels},           {scatter_kernels, &num_scatter_kernels},
    {random_kernels, &num_random_kernels},       {attention_kernels, &num_attention_kernels},
    {panel_kernels, &num_panel_kernels},
};

constinit const PointwiseFamily* const kPointwise[] = {&basic_functions, &cast_functions, &math_functions};

}  // namespace

extern constinit const KernelTable kernel_table = {
    INGOT_STRING(INGOT_LEVEL),
    kFamilies,
    sizeof(kFamilies) / sizeof(kFamilies[0]),
    kPointwise,
    sizeof(kPointwise) / sizeof(kPointwise[0]),
    &row_functions,
    &machine_loops,
    &arithmetic_forms,
    &combined_functions,
};

}  // namespace ingot::INGOT_LEVEL
