// cumulative_sum and cumulative_prod: the left fold along an axis, in order, from the last element with reverse. Of a
// float the order is the contract, so that one thread folds a line. Integers wrap: any order gives the same bits, and
// all threads of a block scan the lines of a tile; where that leaves processors idle, lines are cut into parts, whose
// totals are scanned first.
#include "cuda/kernels/line_tile.h"
#include "kernels/reduce_ops.h"

namespace ingot::cuda {
namespace {

constexpr std::int64_t kLeastPart = std::int64_t{4} << kTileShift;  // elements of a line

// Grid: one block per tile's lines.
template <class Op, class T>
__global__ void fold_lines(T* to, const T* from, const __grid_constant__ Lines lines, Guard guard) {
  if (stopped(guard)) return;
  __shared__ LineTile<T> tile;
  const int length = kTileElements >> lines.shift, thread = static_cast<int>(threadIdx.x);
  INGOT_ROLLED
  for (std::uint32_t first = blockIdx.x << lines.shift; first < lines.count; first += gridDim.x << lines.shift) {
    const int num_lines = static_cast<int>(smaller(1 << lines.shift, lines.count - first));
    tile.find(lines, first, num_lines);
    T sum = Op::template identity<T>();
    INGOT_ROLLED
    for (std::int64_t begin = 0; begin < lines.extent; begin += length) {
      const int places = static_cast<int>(smaller(length, lines.extent - begin));
      tile.load(from, lines, num_lines, begin, places);
      for (int place = 0; thread < num_lines && place < places; ++place) {
        T& element = tile.at(lines, thread, place);
        element = sum = Op::apply(sum, element);
      }
      tile.store(to, lines, num_lines, begin, places);
    }
  }
}

// Lines cut into parts of `length` elements: the total of each part, then of all up to and including it.
template <class T>
struct Parts {
  std::int64_t length;
  std::uint32_t count;  // of a line
  T* totals;            // [line, part]
};

// The piece of a tile's line that a thread has: threads of a warp have neighboring lines.
struct OwnPiece {
  int line, first, last;  // places
  __device__ OwnPiece(const Lines& lines, int num_lines, int places) {
    const int thread = static_cast<int>(threadIdx.x);
    line = thread & ((1 << lines.shift) - 1);
    first = thread >> lines.shift << kPieceShift;
    last = line < num_lines ? static_cast<int>(smaller(first + (1 << kPieceShift), places)) : first;
  }
};

// What all threads' values of a line come to, up to and including each. Threads of a line are 2^shift apart.
template <class Op, class T>
__device__ T scan_threads(T* values, T own, int shift) {
  const int thread = static_cast<int>(threadIdx.x);
  values[thread] = own;
  __syncthreads();
  INGOT_ROLLED
  for (int apart = 1 << shift; apart < static_cast<int>(kBlockThreads); apart *= 2) {
    const T before = thread >= apart ? values[thread - apart] : Op::template identity<T>();
    __syncthreads();
    values[thread] = own = Op::apply(before, own);
    __syncthreads();
  }
  return own;
}

// Grid: one block per part of a tile's lines. With kTotals writes what each part comes to, else the running values,
// from the total of the parts before. Bound by memory.
template <class Op, class T, bool kTotals>
__global__ void scan_lines(T* to, const T* from, const __grid_constant__ Lines lines,
                           const __grid_constant__ Parts<T> parts, Guard guard) {
  if (stopped(guard)) return;
  __shared__ LineTile<T> tile;
  __shared__ T values[kBlockThreads];
  constexpr T kNothing = Op::template identity<T>();
  const int length = kTileElements >> lines.shift, num_threads_before = 1 << lines.shift;
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t num_items = std::int64_t{(lines.count - 1) >> lines.shift} * parts.count + parts.count;
  INGOT_ROLLED
  for (std::int64_t item = blockIdx.x; item < num_items; item += gridDim.x) {
    const std::int64_t part = item % parts.count, part_begin = part * parts.length;
    const auto first = static_cast<std::uint32_t>(item / parts.count) << lines.shift;
    const int num_lines = static_cast<int>(smaller(1 << lines.shift, lines.count - first));
    tile.find(lines, first, num_lines);
    const OwnPiece whole(lines, num_lines, length);
    const std::int64_t total = (first + static_cast<unsigned>(whole.line)) * std::int64_t{parts.count} + part;
    T before = !kTotals && part > 0 && whole.line < num_lines ? parts.totals[total - 1] : kNothing;
    const std::int64_t part_end = smaller(part_begin + parts.length, lines.extent);
    INGOT_ROLLED
    for (std::int64_t begin = part_begin; begin < part_end; begin += length) {
      const int places = static_cast<int>(smaller(length, part_end - begin));
      tile.load(from, lines, num_lines, begin, places);
      const OwnPiece own(lines, num_lines, places);
      T sum = kNothing;
      for (int place = own.first; place < own.last; ++place) {
        T& element = tile.at(lines, own.line, place);
        element = sum = Op::apply(sum, element);
      }
      if constexpr (kTotals) {
        before = Op::apply(before, sum);
        __syncthreads();  // the tile has been read
      } else {
        scan_threads<Op>(values, sum, lines.shift);
        const T add = thread < num_threads_before ? before : Op::apply(before, values[thread - num_threads_before]);
        for (int place = own.first; place < own.last; ++place) {
          T& element = tile.at(lines, own.line, place);
          element = Op::apply(add, element);
        }
        before = Op::apply(before, values[static_cast<int>(kBlockThreads) - num_threads_before + own.line]);
        tile.store(to, lines, num_lines, begin, places);
      }
    }
    if constexpr (kTotals) {
      const T all = scan_threads<Op>(values, before, lines.shift);
      if (thread >= static_cast<int>(kBlockThreads) - num_threads_before && whole.line < num_lines) {
        parts.totals[total] = all;
      }
    }
  }
}

// As many lines in a tile as fill it; where they lie side by side, as many as are read together.
template <class T>
std::int32_t choose_shift(const Lines& lines) {
  std::int32_t shift = 0;
  const auto wants_more = [&] {
    return lines.side_by_side || std::is_floating_point_v<T> || kTileElements >> (shift + 1) >= lines.extent;
  };
  while (1 << shift < kMostLines && 1u << shift < lines.count && wants_more()) ++shift;
  return shift;
}

std::int64_t num_parts(std::int64_t extent, std::int64_t length) {
  return (extent + length - 1) / length;
}

// Parts that give every processor some, none of them short.
template <class T>
Parts<T> choose_parts(const Enqueue& enqueue, const Lines& lines) {
  const std::int64_t tiles = std::int64_t{(lines.count - 1) >> lines.shift} + 1;
  const std::int64_t wanted = tiles >= 2 * enqueue.num_processors ? 1 : 8 * enqueue.num_processors / tiles;
  std::int64_t length = larger(num_parts(lines.extent, wanted), kLeastPart);
  length = (length + kTileElements - 1) / kTileElements * kTileElements;
  const auto count = static_cast<std::uint32_t>(num_parts(lines.extent, length));
  return {length, count, reinterpret_cast<T*>(enqueue.workspace)};
}

template <class Op, class T>
cudaError_t scan(const Enqueue& enqueue, T* to, const T* from, const Lines& lines, const Parts<T>& parts) {
  const std::int64_t items = (std::int64_t{(lines.count - 1) >> lines.shift} + 1) * parts.count;
  const auto run = [&](auto kernel) {
    return launch(kernel, grid_for(items, 1), kBlockThreads, 0, enqueue.stream, to, from, lines, parts, enqueue.guard);
  };
  if (parts.count == 1) return run(scan_lines<Op, T, false>);
  cudaError_t status = run(scan_lines<Op, T, true>);
  if (status != cudaSuccess) return status;
  Box all = {};  // the totals' lines
  all.rank = 1, all.shape[0] = lines.count, all.to[0] = all.from[0] = parts.count;
  Lines totals = {make_walk(all), lines.count, parts.count, 1, 1, 0, false};
  totals.shift = choose_shift<T>(totals);
  status = scan<Op, T>(enqueue, parts.totals, parts.totals, totals, {parts.count, 1, nullptr});
  return status == cudaSuccess ? run(scan_lines<Op, T, false>) : status;
}

template <class Op, class T>
cudaError_t enqueue_lines(const Enqueue& enqueue, T* to, const T* from, const Lines& lines) {
  if constexpr (std::is_floating_point_v<T>) {
    return launch(fold_lines<Op, T>, grid_for(lines.count, 1u << lines.shift), kBlockThreads, 0, enqueue.stream, to,
                  from, lines, enqueue.guard);
  } else {
    return scan<Op, T>(enqueue, to, from, lines, choose_parts<T>(enqueue, lines));
  }
}

template <class Op, class T>
cudaError_t enqueue_fold(const Enqueue& enqueue) {
  const TensorArg &x = enqueue.call.inputs[0], &out = enqueue.call.outputs[0];
  const int axis = static_cast<int>(attr(enqueue.call, 0)[0]);
  const bool reverse = attr(enqueue.call, 1)[0] != 0;
  if (num_elements(out) == 0) return cudaSuccess;
  const Box box = other_axes(out, x, axis);
  Lines lines = {};
  lines.extent = out.shape[axis];
  lines.to_step = reverse ? -out.strides[axis] : out.strides[axis];
  lines.from_step = reverse ? -x.strides[axis] : x.strides[axis];
  lines.side_by_side = box.rank > 0 && distance(box.from[box.rank - 1]) < distance(x.strides[axis]);
  T* to = reinterpret_cast<T*>(out.data);
  const T* from = reinterpret_cast<const T*>(x.data);
  if (reverse) {
    to += (lines.extent - 1) * out.strides[axis];
    from += (lines.extent - 1) * x.strides[axis];
  }
  return in_parts(box, kFromBegin, [&](const Box& part, const std::int64_t* begin) {
    T* target = to;
    const T* source = from;
    for (int i = 0; i < part.rank; ++i) {
      target += begin[i] * part.to[i];
      source += begin[i] * part.from[i];
    }
    lines.begins = make_walk(part);
    lines.count = static_cast<std::uint32_t>(box_elements(part));
    lines.shift = choose_shift<T>(lines);
    return enqueue_lines<Op, T>(enqueue, target, source, lines);
  });
}

// The totals of as many parts as there can be.
template <class T>
std::int64_t workspace_bytes(const KernelCall& call) {
  const TensorArg& out = call.outputs[0];
  const std::int64_t extent = out.shape[attr(call, 0)[0]];
  if (extent <= kLeastPart) return 0;
  return num_elements(out) / extent * num_parts(extent, kLeastPart) * static_cast<std::int64_t>(sizeof(T));
}

#define INGOT_CUMULATIVE(name, Op)                                                                       \
  {name, device::kF32Type, enqueue_fold<device::Op, float>, nullptr},                                    \
      {name, device::kF64Type, enqueue_fold<device::Op, double>, nullptr},                               \
      {name, device::kI32Type, enqueue_fold<device::Op, std::int32_t>, workspace_bytes<std::int32_t>}, { \
    name, device::kI64Type, enqueue_fold<device::Op, std::int64_t>, workspace_bytes<std::int64_t>        \
  }

constexpr DeviceKernel kKernels[] = {
    INGOT_CUMULATIVE("cumulative_sum", Sum),
    INGOT_CUMULATIVE("cumulative_prod", Prod),
};

}  // namespace

extern const DeviceKernelFamily kCumulativeKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
