// The blocked product C[rows, columns] = A[rows, k] B[k, columns] under the order of docs/numerics.md rule 3, used by
// matmul and convolution. A source says where A and B come from; the blocking never changes a bit, because every
// element of C is folded over k alone and k is only ever cut at multiples of kBlock.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/gemm_plan.h"
#include "kernels/group.h"
#include "kernels/micro_kernel.h"
#include "kernels/pack.h"

namespace ingot::INGOT_LEVEL {

// Enough for every plan with at most these sizes; monotone in them. packs: columns may have to be packed.
template <class T>
std::int64_t gemm_scratch_bytes(std::int64_t rows, std::int64_t columns, std::int64_t k, bool packs = true) {
  const std::int64_t chunk = smaller(k, kChunk), size = static_cast<std::int64_t>(sizeof(T));
  const std::int64_t a = smaller(rows * (chunk + kRowPadding) * size, kRowBlockBytes);
  const std::int64_t b = packs ? round_up(smaller(columns, kPackColumns), kPanel) * chunk * size : 0;
  return round_up(a, 64) + b;
}

// Rows first .. first+rows-1 of a tile times one group of packed or in-place columns, into c.
template <class T>
struct ColumnGroup {
  const T* b;
  std::int64_t step, vector;  // see MicroCall
  std::int64_t columns;       // <= kTileColumns; whole vectors may be read
  const T* next = nullptr;    // panels that come after these: fetched meanwhile, a part by each row tile
};

template <class T>
struct RowGroup {
  const T* a;
  std::int64_t row;
  std::int64_t rows;
  bool far = false;  // not read by this core yet
};

template <class T>
struct Target {
  T* c;
  std::int64_t row, column;
};

// A tile's edge goes through a buffer, so that the micro-kernel always writes whole vectors of contiguous columns.
template <class T>
void multiply_at_edge(MicroKernel<T> kernel, MicroCall<T>& call, const Target<T>& to, std::int64_t rows,
                      std::int64_t columns) {
  alignas(64) T buffer[kTileRows * kTileColumns<T>];
  for (std::int64_t i = 0; call.add && i < rows; ++i) {
    for (std::int64_t j = 0; j < kTileColumns<T>; ++j) {
      buffer[i * kTileColumns<T> + j] = j < columns ? to.c[i * to.row + j * to.column] : static_cast<T>(0);
    }
  }
  call.c = buffer;
  call.c_row = kTileColumns<T>;
  kernel(call);
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) to.c[i * to.row + j * to.column] = buffer[i * kTileColumns<T> + j];
  }
}

// Fetches the first steps of rows that the next row tile will read; the others are fetched while it computes.
template <class T>
void fetch_begin(const RowGroup<T>& a, std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kLine = 64 / static_cast<std::int64_t>(sizeof(T)), kLines = 3;
  for (std::int64_t i = first; i < last; ++i) {
    for (std::int64_t line = 0; line < kLines; ++line) __builtin_prefetch(a.a + i * a.row + line * kLine);
  }
}

// All rows of a tile times one column group, in row tiles of nearly equal height.
template <class T>
void multiply_group(const RowGroup<T>& a, const ColumnGroup<T>& b, const Target<T>& to, std::int64_t k, bool add) {
  constexpr std::int64_t kWidth = kLanes<Wide<T>>;
  const std::int64_t row_tiles = ceil_div(a.rows, kTileRows);
  const int vectors = static_cast<int>(ceil_div(b.columns, kWidth));
  for (std::int64_t t = 0; t < row_tiles; ++t) {
    const std::int64_t first = a.rows * t / row_tiles, rows = a.rows * (t + 1) / row_tiles - first;
    T* const c = to.c + first * to.row;
    MicroCall<T> call{a.a + first * a.row, a.row, b.b, b.step, b.vector, c, to.row, k, add};
    call.far_rows = a.far;
    if (a.far) fetch_begin(a, first + rows, a.rows * (t + 2 < row_tiles ? t + 2 : row_tiles) / row_tiles);
    if (b.next != nullptr) {
      call.ahead = b.next + k * t / row_tiles * kPanel;
      call.ahead_step = ceil_div(kPanel, row_tiles);
    }
    const MicroKernel<T> kernel = micro_kernel(static_cast<const T*>(nullptr), vectors, static_cast<int>(rows));
    if (to.column == 1 && b.columns == vectors * kWidth) {
      kernel(call);
    } else {
      multiply_at_edge<T>(kernel, call, {c, to.row, to.column}, rows, b.columns);
    }
  }
}

// What is kept from tile to tile of one call: the rows copied last.
struct RowCache {
  std::int64_t key, first_row, first_k;
};

// A Source<T> has
//   const T* rows_in_place(batch, first_row, k, row_stride*)       null where rows must be copied
//   void copy_rows(batch, first_row, rows, k, steps, to, stride)   to[i * stride + step]
//   std::int64_t rows_key(batch)                                   equal for batches with the same A
//   const T* panels_in_place(batch, column, k)                     column % 16 == 0; null where they are not in panels
//   std::int64_t panel_stride()                                    elements between two panels in place
//   const T* columns_in_place(batch, column, k, columns, step*)    null where columns must be packed
//   void pack(batch, column, columns, k, steps, to)                panels one after the other, zeros at the end
//   const T* panels_of_next_step()                                 null where they are not known
//   Target<T> target(batch)
template <class T, class Source>
RowGroup<T> take_rows(const GemmPlan& plan, const Source& source, std::int64_t batch, std::int64_t first,
                      std::int64_t k, std::int64_t steps, T* buffer, RowCache& cache) {
  RowGroup<T> out{nullptr, 0, smaller(plan.rows_per_tile, plan.rows - first)};
  out.a = source.rows_in_place(batch, first, k, &out.row);
  if (out.a != nullptr) return out;
  out.a = buffer;
  out.row = plan.chunk + kRowPadding;
  const std::int64_t key = source.rows_key(batch);
  if (cache.key != key || cache.first_row != first || cache.first_k != k) {
    source.copy_rows(batch, first, out.rows, k, steps, buffer, out.row);
    cache = {key, first, k};
  }
  return out;
}

// Columns column .. column+columns-1, columns <= kPackColumns, times the rows. after: panels that come after these.
template <class T, class Source>
[[gnu::noinline]] void multiply_columns(const Source& source, RowGroup<T> rows, std::int64_t batch, std::int64_t column,
                                        std::int64_t columns, std::int64_t k, std::int64_t steps, const Target<T>& to,
                                        T* buffer, const T* after) {
  constexpr std::int64_t kWidth = kLanes<Wide<T>>;
  std::int64_t step = kPanel, panel = source.panel_stride();
  const T* panels = source.panels_in_place(batch, column, k);
  const T* b =
      panels != nullptr ? nullptr : source.columns_in_place(batch, column, k, round_up(columns, kWidth), &step);
  if (panels == nullptr && b == nullptr) {
    source.pack(batch, column, columns, k, steps, buffer);
    panels = buffer;
    panel = kPanel * steps;
  }
  for (std::int64_t j = 0; j < columns; j += kTileColumns<T>) {
    ColumnGroup<T> group{b + j, step, kWidth, smaller(kTileColumns<T>, columns - j)};
    if (panels != nullptr) {  // vectors of a panel lie side by side, a vector as wide as a panel in the next panel
      group.b = panels + j / kPanel * panel + j % kPanel;
      if (kWidth == kPanel) group.vector = panel;
      group.next = j + kTileColumns<T> < columns ? group.b + kTileColumns<T> / kPanel * panel : after;
    }
    multiply_group<T>(rows, group, {to.c + j * to.column, to.row, to.column}, steps, k != 0);
    rows.far = false;
  }
}

// What runs on each finished tile of C: a group, on a tile that lies in scratch; null: nothing, C is written in place.
template <class T>
struct Epilogue {
  GroupMachine* group = nullptr;
  T* tile = nullptr;
  bool turned = false;  // it is the transposed product: C's columns are its rows

  // Where a tile is computed that begins at (row, column) of product `batch`.
  Target<T> target(const Target<T>& c, std::int64_t rows, std::int64_t columns, std::int64_t row,
                   std::int64_t column) const {
    if (group == nullptr) return {c.c + row * c.row + column * c.column, c.row, c.column};
    return turned ? Target<T>{tile, 1, rows} : Target<T>{tile, columns, 1};
  }

  void finish(const GemmPlan& plan, std::int64_t batch, std::int64_t rows, std::int64_t columns, std::int64_t row,
              std::int64_t column) const {
    if (group == nullptr) return;
    constexpr std::int64_t kSize = sizeof(T);
    const GroupPanel panel{reinterpret_cast<char*>(tile), (turned ? rows : columns) * kSize};
    if (turned) {
      run_group(*group, batch * plan.columns + column, columns, row, rows, &panel, nullptr);
    } else {
      run_group(*group, batch * plan.rows + row, rows, column, columns, &panel, nullptr);
    }
  }
};

// Bytes of the largest tile of a product with at most these sizes.
template <class T>
std::int64_t epilogue_tile_bytes(std::int64_t rows, std::int64_t columns) {
  const std::int64_t elements =
      smaller(rows, kMostTileRows) * smaller(round_up(columns, kPackColumns), kMostTileColumns);
  return round_up(elements * static_cast<std::int64_t>(sizeof(T)), 64);
}

// Rows of one row tile times columns first .. last-1.
template <class T, class Source>
[[gnu::noinline]] void multiply_range(const GemmPlan& plan, const Source& source, std::int64_t batch,
                                      std::int64_t first_row, std::int64_t first, std::int64_t last, T* a_buffer,
                                      T* b_buffer, RowCache& cache, const Epilogue<T>& epilogue) {
  const std::int64_t num_rows = smaller(plan.rows_per_tile, plan.rows - first_row);
  const Target<T> to = epilogue.target(source.target(batch), num_rows, last - first, first_row, first);
  for (std::int64_t k = 0; k < plan.k; k += plan.chunk) {
    const std::int64_t steps = smaller(plan.chunk, plan.k - k);
    RowGroup<T> rows = take_rows<T>(plan, source, batch, first_row, k, steps, a_buffer, cache);
    rows.far = rows.a != a_buffer;
    for (std::int64_t j = first; j < last; j += kPackColumns) {
      const Target<T> part{to.c + (j - first) * to.column, to.row, to.column};
      const std::int64_t next = j + kPackColumns;
      const T* const after = next < last           ? source.panels_in_place(batch, next, k)
                             : k + steps < plan.k  ? source.panels_in_place(batch, first, k + steps)
                             : next < plan.columns ? source.panels_in_place(batch, next, 0)
                                                   : source.panels_of_next_step();
      multiply_columns<T>(source, rows, batch, j, smaller(kPackColumns, last - j), k, steps, part, b_buffer, after);
      rows.far = false;
    }
  }
  for (std::int64_t i = 0; plan.k == 0 && i < num_rows; ++i) {
    for (std::int64_t j = 0; j < last - first; ++j) to.c[i * to.row + j * to.column] = 0;
  }
  epilogue.finish(plan, batch, num_rows, last - first, first_row, first);
}

// Tiles with the same rows are computed as one where nothing else is done with them; their rows are copied once.
template <class T, class Source>
void run_gemm(const GemmPlan& tiles, const Source& source, std::int64_t begin, std::int64_t end, char* scratch,
              const Epilogue<T>& epilogue = {}) {
  const GemmPlan plan = begin == 0 && end == gemm_tiles(tiles) ? plan_alone<T>(tiles, end) : tiles;
  T* const a_buffer = reinterpret_cast<T*>(scratch);
  const std::int64_t row_bytes = (plan.chunk + kRowPadding) * static_cast<std::int64_t>(sizeof(T));
  T* const b_buffer = reinterpret_cast<T*>(scratch + round_up(plan.rows_per_tile * row_bytes, 64));
  RowCache cache{-1, -1, -1};
  while (begin < end) {
    const std::int64_t row_tile = begin / plan.column_tiles;
    const std::int64_t most = epilogue.group != nullptr ? begin + 1 : (row_tile + 1) * plan.column_tiles;
    const std::int64_t last_tile = smaller(end, most);
    const std::int64_t first = begin % plan.column_tiles * plan.columns_per_tile;
    const std::int64_t last = smaller(first + (last_tile - begin) * plan.columns_per_tile, plan.columns);
    multiply_range<T>(plan, source, row_tile / plan.row_tiles, row_tile % plan.row_tiles * plan.rows_per_tile, first,
                      last, a_buffer, b_buffer, cache, epilogue);
    begin = last_tile;
  }
}

}  // namespace ingot::INGOT_LEVEL
