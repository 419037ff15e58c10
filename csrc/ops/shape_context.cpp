// What shape rules ask of sizes: decided by form, then by interval, else left to a guard. And broadcasting.
#include <algorithm>
#include <string>

#include "base/error.h"
#include "ops/op.h"
#include "ops/shape_rules.h"

namespace ingot {
namespace {

bool may_be_zero(Interval interval) {
  return interval.lo <= 0 && interval.hi >= 0;
}

void add_guard(const ShapeContext& context, const Guard& guard, std::string_view what) {
  if (context.guards == nullptr) {
    context.fail_shape(concat(what, " (undecided: ", guard.to_string(), ")"));
  }
  context.guards->add(guard);
}

}  // namespace

void ShapeContext::fail_shape(std::string message) const {
  fail(ErrorCode::kShape, concat(op, ": ", message));
}

void ShapeContext::require_equal(const Size& a, const Size& b, std::string_view what) const {
  if (a == b) return;
  const Size difference = a - b;
  if (difference.is_constant()) fail_shape(std::string(what));  // equal forms were handled above
  const Interval interval = difference.interval(dims);
  if (!may_be_zero(interval)) fail_shape(std::string(what));
  if (interval.lo == 0 && interval.hi == 0) return;
  const Guard guard = Guard{Guard::Relation::kEqual, difference}.normalized();
  if (guard.never_holds()) fail_shape(std::string(what));
  add_guard(*this, guard, what);
}

void ShapeContext::require_at_least(const Size& a, const Size& b, std::string_view what) const {
  const Size difference = a - b;
  const Interval interval = difference.interval(dims);
  if (interval.lo >= 0) return;
  if (interval.hi < 0) fail_shape(std::string(what));
  add_guard(*this, Guard{Guard::Relation::kAtLeast, difference}.normalized(), what);
}

bool ShapeContext::proves_at_least(const Size& a, const Size& b) const {
  try {
    return (a - b).interval(dims).lo >= 0;
  } catch (const Error&) {
    return false;  // the difference cannot be formed, so nothing is known about it
  }
}

namespace {

[[noreturn]] void fail_broadcast(const ShapeContext& context, std::span<const Shape* const> shapes) {
  std::string got;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    got += (i == 0 ? "" : i + 1 == shapes.size() ? " and " : ", ") + to_string(*shapes[i]);
  }
  context.fail_shape("shapes do not broadcast: got " + got + ", expected equal sizes or 1");
}

// The common size of one axis, counted from the last.
Size broadcast_axis(const ShapeContext& context, std::span<const Shape* const> shapes, std::size_t from_end) {
  const Size* common = nullptr;
  for (const Shape* shape : shapes) {
    if (from_end > shape->size()) continue;
    const Size& size = (*shape)[shape->size() - from_end];
    if (size.is_constant() && size.constant() == 1) continue;
    if (common == nullptr) {
      common = &size;
      continue;
    }
    if (*common == size) continue;
    if (common->is_constant() && size.is_constant()) fail_broadcast(context, shapes);
    context.require_equal(*common, size,
                          concat("shapes do not broadcast: got sizes ", common->to_string(), " and ", size.to_string(),
                                 ", expected equal sizes or 1"));
    if (size.is_constant()) common = &size;  // the more precise of two equal sizes
  }
  return common == nullptr ? Size(1) : *common;
}

}  // namespace

Shape broadcast_shapes(const ShapeContext& context, std::span<const Shape* const> shapes) {
  if (shapes.empty()) return {};
  const Shape& first = *shapes[0];
  if (std::all_of(shapes.begin(), shapes.end(), [&](const Shape* shape) { return *shape == first; })) return first;
  std::size_t rank = 0;
  for (const Shape* shape : shapes) rank = std::max(rank, shape->size());
  Shape result(rank);
  for (std::size_t from_end = 1; from_end <= rank; ++from_end) {
    result[rank - from_end] = broadcast_axis(context, shapes, from_end);
  }
  return result;
}

}  // namespace ingot
