// Constants of the file format, shared by reader and writer; docs/file_format.md gives the reasons.
//
//   8 bytes   header size in bytes, little-endian
//   header    JSON object: "__metadata__" (string to string) and one entry per tensor; padded with spaces
//   data      the tensors' bytes, back to back, to the end of the file
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ingot {

inline constexpr std::size_t kLengthBytes = 8;
inline constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
inline constexpr std::size_t kMaxTensors = 1u << 20;
inline constexpr std::size_t kTensorAlignment = 64;  // of every tensor in a file we write, and of the data as a whole
inline constexpr std::string_view kMetadataKey = "__metadata__";
inline constexpr std::string_view kModuleKey = "ingot.module";
inline constexpr std::string_view kPadPrefix = "ingot.pad.";  // then a number: padding, U8, fewer than 64 bytes

}  // namespace ingot
