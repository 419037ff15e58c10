// Which tensors of a file a module owns: its params (not second names) and stored states, as they lie in the file.
// Shared by reader and writer, so that both mean the same. Private to file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace ingot {

struct StoredTensor {
  std::string name;
  bool is_state = false;
  std::uint32_t index = 0;  // into Module::params or Module::states
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;  // as stored: of panels [ceil(n/16), ..., 16]

  std::string_view what() const { return is_state ? "state" : "param"; }  // for messages
  const TensorData& data(const Module& module) const {
    return is_state ? module.states[index].init : module.params[index].data;
  }
  TensorData& data(Module& module) const { return is_state ? module.states[index].init : module.params[index].data; }
};

// In module order: params, then stored states (those whose init has a size). Throws FileError for sizes that are not
// constant, negative or too large.
std::vector<StoredTensor> stored_tensors(const Module& module);

}  // namespace ingot
