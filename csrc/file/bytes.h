// The bytes of a file in memory: mapped, or read into aligned memory. Used by the reader and by the runner's inputs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace ingot {

struct FileBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;  // keeps them alive
  bool mapped = false;
};

// Maps a regular file privately and read-only; the same unchanged file is mapped once. Empty files give no bytes.
// DeviceError with the system's reason; FileError where the path is no regular file.
FileBytes map_file(const std::string& path);
// The same, read into memory aligned to kTensorAlignment: safe against later truncation by others.
FileBytes read_file(const std::string& path);
FileBytes copy_bytes(std::span<const std::byte> bytes);

// Writes the pieces to a new file beside `path`, makes it durable, renames it to `path`. On any failure `path` is as it
// was and the new file is gone. DeviceError with the system's reason.
void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> pieces);

// "file: cannot open 'x': No such file or directory", from errno.
[[noreturn]] void fail_system(const std::string& what, const std::string& path, int error_number);

}  // namespace ingot
