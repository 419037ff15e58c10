// Convolution with lanes over pixels, for few outputs: rows are the output channels of a group, columns the output
// pixels of an image. Packing a panel gathers the patches of 16 pixels, with 0 where a patch lies in the padding.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/conv_window.h"
#include "kernels/gemm.h"

namespace ingot::INGOT_LEVEL {

// A 1x1 convolution of whole rows: the image is one row. The result's rows must follow each other, too.
inline Conv as_one_row(Conv c) {
  if (!is_pointwise(c) || c.x[2] != c.x[3] * c.width) return c;
  c.width = c.out_width = c.height * c.width;
  c.height = c.out_height = 1;
  return c;
}

// Pixels of a panel whose inputs, for one kernel position, lie `step` apart in one input row.
struct PatchRun {
  std::int64_t first, count;  // pixels of the panel
  std::int64_t from, step;    // in the channel
};

struct PatchRuns {
  PatchRun runs[kPanel];
  int count;
  bool complete;  // one run of 16 neighbours
};

// For the pixels column .. column+columns-1 at kernel position (row, position).
inline PatchRuns find_runs(const Conv& c, std::int64_t column, std::int64_t columns, std::int64_t row,
                           std::int64_t position) {
  PatchRuns out;
  out.count = 0;
  const Span valid = inside(position * c.dilation_x - c.left, c.stride_x, c.width, c.out_width);
  std::int64_t y = column / c.out_width, x = column % c.out_width;
  for (std::int64_t done = 0; done < columns; ++y, x = 0) {
    const std::int64_t last = smaller(c.out_width, x + columns - done);
    const std::int64_t from_y = y * c.stride_y + row * c.dilation_y - c.top;
    const std::int64_t begin = larger(x, valid.begin), end = smaller(last, valid.end);
    if (from_y >= 0 && from_y < c.height && begin < end) {
      const std::int64_t from_x = begin * c.stride_x + position * c.dilation_x - c.left;
      out.runs[out.count++] = {done + begin - x, end - begin, from_y * c.x[2] + from_x * c.x[3], c.stride_x * c.x[3]};
    }
    done += last - x;
  }
  out.complete = out.count == 1 && out.runs[0].count == kPanel && out.runs[0].step == 1;
  return out;
}

template <class T>
INGOT_INLINE void gather_runs(const PatchRuns& runs, const T* channel, T* to) {
  if (runs.complete) {
    __builtin_memcpy(to, channel + runs.runs[0].from, kPanel * sizeof(T));
    return;
  }
  for (std::int64_t j = 0; j < kPanel; ++j) to[j] = 0;
  for (int r = 0; r < runs.count; ++r) {
    const PatchRun& run = runs.runs[r];
    for (std::int64_t j = 0; j < run.count; ++j) to[run.first + j] = channel[run.from + j * run.step];
  }
}

template <class T>
struct ConvSource {
  const Conv& c;
  const T* x;
  const T* w;
  T* out;

  const T* rows_in_place(std::int64_t batch, std::int64_t first, std::int64_t k, std::int64_t* row) const {
    if (c.panels) return nullptr;
    const bool one_position = c.kernel_height * c.kernel_width == 1 && c.w[1] == 1;
    const bool one_channel = c.channels == 1 && c.w[3] == 1 && c.w[2] == c.kernel_width;
    if (!one_position && !one_channel) return nullptr;
    *row = c.w[0];
    return w + (rows_key(batch) * c.outputs + first) * c.w[0] + k;
  }

  void copy_rows(std::int64_t batch, std::int64_t first, std::int64_t rows, std::int64_t k, std::int64_t steps, T* to,
                 std::int64_t stride) const {
    for (std::int64_t i = 0; i < rows && c.panels; ++i) {
      const T* const from = w + panel_offset(c, rows_key(batch) * c.outputs + first + i, k);
      for (std::int64_t s = 0; s < steps; ++s) to[i * stride + s] = from[s * kPanel];
    }
    for (std::int64_t i = 0; i < rows && !c.panels; ++i) {  // row by row: its weights lie together
      const T* const from = w + (rows_key(batch) * c.outputs + first + i) * c.w[0];
      for (std::int64_t s = 0; s < steps;) {
        const std::int64_t at = (k + s) / c.channels, channel = (k + s) % c.channels;
        const std::int64_t n = smaller(c.channels - channel, steps - s);
        const T* const line = from + channel * c.w[1] + at / c.kernel_width * c.w[2] + at % c.kernel_width * c.w[3];
        for (std::int64_t j = 0; j < n; ++j) to[i * stride + s + j] = line[j * c.w[1]];
        s += n;
      }
    }
  }

  std::int64_t rows_key(std::int64_t batch) const { return batch % c.groups; }  // the group

  const T* panels_in_place(std::int64_t, std::int64_t, std::int64_t) const { return nullptr; }
  std::int64_t panel_stride() const { return 0; }
  const T* panels_of_next_step() const { return nullptr; }
  const T* columns_in_place(std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t*) const {
    return nullptr;
  }

  void pack(std::int64_t batch, std::int64_t column, std::int64_t columns, std::int64_t k, std::int64_t steps,
            T* to) const {
    for (std::int64_t j = 0; j < columns; j += kPanel) {
      pack_patches(batch, column + j, smaller(kPanel, columns - j), k, steps, to + j * steps);
    }
  }

  void pack_patches(std::int64_t batch, std::int64_t column, std::int64_t columns, std::int64_t k, std::int64_t steps,
                    T* to) const {
    const T* const image = x + batch / c.groups * c.x[0] + batch % c.groups * c.channels * c.x[1];
    for (std::int64_t s = 0; s < steps;) {
      const std::int64_t at = (k + s) / c.channels, first = (k + s) % c.channels;
      const std::int64_t last = smaller(c.channels, first + steps - s);
      const PatchRuns runs = find_runs(c, column, columns, at / c.kernel_width, at % c.kernel_width);
      for (std::int64_t channel = first; channel < last; ++channel, ++s) {
        gather_runs(runs, image + channel * c.x[1], to + s * kPanel);
      }
    }
  }

  Target<T> target(std::int64_t batch) const {
    return {out + batch / c.groups * c.y[0] + batch % c.groups * c.outputs * c.y[1], c.y[1], c.y[3]};
  }
};

}  // namespace ingot::INGOT_LEVEL
