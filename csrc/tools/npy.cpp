// .npy: magic, version, header length, a Python dictionary literal with exactly three keys, the elements.
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/error.h"
#include "file/bytes.h"
#include "tools/files.h"

namespace ingot::tools {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxHeaderBytes = 65536;

struct Descr {
  std::string_view text;
  DType dtype;
};
// As NumPy writes them on a little-endian machine; it has no bfloat16 and writes its bytes as 'V2'.
constexpr Descr kDescrs[] = {{"|b1", DType::kBool}, {"|i1", DType::kI8},  {"<i2", DType::kI16},  {"<i4", DType::kI32},
                             {"<i8", DType::kI64},  {"|u1", DType::kU8},  {"<u2", DType::kU16},  {"<u4", DType::kU32},
                             {"<u8", DType::kU64},  {"<f2", DType::kF16}, {"<V2", DType::kBF16}, {"<f4", DType::kF32},
                             {"<f8", DType::kF64},  {"<c8", DType::kC64}, {"<c16", DType::kC128}};
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

[[noreturn]] void invalid(std::string_view path, std::string_view message) {
  fail(ErrorCode::kFile, concat(path, ": not a valid .npy file: ", message));
}

struct Header {
  std::optional<DType> dtype;
  std::optional<bool> columns_first;
  std::optional<std::vector<std::int64_t>> shape;
};

// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
 public:
  HeaderReader(std::string_view text, std::string_view path) : text_(text), path_(path) {}

  Header read() {
    expect("{");
    while (!accept("}")) {
      const std::string_view key = read_string();
      expect(":");
      if (key == "descr" && !header_.dtype) {
        header_.dtype = read_descr();
      } else if (key == "fortran_order" && !header_.columns_first) {
        header_.columns_first = accept("True");
        if (!*header_.columns_first) expect("False");
      } else if (key == "shape" && !header_.shape) {
        header_.shape = read_shape();
      } else {
        invalid(path_, "its header has an unknown or repeated key");
      }
      if (!accept(",")) {
        expect("}");
        break;
      }
    }
    skip_blanks();
    if (!text_.empty()) invalid(path_, "its header goes on after the dictionary");
    if (!header_.dtype || !header_.columns_first || !header_.shape) invalid(path_, "its header lacks a key");
    return std::move(header_);
  }

 private:
  void skip_blanks() {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\n')) text_.remove_prefix(1);
  }
  bool accept(std::string_view word) {
    skip_blanks();
    if (text_.substr(0, word.size()) != word) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(std::string_view word) {
    if (!accept(word)) invalid(path_, concat("its header lacks '", word, "'"));
  }
  std::string_view read_string() {
    expect("'");
    const std::size_t end = text_.find('\'');
    if (end == std::string_view::npos) invalid(path_, "its header ends in a string");
    const std::string_view result = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return result;
  }
  DType read_descr() {
    skip_blanks();
    if (text_.empty() || text_[0] != '\'')
      fail(ErrorCode::kFile, concat(path_, ": structured arrays are not supported"));
    std::string_view text = read_string();
    if (text == "|V2") text = "<V2";
    for (const Descr& descr : kDescrs) {
      if (descr.text == text) return descr.dtype;
    }
    std::string shown;  // the header is the file's: show no control characters
    for (char c : text.substr(0, 16)) shown += c >= ' ' && c <= '~' ? c : '?';
    fail(ErrorCode::kFile, concat(path_, ": elements of type '", shown, "' are not supported"));
  }
  std::vector<std::int64_t> read_shape() {
    std::vector<std::int64_t> shape;
    expect("(");
    while (!accept(")")) {
      skip_blanks();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) invalid(path_, "a size is no number");
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape.push_back(size);
      if (shape.size() > kMaxRank) fail(ErrorCode::kFile, concat(path_, ": more than 8 axes are not supported"));
      const bool comma = accept(",");
      if (!comma) {
        expect(")");
        if (shape.size() == 1) invalid(path_, "a shape of one axis lacks its comma");
        break;
      }
    }
    return shape;
  }

  std::string_view text_, path_;
  Header header_;
};

std::size_t read_length(const char* bytes, std::size_t width) {
  std::size_t length = 0;
  for (std::size_t i = width; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, std::string_view path) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.substr(0, kMagic.size()) != kMagic || text.size() < kMagic.size() + 2)
    invalid(path, "it does not begin as one");
  const char major = text[kMagic.size()], minor = text[kMagic.size() + 1];
  if ((major != 1 && major != 2) || minor != 0) {
    invalid(path, concat("version ", int{major}, ".", int{minor}, " is not supported, only 1.0 and 2.0"));
  }
  const std::size_t width = major == 1 ? 2 : 4, begin = kMagic.size() + 2 + width;
  if (text.size() < begin) invalid(path, "it is cut off in its header");
  const std::size_t length = read_length(text.data() + kMagic.size() + 2, width);
  if (length > kMaxHeaderBytes) invalid(path, concat("its header of ", length, " bytes is too long"));
  if (text.size() - begin < length) invalid(path, "it is cut off in its header");
  Header header = HeaderReader(text.substr(begin, length), path).read();
  const std::size_t have = text.size() - begin - length;
  // Compared before memory is asked for.
  auto wanted = static_cast<std::int64_t>(size_bytes(*header.dtype));
  for (std::int64_t size : *header.shape) {
    if (size == 0) wanted = 0;
  }
  for (std::int64_t size : *header.shape) {
    if (wanted != 0 && __builtin_mul_overflow(wanted, size, &wanted)) invalid(path, "its size overflows");
  }
  if (static_cast<std::uint64_t>(wanted) != have) {
    invalid(path, concat("it holds ", have, " bytes of elements, expected ", wanted));
  }
  Tensor tensor = make_tensor(*header.dtype, std::move(*header.shape));
  tensor.columns_first = *header.columns_first;
  std::memcpy(tensor.bytes.get(), bytes.data() + begin + length, tensor.size_bytes);
  return tensor;
}

Tensor read_npy(const std::string& path) {
  const FileBytes file = map_file(path);
  return parse_npy(file.bytes, path);
}

std::string npy_header(const Tensor& tensor) {
  std::string dictionary;
  for (const Descr& descr : kDescrs) {
    if (descr.dtype == tensor.dtype) dictionary = concat("{'descr': '", descr.text, "', ");
  }
  dictionary += concat("'fortran_order': ", tensor.columns_first ? "True" : "False", ", 'shape': (");
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    dictionary += (i == 0 ? "" : " ") + std::to_string(tensor.shape[i]);
    if (i + 1 < tensor.shape.size() || i == 0) dictionary += ",";
  }
  dictionary += "), }";
  const std::size_t before = kMagic.size() + 4;
  dictionary.append((kAlignment - (before + dictionary.size() + 1) % kAlignment) % kAlignment, ' ');
  dictionary += '\n';
  std::string header(kMagic);
  header += {'\1', '\0', static_cast<char>(dictionary.size() & 255), static_cast<char>(dictionary.size() >> 8)};
  return header + dictionary;
}

void write_npy(const std::string& path, const Tensor& tensor) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) fail(ErrorCode::kDevice, concat("cannot write ", path, ": ", std::strerror(errno)));
  const std::string header = npy_header(tensor);
  const bool written = std::fwrite(header.data(), 1, header.size(), file) == header.size() &&
                       std::fwrite(tensor.bytes.get(), 1, tensor.size_bytes, file) == tensor.size_bytes;
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  if (!written || !closed) {
    fail(ErrorCode::kDevice, concat("cannot write ", path, ": ", std::strerror(written ? errno : write_error)));
  }
}

}  // namespace ingot::tools
