#include "graph/layout.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "base/error.h"
#include "graph/panel_rows.h"

namespace ingot {
namespace {

// Calls visit(panel, rows, count) for every line of 16 elements of some panels: `panel` is the line's first element in
// panels, `rows` that element in rows, `count` how many of them exist.
template <class Visit>
void for_each_line(const TensorType& type, const Layout& layout, PanelRange panels, const Visit& visit) {
  std::int64_t shape[kMaxRank], strides[kMaxRank], next = 1, lines = 1;
  for (std::size_t axis = layout.rank; axis-- > 0;) {
    shape[axis] = type.shape[axis].constant();
    strides[axis] = next;
    next *= shape[axis];
  }
  for (std::size_t i = 1; i < layout.rank; ++i) lines *= shape[layout.order[i]];
  const std::int64_t columns = shape[layout.order[0]], column = strides[layout.order[0]];
  for (std::int64_t first = panels.first * kPanelWidth; first < panels.last * kPanelWidth; first += kPanelWidth) {
    for (std::int64_t line = 0; line < lines; ++line) {
      std::int64_t rows = first * column, rest = line;
      for (std::size_t i = layout.rank; i-- > 1;) {
        rows += rest % shape[layout.order[i]] * strides[layout.order[i]];
        rest /= shape[layout.order[i]];
      }
      visit((first / kPanelWidth * lines + line) * kPanelWidth, rows, std::min(kPanelWidth, columns - first));
    }
  }
}

std::int64_t column_stride(const TensorType& type, const Layout& layout) {
  std::int64_t stride = 1;
  for (std::size_t axis = layout.order[0] + 1u; axis < layout.rank; ++axis) stride *= type.shape[axis].constant();
  return stride;
}

std::size_t stored_bytes(const TensorType& type, const Layout& layout) {
  return static_cast<std::size_t>(num_bytes({type.dtype, stored_shape(type, layout)}).constant());
}

}  // namespace

Layout panels_of(std::span<const std::int64_t> order) {
  INGOT_CHECK(order.size() <= kMaxRank);
  Layout layout;
  layout.rank = static_cast<std::uint8_t>(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) layout.order[i] = static_cast<std::uint8_t>(order[i]);
  return layout;
}

Layout panels_of(std::initializer_list<std::int64_t> order) {
  return panels_of(std::span(order.begin(), order.size()));
}

std::string to_string(const Layout& layout) {
  if (!layout.in_panels()) return {};
  if (layout == panels_of({1, 0})) return "panel16";
  std::string text = "panel16(";
  for (std::size_t i = 0; i < layout.rank; ++i) text += concat(i > 0 ? "," : "", int{layout.order[i]});
  return text + ")";
}

bool fits(const Layout& layout, const TensorType& type) {
  if (!layout.in_panels()) return true;
  if (type.dtype != DType::kF32 && type.dtype != DType::kF64) return false;
  if (layout.rank != type.shape.size() || layout.rank < 2 || layout.rank >= kMaxRank) return false;
  std::uint32_t named = 0;
  for (std::size_t i = 0; i < layout.rank; ++i) {
    if (layout.order[i] >= layout.rank) return false;
    named |= 1u << layout.order[i];
  }
  return named == (1u << layout.rank) - 1;
}

Layout permuted(const Layout& layout, std::span<const std::int64_t> axes) {
  Layout result = layout;
  for (std::size_t i = 0; i < layout.rank; ++i) {
    const auto at = std::find(axes.begin(), axes.end(), layout.order[i]);
    INGOT_CHECK(at != axes.end());
    result.order[i] = static_cast<std::uint8_t>(at - axes.begin());
  }
  return result;
}

Layout unpermuted(const Layout& layout, std::span<const std::int64_t> axes) {
  Layout result = layout;
  for (std::size_t i = 0; i < layout.rank; ++i) result.order[i] = static_cast<std::uint8_t>(axes[layout.order[i]]);
  return result;
}

Shape stored_shape(const TensorType& type, const Layout& layout) {
  if (!layout.in_panels()) return type.shape;
  INGOT_CHECK(fits(layout, type));
  Shape shape = {floordiv(type.shape[layout.order[0]] + (kPanelWidth - 1), kPanelWidth)};
  for (std::size_t i = 1; i < layout.rank; ++i) shape.push_back(type.shape[layout.order[i]]);
  shape.push_back(kPanelWidth);
  return shape;
}

PanelRange all_panels(const TensorType& type, const Layout& layout) {
  return {0, stored_shape(type, layout)[0].constant()};
}

void copy_rows_of_panels(const TensorType& type, const Layout& layout, const std::byte* panels, PanelRange range,
                         std::byte* rows) {
  const std::int64_t column = column_stride(type, layout);
  const auto copy = [&]<std::size_t kItem>(std::integral_constant<std::size_t, kItem>) {
    for_each_line(type, layout, range, [&](std::int64_t panel, std::int64_t row, std::int64_t count) {
      for (std::int64_t j = 0; j < count; ++j)
        std::memcpy(rows + (row + j * column) * std::int64_t{kItem}, panels + (panel + j) * std::int64_t{kItem}, kItem);
    });
  };
  size_bytes(type.dtype) == 4 ? copy(std::integral_constant<std::size_t, 4>())
                              : copy(std::integral_constant<std::size_t, 8>());
}

std::vector<std::byte> rows_of_panels(const TensorType& type, const Layout& layout, std::span<const std::byte> bytes) {
  std::vector<std::byte> rows(static_cast<std::size_t>(num_bytes(type).constant()));
  INGOT_CHECK(bytes.size() == stored_bytes(type, layout));
  copy_rows_of_panels(type, layout, bytes.data(), all_panels(type, layout), rows.data());
  return rows;
}

std::vector<std::byte> panels_of_rows(const TensorType& type, const Layout& layout, std::span<const std::byte> bytes) {
  const std::size_t item = size_bytes(type.dtype);
  const auto column = static_cast<std::size_t>(column_stride(type, layout));
  std::vector<std::byte> panels(stored_bytes(type, layout));
  for_each_line(type, layout, all_panels(type, layout), [&](std::int64_t panel, std::int64_t row, std::int64_t count) {
    for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j) {
      std::memcpy(&panels[(static_cast<std::size_t>(panel) + j) * item],
                  &bytes[(static_cast<std::size_t>(row) + j * column) * item], item);
    }
  });
  return panels;
}

}  // namespace ingot
