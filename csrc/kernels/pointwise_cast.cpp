// Tile functions of `cast`: among bool, int32, int64, float and double, from each of these to every narrow dtype, and
// from a narrow dtype to the one it is computed in. Every other cast is two of these (optimize/legalize.h), of which
// the first is exact. And moves of bits: bitcast, nextafter of narrow floats.
#include "kernels/narrow.h"
#include "kernels/pointwise_rows.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <class T, class Out>
constexpr TileFunction kCast = run_tile<Row_cast, Out, T>;

// A loop over one function of one element, which the compiler turns into vector code.
template <auto function, class Out, class T>
void run_each(const void* const* operands, void* result, std::int64_t n) {
  const T* const a = static_cast<const T*>(operands[0]);
  Out* const r = static_cast<Out*>(result);
  INGOT_INDEPENDENT
  for (std::int64_t i = 0; i < n; ++i) r[i] = function(a[i]);
}

// Two functions, one after the other, over a tile of 4-byte elements between them: casts to narrow dtypes are too many
// to be code of their own (not inlined for that), and a tile stays in L1.
[[gnu::noipa]] void run_both(TileFunction first, TileFunction second, const void* const* operands, void* result,
                             std::int64_t n) {
  alignas(kVectorBytes) char middle[kTileElements * 4];
  const void* const between[] = {middle};
  first(operands, middle, n);
  second(between, result, n);
}

template <TileFunction first, TileFunction second>
void run_two(const void* const* operands, void* result, std::int64_t n) {
  run_both(first, second, operands, result, n);
}

#if defined(__F16C__)
// float16 by the processor: the same bits, but for those of a NaN.
void float16_from_float(const void* const* operands, void* result, std::int64_t n) {
  const float* const a = static_cast<const float*>(operands[0]);
  Float16* const r = static_cast<Float16*>(result);
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm256_cvtps_ph(_mm256_loadu_ps(a + i), _MM_FROUND_TO_NEAREST_INT);
    __builtin_memcpy(r + i, &bits, sizeof(bits));
  }
  for (; i < n; ++i) r[i].bits = _cvtss_sh(a[i], _MM_FROUND_TO_NEAREST_INT);
}

void float_from_float16(const void* const* operands, void* result, std::int64_t n) {
  const Float16* const a = static_cast<const Float16*>(operands[0]);
  float* const r = static_cast<float*>(result);
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m128i bits;
    __builtin_memcpy(&bits, a + i, sizeof(bits));
    _mm256_storeu_ps(r + i, _mm256_cvtph_ps(bits));
  }
  for (; i < n; ++i) r[i] = _cvtsh_ss(a[i].bits);
}
#else
constexpr TileFunction float16_from_float = run_each<to_float16, Float16, float>;
constexpr TileFunction float_from_float16 = run_each<from_float16, float, Float16>;
#endif

constexpr void add(PointwiseList& list, std::int32_t from, std::int32_t to, TileFunction function) {
  list.add(Row_cast::kName, from, to, function);
}

// float16 and bfloat16: a number that a float does not hold is rounded to odd on the way.
template <TileFunction from_float>
constexpr void add_to_float(PointwiseList& list, std::int32_t to) {
  add(list, kF32Type, to, from_float);
  add(list, kBoolType, to, run_two<kCast<bool, float>, from_float>);
  add(list, kI32Type, to, run_two<run_each<to_odd<std::int32_t>, float, std::int32_t>, from_float>);
  add(list, kI64Type, to, run_two<run_each<to_odd<std::int64_t>, float, std::int64_t>, from_float>);
  add(list, kF64Type, to, run_two<run_each<to_odd<double>, float, double>, from_float>);
}

// Integers wrap, whatever their sign: Bits is as wide as Narrow. Floats saturate, in int32 and then in Narrow.
template <class Narrow, class Bits>
constexpr void add_to_integer(PointwiseList& list, std::int32_t to) {
  constexpr TileFunction kWrapped = run_each<wrap<Bits>, Bits, std::int32_t>;
  constexpr TileFunction kSaturated = run_each<saturate<Narrow>, Narrow, std::int32_t>;
  add(list, kI32Type, to, kWrapped);
  add(list, kBoolType, to, run_two<kCast<bool, std::int32_t>, kWrapped>);
  add(list, kI64Type, to, run_two<kCast<std::int64_t, std::int32_t>, kWrapped>);
  add(list, kF32Type, to, run_two<kCast<float, std::int32_t>, kSaturated>);
  add(list, kF64Type, to, run_two<kCast<double, std::int32_t>, kSaturated>);
}

// nextafter asks for the neighbors in the dtype itself.
template <class T>
void run_next(const void* const* operands, void* result, std::int64_t n) {
  const std::uint16_t* const a = static_cast<const std::uint16_t*>(operands[0]);
  const std::uint16_t* const b = static_cast<const std::uint16_t*>(operands[1]);
  std::uint16_t* const r = static_cast<std::uint16_t*>(result);
  for (std::int64_t i = 0; i < n; ++i) r[i] = next_bits<std::uint16_t, kInfinityBits<T>>(a[i], b[i]);
}

template <class... DTypes>
constexpr void add_bits(PointwiseList& list, TileFunction function, std::int32_t from, DTypes... to) {
  (list.add(Row_bitcast::kName, from, to, function), ...);
}

template <class T>
constexpr TileFunction kQuiet = run_each<quiet_bits<T>, Bits<T>, Bits<T>>;

constexpr void add_bitcasts(PointwiseList& list) {
  constexpr TileFunction kBytes = kQuiet<std::uint8_t>;
  constexpr TileFunction kHalves = kQuiet<std::uint16_t>;
  add_bits(list, kBytes, kI8Type, kI8Type, kU8Type);
  add_bits(list, kBytes, kU8Type, kI8Type, kU8Type);
  add_bits(list, kHalves, kI16Type, kI16Type, kU16Type, kF16Type, kBF16Type);
  add_bits(list, kHalves, kU16Type, kI16Type, kU16Type, kF16Type, kBF16Type);
  add_bits(list, kQuiet<Float16>, kF16Type, kI16Type, kU16Type, kF16Type, kBF16Type);
  add_bits(list, kQuiet<BFloat16>, kBF16Type, kI16Type, kU16Type, kF16Type, kBF16Type);
  add_bits(list, kQuiet<std::int32_t>, kI32Type, kI32Type, kF32Type);
  add_bits(list, kQuiet<float>, kF32Type, kI32Type, kF32Type);
  add_bits(list, kQuiet<std::int64_t>, kI64Type, kI64Type, kF64Type);
  add_bits(list, kQuiet<double>, kF64Type, kI64Type, kF64Type);
}

template <class T>
constexpr void add_from(PointwiseList& list) {
  constexpr std::int32_t kFrom = kDTypeOf<T>;
  add(list, kFrom, kBoolType, kCast<T, bool>);
  add(list, kFrom, kI32Type, kCast<T, std::int32_t>);
  add(list, kFrom, kI64Type, kCast<T, std::int64_t>);
  add(list, kFrom, kF32Type, kCast<T, float>);
  add(list, kFrom, kF64Type, kCast<T, double>);
}

template <class Narrow>
constexpr TileFunction kWidened = run_each<wrap<std::int32_t, Narrow>, std::int32_t, Narrow>;

constexpr PointwiseList make_list() {
  PointwiseList list;
  add_from<bool>(list);
  add_from<std::int32_t>(list);
  add_from<std::int64_t>(list);
  add_from<float>(list);
  add_from<double>(list);
  add_to_integer<std::int8_t, std::uint8_t>(list, kI8Type);
  add_to_integer<std::uint8_t, std::uint8_t>(list, kU8Type);
  add_to_integer<std::int16_t, std::uint16_t>(list, kI16Type);
  add_to_integer<std::uint16_t, std::uint16_t>(list, kU16Type);
  add_to_float<float16_from_float>(list, kF16Type);
  add_to_float<run_each<to_bfloat16, BFloat16, float>>(list, kBF16Type);
  add(list, kI8Type, kI32Type, kWidened<std::int8_t>);
  add(list, kU8Type, kI32Type, kWidened<std::uint8_t>);
  add(list, kI16Type, kI32Type, kWidened<std::int16_t>);
  add(list, kU16Type, kI32Type, kWidened<std::uint16_t>);
  add(list, kF16Type, kF32Type, float_from_float16);
  add(list, kBF16Type, kF32Type, run_each<from_bfloat16, float, BFloat16>);
  add_bitcasts(list);
  list.add(Row_nextafter::kName, kF16Type, kF16Type, run_next<Float16>);
  list.add(Row_nextafter::kName, kBF16Type, kBF16Type, run_next<BFloat16>);
  return list;
}

constexpr PointwiseEntries<make_list> kEntries;

}  // namespace

extern constinit const PointwiseFamily cast_functions = kEntries.family();

}  // namespace ingot::INGOT_LEVEL
