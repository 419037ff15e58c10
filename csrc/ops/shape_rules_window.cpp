// Shape rules of contractions and of ops that slide a window: matmul, conv2d, pooling.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "ops/shape_rules.h"

namespace ingot {
namespace {

using Numbers = std::vector<std::int64_t>;

// How a window moves along one axis.
struct Window {
  Size kernel;
  std::int64_t stride;
  std::int64_t before, after;  // padding
  std::int64_t dilation;
  Size extent() const { return (kernel - 1) * Size(dilation) + 1; }
};

void check_numbers(const ShapeContext& context, std::string_view name, const Numbers& numbers, std::size_t count,
                   std::int64_t least) {
  if (numbers.size() == count && std::all_of(numbers.begin(), numbers.end(), [&](auto n) { return n >= least; })) {
    return;
  }
  context.fail_shape(
      concat(name, " does not fit: got ", describe(numbers), ", expected ", count, " numbers of at least ", least));
}

// Places where the window fits into the padded axis.
Size count_places(const ShapeContext& context, Operands operands, const Size& size, const Window& window) {
  const Size extent = window.extent();
  const Size padded = size + Size(window.before) + Size(window.after);
  require_at_least(context, padded, extent, [&] {
    return concat("the window does not fit: got ", describe(operands), " with a window of ", extent.to_string(),
                  " on a padded axis of ", padded.to_string(), ", expected at most that");
  });
  return floordiv(padded - extent, window.stride) + 1;
}

// Padding contributes nothing to a pooled value, so every window must hold an element of x.
void require_elements(const ShapeContext& context, Operands operands, const Size& size, const Window& window) {
  if (window.before == 0 && window.after == 0) return;
  require_at_least(context, window.extent(), Size(std::max(window.before, window.after)) + 1, [&] {
    return concat("padding is too wide: got ", window.before, " and ", window.after, ", expected less than ",
                  window.extent().to_string(), ", the size of the window");
  });
  require_at_least(context, size, window.dilation, [&] {
    return concat("a window may lie in the padding alone: got ", describe(operands), " with dilation ", window.dilation,
                  ", expected axes of at least that size");
  });
}

void require_rank(const ShapeContext& context, Operands operands, std::size_t rank, std::string_view expected) {
  for (const TensorType* operand : operands) {
    if (operand->shape.size() == rank) continue;
    context.fail_shape(concat("wrong rank: got ", describe(operands), ", expected ", expected));
  }
}

// A pool of x[n,c,h,w] with these windows on h and w.
Shape pool(const ShapeContext& context, Operands operands, const std::array<Window, 2>& windows) {
  Shape result = operands[0]->shape;
  for (std::size_t i = 0; i < 2; ++i) {
    require_elements(context, operands, operands[0]->shape[2 + i], windows[i]);
    result[2 + i] = count_places(context, operands, operands[0]->shape[2 + i], windows[i]);
  }
  return result;
}

}  // namespace

Shape matmul_rule(const ShapeContext& context, Operands operands, const Attrs&) {
  constexpr std::string_view kExpected = ", expected [m,k] and [k,n]";
  const Shape& a = operands[0]->shape;
  const Shape& b = operands[1]->shape;
  if (a.size() < 2 || b.size() < 2) {
    context.fail_shape(concat("operands need at least 2 axes: got ", describe(operands), kExpected));
  }
  require_equal(context, a[a.size() - 1], b[b.size() - 2],
                [&] { return concat("inner sizes differ: got ", describe(operands), kExpected); });
  const Shape a_batch(a.begin(), a.end() - 2);
  const Shape b_batch(b.begin(), b.end() - 2);
  const std::array<const Shape*, 2> batches{&a_batch, &b_batch};
  Shape result = broadcast_shapes(context, batches);
  result.push_back(a[a.size() - 2]);
  result.push_back(b[b.size() - 1]);
  return result;
}

// (x[n,c,h,w], w[o,c/groups,kh,kw]; stride, padding, dilation, groups)
Shape conv2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  require_rank(context, operands, 4, "x[n,c,h,w] and w[o,c/groups,kh,kw]");
  const Numbers& stride = attr<Numbers>(attrs, 0);
  const Numbers& padding = attr<Numbers>(attrs, 1);
  const Numbers& dilation = attr<Numbers>(attrs, 2);
  const std::int64_t groups = attr<std::int64_t>(attrs, 3);
  check_numbers(context, "stride", stride, 2, 1);
  check_numbers(context, "padding", padding, 4, 0);
  check_numbers(context, "dilation", dilation, 2, 1);
  if (groups < 1) context.fail_shape(concat("groups does not fit: got ", groups, ", expected at least 1"));
  const Shape& x = operands[0]->shape;
  const Shape& w = operands[1]->shape;
  require_equal(context, x[1], w[1] * Size(groups), [&] {
    return concat("channels differ: got ", describe(operands), " with groups=", groups,
                  ", expected x[n,c,h,w] and w[o,c/groups,kh,kw]");
  });
  require_equal(context, floordiv(w[0], groups) * Size(groups), w[0], [&] {
    return concat("groups do not divide the outputs: got ", describe(operands), " with groups=", groups);
  });
  Shape result{x[0], w[0], 0, 0};
  for (std::size_t i = 0; i < 2; ++i) {
    require_at_least(context, w[2 + i], 1, [&] { return concat("the kernel may be empty: got ", describe(operands)); });
    const Window window{w[2 + i], stride[i], padding[i], padding[2 + i], dilation[i]};
    result[2 + i] = count_places(context, operands, x[2 + i], window);
  }
  return result;
}

// (x[n,c,h,w]; kernel, stride, padding, dilation)
Shape max_pool2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  require_rank(context, operands, 4, "x[n,c,h,w]");
  const Numbers& kernel = attr<Numbers>(attrs, 0);
  const Numbers& stride = attr<Numbers>(attrs, 1);
  const Numbers& padding = attr<Numbers>(attrs, 2);
  const Numbers& dilation = attr<Numbers>(attrs, 3);
  check_numbers(context, "kernel", kernel, 2, 1);
  check_numbers(context, "stride", stride, 2, 1);
  check_numbers(context, "padding", padding, 4, 0);
  check_numbers(context, "dilation", dilation, 2, 1);
  return pool(context, operands,
              {Window{kernel[0], stride[0], padding[0], padding[2], dilation[0]},
               Window{kernel[1], stride[1], padding[1], padding[3], dilation[1]}});
}

// (x[n,c,h,w]; kernel, stride, padding, count_include_pad)
Shape avg_pool2d_rule(const ShapeContext& context, Operands operands, const Attrs& attrs) {
  require_rank(context, operands, 4, "x[n,c,h,w]");
  const Numbers& kernel = attr<Numbers>(attrs, 0);
  const Numbers& stride = attr<Numbers>(attrs, 1);
  const Numbers& padding = attr<Numbers>(attrs, 2);
  check_numbers(context, "kernel", kernel, 2, 1);
  check_numbers(context, "stride", stride, 2, 1);
  check_numbers(context, "padding", padding, 4, 0);
  return pool(context, operands,
              {Window{kernel[0], stride[0], padding[0], padding[2], 1},
               Window{kernel[1], stride[1], padding[1], padding[3], 1}});
}

}  // namespace ingot
