// conv2d: x[n, c, h, w] with weights [o, c / groups, kh, kw] of any strides, in the order of docs/numerics.md rule 3.
// Lanes run over outputs or channels, or over pixels where there are few outputs and the image's rows lie together.
#include "execute/kernel.h"
#include "kernels/conv_depthwise.h"
#include "kernels/conv_depthwise_pixels.h"
#include "kernels/conv_outputs.h"
#include "kernels/conv_pixels.h"
#include "kernels/conv_result.h"
#include "kernels/conv_window.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/group.h"

namespace ingot::INGOT_LEVEL {
namespace {

enum class Lanes { kOutputs, kPixels, kChannels, kDepthwisePixels };

inline constexpr std::int64_t kFewOutputs = 8;

inline Lanes choose_lanes(const Conv& c, bool has_group) {
  if (is_depthwise(c) && c.outputs == 1 && c.groups >= kFewOutputs) return Lanes::kChannels;
  if (c.x[3] != 1 || c.outputs >= kFewOutputs || has_group) return Lanes::kOutputs;
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
  if (c.images * c.groups * c.outputs * conv_pixels(c) == 0) return 0;
  switch (choose_lanes(c, call->group != nullptr)) {
    case Lanes::kChannels:
      return depthwise_tiles(c, sizeof(T));
    case Lanes::kDepthwisePixels:
      return depthwise_pixel_tiles<T>(c);
    case Lanes::kPixels:
      return gemm_tiles(plan_pixels<T>(as_one_row(c)));
    default:
      return conv_depth(c) == 0 ? 1 : output_tiles(c, plan_outputs(c, sizeof(T)));
  }
}

// Bytes, one after the other.
struct Needs {
  std::int64_t product, piece, group;
};

// Which path is taken depends on strides and is not monotone in the sizes; what all paths need is.
template <class T>
Needs needs_of(const KernelCall* call, const Conv& c) {
  const std::int64_t depthwise =
      larger(depthwise_pixel_scratch_bytes<T>(c), is_depthwise(c) ? depthwise_scratch_bytes(c, sizeof(T)) : 0);
  const std::int64_t pixels = gemm_scratch_bytes<T>(c.outputs, conv_pixels(c), conv_depth(c));
  const std::int64_t most = larger(larger(pixels, output_scratch_bytes(c, sizeof(T))), depthwise);
  const std::int64_t outputs = c.groups * c.outputs;
  return {round_up(most, 64), round_up(piece_bytes(c, sizeof(T)), 64),
          call->group == nullptr ? 0 : group_scratch_bytes(call, c.images * conv_pixels(c) * outputs, outputs)};
}

template <class T>
std::int64_t scratch(const KernelCall* call) {
  const Needs needs = needs_of<T>(call, make_conv(call));
  return needs.product + needs.piece + needs.group;
}

// A sum of nothing is 0.
template <class T>
[[gnu::cold]] void run_empty(const Conv& c, const ConvResult<T>& result) {
  for (std::int64_t pixel = 0; pixel < c.images * conv_pixels(c); ++pixel) {
    for (std::int64_t j = 0; j < c.groups * c.outputs; j += kTileColumns<T>) {
      const ConvPiece<T> piece = result.begin(pixel, 1, j, smaller(kTileColumns<T>, c.groups * c.outputs - j));
      fill_zero(piece.c, piece.columns);
      result.finish(piece);
    }
  }
}

template <class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const Conv c = make_conv(call);
  const Needs needs = needs_of<T>(call, c);
  const T* const x = reinterpret_cast<const T*>(call->inputs[0].data);
  const T* const w = reinterpret_cast<const T*>(call->inputs[1].data);
  T* const out = reinterpret_cast<T*>(call->outputs[0].data);
  const Lanes lanes = choose_lanes(c, call->group != nullptr);
  if (lanes == Lanes::kDepthwisePixels) {
    return run_depthwise_pixels(c, x, w, out, begin, end, reinterpret_cast<T*>(scratch));
  }
  if (lanes == Lanes::kPixels) {
    const Conv row = as_one_row(c);
    return run_gemm<T>(plan_pixels<T>(row), ConvSource<T>{row, x, w, out}, begin, end, scratch);
  }
  GroupMachine* group = nullptr;
  if (call->group != nullptr) {
    group = prepare_group(call, call->outputs[0], 1, scratch + needs.product + needs.piece);
  }
  const ConvResult<T> result(c, out, reinterpret_cast<T*>(scratch + needs.product), group);
  if (lanes == Lanes::kChannels) return run_depthwise(c, x, w, result, begin, end, scratch);
  if (conv_depth(c) == 0) return run_empty(c, result);
  run_outputs(c, x, w, result, begin, end, scratch, panels_of_next_step<T>(call));
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
    {"conv2d", kF32Type, tiles<float>, scratch<float>, cost<40>, run<float>, true, kForms, 1},
    {"conv2d", kF64Type, tiles<double>, scratch<double>, cost<20>, run<double>, true, kForms, 1},
};
extern constinit const std::int32_t num_conv_kernels = 2;

}  // namespace ingot::INGOT_LEVEL
