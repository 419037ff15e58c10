// Micro-kernels of matmul and convolution for f32: one per register tile.
#include "kernels/micro_kernel_body.h"

namespace ingot::INGOT_LEVEL {

extern constinit const MicroKernel<float> micro_kernels_f32[kTileVectors][kTileRows] = INGOT_MICRO_KERNELS(float);

}  // namespace ingot::INGOT_LEVEL
