// How the elements of a param lie in memory: row-major, or in panels, which contraction kernels read as they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "ops/op.h"

namespace ingot {

inline constexpr std::int64_t kPanelWidth = 16;

// Panels: axis order[0] is cut into pieces of 16, the last one filled up with zeros. The other axes follow in this
// order, and the 16 elements of a piece lie side by side. A matrix [k,n] in panels of (1,0) is [ceil(n/16)][k][16].
struct Layout {
  std::uint8_t rank = 0;  // of the tensor; 0: row-major
  std::array<std::uint8_t, kMaxRank> order{};

  bool in_panels() const { return rank > 0; }
  friend bool operator==(const Layout&, const Layout&) = default;
};
inline constexpr Layout kRowMajor{};

Layout panels_of(std::span<const std::int64_t> order);
Layout panels_of(std::initializer_list<std::int64_t> order);
std::string to_string(const Layout& layout);  // "panel16(0,1)"; "panel16" is panel16(1,0); "" of rows

// Whether a tensor of this type can lie so: panels hold f32 or f64 of 2 to kMaxRank - 1 axes, each named once.
bool fits(const Layout& layout, const TensorType& type);
// The layout of permute_dims(x, axes), where x lies in `layout`, and the other way round.
Layout permuted(const Layout& layout, std::span<const std::int64_t> axes);
Layout unpermuted(const Layout& layout, std::span<const std::int64_t> axes);

// What a kernel says of an operand: the panels in which it can read it, and whether it would rather.
struct PanelWish {
  Layout layout;  // row-major: it cannot
  bool wanted = false;
};

// The sizes of the memory: the type's own, or [ceil(n/16), ..., 16]. Requires: the layout fits.
Shape stored_shape(const TensorType& type, const Layout& layout);

// The same elements row-major, and in panels. Requires: constant sizes, the layout fits, `bytes` are as many as it
// says.
std::vector<std::byte> rows_of_panels(const TensorType& type, const Layout& layout, std::span<const std::byte> bytes);
std::vector<std::byte> panels_of_rows(const TensorType& type, const Layout& layout, std::span<const std::byte> bytes);

}  // namespace ingot
