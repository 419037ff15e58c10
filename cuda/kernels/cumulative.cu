// cumulative_sum and cumulative_prod: the left fold along an axis, in order, from the last element with reverse. One
// thread folds a line, because a float's order is the contract; all threads of a block load and store, through shared
// memory, so that memory is read and written in whole lines however the axis lies.
#include "cuda/kernels/copy.h"
#include "kernels/reduce_ops.h"

namespace ingot::cuda {
namespace {

constexpr int kTileShift = 12, kTileElements = 1 << kTileShift, kMostLines = 32;  // of a tile

// Lines of one launch: where they begin on both sides, and their steps.
struct Lines {
  BoxWalk begins;
  std::uint32_t count;
  std::int64_t extent, to_step, from_step;
  std::int32_t shift;  // a tile has 2^shift lines
  bool side_by_side;   // neighboring lines are closer than neighboring elements of a line
};

// Element `at` of a tile as a line and a place on it, in the order in which memory is walked.
__device__ __forceinline__ void take_apart(const Lines& lines, int at, int& line, int& place) {
  const int inner = lines.side_by_side ? lines.shift : kTileShift - lines.shift;
  const int low = at & ((1 << inner) - 1), high = at >> inner;
  line = lines.side_by_side ? low : high;
  place = lines.side_by_side ? high : low;
}

// Grid: one block per tile's lines.
template <class Op, class T>
__global__ void fold_lines(T* to, const T* from, const __grid_constant__ Lines lines, Guard guard) {
  if (stopped(guard)) return;
  __shared__ T tile[kTileElements + kMostLines];
  __shared__ std::int64_t to_begins[kMostLines], from_begins[kMostLines];
  const int length = kTileElements >> lines.shift, pitch = length + 1;  // one more: lines begin in different banks
  const int thread = static_cast<int>(threadIdx.x);
  INGOT_ROLLED
  for (std::uint32_t first = blockIdx.x << lines.shift; first < lines.count; first += gridDim.x << lines.shift) {
    const int num_lines = static_cast<int>(smaller(1 << lines.shift, lines.count - first));
    if (thread < num_lines) {
      locate(lines.begins, first + static_cast<unsigned>(thread), to_begins[thread], from_begins[thread]);
    }
    __syncthreads();
    T sum = Op::template identity<T>();
    INGOT_ROLLED
    for (std::int64_t begin = 0; begin < lines.extent; begin += length) {
      const int places = static_cast<int>(smaller(length, lines.extent - begin));
      INGOT_BY_FOUR
      for (int at = thread; at < kTileElements; at += static_cast<int>(kBlockThreads)) {
        int line, place;
        take_apart(lines, at, line, place);
        if (line >= num_lines || place >= places) continue;
        tile[line * pitch + place] = from[from_begins[line] + (begin + place) * lines.from_step];
      }
      __syncthreads();
      if (thread < num_lines) {
        T* const own = tile + thread * pitch;
        for (int place = 0; place < places; ++place) {
          sum = Op::apply(sum, own[place]);
          own[place] = sum;
        }
      }
      __syncthreads();
      INGOT_ROLLED
      for (int at = thread; at < kTileElements; at += static_cast<int>(kBlockThreads)) {
        int line, place;
        take_apart(lines, at, line, place);
        if (line >= num_lines || place >= places) continue;
        to[to_begins[line] + (begin + place) * lines.to_step] = tile[line * pitch + place];
      }
      __syncthreads();
    }
  }
}

std::int64_t distance(std::int64_t stride) {
  return stride < 0 ? -stride : stride;
}

// All axes but one; the one that makes neighboring lines last.
Box other_axes(const TensorArg& out, const TensorArg& x, int axis) {
  Box box = {};
  for (int i = 0; i < out.rank; ++i) {
    if (i == axis) continue;
    box.shape[box.rank] = out.shape[i];
    box.to[box.rank] = out.strides[i];
    box.from[box.rank++] = x.strides[i];
  }
  return device::collapse(box);
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
    lines.shift = 0;
    while (1 << lines.shift < kMostLines && 1u << lines.shift < lines.count) ++lines.shift;
    return launch(fold_lines<Op, T>, grid_for(lines.count, 1u << lines.shift), kBlockThreads, 0, enqueue.stream, target,
                  source, lines, enqueue.guard);
  });
}

#define INGOT_CUMULATIVE(name, Op)                                                 \
  {name, device::kF32Type, enqueue_fold<device::Op, float>, nullptr},              \
      {name, device::kF64Type, enqueue_fold<device::Op, double>, nullptr},         \
      {name, device::kI32Type, enqueue_fold<device::Op, std::int32_t>, nullptr}, { \
    name, device::kI64Type, enqueue_fold<device::Op, std::int64_t>, nullptr        \
  }

constexpr DeviceKernel kKernels[] = {
    INGOT_CUMULATIVE("cumulative_sum", Sum),
    INGOT_CUMULATIVE("cumulative_prod", Prod),
};

}  // namespace

extern const DeviceKernelFamily kCumulativeKernels = {kKernels, sizeof(kKernels) / sizeof(kKernels[0])};

}  // namespace ingot::cuda
