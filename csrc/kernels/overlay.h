// A result that is a background with a smaller tensor laid over it at an offset: pad (the background is one value) and
// dynamic_update_slice (the background is the tensor to update). A tile is a run of rows of the result.
#pragma once

#include <cstdint>

#include "execute/kernel.h"
#include "kernels/box.h"
#include "kernels/element.h"

namespace ingot::INGOT_LEVEL {

struct Overlay {
  const TensorArg* out;
  const TensorArg* front;
  const std::int64_t* offset;      // of the front in the result, one per axis; the front lies inside
  const std::int64_t* background;  // strides
};

inline constexpr std::int64_t kOverlayTile = 8192;  // elements

inline std::int64_t overlay_row_size(const TensorArg& out) {
  return out.rank == 0 ? 1 : out.shape[out.rank - 1];
}

inline std::int64_t rows_in_overlay_tile(const TensorArg& out) {
  return larger(kOverlayTile / larger(overlay_row_size(out), 1), 1);
}

inline std::int64_t overlay_tiles(const TensorArg& out) {
  const std::int64_t size = overlay_row_size(out);
  return size == 0 ? 0 : ceil_div(num_elements(out) / size, rows_in_overlay_tile(out));
}

// Where a row begins in the background and, if it meets the front, there.
struct OverlayRow {
  std::int64_t back, front;
  bool meets;
};

inline OverlayRow overlay_row(const Overlay& o, std::int64_t row) {
  OverlayRow out{0, 0, true};
  for (int i = o.out->rank - 2; i >= 0; --i) {
    const std::int64_t at = row % o.out->shape[i], own = at - o.offset[i];
    row /= o.out->shape[i];
    out.back += at * o.background[i];
    out.front += own * o.front->strides[i];
    out.meets = out.meets && own >= 0 && own < o.front->shape[i];
  }
  return out;
}

template <class T>
void overlay_rows(const Overlay& o, const T* background, std::int64_t begin, std::int64_t end) {
  const TensorArg& out = *o.out;
  const int last = out.rank - 1;
  T* const result = reinterpret_cast<T*>(out.data);
  const T* const front = reinterpret_cast<const T*>(o.front->data);
  if (last < 0) {
    *result = *front;
    return;
  }
  const std::int64_t size = out.shape[last], low = o.offset[last], n = o.front->shape[last];
  const std::int64_t stride = o.background[last], per_tile = rows_in_overlay_tile(out);
  const std::int64_t stop = smaller(end * per_tile, num_elements(out) / size);
  for (std::int64_t r = begin * per_tile; r < stop; ++r) {
    const OverlayRow row = overlay_row(o, r);
    T* const to = result + r * size;
    const T* const back = background + row.back;
    if (!row.meets || n == 0) {
      copy_line(to, 1, back, stride, size);
      continue;
    }
    copy_line(to, 1, back, stride, low);
    copy_line(to + low, 1, front + row.front, o.front->strides[last], n);
    copy_line(to + low + n, 1, back + (low + n) * stride, stride, size - low - n);
  }
}

}  // namespace ingot::INGOT_LEVEL
