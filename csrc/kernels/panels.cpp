// "panels": a tensor [..., n] of any strides as panels [ceil(n/16)][...][16], the last one filled up with zeros. Not an
// op of graphs: how the runtime lays params so that contraction kernels read them as they are. Exact copies.
#include "execute/kernel.h"
#include "kernels/element.h"
#include "kernels/families.h"
#include "kernels/pack.h"

namespace ingot::INGOT_LEVEL {
namespace {

inline constexpr std::int64_t kTilePanels = 4;  // neighbours: rows of the source are read 256 bytes at a time

std::int64_t panel_tiles(const KernelCall* call) {
  return ceil_div(call->outputs[0].shape[0], kTilePanels);
}

std::int64_t panel_cost(const KernelCall* call) {
  return num_elements(call->outputs[0]) * element_bytes(call->outputs[0].dtype) / 4 + 10;
}

// All lines but those of the last axis before n: [outer][steps][n], one piece of `steps` lines at a time.
template <class T>
void pack_tile(const TensorArg& from, const TensorArg& to, std::int64_t first, std::int64_t columns) {
  const int last = from.rank - 2;
  const std::int64_t steps = from.shape[last];
  const std::int64_t lines = num_elements(to) / (to.shape[0] * kPanel);
  T* const panels = reinterpret_cast<T*>(to.data) + first * lines;
  for (std::int64_t line = 0; line < lines; line += steps) {
    const T* source = reinterpret_cast<const T*>(from.data) + first * from.strides[from.rank - 1];
    std::int64_t rest = line / steps;
    for (int i = last - 1; i >= 0; --i) {
      source += rest % from.shape[i] * from.strides[i];
      rest /= from.shape[i];
    }
    pack_panels(source, from.strides[last], from.strides[from.rank - 1], columns, steps, panels + line * kPanel,
                lines * kPanel);
  }
}

template <class T>
void run_panels(const KernelCall* call, std::int64_t begin, std::int64_t end, char*) {
  const TensorArg &from = call->inputs[0], &to = call->outputs[0];
  const std::int64_t n = from.shape[from.rank - 1];
  for (std::int64_t tile = begin; tile < end; ++tile) {
    const std::int64_t first = tile * kTilePanels * kPanel;
    pack_tile<T>(from, to, first, smaller(kTilePanels * kPanel, n - first));
  }
}

}  // namespace

extern constinit const Kernel panel_kernels[] = {
    {"panels", kF32Type, panel_tiles, nullptr, panel_cost, run_panels<float>},
    {"panels", kF64Type, panel_tiles, nullptr, panel_cost, run_panels<double>},
};
extern constinit const std::int32_t num_panel_kernels = 2;

}  // namespace ingot::INGOT_LEVEL
