// Micro-kernels of matmul and convolution for f64: one per register tile.
#include "kernels/micro_kernel_body.h"

namespace ingot::INGOT_LEVEL {

extern constinit const MicroKernel<double> micro_kernels_f64[kTileVectors][kTileRows] = INGOT_MICRO_KERNELS(double);

}  // namespace ingot::INGOT_LEVEL
