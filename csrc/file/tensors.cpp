// The tensors of a file, seen from the module: see tensors.h.
#include "file/tensors.h"

#include "base/error.h"
#include "graph/quoted.h"

namespace ingot {

namespace {

void set_shape(StoredTensor& tensor, const TensorType& type, Layout layout) {
  const auto fail_shape = [&](std::string_view message) {
    fail(ErrorCode::kFile, concat("file: ", tensor.what(), " ", excerpt(tensor.name), ": ", message));
  };
  for (const Size& size : type.shape) {
    if (!size.is_constant() || size.constant() < 0) fail_shape("needs constant sizes >= 0");
    tensor.shape.push_back(static_cast<std::uint64_t>(size.constant()));
  }
  if (layout == Layout::kPanel16) {
    if (tensor.shape.size() != 2) fail_shape("layout panel16 needs two sizes");
    // Below 2^63, so that adding 15 cannot wrap.
    tensor.shape = {(tensor.shape[1] + 15) / 16, tensor.shape[0], 16};
  }
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
    set_shape(tensors.back(), state.type, Layout::kRows);
  }
  return tensors;
}

}  // namespace ingot
