// take, dynamic_slice, dynamic_update_slice. Indices are int32 or int64; negative ones count from the end; one out of
// range is reported and nothing is read or written for it: the lowest position in the index operand wins.
#include "execute/kernel.h"
#include "kernels/box.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/micro_kernel.h"
#include "kernels/overlay.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kTile = 8192;  // elements

std::int64_t output_cost(const KernelCall* call) {
  return num_elements(call->outputs[0]) * element_bytes(call->outputs[0].dtype) / 10 + 10;
}

// take: for every position of the axes before `axis` (outer) and every index, a piece of the axes after it (inner).
struct Take {
  std::int64_t axis, extent;
  std::int64_t outer, num_indices, inner;
  Box piece;  // of the result and of x
  Box indices;
};

Take make_take(const KernelCall* call) {
  const TensorArg &x = call->inputs[0], &indices = call->inputs[1];
  Take t{};
  t.axis = attr_int(call, 0);
  t.extent = x.shape[t.axis];
  t.outer = t.inner = 1;
  t.num_indices = num_elements(indices);
  for (int i = 0; i < t.axis; ++i) t.outer *= x.shape[i];
  for (int i = static_cast<int>(t.axis) + 1; i < x.rank; ++i) {
    t.inner *= x.shape[i];
    t.piece.shape[t.piece.rank] = x.shape[i];
    t.piece.from[t.piece.rank++] = x.panels != 0 ? kPanel : x.strides[i];
  }
  contiguous_strides(t.piece.shape, t.piece.rank, t.piece.to);
  t.piece = collapse(t.piece);
  t.indices.rank = indices.rank;
  for (int i = 0; i < indices.rank; ++i) {
    t.indices.shape[i] = indices.shape[i];
    t.indices.from[i] = indices.strides[i];
  }
  contiguous_strides(t.indices.shape, t.indices.rank, t.indices.to);
  t.indices = collapse(t.indices);
  return t;
}

// Where the piece of an index lies. In panels (of axis 0 of a matrix) a row is every 16th element of one panel.
std::int64_t piece_offset(const Take& t, const TensorArg& x, std::int64_t at) {
  return x.panels != 0 ? at / kPanel * kPanel * t.inner + at % kPanel : at * x.strides[t.axis];
}

std::int64_t flat_offset(const Box& box, std::int64_t flat) {
  std::int64_t offset = 0;
  for (int i = box.rank - 1; i >= 0; --i) {
    offset += flat % box.shape[i] * box.from[i];
    flat /= box.shape[i];
  }
  return offset;
}

// Pieces are counted outer first. Where the result is empty the indices are checked all the same.
std::int64_t num_pieces(const Take& t) {
  return larger(t.outer, 1) * t.num_indices;
}
std::int64_t pieces_in_tile(const Take& t) {
  return larger(kTile / larger(t.inner, 1), 1);
}

std::int64_t take_tiles(const KernelCall* call) {
  const Take t = make_take(call);
  return ceil_div(num_pieces(t), pieces_in_tile(t));
}

// The position an index means, or -1 after reporting it.
std::int64_t resolve_index(const KernelCall* call, const TensorArg& indices, std::int64_t element, std::int64_t offset,
                           std::int64_t extent) {
  const std::int64_t value = load_index(indices, offset);
  const std::int64_t at = value < 0 ? value + extent : value;
  if (at >= 0 && at < extent) return at;
  report(call->error, element, value, extent);
  return -1;
}

template <class T>
struct TakePieces {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const Take t = make_take(call);
    const TensorArg &x = call->inputs[0], &indices = call->inputs[1];
    const std::int64_t stop = smaller(end * pieces_in_tile(t), num_pieces(t));
    std::int64_t base_of = -1;
    const T* base = nullptr;  // of the outer position at hand
    for (std::int64_t p = begin * pieces_in_tile(t); p < stop; ++p) {
      const std::int64_t outer = p / t.num_indices, element = p % t.num_indices;
      const std::int64_t at = resolve_index(call, indices, element, flat_offset(t.indices, element), t.extent);
      if (at < 0 || t.outer == 0 || t.inner == 0) continue;
      if (outer != base_of) {
        base = reinterpret_cast<const T*>(x.data);
        std::int64_t rest = outer;
        for (int i = static_cast<int>(t.axis) - 1; i >= 0; --i) {
          base += rest % x.shape[i] * x.strides[i];
          rest /= x.shape[i];
        }
        base_of = outer;
      }
      T* const to = reinterpret_cast<T*>(call->outputs[0].data) + p * t.inner;
      copy_box(t.piece, to, base + piece_offset(t, x, at), 0, t.inner);
    }
  }
};

void run_take(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<TakePieces>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

// Reads the start of a window of this shape in a tensor of that one; false after reporting an index that does not fit.
bool resolve_window(const KernelCall* call, const TensorArg& start, const TensorArg& x, const std::int64_t* window,
                    std::int64_t* at) {
  bool fits = true;
  for (int i = 0; i < x.rank; ++i) {
    const std::int64_t value = load_index(start, i * start.strides[0]);
    at[i] = value < 0 ? value + x.shape[i] : value;
    if (at[i] >= 0 && at[i] <= x.shape[i] - window[i]) continue;
    report(call->error, i, value, x.shape[i]);
    fits = false;
  }
  return fits;
}

std::int64_t slice_tiles(const KernelCall* call) {  // at least one: the start is checked for empty results too
  return larger(ceil_div(num_elements(call->outputs[0]), kTile), 1);
}

template <class T>
struct DynamicSlice {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const TensorArg &x = call->inputs[0], &out = call->outputs[0];
    std::int64_t at[kKernelMaxRank];
    if (!resolve_window(call, call->inputs[1], x, out.shape, at)) return;
    const T* from = reinterpret_cast<const T*>(x.data);
    Box box;
    box.rank = out.rank;
    for (int i = 0; i < out.rank; ++i) {
      box.shape[i] = out.shape[i];
      box.from[i] = x.strides[i];
      from += at[i] * x.strides[i];
    }
    contiguous_strides(out.shape, out.rank, box.to);
    copy_box(collapse(box), reinterpret_cast<T*>(out.data), from, begin * kTile,
             smaller(end * kTile, num_elements(out)));
  }
};

void run_dynamic_slice(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<DynamicSlice>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

// In place where the result already holds the operand.
bool in_place(const KernelCall* call) {
  return call->outputs[0].data == call->inputs[0].data;
}

std::int64_t update_tiles(const KernelCall* call) {
  const std::int64_t tiles =
      in_place(call) ? ceil_div(num_elements(call->inputs[1]), kTile) : overlay_tiles(call->outputs[0]);
  return larger(tiles, 1);
}

std::int64_t update_cost(const KernelCall* call) {
  const TensorArg& moved = in_place(call) ? call->inputs[1] : call->outputs[0];
  return num_elements(moved) * element_bytes(moved.dtype) / 10 + 10;
}

template <class T>
struct DynamicUpdateSlice {
  static void run(const KernelCall* call, std::int64_t begin, std::int64_t end) {
    const TensorArg &x = call->inputs[0], &update = call->inputs[1], &out = call->outputs[0];
    std::int64_t at[kKernelMaxRank];
    if (!resolve_window(call, call->inputs[2], out, update.shape, at)) return;
    if (!in_place(call)) {
      if (num_elements(out) == 0) return;
      overlay_rows<T>({&out, &update, at, x.strides}, reinterpret_cast<const T*>(x.data), begin, end);
      return;
    }
    T* to = reinterpret_cast<T*>(out.data);
    Box box;
    box.rank = out.rank;
    contiguous_strides(out.shape, out.rank, box.to);
    for (int i = 0; i < out.rank; ++i) {
      box.shape[i] = update.shape[i];
      box.from[i] = update.strides[i];
      to += at[i] * box.to[i];
    }
    copy_box(collapse(box), to, reinterpret_cast<const T*>(update.data), begin * kTile,
             smaller(end * kTile, num_elements(update)));
  }
};

void run_dynamic_update_slice(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  by_size<DynamicUpdateSlice>(element_bytes(call->inputs[0].dtype))(call, begin, end);
}

}  // namespace

// Rows of a matrix that is the transposed operand of a product, too.
constinit const PanelForm kTakeForms[] = {
    {.operand = 0, .rank = 2, .order = {0, 1}, .wanted = false, .attr = 0, .attr_value = 0}};

extern constinit const Kernel indexing_kernels[] = {
    {"take", kAnyType, take_tiles, nullptr, output_cost, run_take, false, kTakeForms, 1},
    {"dynamic_slice", kAnyType, slice_tiles, nullptr, output_cost, run_dynamic_slice},
    {"dynamic_update_slice", kAnyType, update_tiles, nullptr, update_cost, run_dynamic_update_slice},
};
extern constinit const std::int32_t num_indexing_kernels = 3;

}  // namespace ingot::INGOT_LEVEL
