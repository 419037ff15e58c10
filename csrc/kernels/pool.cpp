// max_pool2d and avg_pool2d over x[n, c, h, w]. Lanes run along a line of the result: the channels of a pixel where
// they lie side by side, else a row of a channel. A tile is one row of the result, of one channel or of all. Maximum:
// NaN propagates, -0 < +0, padding never wins; a window without any element gives the lowest value. Average: a left
// fold from the first element in the order (row, column), divided by the count; padding counts as zeros in both, or is
// absent from both.
#include "execute/kernel.h"
#include "kernels/conv_window.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/reduce_ops.h"
#include "kernels/wide.h"

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

bool has_channel_lines(const TensorArg& x, const TensorArg& out) {
  return x.shape[1] > 1 && x.strides[1] == 1 && out.strides[1] == 1;
}

// One row of the result, and the image or channel it comes from.
template <class T>
struct PoolRow {
  const T* from;
  T* out;
  std::int64_t y, width, step;  // of the result
  std::int64_t channels;        // of a pixel's line; 0: the row is the line
};

template <class T>
PoolRow<T> pool_row(const KernelCall* call, std::int64_t row) {
  const TensorArg &x = call->inputs[0], &out = call->outputs[0];
  const bool lines = has_channel_lines(x, out);
  const std::int64_t y = row % out.shape[2], plane = row / out.shape[2];
  const std::int64_t image = lines ? plane : plane / out.shape[1], channel = lines ? 0 : plane % out.shape[1];
  return {reinterpret_cast<const T*>(x.data) + image * x.strides[0] + channel * x.strides[1],
          reinterpret_cast<T*>(out.data) + image * out.strides[0] + channel * out.strides[1] + y * out.strides[2],
          y,
          out.shape[3],
          out.strides[3],
          lines ? x.shape[1] : 0};
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

// out[i * out_step] = out[i * out_step] op from[i * step]
template <class Op, class T>
[[gnu::noinline]] void fold_line(T* out, std::int64_t out_step, const T* from, std::int64_t step, std::int64_t n) {
  std::int64_t i = 0;
  if constexpr (sizeof(T) >= 4) {
    using V = Wide<T>;
    if (step == 1 && out_step == 1) {
      for (; i + kLanes<V> <= n; i += kLanes<V>) store(out + i, Op::apply(load<V>(out + i), load<V>(from + i)));
    }
  }
  for (; i < n; ++i) out[i * out_step] = Op::apply(out[i * out_step], from[i * step]);
}

template <class T>
[[gnu::noinline]] void fill_line(T* out, std::int64_t step, std::int64_t n, T value) {
  for (std::int64_t i = 0; i < n; ++i) out[i * step] = value;
}

template <class T>
[[gnu::noinline]] void divide_line(T* out, std::int64_t step, std::int64_t n, T by) {
  for (std::int64_t i = 0; i < n; ++i) out[i * step] = out[i * step] / by;
}

// f(line, step, count) for the lines of the pixels begin .. end-1.
template <class T, class F>
void for_lines(const PoolRow<T>& row, std::int64_t begin, std::int64_t end, const F& f) {
  if (row.channels == 0 && begin < end) f(row.out + begin * row.step, row.step, end - begin);
  for (std::int64_t i = begin; i < end && row.channels > 0; ++i) {
    f(row.out + i * row.step, std::int64_t{1}, row.channels);
  }
}

// Folds the input elements of kernel position (r, s) into the row; returns the outputs that have one.
template <class Op, class T>
Span fold_position(const TensorArg& x, const Window& w, const PoolRow<T>& row, std::int64_t r, std::int64_t s) {
  const std::int64_t y = row.y * w.stride_y + r * w.dilation_y - w.top, shift = s * w.dilation_x - w.left;
  if (y < 0 || y >= x.shape[2]) return {0, 0};
  const Span valid = inside(shift, w.stride_x, x.shape[3], row.width);
  if (valid.begin >= valid.end) return {0, 0};
  const T* from = row.from + y * x.strides[2] + (valid.begin * w.stride_x + shift) * x.strides[3];
  const std::int64_t step = w.stride_x * x.strides[3];
  for_lines(row, valid.begin, valid.end, [&](T* line, std::int64_t line_step, std::int64_t n) {
    fold_line<Op>(line, line_step, from, row.channels == 0 ? step : 1, n);
    from += step;
  });
  return valid;
}

// Positions s of a window of `count` for which at + s * dilation lies in 0 .. size-1.
Span positions_inside(std::int64_t at, std::int64_t dilation, std::int64_t size, std::int64_t count) {
  return {larger(-floor_div(at, dilation), 0), smaller(floor_div(size - 1 - at, dilation) + 1, count)};
}

// The window of a pixel, of kVectors vectors of channels that stay in registers.
template <int kVectors>
INGOT_INLINE void fold_window(const float* from, const Span& rows, std::int64_t row_step, const Span& columns,
                              std::int64_t column_step, float* out) {
  F32 most[kVectors];
  for (F32& v : most) v = splat<F32>(Max::identity<float>());
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    for (std::int64_t s = columns.begin; s < columns.end; ++s) {
      const float* const x = from + r * row_step + s * column_step;
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) most[v] = Max::apply(most[v], load<F32>(x + v * kLanes<F32>));
    }
  }
  for (int v = 0; v < kVectors; ++v) store(out + v * kLanes<F32>, most[v]);
}

// A row of pixels whose channels are whole vectors.
[[gnu::noinline, maybe_unused]] void run_pixels(const TensorArg& x, const Window& w, const PoolRow<float>& row) {
  constexpr std::int64_t kMost = 4;
  const std::int64_t top = row.y * w.stride_y - w.top, row_step = w.dilation_y * x.strides[2];
  const Span rows = positions_inside(top, w.dilation_y, x.shape[2], w.height);
  for (std::int64_t i = 0; i < row.width; ++i) {
    const std::int64_t left = i * w.stride_x - w.left, column_step = w.dilation_x * x.strides[3];
    const Span columns = positions_inside(left, w.dilation_x, x.shape[3], w.width);
    const float* const from = row.from + top * x.strides[2] + left * x.strides[3];
    float* const out = row.out + i * row.step;
    std::int64_t j = 0;
    for (; j + kMost * kLanes<F32> <= row.channels; j += kMost * kLanes<F32>) {
      fold_window<kMost>(from + j, rows, row_step, columns, column_step, out + j);
    }
    for (; j < row.channels; j += kLanes<F32>) fold_window<1>(from + j, rows, row_step, columns, column_step, out + j);
  }
}

template <class T, class Op = Max>
void run_max(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const Window w = max_window(call);
  for (std::int64_t t = begin; t < end; ++t) {
    const PoolRow<T> row = pool_row<T>(call, t);
    if constexpr (kIsFloat<T> && sizeof(T) == 4 && !kSmallCode) {
      if (row.channels > 0 && row.channels % kLanes<F32> == 0) {
        run_pixels(call->inputs[0], w, row);
        continue;
      }
    }
    for_lines(row, 0, row.width,
              [](T* line, std::int64_t step, std::int64_t n) { fill_line(line, step, n, Op::template identity<T>()); });
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
    divide_line(row.out + i * row.step, 1, larger(row.channels, 1), static_cast<T>(rows * columns));
  }
}

template <class T>
void run_avg(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const Window w = avg_window(call);
  const bool count_padding = attr_int(call, 3) != 0;
  const T zero = 0;
  const auto add_zero = [&](T* line, std::int64_t step, std::int64_t n) { fold_line<Sum>(line, step, &zero, 0, n); };
  for (std::int64_t t = begin; t < end; ++t) {
    const PoolRow<T> row = pool_row<T>(call, t);
    for_lines(row, 0, row.width,
              [](T* line, std::int64_t step, std::int64_t n) { fill_line(line, step, n, Sum::identity<T>()); });
    for (std::int64_t r = 0; r < w.height; ++r) {
      for (std::int64_t s = 0; s < w.width; ++s) {
        const Span valid = fold_position<Sum>(call->inputs[0], w, row, r, s);
        if (!count_padding) continue;
        for_lines(row, 0, smaller(valid.begin, row.width), add_zero);
        for_lines(row, larger(valid.end, 0), row.width, add_zero);
      }
    }
    if (!count_padding) {
      divide_by_inside(call->inputs[0], w, row);
      continue;
    }
    for_lines(row, 0, row.width, [&](T* line, std::int64_t step, std::int64_t n) {
      divide_line(line, step, n, static_cast<T>(w.height * w.width));
    });
  }
}

std::int64_t tiles(const KernelCall* call) {
  const TensorArg& out = call->outputs[0];
  if (num_elements(out) == 0) return 0;
  return out.shape[0] * out.shape[2] * (has_channel_lines(call->inputs[0], out) ? 1 : out.shape[1]);
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
