// The container of a .ingot file, read strictly and written in one form: see container.h.
#include "file/container.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "file/format.h"
#include "file/json.h"
#include "graph/budgets.h"
#include "graph/quoted.h"
#include "ops/op.h"

namespace ingot {

namespace {

// The header's size, checked against its budget and the file.
std::size_t read_header_size(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) {
    fail(ErrorCode::kFile, concat("file: too short: got ", file.size(), " bytes, expected at least ", kLengthBytes));
  }
  std::uint64_t size = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) size = size << 8 | std::to_integer<std::uint64_t>(file[i]);
  if (size > kMaxHeaderBytes) {
    fail(ErrorCode::kLimit, concat("file: header too long: got ", size, " bytes, expected at most ", kMaxHeaderBytes));
  }
  if (size > file.size() - kLengthBytes) {
    fail(ErrorCode::kFile, concat("file: header past the end: got ", size, " bytes in a file of ", file.size()));
  }
  return static_cast<std::size_t>(size);
}

std::map<std::string, std::string> read_metadata(JsonReader& json) {
  std::map<std::string, std::string> metadata;
  json.expect('{');
  if (json.accept('}')) return metadata;
  do {
    std::string key = json.expect_string(kMaxHeaderBytes, "a metadata key");
    json.expect(':');
    const std::size_t budget = key == kModuleKey ? kMaxTextBytes : kMaxHeaderBytes;
    std::string value = json.expect_string(budget, key == kModuleKey ? "the module's text" : "a metadata string");
    if (!metadata.emplace(key, std::move(value)).second) json.fail_here("metadata key " + excerpt(key) + " twice");
  } while (json.accept(','));
  json.expect('}');
  return metadata;
}

std::vector<std::uint64_t> read_integers(JsonReader& json, std::size_t max_count, std::string_view what) {
  std::vector<std::uint64_t> list;
  json.expect('[');
  if (json.accept(']')) return list;
  do {
    if (list.size() == max_count)
      fail(ErrorCode::kLimit, concat("file: ", what, ": more than ", max_count, " numbers"));
    list.push_back(json.expect_integer(what));
  } while (json.accept(','));
  json.expect(']');
  return list;
}

DType read_dtype(JsonReader& json) {
  const std::string word = json.expect_string(kMaxNameBytes, "a dtype");
  const std::optional<DType> dtype = word.empty() ? std::nullopt : dtype_from_file_name(word);
  if (!dtype) json.fail_here("unknown dtype " + excerpt(word));
  return *dtype;
}

// Exactly dtype, shape and data_offsets, each once, in any order.
TensorEntry read_entry(JsonReader& json, std::string name) {
  TensorEntry entry;
  entry.name = std::move(name);
  bool has_dtype = false, has_shape = false, has_offsets = false;
  json.expect('{');
  do {
    const std::string field = json.expect_string(kMaxNameBytes, "a field of a tensor");
    json.expect(':');
    bool* seen = field == "dtype" ? &has_dtype : field == "shape" ? &has_shape : &has_offsets;
    if (field != "dtype" && field != "shape" && field != "data_offsets")
      json.fail_here("unknown field " + excerpt(field));
    if (*seen) json.fail_here("field " + excerpt(field) + " twice");
    *seen = true;
    if (field == "dtype") {
      entry.dtype = read_dtype(json);
    } else if (field == "shape") {
      entry.shape = read_integers(json, kMaxRank, "shape");
    } else {
      const std::vector<std::uint64_t> offsets = read_integers(json, 2, "data_offsets");
      if (offsets.size() != 2) json.fail_here("data_offsets needs two numbers");
      entry.begin = offsets[0];
      entry.end = offsets[1];
    }
  } while (json.accept(','));
  json.expect('}');
  if (!has_dtype || !has_shape || !has_offsets) json.fail_here("tensor " + excerpt(entry.name) + " lacks a field");
  return entry;
}

// The range holds exactly the elements; nothing wraps.
void check_size(const TensorEntry& entry) {
  std::uint64_t bytes = size_bytes(entry.dtype);
  bool fits = true;
  for (const std::uint64_t size : entry.shape) fits = fits && !__builtin_mul_overflow(bytes, size, &bytes);
  if (!fits) fail(ErrorCode::kFile, concat("file: tensor ", excerpt(entry.name), ": its size overflows 64 bits"));
  if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
    fail(ErrorCode::kFile, concat("file: tensor ", excerpt(entry.name), ": data_offsets [", entry.begin, ", ",
                                  entry.end, "] do not hold its ", bytes, " bytes"));
  }
}

void check_names(const std::vector<TensorEntry>& entries) {
  std::vector<std::string_view> names;
  names.reserve(entries.size());
  for (const TensorEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) fail(ErrorCode::kFile, concat("file: tensor ", excerpt(*twice), " twice"));
}

// No holes, no overlap, and the last tensor ends with the file.
void check_coverage(std::vector<TensorEntry>& entries, std::uint64_t data_bytes) {
  std::sort(entries.begin(), entries.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != at) {
      fail(ErrorCode::kFile, concat("file: tensor ", excerpt(entry.name), ": begins at byte ", entry.begin,
                                    " of the data, expected ", at, (entry.begin < at ? " (overlap)" : " (hole)")));
    }
    at = entry.end;
  }
  if (at != data_bytes) {
    fail(ErrorCode::kFile, concat("file: bytes not covered: the tensors hold ", at, " bytes, the file ", data_bytes));
  }
}

}  // namespace

Container read_container(std::span<const std::byte> file) {
  const std::size_t header_size = read_header_size(file);
  const std::string_view header(reinterpret_cast<const char*>(file.data()) + kLengthBytes, header_size);
  if (!header.starts_with('{')) fail(ErrorCode::kFile, "file: byte 8: the header does not begin with '{'");
  if (const std::size_t bad = find_invalid_utf8(header); bad != std::string_view::npos) {
    fail(ErrorCode::kFile, concat("file: byte ", kLengthBytes + bad, ": the header is not UTF-8"));
  }
  Container container;
  container.data_begin = kLengthBytes + header_size;
  JsonReader json(header, kLengthBytes);
  json.expect('{');
  bool has_metadata = false;
  if (!json.accept('}')) {
    do {
      std::string name = json.expect_string(kMaxHeaderBytes, "a tensor's name");
      json.expect(':');
      if (name == kMetadataKey) {
        if (has_metadata) json.fail_here("__metadata__ twice");
        has_metadata = true;
        container.metadata = read_metadata(json);
        continue;
      }
      if (container.entries.size() == kMaxTensors) {
        fail(ErrorCode::kLimit, concat("file: more than ", kMaxTensors, " tensors"));
      }
      container.entries.push_back(read_entry(json, std::move(name)));
      check_size(container.entries.back());
    } while (json.accept(','));
    json.expect('}');
  }
  json.expect_end();
  check_names(container.entries);
  check_coverage(container.entries, file.size() - container.data_begin);
  return container;
}

std::string write_header(const std::map<std::string, std::string>& metadata, std::span<const TensorEntry> entries) {
  std::string json = "{";
  append_quoted(json, kMetadataKey);
  json += ":{";
  bool is_first = true;
  for (const auto& [key, value] : metadata) {
    if (!is_first) json.push_back(',');
    is_first = false;
    append_quoted(json, key);
    json.push_back(':');
    append_quoted(json, value);
  }
  json.push_back('}');
  for (const TensorEntry& entry : entries) {
    json.push_back(',');
    append_quoted(json, entry.name);
    json += concat(":{\"dtype\":\"", info(entry.dtype).file_name, "\",\"shape\":[");
    for (std::size_t i = 0; i < entry.shape.size(); ++i) json += concat(i > 0 ? "," : "", entry.shape[i]);
    json += concat("],\"data_offsets\":[", entry.begin, ",", entry.end, "]}");
  }
  json.push_back('}');
  while ((kLengthBytes + json.size()) % kTensorAlignment != 0) json.push_back(' ');
  if (json.size() > kMaxHeaderBytes) {
    fail(ErrorCode::kLimit, concat("file: header too long: ", json.size(), " bytes, at most ", kMaxHeaderBytes));
  }
  std::string out;
  for (std::size_t i = 0; i < kLengthBytes; ++i) out.push_back(static_cast<char>(json.size() >> (8 * i) & 0xff));
  return out + json;
}

}  // namespace ingot
