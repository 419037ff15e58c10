// One tensor of a safetensors file as an input.
#include <cstring>

#include "base/error.h"
#include "file/bytes.h"
#include "file/container.h"
#include "file/format.h"
#include "tools/files.h"

namespace ingot::tools {

namespace {

Tensor copy_tensor(const TensorEntry& entry, std::span<const std::byte> data) {
  std::vector<std::int64_t> shape;
  for (std::uint64_t size : entry.shape) {
    if (size > INT64_MAX) fail(ErrorCode::kFile, "a size is too large");
    shape.push_back(static_cast<std::int64_t>(size));
  }
  Tensor tensor = make_tensor(entry.dtype, std::move(shape));
  INGOT_CHECK(tensor.size_bytes == entry.end - entry.begin && entry.end <= data.size());
  std::memcpy(tensor.bytes.get(), data.data() + entry.begin, tensor.size_bytes);
  return tensor;
}

}  // namespace

Tensor read_safetensors(const std::string& path, const std::string& name) {
  const FileBytes file = map_file(path);
  try {
    const Container container = read_container(file.bytes);
    const TensorEntry* found = nullptr;
    std::size_t count = 0;
    for (const TensorEntry& entry : container.entries) {
      if (entry.name.starts_with(kPadPrefix)) continue;
      ++count;
      if (entry.name == name || (found == nullptr && count == 1)) found = &entry;
    }
    if (found == nullptr || (found->name != name && count != 1)) {
      fail(ErrorCode::kFile, concat("it holds ", count, " tensors, none of them named '", name, "'"));
    }
    return copy_tensor(*found, file.bytes.subspan(container.data_begin));
  } catch (const Error& error) {
    fail(error.code(), concat(path, ": ", error.message()));
  }
}

}  // namespace ingot::tools
