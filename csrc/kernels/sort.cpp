// argsort: a stable merge sort of positions, line by line. NaN counts as the largest, -0 equals +0.
#include "execute/kernel.h"
#include "kernels/families.h"
#include "kernels/scalar.h"
#include "kernels/slabs.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kRun = 16;  // sorted by insertion

template <class T>
bool less(T a, T b) {
  if constexpr (kIsFloat<T>) return a < b || (a == a && b != b);
  return a < b;
}

// Scratch: the keys of a line, and two arrays of positions.
template <class T>
std::int64_t scratch(const KernelCall* call) {
  const std::int64_t n = call->outputs[0].shape[attr_int(call, 0)];
  return 2 * n * std::int64_t{sizeof(std::int64_t)} + n * std::int64_t{sizeof(T)};
}

std::int64_t lines_of(const KernelCall* call) {
  const std::int64_t extent = call->outputs[0].shape[attr_int(call, 0)];
  return extent == 0 ? 0 : num_elements(call->outputs[0]) / extent;
}

std::int64_t lines_in_tile(const KernelCall* call) {
  return larger(512 / larger(call->outputs[0].shape[attr_int(call, 0)], 1), 1);
}

std::int64_t tiles(const KernelCall* call) {
  return ceil_div(lines_of(call), lines_in_tile(call));
}

std::int64_t cost(const KernelCall* call) {  // about 3 ns per comparison, log2(n) of them per element
  std::int64_t rounds = 1;
  for (std::int64_t n = call->outputs[0].shape[attr_int(call, 0)]; n > 1; n /= 2) ++rounds;
  return num_elements(call->outputs[0]) * rounds * 3;
}

// Whether b must come before a that stands to its left.
template <class T>
bool out_of_order(T a, T b, bool descending) {
  return descending ? less(a, b) : less(b, a);
}

template <class T>
void sort_run(const T* keys, std::int64_t* order, std::int64_t begin, std::int64_t end, bool descending) {
  for (std::int64_t i = begin + 1; i < end; ++i) {
    const std::int64_t moved = order[i];
    std::int64_t j = i;
    for (; j > begin && out_of_order(keys[order[j - 1]], keys[moved], descending); --j) order[j] = order[j - 1];
    order[j] = moved;
  }
}

// Merges from[begin .. middle) and from[middle .. end) into `to`; the left one wins among equals.
template <class T>
void merge(const T* keys, const std::int64_t* from, std::int64_t* to, std::int64_t begin, std::int64_t middle,
           std::int64_t end, bool descending) {
  std::int64_t left = begin, right = middle;
  for (std::int64_t i = begin; i < end; ++i) {
    const bool take_right =
        left == middle || (right < end && out_of_order(keys[from[left]], keys[from[right]], descending));
    to[i] = take_right ? from[right++] : from[left++];
  }
}

// Returns the one of the two arrays that holds the sorted positions.
template <class T>
const std::int64_t* sort_line(const T* keys, std::int64_t* a, std::int64_t* b, std::int64_t n, bool descending) {
  for (std::int64_t i = 0; i < n; ++i) a[i] = i;
  for (std::int64_t i = 0; i < n; i += kRun) sort_run(keys, a, i, smaller(i + kRun, n), descending);
  for (std::int64_t width = kRun; width < n; width *= 2) {
    for (std::int64_t i = 0; i < n; i += 2 * width) {
      merge(keys, a, b, i, smaller(i + width, n), smaller(i + 2 * width, n), descending);
    }
    std::int64_t* const swap = a;
    a = b;
    b = swap;
  }
  return a;
}

template <class T>
void run(const KernelCall* call, std::int64_t begin, std::int64_t end, char* scratch) {
  const TensorArg &x = call->inputs[0], &out = call->outputs[0];
  const std::int64_t axis = attr_int(call, 0), n = out.shape[axis];
  const bool descending = attr_int(call, 1) != 0;
  std::int64_t* const a = reinterpret_cast<std::int64_t*>(scratch);
  std::int64_t* const b = a + n;
  T* const keys = reinterpret_cast<T*>(b + n);
  const std::int64_t stop = smaller(end * lines_in_tile(call), lines_of(call));
  for (std::int64_t line = begin * lines_in_tile(call); line < stop; ++line) {
    const T* from = reinterpret_cast<const T*>(x.data);
    std::int64_t* to = reinterpret_cast<std::int64_t*>(out.data);
    std::int64_t rest = line;
    for (int i = out.rank - 1; i >= 0; --i) {
      if (i == axis) continue;
      from += rest % out.shape[i] * x.strides[i];
      to += rest % out.shape[i] * out.strides[i];
      rest /= out.shape[i];
    }
    for (std::int64_t i = 0; i < n; ++i) keys[i] = from[i * x.strides[axis]];
    const std::int64_t* const order = sort_line(keys, a, b, n, descending);
    for (std::int64_t i = 0; i < n; ++i) to[i * out.strides[axis]] = order[i];
  }
}

}  // namespace

extern constinit const Kernel sort_kernels[] = {
    {"argsort", kF32Type, tiles, scratch<float>, cost, run<float>},
    {"argsort", kF64Type, tiles, scratch<double>, cost, run<double>},
    {"argsort", kI32Type, tiles, scratch<std::int32_t>, cost, run<std::int32_t>},
    {"argsort", kI64Type, tiles, scratch<std::int64_t>, cost, run<std::int64_t>},
    {"argsort", kBoolType, tiles, scratch<std::uint8_t>, cost, run<std::uint8_t>},
};
extern constinit const std::int32_t num_sort_kernels = sizeof(sort_kernels) / sizeof(sort_kernels[0]);

}  // namespace ingot::INGOT_LEVEL
