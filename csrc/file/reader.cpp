// Bytes to module: container, text, tensors, then every law of verify. No pointer into the data is formed before its
// range was checked against the file.
#include <map>
#include <utility>

#include "base/error.h"
#include "file/bytes.h"
#include "file/container.h"
#include "file/file.h"
#include "file/format.h"
#include "file/tensors.h"
#include "graph/quoted.h"
#include "graph/text.h"
#include "verify/verify.h"

namespace ingot {

namespace {

[[noreturn]] void fail_tensor(const std::string& name, const std::string& message) {
  fail(ErrorCode::kFile, concat("file: tensor ", excerpt(name), ": ", message));
}

// Takes the module's text out of the metadata.
std::string take_text(std::map<std::string, std::string>& metadata) {
  const auto text = metadata.find(std::string(kModuleKey));
  if (text == metadata.end()) fail(ErrorCode::kFile, "file: no ingot.module: not a file of this runtime");
  std::string taken = std::move(text->second);
  metadata.erase(text);
  return taken;
}

bool is_pad_name(std::string_view name) {
  if (!name.starts_with(kPadPrefix)) return false;
  const std::string_view number = name.substr(kPadPrefix.size());
  const bool is_number = number.find_first_not_of("0123456789") == std::string_view::npos;
  return is_number && !number.empty() && (number == "0" || number[0] != '0');
}

void check_pad(const TensorEntry& entry) {
  const bool is_short = entry.shape.size() == 1 && entry.shape[0] > 0 && entry.shape[0] < kTensorAlignment;
  if (entry.dtype != DType::kU8 || !is_short) fail_tensor(entry.name, "padding must be U8 of 1 to 63 bytes");
}

std::string type_text(DType dtype, const std::vector<std::uint64_t>& shape) {
  std::string text = concat(info(dtype).file_name, "[");
  for (std::size_t i = 0; i < shape.size(); ++i) text += concat(i > 0 ? "," : "", shape[i]);
  return text + "]";
}

// Elements are read in place, so they must lie at multiples of their size (of a complex number: of its halves).
void check_alignment(const TensorEntry& entry, std::size_t position) {
  const DTypeInfo& dtype = info(entry.dtype);
  const std::size_t alignment = dtype.kind == DTypeKind::kComplex ? dtype.size_bytes / 2u : dtype.size_bytes;
  if (position % alignment != 0) {
    fail_tensor(entry.name, concat("its data at byte ", position, " is not aligned to ", alignment, " bytes"));
  }
}

void attach(const TensorEntry& entry, const StoredTensor& wanted, const FileBytes& file, std::size_t data_begin,
            Module& module) {
  if (entry.dtype != wanted.dtype || entry.shape != wanted.shape) {
    fail_tensor(entry.name, concat("is ", type_text(entry.dtype, entry.shape), ", the module wants ",
                                   type_text(wanted.dtype, wanted.shape)));
  }
  const std::size_t size = static_cast<std::size_t>(entry.end - entry.begin);
  if (size == 0) return;
  const std::size_t position = data_begin + static_cast<std::size_t>(entry.begin);
  check_alignment(entry, position);
  wanted.data(module) = {
      .data = file.bytes.data() + position, .size_bytes = size, .owner = file.owner, .mapped = file.mapped};
}

// Every tensor of the module is in the file, and nothing else but padding.
void attach_all(Module& module, const Container& container, const FileBytes& file) {
  const std::vector<StoredTensor> tensors = stored_tensors(module);
  std::map<std::string_view, std::pair<const StoredTensor*, bool>> wanted;
  for (const StoredTensor& tensor : tensors) wanted.emplace(tensor.name, std::pair(&tensor, false));
  for (const TensorEntry& entry : container.entries) {
    const auto found = wanted.find(entry.name);
    if (found != wanted.end()) {
      attach(entry, *found->second.first, file, container.data_begin, module);
      found->second.second = true;
    } else if (is_pad_name(entry.name)) {
      check_pad(entry);
    } else {
      fail_tensor(entry.name, "the module has no param or stored state of this name");
    }
  }
  for (const StoredTensor& tensor : tensors) {
    if (wanted.at(tensor.name).second) continue;
    fail(ErrorCode::kFile, concat("file: ", tensor.what(), " ", excerpt(tensor.name), " has no tensor in the file"));
  }
}

Module read_module(const FileBytes& file) {
  Container container = read_container(file.bytes);
  Module module = parse_module(take_text(container.metadata)).module;
  attach_all(module, container, file);
  module.metadata = std::move(container.metadata);
  verify(module);
  return module;
}

}  // namespace

Module load_module(const std::string& path, const ReadOptions& options) {
  return read_module(options.copy ? read_file(path) : map_file(path));
}

Module load_module(std::span<const std::byte> bytes) {
  return read_module(copy_bytes(bytes));
}

}  // namespace ingot
