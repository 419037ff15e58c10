// Convolutions of few outputs per group, pixel by pixel: a thread has one channel of the result and kDown pixels of a
// column, which share their weights; it reads its 9 or so inputs per output from the first-level cache. Included by
// generated code, too.
#pragma once

#include "cuda/kernels/lines.h"
#include "cuda/kernels/positions.h"

namespace ingot::cuda {

inline constexpr int kDown = 4;  // pixels of a thread

struct Conv {
  TensorArg x, w, y;
  std::int64_t images, groups;
  std::int64_t channels, outputs;  // of a group
  std::int64_t height, width, out_height, out_width;
  std::int64_t kernel_height, kernel_width;
  std::int64_t stride_y, stride_x, top, left, dilation_y, dilation_x;
};

// Where a thread's pixels lie: image, output, first row and column of the result. Channels or columns are counted
// fastest, whichever lie side by side in the result.
struct DirectPlace {
  std::int64_t image, output, y, x;
  __device__ DirectPlace(const Conv& c, std::int64_t item) {
    const std::int64_t all = c.outputs * c.groups, bands = (c.out_height + kDown - 1) / kDown;
    const bool outputs_last = c.y.strides[1] == 1;
    if (outputs_last) output = take_axis(item, all);
    x = take_axis(item, c.out_width);
    y = take_axis(item, bands) * kDown;
    if (!outputs_last) output = take_axis(item, all);
    image = item;
  }
};

// Stores what a thread has computed: `count` totals, one below the other from a pixel on.
template <class T>
struct StorePixels {
  const Conv& c;

  __device__ void pixels(const DirectPlace& at, const T (&totals)[kDown], int count) const {
    T* const to = reinterpret_cast<T*>(c.y.data) + at.image * c.y.strides[0] + at.output * c.y.strides[1] +
                  at.y * c.y.strides[2] + at.x * c.y.strides[3];
    INGOT_UNROLL
    for (int i = 0; i < kDown; ++i) {
      if (i < count) to[i * c.y.strides[2]] = totals[i];
    }
  }
};

// A thread per item. Bound by the first-level cache. Finish: StorePixels, or what generated code does with the totals.
template <class T, class Finish>
__device__ __forceinline__ void convolve_items(const Conv& c, const std::int64_t num_items, const Finish& finish) {
  for (std::int64_t item = thread_index(); item < num_items; item += num_threads()) {
    const DirectPlace at(c, item);
    const std::int64_t group = at.output / c.outputs;
    const T* const image =
        reinterpret_cast<const T*>(c.x.data) + at.image * c.x.strides[0] + group * c.channels * c.x.strides[1];
    const T* const weights = reinterpret_cast<const T*>(c.w.data) + at.output * c.w.strides[0];
    T sums[kDown] = {}, totals[kDown];
    for (T& total : totals) total = static_cast<T>(-0.0);
    std::int64_t folded = 0;  // steps of the block at hand
    const auto add_block = [&] {
      INGOT_UNROLL
      for (int i = 0; i < kDown; ++i) {
        totals[i] = totals[i] + sums[i];
        sums[i] = 0;
      }
      folded = 0;
    };
    for (std::int64_t ky = 0; ky < c.kernel_height; ++ky) {
      const std::int64_t y = at.y * c.stride_y + ky * c.dilation_y - c.top;
      const T* rows[kDown];
      bool has_row[kDown];
      INGOT_UNROLL
      for (int i = 0; i < kDown; ++i) {
        const std::int64_t row = y + i * c.stride_y;
        has_row[i] = row >= 0 && row < c.height;
        rows[i] = image + row * c.x.strides[2];
      }
      for (std::int64_t kx = 0; kx < c.kernel_width; ++kx) {
        const std::int64_t x = at.x * c.stride_x + kx * c.dilation_x - c.left;
        const bool has_column = x >= 0 && x < c.width;
        std::int64_t from = x * c.x.strides[3];
        const T* weight = weights + ky * c.w.strides[2] + kx * c.w.strides[3];
        for (std::int64_t channel = 0; channel < c.channels; ++channel) {
          INGOT_UNROLL
          for (int i = 0; i < kDown; ++i) {
            sums[i] = device::fma(has_column && has_row[i] ? rows[i][from] : T{0}, *weight, sums[i]);
          }
          from += c.x.strides[1];
          weight += c.w.strides[1];
          if (++folded == kFoldSteps) add_block();
        }
      }
    }
    if (folded > 0 || c.channels * c.kernel_height * c.kernel_width == 0) add_block();
    finish.pixels(at, totals, static_cast<int>(smaller(c.out_height - at.y, kDown)));
  }
}

struct PixelWork {
  Conv conv;
  Guard guard;
  std::int64_t num_items;
};

// Grid: any.
template <class T>
__global__ void __launch_bounds__(kBlockThreads, 3) convolve_directly(const __grid_constant__ PixelWork work) {
  if (stopped(work.guard)) return;
  convolve_items<T>(work.conv, work.num_items, StorePixels<T>{work.conv});
}

}  // namespace ingot::cuda
