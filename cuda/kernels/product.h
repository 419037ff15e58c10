// How a product of tiles is computed: which kernel, which tiles, and whether k is cut into parts.
#pragma once

#include "cuda/anchored_launch.h"
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

inline unsigned grid_of_items(std::int64_t items) {
  return static_cast<unsigned>(items < kMaxGrid ? items : kMaxGrid);
}

template <class Source>
TileChoice choose_tiles(const TileProduct<Source>& p, std::int64_t processors) {
  using Shapes = TileShapes<Source>;
  return choose_tiles(p.num_rows, p.num_columns, p.num_batches, p.k, processors, Shapes::kSize, Shapes::kHasLarge,
                      fits_parts(p.num_batches * p.num_rows * p.num_columns, p.k, Shapes::kSize));
}

template <class Shape, class Source>
constexpr AnchorKernel anchor_kernel() {
  constexpr bool kLarge = Shape::kRows > 64;
  if (Source::kGathers) return kLarge ? AnchorKernel::kLargePatchTiles : AnchorKernel::kPatchTiles;
  return kLarge ? AnchorKernel::kLargeTiles : AnchorKernel::kTiles;
}

// Parts carry no group: it runs where they are added.
template <class Shape, class Source>
cudaError_t launch_tiles(const Enqueue& e, const TileProduct<Source>& p, const ResultSpace& space) {
  const std::int64_t items = ((p.num_rows + Shape::kRows - 1) / Shape::kRows) *
                             ((p.num_columns + Shape::kColumns - 1) / Shape::kColumns) * p.num_batches * p.num_parts;
  const TileWork<Source> work = {p, e.guard, items};
  if (e.codes != nullptr && p.num_parts == 1) {
    return launch_with_group(e, anchor_kernel<Shape, Source>(), work, space, grid_of_items(items));
  }
  return launch(multiply_tiles<Shape, Source>, grid_of_items(items), 256, 0, e.stream, work);
}

template <class Source>
cudaError_t finish_parts(const Enqueue& e, const TileProduct<Source>& p, const PartsSum& sum,
                         const ResultSpace& space) {
  if (p.num_parts == 1) return cudaSuccess;
  const SumWork work = {sum, e.guard};
  const unsigned grid = grid_for(sum.num_elements);
  if (e.codes != nullptr) return launch_with_group(e, AnchorKernel::kSums, work, space, grid);
  return launch(add_parts<typename Source::Element>, grid, kBlockThreads, 0, e.stream, work);
}

// Requires: the result has elements, p.num_parts is 1. The workspace holds parts_bytes.
template <class Source>
cudaError_t multiply(const Enqueue& e, TileProduct<Source>& p, const ResultSpace& space) {
  using Shapes = TileShapes<Source>;
  const TileChoice choice = choose_tiles(p, e.num_processors);
  const PartsSum sum = choice.parts ? cut_into_parts(p, e.workspace) : PartsSum{};
  cudaError_t status;
  if constexpr (Shapes::kHasLarge) {
    status = choice.large ? launch_tiles<typename Shapes::Large>(e, p, space)
                          : launch_tiles<typename Shapes::Small>(e, p, space);
  } else {
    status = launch_tiles<typename Shapes::Small>(e, p, space);
  }
  return status == cudaSuccess ? finish_parts(e, p, sum, space) : status;
}

// The kernel that a group is part of, of multiply().
template <class Source>
AnchorKernel anchor_kernel(TileChoice choice) {
  using Shapes = TileShapes<Source>;
  if (choice.parts) return AnchorKernel::kSums;
  return choice.large ? anchor_kernel<typename Shapes::Large, Source>()
                      : anchor_kernel<typename Shapes::Small, Source>();
}

// Of all sizes, where k alone is known, or nothing (0).
template <class Source>
AnchorKernels anchor_kernels_of_any_size(std::int64_t k) {
  AnchorKernels all = {anchor_kernel<Source>({false, false})};
  if (TileShapes<Source>::kHasLarge) all.add(anchor_kernel<Source>({true, false}));
  if (k == 0 || k > kFoldSteps) all.add(AnchorKernel::kSums);
  return all;
}

// In matmul.cu, once for all.
extern template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<float>>&, const ResultSpace&);
extern template cudaError_t multiply(const Enqueue&, TileProduct<StridedLines<double>>&, const ResultSpace&);

}  // namespace ingot::cuda
