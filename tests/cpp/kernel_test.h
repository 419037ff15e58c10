// What the kernel tests share: random strided tensors, and a runner that computes a call at every level of this
// machine, in tile ranges of random length and order, and compares with what the test says, bit for bit. Compiled with
// INGOT_TEST_DEVICE, where the emulated device is one more level.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "execute/kernel.h"
#include "execute/levels.h"
#include "graph/layout.h"

#ifdef INGOT_TEST_DEVICE
#include "cuda/device_kernel.h"
#endif

namespace ingot::kernel_test {

using Rng = std::mt19937_64;
using Sizes = std::vector<std::int64_t>;

inline std::int64_t pick(Rng& rng, std::int64_t lo, std::int64_t hi) {
  return std::uniform_int_distribution<std::int64_t>(lo, hi)(rng);
}

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kF32;
  if constexpr (std::is_same_v<T, double>) return DType::kF64;
  if constexpr (std::is_same_v<T, std::int16_t>) return DType::kI16;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::kI32;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::kI64;
  if constexpr (std::is_same_v<T, std::complex<double>>) return DType::kC128;
  return DType::kBool;
}

// Of random calls: an emulated device takes longer for each.
inline int rounds(int n) {
#ifdef INGOT_TEST_DEVICE
  n /= 6;
#endif
  return n;
}

inline std::int64_t product(const Sizes& shape) {
  std::int64_t n = 1;
  for (const std::int64_t size : shape) n *= size;
  return n;
}

// A tensor with storage of its own, which it may walk in any way.
template <class T>
struct Tensor {
  Sizes shape, strides;
  std::int64_t offset = 0;
  std::vector<T> storage;

  TensorArg arg() {
    TensorArg out{};
    out.data = reinterpret_cast<char*>(storage.data() + offset);
    out.rank = static_cast<std::int32_t>(shape.size());
    out.dtype = static_cast<std::int32_t>(dtype_of<T>());
    std::copy(shape.begin(), shape.end(), out.shape);
    std::copy(strides.begin(), strides.end(), out.strides);
    return out;
  }

  // Element at a flat row-major position of the logical shape.
  const T& operator[](std::int64_t flat) const {
    std::int64_t at = offset;
    for (std::size_t i = shape.size(); i-- > 0;) {
      at += flat % shape[i] * strides[i];
      flat /= shape[i];
    }
    return storage[static_cast<std::size_t>(at)];
  }

  const T& at(const Sizes& index) const {
    std::int64_t at = offset;
    for (std::size_t i = 0; i < shape.size(); ++i) at += index[i] * strides[i];
    return storage[static_cast<std::size_t>(at)];
  }
};

template <class T>
T random_value(Rng& rng) {
  if constexpr (std::is_floating_point_v<T>) {
    const double scale = std::ldexp(1.0, static_cast<int>(pick(rng, -12, 12)));
    return static_cast<T>(std::normal_distribution<double>()(rng) * scale);
  } else if constexpr (std::is_same_v<T, std::complex<double>>) {
    return {random_value<double>(rng), random_value<double>(rng)};
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    return static_cast<T>(pick(rng, 0, 1));
  } else {
    return static_cast<T>(pick(rng, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
  }
}

template <class T>
Tensor<T> contiguous(const Sizes& shape) {
  Tensor<T> x{shape, Sizes(shape.size()), 0, {}};
  std::int64_t stride = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    x.strides[i] = stride;
    stride *= shape[i];
  }
  x.storage.resize(static_cast<std::size_t>(std::max<std::int64_t>(stride, 1)));
  return x;
}

// As contiguous, with its axes in this order in memory, the outermost first.
template <class T>
Tensor<T> ordered(const Sizes& shape, const std::vector<std::size_t>& order) {
  Tensor<T> x = contiguous<T>(shape);
  std::int64_t stride = 1;
  for (std::size_t i = order.size(); i-- > 0;) {
    x.strides[order[i]] = stride;
    stride *= shape[order[i]];
  }
  return x;
}

enum class Walk { kContiguous, kAny };  // kAny: permuted, with gaps, backwards, broadcast

template <class T>
Tensor<T> random_tensor(Rng& rng, const Sizes& shape, Walk walk = Walk::kAny) {
  Tensor<T> x = contiguous<T>(shape);
  if (walk == Walk::kAny && pick(rng, 0, 3) != 0) {
    std::vector<std::size_t> order(shape.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    if (pick(rng, 0, 1) == 0) std::shuffle(order.begin(), order.end(), rng);
    std::int64_t stride = pick(rng, 0, 4) == 0 ? 2 : 1;
    for (std::size_t n = order.size(); n-- > 0;) {
      const std::size_t axis = order[n];
      const std::int64_t size = std::max<std::int64_t>(shape[axis], 1);
      x.strides[axis] = stride;
      if (pick(rng, 0, 9) == 0) {
        x.strides[axis] = 0;
        continue;
      }
      if (pick(rng, 0, 5) == 0) {  // backwards
        x.strides[axis] = -stride;
        x.offset += stride * (size - 1);
      }
      stride *= size + (pick(rng, 0, 4) == 0 ? pick(rng, 1, 3) : 0);
    }
    x.storage.resize(static_cast<std::size_t>(std::max<std::int64_t>(stride, 1)));
  }
  for (T& value : x.storage) value = random_value<T>(rng);
  return x;
}

// The elements of x laid in panels, as the runtime's own kernel lays them at the best level.
template <class T>
Tensor<T> in_panels(Tensor<T>& x, const Sizes& order) {
  TensorArg from = x.arg();
  Sizes shape = {(x.shape[static_cast<std::size_t>(order[0])] + 15) / 16};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto axis = static_cast<std::size_t>(order[(i + 1) % order.size()]);
    from.shape[i] = x.shape[axis];
    from.strides[i] = x.strides[axis];
    shape.push_back(i + 1 < order.size() ? x.shape[axis] : 16);
  }
  Tensor<T> panels = contiguous<T>(shape);
  std::fill(panels.storage.begin(), panels.storage.end(), static_cast<T>(7));
  TensorArg to = panels.arg();
  const Kernel* const kernel = find_kernel(*available_levels().back(), "panels", dtype_of<T>());
  REQUIRE(kernel != nullptr);
  const KernelCall call = {.outputs = &to,
                           .inputs = &from,
                           .num_outputs = 1,
                           .num_inputs = 1,
                           .attrs = nullptr,
                           .attr_begin = nullptr,
                           .group = nullptr,
                           .error = nullptr};
  kernel->run(&call, 0, kernel->num_tiles(&call), nullptr);
  return panels;
}

// An operand of x's shape whose elements lie in `panels`.
template <class T>
TensorArg panel_arg(Tensor<T>& panels, Tensor<T>& x) {
  TensorArg arg = x.arg();
  arg.data = reinterpret_cast<char*>(panels.storage.data());
  arg.panels = 1;
  std::fill(std::begin(arg.strides), std::end(arg.strides), std::numeric_limits<std::int64_t>::min());
  return arg;
}

// Equal bits, or both NaN.
template <class T>
bool same_bits(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  }
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// Attributes in the row's order, flattened as the executor does.
struct AttrBuffer {
  std::vector<std::int64_t> values;
  std::vector<std::int32_t> begin{0};

  AttrBuffer() = default;
  AttrBuffer(std::initializer_list<Sizes> attrs) {
    for (const Sizes& attr : attrs) add(attr);
  }
  void add(const Sizes& attr) {
    values.insert(values.end(), attr.begin(), attr.end());
    begin.push_back(static_cast<std::int32_t>(values.size()));
  }
};

// Memory of the exact size, so that the sanitizers see every overrun.
struct Junk {
  char* data;
  explicit Junk(std::int64_t bytes)
      : data(static_cast<char*>(::operator new(static_cast<std::size_t>(bytes), std::align_val_t{64}))) {
    std::memset(data, 0x7f, static_cast<std::size_t>(bytes));
  }
  ~Junk() { ::operator delete(data, std::align_val_t{64}); }
  Junk(const Junk&) = delete;
  Junk& operator=(const Junk&) = delete;
};

inline void run_tiles(const Kernel& kernel, const KernelCall& call, Rng& rng) {
  const std::int64_t tiles = kernel.num_tiles(&call);
  CHECK(kernel.cost_ns(&call) >= 0);
  const std::int64_t bytes = kernel.scratch_bytes == nullptr ? 0 : kernel.scratch_bytes(&call);
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
  const std::int64_t longest = pick(rng, 0, 1) == 0 ? tiles : pick(rng, 1, 5);
  for (std::int64_t begin = 0; begin < tiles;) {
    const std::int64_t end = std::min(tiles, begin + pick(rng, 1, std::max<std::int64_t>(longest, 1)));
    ranges.emplace_back(begin, end);
    begin = end;
  }
  std::shuffle(ranges.begin(), ranges.end(), rng);
  KernelCall own = call;
  const Junk shared(kernel.finish == nullptr ? 0 : kernel.shared_bytes(&call));
  if (kernel.finish != nullptr && (ranges.size() > 1 || pick(rng, 0, 1) == 0)) own.shared = shared.data;
  for (const auto& [begin, end] : ranges) kernel.run(&own, begin, end, Junk(bytes).data);
  if (own.shared != nullptr) kernel.finish(&own, Junk(bytes).data);
}

// What can compute a call: the levels of this machine, or the device.
inline std::vector<std::string> places(const std::vector<TensorArg>& inputs) {
#ifdef INGOT_TEST_DEVICE
  for (const TensorArg& input : inputs) {
    if (input.panels != 0) return {};  // a form of the CPU's own
  }
  return {"device"};
#else
  static_cast<void>(inputs);
  std::vector<std::string> levels;
  for (const KernelTable* table : available_levels()) levels.emplace_back(table->level);
  return levels;
#endif
}

inline void run_at(const std::string& place, const char* op, DType dtype, const KernelCall& call, Rng& rng) {
#ifdef INGOT_TEST_DEVICE
  static_cast<void>(rng);
  REQUIRE_MESSAGE(run_on_device(op, dtype, call), place, " has no ", std::string(op));
#else
  const Kernel* kernel = find_kernel(choose_level(place), op, dtype);
  REQUIRE_MESSAGE(kernel != nullptr, op, " ", place);
  run_tiles(*kernel, call, rng);
#endif
}

// Runs the kernel at every level into a tensor without gaps filled with junk, its axes in this order (row-major where
// it is empty). check(level, result) is called after each.
template <class T, class Check>
ErrorWord run_everywhere(const char* op, DType dtype, std::vector<TensorArg> inputs, const Sizes& shape,
                         AttrBuffer& attrs, Rng& rng, const Check& check, const std::vector<std::size_t>& order = {}) {
  ErrorWord error{};
  for (const std::string& place : places(inputs)) {
    Tensor<T> out = order.empty() ? contiguous<T>(shape) : ordered<T>(shape, order);
    std::memset(static_cast<void*>(out.storage.data()), 0x5a, out.storage.size() * sizeof(T));
    const TensorArg output = out.arg();
    error = ErrorWord{};
    const KernelCall call{
        &output, inputs.data(), 1, static_cast<std::int32_t>(inputs.size()), attrs.values.data(), attrs.begin.data(),
        nullptr, &error};
    run_at(place, op, dtype, call, rng);
    check(place, out);
  }
  return error;
}

// As above, and compares with `expected`, in flat order.
template <class T>
void expect_everywhere(const char* op, DType dtype, std::vector<TensorArg> inputs, const Sizes& shape,
                       const std::vector<T>& expected, AttrBuffer attrs, Rng& rng,
                       const std::vector<std::size_t>& order = {}) {
  const ErrorWord error = run_everywhere<T>(
      op, dtype, inputs, shape, attrs, rng,
      [&](const std::string& level, const Tensor<T>& out) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
          const T found = out[static_cast<std::int64_t>(i)];
          if (same_bits(found, expected[i])) continue;
          FAIL_CHECK(op << " " << level << ": element " << i << " is " << +found << ", expected " << +expected[i]);
          return;
        }
      },
      order);
  CHECK(error.set == 0);
}

}  // namespace ingot::kernel_test
