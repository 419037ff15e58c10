// max_pool2d and avg_pool2d over x[n, c, h, w]. A tile is one row of the result; lanes run along it.
// Maximum: NaN propagates, -0 < +0, padding never wins; a window without any element gives the lowest value.
// Average: a left fold from the first element in the order (row, column), divided by the count; padding counts as zeros
// in both, or is absent from both.
#include "execute/kernel.h"
#include "kernels/conv_window.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/reduce_ops.h"

namespace ingot::INGOT_LEVEL {
namespace {

struct Window {
  std::int64_t height, width, stride_y, stride_x, top, left, dilation_y, dilation_x;
};

Window max_window(const KernelCall* call) {
  const std::int64_t *kernel = attr(call, 0).values, *stride = attr(call, 1).values, *padding = attr(call, 2).values;
  const std::int64_t* dilation = attr(call, 3).values;
  return {kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1]};
}

Window avg_window(const KernelCall* call) {
  const std::int64_t *kernel = attr(call, 0).values, *stride = attr(call, 1).values, *padding = attr(call, 2).values;
  return {kernel[0], kernel[1], stride[0], stride[1], padding[0], padding[1], 1, 1};
}

// One row of the result and the input channel it comes from.
template <class T>
struct PoolRow {
  const T* channel;
  T* out;
  std::int64_t y, width;  // of the result
};

template <class T>
PoolRow<T> pool_row(const KernelCall* call, std::int64_t row) {
  const TensorArg &x = call->inputs[0], &out = call->outputs[0];
  const std::int64_t plane = row / out.shape[2], image = plane / out.shape[1], channel = plane % out.shape[1];
  return {reinterpret_cast<const T*>(x.data) + image * x.strides[0] + channel * x.strides[1],
          reinterpret_cast<T*>(out.data) + row * out.shape[3], row % out.shape[2], out.shape[3]};
}

// As Max, for the integers that no vector type here holds.
struct NarrowMax {
  template <class T>
  static constexpr T identity() {
    return static_cast<T>(-1) > 0 ? T{0} : static_cast<T>(1 << (sizeof(T) * 8 - 1));
  }
  template <class T>
  INGOT_INLINE static T apply(T a, T b) {
    return a < b ? b : a;
  }
};

// out[i] = out[i] op from[i * step]
template <class Op, class T>
void fold_line(T* out, const T* from, std::int64_t step, std::int64_t n) {
  std::int64_t i = 0;
  if constexpr (sizeof(T) >= 4) {
    using V = Wide<T>;
    if (step == 1) {
      for (; i + kLanes<V> <= n; i += kLanes<V>) store(out + i, Op::apply(load<V>(out + i), load<V>(from + i)));
    }
  }
  for (; i < n; ++i) out[i] = Op::apply(out[i], from[i * step]);
}

// Folds the input elements of kernel position (r, s) into the row; returns the outputs that have one.
template <class Op, class T>
Span fold_position(const TensorArg& x, const Window& w, const PoolRow<T>& row, std::int64_t r, std::int64_t s) {
  const std::int64_t y = row.y * w.stride_y + r * w.dilation_y - w.top, shift = s * w.dilation_x - w.left;
  if (y < 0 || y >= x.shape[2]) return {0, 0};
  const Span valid = inside(shift, w.stride_x, x.shape[3], row.width);
  if (valid.begin >= valid.end) return {0, 0};
  const T* const from = row.channel + y * x.strides[2] + (valid.begin * w.stride_x + shift) * x.strides[3];
  fold_line<Op>(row.out + valid.begin, from, w.stride_x * x.strides[3], valid.end - valid.begin);
  return valid;
}

template <class T, class Op = Max>
void run_max(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const Window w = max_window(call);
  for (std::int64_t t = begin; t < end; ++t) {
    const PoolRow<T> row = pool_row<T>(call, t);
    for (std::int64_t i = 0; i < row.width; ++i) row.out[i] = Op::template identity<T>();
    for (std::int64_t r = 0; r < w.height; ++r) {
      for (std::int64_t s = 0; s < w.width; ++s) fold_position<Op>(call->inputs[0], w, row, r, s);
    }
  }
}

// Divides each element of a row by the number of its window's elements that lie inside.
template <class T>
void divide_by_inside(const TensorArg& x, const Window& w, const PoolRow<T>& row) {
  const std::int64_t y = row.y * w.stride_y - w.top;
  const std::int64_t rows = larger(smaller(y + w.height, x.shape[2]) - larger(y, 0), 0);
  for (std::int64_t i = 0; i < row.width; ++i) {
    const std::int64_t at = i * w.stride_x - w.left;
    const std::int64_t columns = larger(smaller(at + w.width, x.shape[3]) - larger(at, 0), 0);
    row.out[i] = row.out[i] / static_cast<T>(rows * columns);
  }
}

template <class T>
void run_avg(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const Window w = avg_window(call);
  const bool count_padding = attr_int(call, 3) != 0;
  for (std::int64_t t = begin; t < end; ++t) {
    const PoolRow<T> row = pool_row<T>(call, t);
    for (std::int64_t i = 0; i < row.width; ++i) row.out[i] = Sum::identity<T>();
    for (std::int64_t r = 0; r < w.height; ++r) {
      for (std::int64_t s = 0; s < w.width; ++s) {
        const Span valid = fold_position<Sum>(call->inputs[0], w, row, r, s);
        if (!count_padding) continue;
        for (std::int64_t i = 0; i < row.width; ++i) {
          if (i < valid.begin || i >= valid.end) row.out[i] = row.out[i] + static_cast<T>(0);
        }
      }
    }
    if (count_padding) {
      for (std::int64_t i = 0; i < row.width; ++i) row.out[i] = row.out[i] / static_cast<T>(w.height * w.width);
    } else {
      divide_by_inside(call->inputs[0], w, row);
    }
  }
}

std::int64_t tiles(const KernelCall* call) {
  const TensorArg& out = call->outputs[0];
  return out.shape[0] * out.shape[1] * out.shape[2];
}

// About 4 elements per ns.
std::int64_t cost(const KernelCall* call) {
  const std::int64_t* const kernel = attr(call, 0).values;
  return num_elements(call->outputs[0]) * kernel[0] * kernel[1] / 4;
}

}  // namespace

extern constinit const Kernel pool_kernels[] = {
    {"max_pool2d", kF32Type, tiles, nullptr, cost, run_max<float>},
    {"max_pool2d", kF64Type, tiles, nullptr, cost, run_max<double>},
    {"max_pool2d", kI32Type, tiles, nullptr, cost, run_max<std::int32_t>},
    {"max_pool2d", kI64Type, tiles, nullptr, cost, run_max<std::int64_t>},
    {"max_pool2d", kI8Type, tiles, nullptr, cost, run_max<std::int8_t, NarrowMax>},
    {"max_pool2d", kI16Type, tiles, nullptr, cost, run_max<std::int16_t, NarrowMax>},
    {"max_pool2d", kU8Type, tiles, nullptr, cost, run_max<std::uint8_t, NarrowMax>},
    {"max_pool2d", kU16Type, tiles, nullptr, cost, run_max<std::uint16_t, NarrowMax>},
    {"avg_pool2d", kF32Type, tiles, nullptr, cost, run_avg<float>},
    {"avg_pool2d", kF64Type, tiles, nullptr, cost, run_avg<double>},
};
extern constinit const std::int32_t num_pool_kernels = sizeof(pool_kernels) / sizeof(pool_kernels[0]);

}  // namespace ingot::INGOT_LEVEL
