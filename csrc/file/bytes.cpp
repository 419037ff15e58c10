// Opening, mapping and reading files: see bytes.h. Only regular files are read, and opening never blocks, so that a
// pipe or a device under a model's name is an error and not a hang.
#include "file/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "base/error.h"
#include "file/format.h"
#include "graph/quoted.h"

namespace ingot {

namespace {

// Closes its file descriptor.
class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) fail_system("cannot open", path, errno);
  }
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::size_t regular_file_size(const OpenFile& file, const std::string& path) {
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) fail_system("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) fail(ErrorCode::kFile, concat("file: ", excerpt(path), " is a folder"));
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::kFile, concat("file: ", excerpt(path), " is not a regular file"));
  return static_cast<std::size_t>(status.st_size);
}

std::shared_ptr<std::byte> allocate_aligned(std::size_t size_bytes) {
  constexpr std::align_val_t kAlignment{kTensorAlignment};
  void* memory = ::operator new(size_bytes, kAlignment, std::nothrow);
  if (memory == nullptr) fail(ErrorCode::kLimit, concat("file: cannot hold ", size_bytes, " bytes in memory"));
  return {static_cast<std::byte*>(memory), [](std::byte* p) { ::operator delete(p, kAlignment); }};
}

}  // namespace

void fail_system(const std::string& what, const std::string& path, int error_number) {
  static constexpr std::size_t kMaxPathBytes = 200;
  std::string shown = clip(path, kMaxPathBytes);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20) c = '?';
  }
  const std::string reason = std::generic_category().message(error_number);
  fail(ErrorCode::kDevice, concat("file: ", what, " '", shown, "': ", reason));
}

FileBytes map_file(const std::string& path) {
  const OpenFile file(path);
  const std::size_t size = regular_file_size(file, path);
  if (size == 0) return {};
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (memory == MAP_FAILED) fail_system("cannot map", path, errno);
  const std::shared_ptr<const void> owner(memory, [size](void* p) { ::munmap(p, size); });
  return {{static_cast<const std::byte*>(memory), size}, owner};
}

FileBytes read_file(const std::string& path) {
  const OpenFile file(path);
  const std::size_t size = regular_file_size(file, path);
  const std::shared_ptr<std::byte> memory = allocate_aligned(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.fd(), memory.get() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system("cannot read", path, errno);
    if (got == 0) break;  // truncated meanwhile: the reader will find what is missing
    done += static_cast<std::size_t>(got);
  }
  return {{memory.get(), done}, memory};
}

FileBytes copy_bytes(std::span<const std::byte> bytes) {
  const std::shared_ptr<std::byte> memory = allocate_aligned(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  return {{memory.get(), bytes.size()}, memory};
}

}  // namespace ingot
