// conv2d: x[n, c, h, w] with weights [o, c / groups, kh, kw] of any strides, in the order of docs/numerics.md rule 3.
#include "execute/kernel.h"
#include "kernels/conv_depthwise.h"
#include "kernels/conv_gemm.h"
#include "kernels/conv_window.h"
#include "kernels/element.h"
#include "kernels/families.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T>
GemmPlan plan(const Conv& c) {
  return plan_gemm<T>(c.images * c.groups, c.outputs, conv_pixels(c), conv_depth(c));
}

template <class T>
std::int64_t tiles(const KernelCall* call) {
  const Conv c = make_conv(call);
  return is_depthwise(c) ? depthwise_tiles<T>(c) : gemm_tiles(plan<T>(c));
}

template <class T>
std::int64_t scratch(const KernelCall* call) {
  const Conv c = make_conv(call);
  return larger(depthwise_scratch_bytes<T>(c), gemm_scratch_bytes<T>(c.outputs, conv_pixels(c), conv_depth(c)));
}

template <class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Conv c = make_conv(call);
  const T* const x = reinterpret_cast<const T*>(call->inputs[0].data);
  const T* const w = reinterpret_cast<const T*>(call->inputs[1].data);
  T* const out = reinterpret_cast<T*>(call->outputs[0].data);
  if (is_depthwise(c)) {
    run_depthwise(c, x, w, out, begin, end, reinterpret_cast<T*>(scratch));
  } else {
    run_gemm<T>(plan<T>(c), ConvSource<T>{c, x, w, out}, begin, end, scratch);
  }
}

// About 40 flops per ns in float32.
template <int kPerNs>
std::int64_t cost(const KernelCall* call) {
  const double outputs = static_cast<double>(num_elements(call->outputs[0]));
  return static_cast<std::int64_t>(outputs * static_cast<double>(conv_depth(make_conv(call))) * 2 / kPerNs);
}

}  // namespace

extern constinit const Kernel conv_kernels[] = {
    {"conv2d", kF32Type, tiles<float>, scratch<float>, cost<40>, run<float>},
    {"conv2d", kF64Type, tiles<double>, scratch<double>, cost<20>, run<double>},
};
extern constinit const std::int32_t num_conv_kernels = 2;

}  // namespace ingot::INGOT_LEVEL
