// The shape rules that rows of the op table name, by family. Private to ops.
// Every rule is total: any operand ranks up to kMaxRank, any sizes and any attribute values of the right kinds give a
// shape or throw. Counts and dtypes are checked before, the result's rank, signs and bytes after (op.cpp).
#pragma once

#include <span>
#include <string>

#include "ops/op.h"

namespace ingot {

using Operands = std::span<const TensorType* const>;

// "f32[3], f32[4] and f32[5]"
std::string describe(Operands operands);
// "[1,2]"
std::string describe(std::span<const std::int64_t> numbers);

// The message is built only when the forms differ.
template <class Message>
void require_equal(const ShapeContext& context, const Size& a, const Size& b, const Message& message) {
  if (!(a == b)) context.require_equal(a, b, message());
}
template <class Message>
void require_at_least(const ShapeContext& context, const Size& a, const Size& b, const Message& message) {
  if (a.is_constant() && b.is_constant() && a.constant() >= b.constant()) return;
  context.require_at_least(a, b, message());
}

// Typed access to an attribute; infer has checked its kind.
template <class T>
const T& attr(const Attrs& attrs, std::size_t index) {
  return std::get<T>(attrs[index]);
}

Shape broadcast_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

Shape arange_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape scalar_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape abort_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

Shape reduce_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape extremum_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape argmax_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

Shape matmul_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape conv2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape max_pool2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape avg_pool2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

Shape reshape_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape permute_dims_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape broadcast_to_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape flip_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape slice_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

Shape concat_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape take_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape dynamic_slice_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape dynamic_update_slice_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape take_along_axis_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape scatter_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape scatter_reduce_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape random_bits_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape along_axis_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);
Shape pad_rule(const ShapeContext& context, Operands operands, const Attrs& attrs);

}  // namespace ingot
