#include "fast_evaluator.h"

#include <algorithm>

#include "optimize/group_form.h"

namespace ingot {
namespace {

bool is_vector_along_last_axis(const Shape& shape, const Shape& space) {
  return !shape.empty() && shape.back() == space.back() &&
         std::all_of(shape.begin(), shape.end() - 1, [](const Size& size) { return size == Size(1); });
}

// The name of the op where the group is but one, of the anchor's result and a vector along its last axis; null: it is
// another group.
const char* find_row_op(const Graph& graph, const GroupForm& form) {
  if (form.members.size() != 1 || form.tail.valid()) return nullptr;
  const Node& node = graph.node(form.members[0]);
  const ValueId product = graph.node(form.anchor).results[0];
  if (node.operands.size() != 2 || (node.operands[0] == product) == (node.operands[1] == product)) return nullptr;
  const ValueId other = node.operands[node.operands[0] == product ? 1 : 0];
  return is_vector_along_last_axis(graph.value(other).type.shape, form.space) ? node.op->name.data() : nullptr;
}

}  // namespace

bool FastEvaluator::computes(const OpRow& op, DType dtype, DType result) const {
  return KernelEvaluator::computes(op, dtype, result) || (dtype == result && is_fast(op.name, nullptr, dtype));
}

bool FastEvaluator::takes_group(const Graph& graph, const GroupForm& form) const {
  const Node& anchor = graph.node(form.anchor);
  const DType dtype = graph.value(anchor.results[0]).type.dtype;
  if (!is_fast(anchor.op->name, nullptr, dtype)) return KernelEvaluator::takes_group(graph, form);
  const char* const row_op = find_row_op(graph, form);
  return row_op != nullptr && is_fast(anchor.op->name, row_op, dtype);
}

bool FastEvaluator::computes_attention(DType dtype) const {
  return !is_fast("matmul", nullptr, dtype) && KernelEvaluator::computes_attention(dtype);
}

bool FastEvaluator::is_fast(std::string_view op, const char* row_op, DType dtype) const {
  return device_ != nullptr && freedoms_ != 0 &&
         device_->api().has_fast(device_->context(), op.data(), row_op, static_cast<std::int32_t>(dtype), freedoms_) !=
             0;
}

}  // namespace ingot
