// A conv2d call in numbers. k counts (kernel row, kernel column, channel of the group), the channel fastest.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

struct Conv {
  std::int64_t images, groups;
  std::int64_t channels, outputs;  // of a group
  std::int64_t height, width, out_height, out_width;
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_y, stride_x, top, left, dilation_y, dilation_x;
  const std::int64_t* x;  // strides [n, c, h, w]
  const std::int64_t* w;  // strides [o, c, h, w]; mean nothing where the weights lie in panels
  const std::int64_t* y;  // strides [n, c, h, w] of the result
  bool panels;            // the weights are [ceil(o/16)][h][w][c][16]
};

inline Conv make_conv(const KernelCall* call) {
  const TensorArg &x = call->inputs[0], &w = call->inputs[1], &out = call->outputs[0];
  const std::int64_t *stride = attr(call, 0).values, *padding = attr(call, 1).values, *dilation = attr(call, 2).values;
  const std::int64_t groups = attr_int(call, 3);
  return {x.shape[0],   groups,      w.shape[1], w.shape[0] / groups, x.shape[2],  x.shape[3],   out.shape[2],
          out.shape[3], w.shape[2],  w.shape[3], stride[0],           stride[1],   padding[0],   padding[1],
          dilation[0],  dilation[1], x.strides,  w.strides,           out.strides, w.panels != 0};
}

inline std::int64_t conv_depth(const Conv& c) {
  return c.kernel_height * c.kernel_width * c.channels;
}
inline std::int64_t conv_pixels(const Conv& c) {
  return c.out_height * c.out_width;
}

// The weight of an output at step k, counted as conv_depth does, where weights lie in panels; further steps follow at a
// distance of 16.
inline std::int64_t panel_offset(const Conv& c, std::int64_t output, std::int64_t k) {
  return (output / 16 * conv_depth(c) + k) * 16 + output % 16;
}

// One kernel position, which meets no padding and leaves no pixel out: pixel i of the result comes from pixel i.
inline bool is_pointwise(const Conv& c) {
  return c.kernel_height * c.kernel_width == 1 && c.stride_y == 1 && c.stride_x == 1 && c.top == 0 && c.left == 0 &&
         c.out_height == c.height && c.out_width == c.width;
}

// Rounds towards minus infinity. Requires: b > 0.
inline std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

struct Span {
  std::int64_t begin, end;  // empty: begin >= end
};

// The output positions for which position * stride + offset lies in 0 .. size-1, within 0 .. count-1.
inline Span inside(std::int64_t offset, std::int64_t stride, std::int64_t size, std::int64_t count) {
  return {larger(-floor_div(offset, stride), 0), smaller(floor_div(size - 1 - offset, stride) + 1, count)};
}

}  // namespace ingot::INGOT_LEVEL
