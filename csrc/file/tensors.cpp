// The tensors of a file, seen from the module: see tensors.h.
#include "file/tensors.h"

#include <utility>

#include "base/error.h"
#include "graph/quoted.h"

namespace ingot {

namespace {

void set_shape(StoredTensor& tensor, const TensorType& type, const Layout& layout) {
  const auto fail_shape = [&](std::string_view message) {
    fail(ErrorCode::kFile, concat("file: ", tensor.what(), " ", excerpt(tensor.name), ": ", message));
  };
  for (const Size& size : type.shape) {
    if (!size.is_constant() || size.constant() < 0) fail_shape("needs constant sizes >= 0");
    tensor.shape.push_back(static_cast<std::uint64_t>(size.constant()));
  }
  if (!layout.in_panels()) return;
  if (!fits(layout, type)) fail_shape(concat("layout ", to_string(layout), " does not fit ", to_string(type)));
  std::vector<std::uint64_t> stored;
  for (std::size_t i = 0; i < layout.rank; ++i) stored.push_back(tensor.shape[layout.order[i]]);
  stored[0] = (stored[0] + (kPanelWidth - 1)) / kPanelWidth;  // sizes are below 2^63: this cannot wrap
  stored.push_back(kPanelWidth);
  tensor.shape = std::move(stored);
}

}  // namespace

std::vector<StoredTensor> stored_tensors(const Module& module) {
  std::vector<StoredTensor> tensors;
  for (std::uint32_t i = 0; i < module.params.size(); ++i) {
    const Param& param = module.params[i];
    if (param.alias_of) continue;
    tensors.push_back({.name = param.name, .is_state = false, .index = i, .dtype = param.type.dtype, .shape = {}});
    set_shape(tensors.back(), param.type, param.layout);
  }
  for (std::uint32_t i = 0; i < module.states.size(); ++i) {
    const State& state = module.states[i];
    if (state.init.size_bytes == 0) continue;
    tensors.push_back({.name = state.name, .is_state = true, .index = i, .dtype = state.type.dtype, .shape = {}});
    set_shape(tensors.back(), state.type, kRowMajor);
  }
  return tensors;
}

}  // namespace ingot
