// The safetensors container: the header of a file, checked against the file's size. Knows nothing of modules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace ingot {

struct TensorEntry {
  std::string name;
  DType dtype = DType::kU8;
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0, end = 0;  // in the data
};

struct Container {
  std::map<std::string, std::string> metadata;
  std::vector<TensorEntry> entries;  // by begin, then end; they cover the data exactly
  std::size_t data_begin = 0;        // in the file
};

// Throws FileError naming the byte or the tensor; LimitError for budgets. Reads the header only.
Container read_container(std::span<const std::byte> file);

// The 8 bytes and the header, padded with spaces so that the data begins at a multiple of kTensorAlignment.
std::string write_header(const std::map<std::string, std::string>& metadata, std::span<const TensorEntry> entries);

}  // namespace ingot
