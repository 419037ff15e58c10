// One op of a GroupProgram on one element. An element of any dtype of up to 8 bytes is a word: its bits, zeros above
// them. Functions are not inlined into each other's callers: this is all ops times all dtypes, and is wanted once.
#pragma once

#include "base/dtype.h"
#include "cuda/group_program.h"
#include "cuda/kernels/device.h"
#include "kernels/reduce_ops.h"

namespace ingot::cuda {

using Word = std::uint64_t;

template <class T>
__device__ __forceinline__ T from_word(Word word) {
  if constexpr (device::kIsBool<T>) {
    return word != 0;
  } else {
    return device::bit_cast<T>(static_cast<device::Bits<T>>(word));
  }
}

template <class T>
__device__ __forceinline__ Word to_word(T value) {
  if constexpr (device::kIsBool<T>) {
    return value ? 1 : 0;
  } else {
    return device::to_bits(value);
  }
}

// Whether the row's expression is what the op computes on T. (A cast has two types; `where` and `bitcast` move bits.)
template <class Row, class T>
inline constexpr bool kComputes =
    (Row::kClasses & device::kClassOf<T>) != 0 && (Row::kRule == device::kSame || Row::kRule == device::kCompare);

template <class Row, class T>
__device__ __forceinline__ Word row_value(Word a, Word b) {
  if constexpr (!kComputes<Row, T>) {
    return 0;
  } else if constexpr (Row::kRule == device::kCompare) {
    return to_word(Row::template value<bool, T>(from_word<T>(a), from_word<T>(b)));
  } else if constexpr (Row::kArity == 1) {
    return to_word(Row::template value<T, T>(from_word<T>(a)));
  } else {
    return to_word(Row::template value<T, T>(from_word<T>(a), from_word<T>(b)));
  }
}

template <class T>
INGOT_NOINLINE Word value_of(int id, Word a, Word b) {
  switch (id) {
#define POINTWISE(name, ...) \
  case kProgram_##name:      \
    return row_value<device::Row_##name, T>(a, b);
#include "ops/pointwise.def"
#undef POINTWISE
    default:
      return 0;
  }
}

template <class T>
__device__ Word cast_from(DType to, Word word) {
  const T a = from_word<T>(word);
  switch (to) {
    case DType::kBool:
      return to_word(device::CastValue<bool, T>::value(a));
    case DType::kI8:
      return to_word(device::CastValue<std::int8_t, T>::value(a));
    case DType::kI16:
      return to_word(device::CastValue<std::int16_t, T>::value(a));
    case DType::kU8:
      return to_word(device::CastValue<std::uint8_t, T>::value(a));
    case DType::kU16:
      return to_word(device::CastValue<std::uint16_t, T>::value(a));
    case DType::kI32:
      return to_word(device::CastValue<std::int32_t, T>::value(a));
    case DType::kI64:
      return to_word(device::CastValue<std::int64_t, T>::value(a));
    case DType::kF16:
      return to_word(device::CastValue<device::Float16, T>::value(a));
    case DType::kBF16:
      return to_word(device::CastValue<device::BFloat16, T>::value(a));
    case DType::kF32:
      return to_word(device::CastValue<float, T>::value(a));
    case DType::kF64:
      return to_word(device::CastValue<double, T>::value(a));
    default:
      return 0;
  }
}

__device__ inline Word cast_value(DType from, DType to, Word a) {
  switch (from) {
    case DType::kBool:
      return cast_from<bool>(to, a);
    case DType::kI32:
      return cast_from<std::int32_t>(to, a);
    case DType::kI64:
      return cast_from<std::int64_t>(to, a);
    case DType::kF32:
      return cast_from<float>(to, a);
    case DType::kF64:
      return cast_from<double>(to, a);
    case DType::kI8:
      return to_word(std::int32_t{from_word<std::int8_t>(a)});
    case DType::kI16:
      return to_word(std::int32_t{from_word<std::int16_t>(a)});
    case DType::kF16:
      return to_word(device::CastValue<float, device::Float16>::value(from_word<device::Float16>(a)));
    case DType::kBF16:
      return to_word(device::CastValue<float, device::BFloat16>::value(from_word<device::BFloat16>(a)));
    default:
      return a;  // u8 and u16 as i32
  }
}

__device__ inline Word bitcast_value(DType from, Word a) {
  switch (from) {
    case DType::kF16:
      return device::quiet_bits<device::Float16>(static_cast<std::uint16_t>(a));
    case DType::kBF16:
      return device::quiet_bits<device::BFloat16>(static_cast<std::uint16_t>(a));
    case DType::kF32:
      return device::quiet_bits<float>(static_cast<std::uint32_t>(a));
    case DType::kF64:
      return device::quiet_bits<double>(a);
    default:
      return a;
  }
}

template <class Half>
__device__ Word next_half(Word a, Word b) {
  return device::next_bits<std::uint16_t, device::kInfinityBits<Half>>(static_cast<std::uint16_t>(a),
                                                                       static_cast<std::uint16_t>(b));
}

// The value of a pointwise op. Requires: has_program_op(op.id, op.dtype, op.result_dtype).
__device__ inline Word program_value(const ProgramOp& op, Word a, Word b, Word c) {
  const DType dtype = static_cast<DType>(op.dtype);
  if (op.id == kProgram_where) return a != 0 ? b : c;
  if (op.id == kProgram_cast) return cast_value(dtype, static_cast<DType>(op.result_dtype), a);
  if (op.id == kProgram_bitcast) return bitcast_value(dtype, a);
  switch (dtype) {
    case DType::kBool:
      return value_of<bool>(op.id, a, b);
    case DType::kI32:
      return value_of<std::int32_t>(op.id, a, b);
    case DType::kI64:
      return value_of<std::int64_t>(op.id, a, b);
    case DType::kF32:
      return value_of<float>(op.id, a, b);
    case DType::kF64:
      return value_of<double>(op.id, a, b);
    case DType::kF16:
      return next_half<device::Float16>(a, b);
    case DType::kBF16:
      return next_half<device::BFloat16>(a, b);
    default:
      return 0;
  }
}

// What a reduction of words does, by its id and dtype.
template <class Op, class T>
__device__ __forceinline__ Word fold_words(Word a, Word b) {
  return to_word(Op::apply(from_word<T>(a), from_word<T>(b)));
}

template <class T>
__device__ Word fold_of(int id, Word a, Word b) {
  switch (id) {
    case kProgramSum:
      return fold_words<device::Sum, T>(a, b);
    case kProgramProd:
      return fold_words<device::Prod, T>(a, b);
    case kProgramMax:
      return fold_words<device::Max, T>(a, b);
    default:
      return fold_words<device::Min, T>(a, b);
  }
}

template <class T>
__device__ Word identity_of(int id, bool of_none) {
  switch (id) {
    case kProgramSum:
      return to_word(of_none ? device::Sum::empty<T>() : device::Sum::identity<T>());
    case kProgramProd:
      return to_word(device::Prod::identity<T>());
    case kProgramMax:
      return to_word(device::Max::identity<T>());
    default:
      return to_word(device::Min::identity<T>());
  }
}

__device__ inline Word program_fold(const ProgramOp& op, Word a, Word b) {
  switch (static_cast<DType>(op.dtype)) {
    case DType::kI32:
      return fold_of<std::int32_t>(op.id, a, b);
    case DType::kI64:
      return fold_of<std::int64_t>(op.id, a, b);
    case DType::kF32:
      return fold_of<float>(op.id, a, b);
    default:
      return fold_of<double>(op.id, a, b);
  }
}

// The operand that changes nothing, or the result over no elements.
__device__ inline Word program_identity(const ProgramOp& op, bool of_none) {
  switch (static_cast<DType>(op.dtype)) {
    case DType::kI32:
      return identity_of<std::int32_t>(op.id, of_none);
    case DType::kI64:
      return identity_of<std::int64_t>(op.id, of_none);
    case DType::kF32:
      return identity_of<float>(op.id, of_none);
    default:
      return identity_of<double>(op.id, of_none);
  }
}

}  // namespace ingot::cuda
