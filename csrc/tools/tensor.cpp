// Element by element through double: the runner's own work on tensors is small and never timed.
#include "tools/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <new>

#include "base/checked.h"
#include "base/error.h"

namespace ingot::tools {

namespace {

constexpr std::align_val_t kAlignment{64};

std::int64_t checked_bytes(DType dtype, const std::vector<std::int64_t>& shape) {
  auto bytes = static_cast<std::int64_t>(size_bytes(dtype));
  if (std::ranges::count(shape, 0) > 0) return 0;
  for (std::int64_t size : shape) {
    const std::optional<std::int64_t> next = size < 0 ? std::nullopt : checked_mul(bytes, size);
    if (!next) fail(ErrorCode::kShape, "tensor: its size in bytes overflows");
    bytes = *next;
  }
  return bytes;
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

double from_f16(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double value = std::ldexp(1024 + fraction, exponent - 25);
  if (exponent == 0) value = std::ldexp(fraction, -24);
  if (exponent == 31) value = fraction == 0 ? HUGE_VAL : std::nan("");
  return (bits & 0x8000) != 0 ? -value : value;
}

// Requires a value that f16 holds exactly and that is 0 or at least 2^-10.
std::uint16_t to_f16(double value) {
  if (value == 0) return 0;
  int exponent = 0;
  const double fraction = std::frexp(std::abs(value), &exponent);  // in [0.5, 1)
  const auto bits = static_cast<unsigned>((exponent + 14) << 10) + static_cast<unsigned>(fraction * 2048) - 1024u;
  return static_cast<std::uint16_t>(bits | (value < 0 ? 0x8000u : 0u));
}

// The real number at `from`; of a complex one, its absolute value.
double element(DType dtype, const std::byte* from) {
  switch (dtype) {
    case DType::kBool:
    case DType::kU8:
      return load<std::uint8_t>(from);
    case DType::kI8:
      return load<std::int8_t>(from);
    case DType::kI16:
      return load<std::int16_t>(from);
    case DType::kI32:
      return load<std::int32_t>(from);
    case DType::kI64:
      return static_cast<double>(load<std::int64_t>(from));
    case DType::kU16:
      return load<std::uint16_t>(from);
    case DType::kU32:
      return load<std::uint32_t>(from);
    case DType::kU64:
      return static_cast<double>(load<std::uint64_t>(from));
    case DType::kF16:
      return from_f16(load<std::uint16_t>(from));
    case DType::kBF16:
      return std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(from)} << 16);
    case DType::kF32:
      return load<float>(from);
    case DType::kF64:
      return load<double>(from);
    case DType::kC64:
      return std::abs(load<std::complex<float>>(from));
    case DType::kC128:
      return std::abs(load<std::complex<double>>(from));
  }
  return 0;
}

// splitmix64: a good 64-bit mix of a counter.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof(T));
}

void store_random(DType dtype, std::byte* to, std::uint64_t bits) {
  // A multiple of 2^-7 in [-1, 1) for the 16-bit floats, which hold it exactly; of 2^-23 or 2^-52 for the others.
  const double coarse = static_cast<double>(bits >> 56) / 128 - 1;
  const auto fine = static_cast<float>(static_cast<double>(bits >> 40) / (1 << 23) - 1);
  const double finest = static_cast<double>(bits >> 11) / static_cast<double>(std::int64_t{1} << 52) - 1;
  const auto digit = static_cast<std::uint8_t>(bits % 10);
  switch (dtype) {
    case DType::kBool:
      return store(to, static_cast<std::uint8_t>(bits >> 63));
    case DType::kI8:
    case DType::kU8:
      return store(to, digit);
    case DType::kI16:
    case DType::kU16:
      return store<std::uint16_t>(to, digit);
    case DType::kI32:
    case DType::kU32:
      return store<std::uint32_t>(to, digit);
    case DType::kI64:
    case DType::kU64:
      return store<std::uint64_t>(to, digit);
    case DType::kF16:
      return store(to, to_f16(coarse));
    case DType::kBF16:
      return store(to, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(coarse)) >> 16));
    case DType::kF32:
      return store(to, fine);
    case DType::kF64:
      return store(to, finest);
    case DType::kC64:
      return store(to, std::complex<float>(fine, static_cast<float>(coarse)));
    case DType::kC128:
      return store(to, std::complex<double>(finest, coarse));
  }
}

}  // namespace

ArrayRef Tensor::ref() const {
  ArrayRef ref{.data = bytes.get(), .dtype = dtype, .rank = static_cast<int>(shape.size())};
  auto stride = static_cast<std::int64_t>(ingot::size_bytes(dtype));
  for (int k = 0; k < ref.rank; ++k) {
    const int axis = columns_first ? k : ref.rank - 1 - k;
    ref.shape[axis] = shape[static_cast<std::size_t>(axis)];
    ref.strides[axis] = stride;
    stride *= std::max<std::int64_t>(ref.shape[axis], 1);
  }
  return ref;
}

std::string Tensor::type() const {
  TensorType type{dtype, {}};
  for (std::int64_t size : shape) type.shape.emplace_back(size);
  return to_string(type);
}

Tensor make_tensor(DType dtype, std::vector<std::int64_t> shape) {
  if (shape.size() > kMaxRank)
    fail(ErrorCode::kShape, concat("tensor: got rank ", shape.size(), ", expected at most 8"));
  Tensor tensor;
  tensor.dtype = dtype;
  tensor.size_bytes = static_cast<std::size_t>(checked_bytes(dtype, shape));
  tensor.shape = std::move(shape);
  auto* memory = static_cast<std::byte*>(::operator new(tensor.size_bytes + 1, kAlignment));
  tensor.bytes = {memory, [](std::byte* pointer) { ::operator delete(pointer, kAlignment); }};
  return tensor;
}

void fill_zeros(Tensor& tensor) {
  std::memset(tensor.bytes.get(), 0, tensor.size_bytes);
}

void fill_random(Tensor& tensor, std::uint64_t seed, std::uint64_t stream) {
  const std::size_t item = size_bytes(tensor.dtype);
  const std::uint64_t start = mix(mix(seed) + stream);
  for (std::size_t i = 0; i * item < tensor.size_bytes; ++i) {
    store_random(tensor.dtype, tensor.bytes.get() + i * item, mix(start + i));
  }
}

Statistics summarize(const Tensor& tensor) {
  const std::size_t item = size_bytes(tensor.dtype);
  Statistics result;
  result.min = HUGE_VAL;
  result.max = -HUGE_VAL;
  double sum = 0;
  for (std::size_t at = 0; at < tensor.size_bytes; at += item) {
    const double value = element(tensor.dtype, tensor.bytes.get() + at);
    ++result.count;
    if (std::isnan(value)) {
      ++result.num_nan;
      continue;
    }
    result.min = std::min(result.min, value);
    result.max = std::max(result.max, value);
    sum += value;
  }
  const std::int64_t numbers = result.count - result.num_nan;
  if (numbers > 0) result.mean = sum / static_cast<double>(numbers);
  return result;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  if (a.size_bytes == b.size_bytes && std::memcmp(a.bytes.get(), b.bytes.get(), a.size_bytes) == 0) return 0;
  // A complex number differs as its two parts do.
  const bool is_complex = a.dtype == DType::kC64 || a.dtype == DType::kC128;
  const DType dtype = a.dtype == DType::kC64 ? DType::kF32 : a.dtype == DType::kC128 ? DType::kF64 : a.dtype;
  const std::size_t item = size_bytes(a.dtype) / (is_complex ? 2 : 1);
  double largest = 0;
  for (std::size_t at = 0; at < a.size_bytes && at < b.size_bytes; at += item) {
    const std::byte *p = a.bytes.get() + at, *q = b.bytes.get() + at;
    const double x = element(dtype, p), y = element(dtype, q);
    if (std::isnan(x) && std::isnan(y)) continue;
    double difference = x == y ? 0 : std::abs(x - y);
    // Two 64-bit integers may differ by less than a double shows.
    if (difference == 0 && class_of(dtype) == kIntClass && std::memcmp(p, q, item) != 0) difference = 1;
    largest = std::max(largest, std::isnan(difference) ? HUGE_VAL : difference);
  }
  return largest;
}

}  // namespace ingot::tools
