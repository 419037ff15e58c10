// How a product of tiles is computed: which kernel, which tiles, and whether k is cut into parts.
#pragma once

#include "cuda/kernels/device.h"
#include "cuda/kernels/few_rows.h"

namespace ingot::cuda {

// Bytes that sums of blocks of k may take. A product that needs more is not cut: it has tiles enough.
inline constexpr std::int64_t kPartsBytes = std::int64_t{16} << 20;

// The sums of all blocks of k, where they are to be added by a second kernel. Grows with the sizes and stays there, as
// workspaces do.
inline std::int64_t parts_bytes(std::int64_t elements, std::int64_t k, std::int64_t size) {
  const std::int64_t blocks = (k + kFoldSteps - 1) / kFoldSteps;
  if (blocks < 2 || elements == 0) return 0;
  if (elements > kPartsBytes / size / blocks) return kPartsBytes;
  return elements * blocks * size;
}
inline bool fits_parts(std::int64_t elements, std::int64_t k, std::int64_t size) {
  const std::int64_t blocks = (k + kFoldSteps - 1) / kFoldSteps;
  return blocks >= 2 && elements <= kPartsBytes / size / blocks;
}

struct TileChoice {
  bool large;  // tiles of 128 x 128
  bool parts;  // a part per block of k
};

// Clocks of the device that computing takes, roughly. A processor does 128 fma of float32 a clock, with tiles of 128 at
// 0.9 of that, with tiles of 64 at 0.6; its blocks share it, so that the fullest processor decides. Parts move 2 * 4
// bytes per element and block at 20 bytes a clock and processor, and cost a launch of 5000 clocks.
inline double clocks_of(std::int64_t rows, std::int64_t columns, std::int64_t batches, std::int64_t k,
                        std::int64_t processors, std::int64_t size, TileChoice choice) {
  const std::int64_t tile = choice.large ? 128 : 64, blocks = choice.parts ? (k + kFoldSteps - 1) / kFoldSteps : 1;
  const std::int64_t items = ((rows + tile - 1) / tile) * ((columns + tile - 1) / tile) * batches * blocks;
  const double steps = static_cast<double>(choice.parts ? kFoldSteps : k);
  const double of_item = static_cast<double>(tile * tile) * steps / (128 * (choice.large ? 0.9 : 0.6));
  double clocks = static_cast<double>((items + processors - 1) / processors) * of_item;
  if (choice.parts) {
    const double moved = 2.0 * static_cast<double>(rows * columns * batches) * static_cast<double>(blocks * size);
    clocks += moved / (20.0 * static_cast<double>(processors)) + 5000;
  }
  return clocks;
}

inline TileChoice choose_tiles(std::int64_t rows, std::int64_t columns, std::int64_t batches, std::int64_t k,
                               std::int64_t processors, std::int64_t size, bool has_large, bool may_cut) {
  TileChoice best{false, false};
  double least = clocks_of(rows, columns, batches, k, processors, size, best);
  for (int i = 1; i < 4; ++i) {
    const TileChoice choice{(i & 1) != 0, (i & 2) != 0};
    if ((choice.large && !has_large) || (choice.parts && !may_cut)) continue;
    const double clocks = clocks_of(rows, columns, batches, k, processors, size, choice);
    if (clocks < least) best = choice, least = clocks;
  }
  return best;
}

// The axes of `x` behind those of `to`.
inline void append_axes(TensorArg& to, const TensorArg& x) {
  for (int i = 0; i < x.rank; ++i, ++to.rank) {
    to.shape[to.rank] = x.shape[i];
    to.strides[to.rank] = x.strides[i];
  }
}

// Sends the parts of a product to the workspace, [part][batch][row][column], and says how they come together.
template <class Source>
PartsSum cut_into_parts(TileProduct<Source>& p, char* workspace) {
  PartsSum sum{};
  sum.out.data = p.rows.data;
  for (const TensorArg* axes : {&p.batches, &p.rows, &p.columns}) append_axes(sum.out, *axes);
  sum.parts = workspace;
  sum.num_elements = p.num_batches * p.num_rows * p.num_columns;
  p.part_steps = kFoldSteps;
  p.num_parts = sum.num_parts = (p.k + kFoldSteps - 1) / kFoldSteps;
  p.part_stride = sum.num_elements;
  const auto one_axis = [](std::int64_t size, std::int64_t stride) {
    TensorArg x{};
    x.rank = 1, x.shape[0] = size, x.strides[0] = stride;
    return x;
  };
  p.batches = one_axis(p.num_batches, p.num_rows * p.num_columns);
  p.rows = one_axis(p.num_rows, p.num_columns);
  p.columns = one_axis(p.num_columns, 1);
  p.rows.data = workspace;
  p.stores_pieces = p.num_columns % (16 / static_cast<int>(sizeof(typename Source::Element))) == 0;
  return sum;
}

template <class Source>
cudaError_t finish_parts(const Enqueue& e, const TileProduct<Source>& p, const PartsSum& sum) {
  if (p.num_parts == 1) return cudaSuccess;
  return launch(add_parts<typename Source::Element>, grid_for(sum.num_elements), kBlockThreads, 0, e.stream, sum,
                e.guard);
}

inline unsigned grid_of_items(std::int64_t items) {
  return static_cast<unsigned>(items < kMaxGrid ? items : kMaxGrid);
}

template <class Shape, class Source>
cudaError_t launch_tiles(const Enqueue& e, const TileProduct<Source>& p) {
  const std::int64_t items = ((p.num_rows + Shape::kRows - 1) / Shape::kRows) *
                             ((p.num_columns + Shape::kColumns - 1) / Shape::kColumns) * p.num_batches * p.num_parts;
  return launch(multiply_tiles<Shape, Source>, grid_of_items(items), 256, 0, e.stream, p, e.guard, items);
}

// Requires: the result has elements, p.num_parts is 1. The workspace holds parts_bytes.
template <class Source>
cudaError_t multiply(const Enqueue& e, TileProduct<Source>& p) {
  using T = typename Source::Element;
  constexpr bool kHasLarge = device::kIsFloat<T> && sizeof(T) == 4;
  constexpr int size = sizeof(T);
  const bool may_cut = fits_parts(p.num_batches * p.num_rows * p.num_columns, p.k, size);
  const TileChoice choice =
      choose_tiles(p.num_rows, p.num_columns, p.num_batches, p.k, e.num_processors, size, kHasLarge, may_cut);
  const PartsSum sum = choice.parts ? cut_into_parts(p, e.workspace) : PartsSum{};
  cudaError_t status;
  if constexpr (kHasLarge) {
    constexpr int kSteps = Source::kGathers ? 16 : 32;  // what fits registers without spilling
    status = choice.large ? launch_tiles<TileShape<T, 128, 16, 8, 1>>(e, p)
                          : launch_tiles<TileShape<T, 64, kSteps, 4, 2>>(e, p);
  } else {
    constexpr int kBlocks = size == 4 || (device::kIsFloat<T> && !Source::kGathers) ? 2 : 1;
    status = launch_tiles<TileShape<T, 64, 64 / size, 4, kBlocks>>(e, p);
  }
  return status == cudaSuccess ? finish_parts(e, p, sum) : status;
}

// In matmul.cu, once for all.
extern template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<float>>&);
extern template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<double>>&);

}  // namespace ingot::cuda
