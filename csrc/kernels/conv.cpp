// conv2d: x[n, c, h, w] with weights [o, c / groups, kh, kw] of any strides, in the order of docs/numerics.md rule 3.
// Lanes run over outputs or channels, or over pixels where there are few outputs and the image's rows lie together.
#include "execute/kernel.h"
#include "kernels/conv_depthwise.h"
#include "kernels/conv_depthwise_pixels.h"
#include "kernels/conv_outputs.h"
#include "kernels/conv_pixels.h"
#include "kernels/conv_window.h"
#include "kernels/element.h"
#include "kernels/families.h"

namespace ingot::INGOT_LEVEL {
namespace {

enum class Lanes { kOutputs, kPixels, kChannels, kDepthwisePixels };

inline constexpr std::int64_t kFewOutputs = 8;

template <class T>
Lanes choose_lanes(const Conv& c) {
  if (is_depthwise(c) && has_channel_lanes<T>(c)) return Lanes::kChannels;
  if (c.x[3] != 1 || c.outputs >= kFewOutputs) return Lanes::kOutputs;
  if (is_depthwise(c)) return Lanes::kDepthwisePixels;
  const bool even = c.y[2] == c.y[3] * c.out_width;
  return even ? Lanes::kPixels : Lanes::kOutputs;
}

template <class T>
GemmPlan plan_pixels(const Conv& c) {
  return plan_gemm<T>(c.images * c.groups, c.outputs, conv_pixels(c), conv_depth(c));
}

template <class T>
std::int64_t tiles(const KernelCall* call) {
  const Conv c = make_conv(call);
  if (num_elements(call->outputs[0]) == 0) return 0;
  switch (choose_lanes<T>(c)) {
    case Lanes::kChannels:
      return depthwise_tiles(c);
    case Lanes::kDepthwisePixels:
      return depthwise_pixel_tiles<T>(c);
    case Lanes::kPixels:
      return gemm_tiles(plan_pixels<T>(as_one_row(c)));
    default:
      return conv_depth(c) == 0 ? 1 : output_tiles(c, plan_outputs(c, sizeof(T)));
  }
}

// Which path is taken depends on strides and is not monotone in the sizes; what all paths need is.
template <class T>
std::int64_t scratch(const KernelCall* call) {
  const Conv c = make_conv(call);
  const std::int64_t pixels = gemm_scratch_bytes<T>(c.outputs, conv_pixels(c), conv_depth(c));
  const std::int64_t depthwise = larger(depthwise_pixel_scratch_bytes<T>(c), depthwise_scratch_bytes<T>(c));
  return larger(larger(pixels, output_scratch_bytes(c, sizeof(T))), depthwise);
}

// A sum of nothing is 0.
template <class T>
[[gnu::cold]] void run_empty(const KernelCall* call, const Conv& c, T* out) {
  for (std::int64_t i = 0; i < num_elements(call->outputs[0]); ++i) {
    const std::int64_t row = i / c.out_width, plane = row / c.out_height, outputs = c.groups * c.outputs;
    out[i % c.out_width * c.y[3] + row % c.out_height * c.y[2] + plane % outputs * c.y[1] + plane / outputs * c.y[0]] =
        0;
  }
}

template <class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Conv c = make_conv(call);
  const T* const x = reinterpret_cast<const T*>(call->inputs[0].data);
  const T* const w = reinterpret_cast<const T*>(call->inputs[1].data);
  T* const out = reinterpret_cast<T*>(call->outputs[0].data);
  switch (choose_lanes<T>(c)) {
    case Lanes::kChannels:
      return run_depthwise(c, x, w, out, begin, end, reinterpret_cast<T*>(scratch));
    case Lanes::kDepthwisePixels:
      return run_depthwise_pixels(c, x, w, out, begin, end, reinterpret_cast<T*>(scratch));
    case Lanes::kPixels: {
      const Conv row = as_one_row(c);
      return run_gemm<T>(plan_pixels<T>(row), ConvSource<T>{row, x, w, out}, begin, end, scratch);
    }
    default:
      if (conv_depth(c) == 0) return run_empty(call, c, out);
      return run_outputs(c, x, w, out, begin, end, scratch);
  }
}

// About 40 flops per ns in float32.
template <int kPerNs>
std::int64_t cost(const KernelCall* call) {
  const double outputs = static_cast<double>(num_elements(call->outputs[0]));
  return static_cast<std::int64_t>(outputs * static_cast<double>(conv_depth(make_conv(call))) * 2 / kPerNs);
}

}  // namespace

constinit const PanelForm kForms[] = {
    {.operand = 1, .rank = 4, .order = {0, 2, 3, 1}, .wanted = true, .attr = -1, .attr_value = 0}};

extern constinit const Kernel conv_kernels[] = {
    {"conv2d", kF32Type, tiles<float>, scratch<float>, cost<40>, run<float>, false, kForms, 1},
    {"conv2d", kF64Type, tiles<double>, scratch<double>, cost<20>, run<double>, false, kForms, 1},
};
extern constinit const std::int32_t num_conv_kernels = 2;

}  // namespace ingot::INGOT_LEVEL
