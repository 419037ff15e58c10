// Look-ups in a module, and tensor data of its own.
#include "graph/graph.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/error.h"

namespace ingot {

TensorData copy_data(const void* bytes, std::size_t size_bytes) {
  constexpr std::align_val_t kAlignment{64};
  void* const block = ::operator new(std::max<std::size_t>(size_bytes, 1), kAlignment);
  std::shared_ptr<const void> owner(block, [](const void* p) { ::operator delete(const_cast<void*>(p), kAlignment); });
  if (size_bytes > 0) std::memcpy(block, bytes, size_bytes);
  return {static_cast<const std::byte*>(block), size_bytes, std::move(owner)};
}

const Graph* Module::find_graph(std::string_view graph_name) const {
  const auto found = std::find_if(graphs.begin(), graphs.end(), [&](const Graph& g) { return g.name == graph_name; });
  return found == graphs.end() ? nullptr : &*found;
}

const Param& resolve(const Module& module, std::uint32_t param_index) {
  INGOT_CHECK(param_index < module.params.size());
  const Param& param = module.params[param_index];
  if (!param.alias_of) return param;
  INGOT_CHECK(*param.alias_of < module.params.size());
  return module.params[*param.alias_of];
}

}  // namespace ingot
