// Some panels of a param at a time, for threads that share the work.
#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/layout.h"

namespace ingot {

// first .. last-1.
struct PanelRange {
  std::int64_t first = 0, last = 0;
};
PanelRange all_panels(const TensorType& type, const Layout& layout);
// What these panels hold, into the memory of all rows. `panels` is that of all, too.
void copy_rows_of_panels(const TensorType& type, const Layout& layout, const std::byte* panels, PanelRange range,
                         std::byte* rows);

}  // namespace ingot
