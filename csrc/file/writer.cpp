// Module to bytes. The order is a function of the module alone: tensors whose size is a multiple of 64 bytes first, in
// module order, then the others, each followed by padding up to the next multiple.
#include <array>
#include <map>

#include "base/error.h"
#include "file/bytes.h"
#include "file/container.h"
#include "file/file.h"
#include "file/format.h"
#include "file/tensors.h"
#include "graph/budgets.h"
#include "graph/quoted.h"
#include "graph/text.h"
#include "verify/verify.h"

namespace ingot {

namespace {

constexpr std::array<std::byte, kTensorAlignment> kZeros{};

struct FileImage {
  std::string header;
  std::vector<std::span<const std::byte>> data;  // borrowed from the module; back to back
};

class ImageBuilder {
 public:
  void add(const StoredTensor& tensor, const TensorData& data) {
    if (info(tensor.dtype).file_name.empty()) {
      fail(ErrorCode::kFile, concat("file: ", tensor.what(), " ", excerpt(tensor.name), ": the format has no dtype ",
                                    name(tensor.dtype)));
    }
    append(tensor.name, tensor.dtype, tensor.shape, {data.data, data.size_bytes});
  }

  void pad() {
    const std::size_t size = (kTensorAlignment - end_ % kTensorAlignment) % kTensorAlignment;
    if (size == 0) return;
    append(concat(kPadPrefix, num_pads_++), DType::kU8, {size}, std::span(kZeros).first(size));
  }

  std::vector<TensorEntry> entries;
  std::vector<std::span<const std::byte>> pieces;

 private:
  void append(std::string name, DType dtype, std::vector<std::uint64_t> shape, std::span<const std::byte> bytes) {
    TensorEntry entry{.name = std::move(name), .dtype = dtype, .shape = std::move(shape), .begin = end_, .end = end_};
    if (__builtin_add_overflow(end_, bytes.size(), &entry.end)) fail(ErrorCode::kLimit, "file: larger than 2^64 bytes");
    end_ = entry.end;
    entries.push_back(std::move(entry));
    pieces.push_back(bytes);
  }

  std::uint64_t end_ = 0;
  std::size_t num_pads_ = 0;
};

FileImage make_image(const Module& module) {
  verify(module);
  ImageBuilder builder;
  const std::vector<StoredTensor> tensors = stored_tensors(module);
  const auto is_even = [&](const StoredTensor& tensor) {
    return tensor.data(module).size_bytes % kTensorAlignment == 0;
  };
  for (const StoredTensor& tensor : tensors) {
    if (is_even(tensor)) builder.add(tensor, tensor.data(module));
  }
  for (const StoredTensor& tensor : tensors) {
    if (is_even(tensor)) continue;
    builder.add(tensor, tensor.data(module));
    builder.pad();
  }
  std::map<std::string, std::string> metadata = module.metadata;
  std::string text = print_module(module);
  if (text.size() > kMaxTextBytes) {
    fail(ErrorCode::kLimit, concat("file: the module's text has ", text.size(), " bytes, at most ", kMaxTextBytes));
  }
  metadata.emplace(kModuleKey, std::move(text));
  return {write_header(metadata, builder.entries), std::move(builder.pieces)};
}

}  // namespace

std::vector<std::byte> write_module(const Module& module) {
  const FileImage image = make_image(module);
  std::vector<std::byte> out;
  std::size_t total = image.header.size();
  for (const std::span<const std::byte> piece : image.data) total += piece.size();
  out.reserve(total);
  const std::span<const std::byte> header = std::as_bytes(std::span(image.header));
  out.insert(out.end(), header.begin(), header.end());
  for (const std::span<const std::byte> piece : image.data) out.insert(out.end(), piece.begin(), piece.end());
  return out;
}

void save_module(const Module& module, const std::string& path) {
  const FileImage image = make_image(module);
  std::vector<std::span<const std::byte>> pieces = {std::as_bytes(std::span(image.header))};
  pieces.insert(pieces.end(), image.data.begin(), image.data.end());
  write_file_atomically(path, pieces);
}

}  // namespace ingot
