// Tile functions of the rows that are a few instructions per element, made from ops/pointwise.def; the compiler turns
// the loops into vector code.
#include "kernels/divide.h"
#include "kernels/pointwise_rows.h"
#include "kernels/simd_tail.h"

namespace ingot::INGOT_LEVEL {
namespace {

template <Rule rule, class T>
struct ResultOf {
  using Type = T;
};
template <class T>
struct ResultOf<kCompare, T> {
  using Type = bool;
};

// The quotients of many floats by one.
void divide_by_scalar(const void* const* operands, void* result, std::int64_t n) {
  const float* const a = static_cast<const float*>(operands[0]);
  float* const r = static_cast<float*>(result);
  const Divisor divisor = make_divisor(*static_cast<const float*>(operands[1]));
  std::int64_t i = 0;
  for (; i + kLanes32 <= n; i += kLanes32) store(r + i, divide_by(load<F32>(a + i), divisor));
  for (; i < n; ++i) r[i] = a[i] / divisor.b;
}

// Of two operands, by vectors, where those of simd.h are shorter than what a compiler makes of the scalar rule.
// Operand kScalar is one element; -1: none.
template <class Row, int kScalar>
void run_vectors(const void* const* operands, void* result, std::int64_t n) {
  const float* const a = static_cast<const float*>(operands[0]);
  const float* const b = static_cast<const float*>(operands[1]);
  float* const r = static_cast<float*>(result);
  const F32 one = splat<F32>(kScalar < 0 ? 0 : *static_cast<const float*>(operands[kScalar < 0 ? 0 : kScalar]));
  std::int64_t i = 0;
  for (; i + kLanes32 <= n; i += kLanes32) {
    const F32 x = kScalar == 0 ? one : load<F32>(a + i), y = kScalar == 1 ? one : load<F32>(b + i);
    store(r + i, Row::template value<F32, F32>(x, y));
  }
  if (i == n) return;
  const F32 x = kScalar == 0 ? one : load_first<F32>(a + i, n - i);
  const F32 y = kScalar == 1 ? one : load_first<F32>(b + i, n - i);
  store_first(r + i, Row::template value<F32, F32>(x, y), n - i);
}

template <class Row>
inline constexpr bool kOnVectors = false;
template <>
inline constexpr bool kOnVectors<Row_maximum> = kVectorBytes == 64;
template <>
inline constexpr bool kOnVectors<Row_minimum> = kVectorBytes == 64;

template <class Row, class T>
constexpr void add_row_of(PointwiseList& list) {
  if constexpr (kOnVectors<Row> && std::int32_t{kDTypeOf<T>} == kF32Type) {
    list.add(Row::kName, kF32Type, kF32Type, run_vectors<Row, -1>);
  } else if constexpr ((Row::kClasses & kClassOf<T>) != 0 && !(kInLanes<Row> && kIsFloat<T>)) {
    using Out = typename ResultOf<Row::kRule, T>::Type;
    list.add(Row::kName, kDTypeOf<T>, kDTypeOf<Out>, run_tile<Row, Out, T>);
  }
}

// A choice copies bits: one function for all dtypes of a size.
template <class Row, class Bits, class... DTypes>
constexpr void add_selections(PointwiseList& list, DTypes... dtypes) {
  (list.add(Row::kName, dtypes, dtypes, run_tile<Row, Bits, Bits>), ...);
}

template <class Row>
constexpr void add_selection(PointwiseList& list) {
  add_selections<Row, std::uint8_t>(list, kBoolType, kI8Type, kU8Type);
  add_selections<Row, std::uint16_t>(list, kI16Type, kU16Type, kF16Type, kBF16Type);
  add_selections<Row, std::uint32_t>(list, kI32Type, kU32Type, kF32Type);
  add_selections<Row, std::uint64_t>(list, kI64Type, kU64Type, kF64Type, kC64Type);
}

template <class Row>
constexpr void add_row(PointwiseList& list) {
  if constexpr (Row::kRule == kSelect) {
    add_selection<Row>(list);
  } else if constexpr (Row::kRule != kConvert && Row::kRule != kReinterpret) {
    add_row_of<Row, bool>(list);
    add_row_of<Row, std::int32_t>(list);
    add_row_of<Row, std::int64_t>(list);
    add_row_of<Row, float>(list);
    add_row_of<Row, double>(list);
  }
}

constexpr PointwiseList make_list() {
  PointwiseList list;
#define POINTWISE(name, operands, rule, classes, traits, expression) add_row<Row_##name>(list);
#include "ops/pointwise.def"
#undef POINTWISE
  return list;
}

constexpr PointwiseEntries<make_list> kEntries;

// A bias or scale for all, or one for each row.
template <class Row>
constexpr ArithmeticForms forms(ChainOp chain, TileFunction right = run_tile_with_scalar<Row, float, 1>) {
  if constexpr (kSmallCode) return {Row::kName, {}, kNoChain};
  if constexpr (kOnVectors<Row>) return {Row::kName, {run_vectors<Row, 0>, run_vectors<Row, 1>}, chain};
  return {Row::kName, {run_tile_with_scalar<Row, float, 0>, right}, chain};
}

constexpr ArithmeticForms kForms[] = {
    forms<Row_add>(kChainAdd),           forms<Row_subtract>(kChainSubtract),
    forms<Row_multiply>(kChainMultiply), forms<Row_maximum>(kChainMaximum),
    forms<Row_minimum>(kChainMinimum),   forms<Row_divide>(kNoChain, divide_by_scalar),
};

}  // namespace

extern constinit const PointwiseFamily basic_functions = kEntries.family();
extern constinit const ArithmeticFamily arithmetic_forms = {kForms, sizeof(kForms) / sizeof(kForms[0])};

}  // namespace ingot::INGOT_LEVEL
