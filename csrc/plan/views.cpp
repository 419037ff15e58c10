// Strided views over symbolic sizes. A size is literally 1 or it counts as any number; equal means equal forms.
#include "plan/views.h"

#include "base/error.h"

namespace ingot::planning {
namespace {

bool is_one(const Size& size) {
  return size.is_constant() && size.constant() == 1;
}

Operand permuted(const Operand& source, const std::vector<std::int64_t>& axes, const TensorType& result) {
  if (source.layout.in_panels()) return panel_operand(source.slot, result, permuted(source.layout, axes));
  Operand view{.slot = source.slot, .type = result, .strides = {}, .offset = source.offset};
  for (const std::int64_t axis : axes) view.strides.push_back(source.strides[static_cast<std::size_t>(axis)]);
  return view;
}

Operand flipped(const Operand& source, const std::vector<std::int64_t>& axes) {
  Operand view = source;
  for (const std::int64_t axis : axes) {
    const auto a = static_cast<std::size_t>(axis);
    view.offset = view.offset + (source.type.shape[a] - 1) * source.strides[a];
    view.strides[a] = Size(0) - source.strides[a];
  }
  return view;
}

Operand sliced(const Operand& source, const Shape& start, const std::vector<std::int64_t>& step,
               const TensorType& result) {
  Operand view{.slot = source.slot, .type = result, .strides = {}, .offset = source.offset};
  for (std::size_t a = 0; a < start.size(); ++a) {
    view.offset = view.offset + start[a] * source.strides[a];
    view.strides.push_back(source.strides[a] * step[a]);
  }
  return view;
}

// Axes without those of size 1, with the products of the sizes before each: the points where two shapes can be cut
// alike.
struct Outline {
  explicit Outline(const Shape& shape) : before{Size(1)} {
    for (std::size_t a = 0; a < shape.size(); ++a) {
      if (is_one(shape[a])) continue;
      axes.push_back(a);
      before.push_back(before.back() * shape[a]);
    }
  }
  std::vector<std::size_t> axes;
  std::vector<Size> before;
};

// Strides of axes [from, to) of the new shape, which together are axes [source_from, source_to) of the source.
// False when the source's axes do not follow each other without gaps.
bool set_chunk(const Operand& source, const Outline& old_axes, std::size_t source_from, std::size_t source_to,
               const Outline& new_axes, std::size_t from, std::size_t to, Operand& view) {
  for (std::size_t k = source_from; k + 1 < source_to; ++k) {
    const std::size_t a = old_axes.axes[k], b = old_axes.axes[k + 1];
    if (!(source.strides[a] == source.strides[b] * source.type.shape[b])) return false;
  }
  if (from == to) return true;
  Size stride = source_to > source_from ? source.strides[old_axes.axes[source_to - 1]] : Size(1);
  for (std::size_t m = to; m-- > from;) {
    const std::size_t a = new_axes.axes[m];
    view.strides[a] = stride;
    stride = stride * view.type.shape[a];
  }
  return true;
}

std::optional<Operand> reshaped(const Operand& source, const TensorType& result) {
  Operand view{.slot = source.slot, .type = result, .strides = {}, .offset = source.offset};
  if (is_contiguous(source)) {
    view.strides = contiguous_strides(result.shape);
    return view;
  }
  view.strides.assign(result.shape.size(), Size(0));
  const Outline old_axes(source.type.shape), new_axes(result.shape);
  const std::size_t old_end = old_axes.axes.size(), new_end = new_axes.axes.size();
  std::size_t k0 = 0, m0 = 0;
  for (std::size_t k = 1; k < old_end; ++k) {
    for (std::size_t m = m0 + 1; m < new_end; ++m) {
      if (!(old_axes.before[k] == new_axes.before[m])) continue;
      if (!set_chunk(source, old_axes, k0, k, new_axes, m0, m, view)) return std::nullopt;
      k0 = k;
      m0 = m;
      break;
    }
  }
  // The element counts are equal, by form or by a guard, so the rest of one is the rest of the other.
  if (!set_chunk(source, old_axes, k0, old_end, new_axes, m0, new_end, view)) return std::nullopt;
  return view;
}

}  // namespace

std::vector<Size> contiguous_strides(const Shape& shape) {
  std::vector<Size> strides(shape.size());
  Size stride = 1;
  for (std::size_t a = shape.size(); a-- > 0;) {
    strides[a] = stride;
    if (a > 0) stride = stride * shape[a];
  }
  return strides;
}

Operand contiguous_operand(SlotId slot, const TensorType& type) {
  return {.slot = slot, .type = type, .strides = contiguous_strides(type.shape), .offset = 0};
}

Operand panel_operand(SlotId slot, const TensorType& type, const Layout& layout) {
  return {.slot = slot,
          .type = type,
          .strides = std::vector<Size>(type.shape.size(), Size(0)),
          .offset = 0,
          .layout = layout};
}

bool is_contiguous(const Operand& operand) {
  if (operand.layout.in_panels()) return false;
  const std::vector<Size> expected = contiguous_strides(operand.type.shape);
  for (std::size_t a = 0; a < expected.size(); ++a) {
    if (!is_one(operand.type.shape[a]) && !(operand.strides[a] == expected[a])) return false;
  }
  return true;
}

bool is_whole(const Operand& operand) {
  return operand.offset == Size(0) && is_contiguous(operand);
}

std::optional<Operand> view_of(const Node& node, const Operand& source, const TensorType& result) {
  INGOT_CHECK(!source.layout.in_panels() || node.op->name == "permute_dims");
  const auto ints = [&](std::string_view name) -> const std::vector<std::int64_t>& {
    return std::get<std::vector<std::int64_t>>(node.attrs[attr_index(*node.op, name)]);
  };
  if (node.op->name == "reshape") return reshaped(source, result);
  if (node.op->name == "permute_dims") return permuted(source, ints("axes"), result);
  if (node.op->name == "broadcast_to") return broadcast_operand(source, result.shape);
  if (node.op->name == "flip") return flipped(source, ints("axes"));
  INGOT_CHECK(node.op->name == "slice");
  return sliced(source, std::get<Shape>(node.attrs[attr_index(*node.op, "start")]), ints("step"), result);
}

Operand broadcast_operand(const Operand& source, const Shape& shape) {
  Operand view{.slot = source.slot, .type = {source.type.dtype, shape}, .strides = {}, .offset = source.offset};
  view.strides.assign(shape.size(), Size(0));
  const std::size_t missing = shape.size() - source.type.shape.size();
  for (std::size_t a = 0; a < source.type.shape.size(); ++a) {
    const bool stretched = is_one(source.type.shape[a]) && !is_one(shape[a + missing]);
    if (!stretched) view.strides[a + missing] = source.strides[a];
  }
  return view;
}

}  // namespace ingot::planning
