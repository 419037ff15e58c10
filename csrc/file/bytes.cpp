// Opening, mapping and reading files: see bytes.h. Only regular files are read, and opening never blocks, so that a
// pipe or a device under a model's name is an error and not a hang.
#include "file/bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <new>
#include <system_error>
#include <vector>

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

struct stat regular_file(const OpenFile& file, const std::string& path) {
  struct stat status{};
  if (::fstat(file.fd(), &status) != 0) fail_system("cannot read", path, errno);
  if (S_ISDIR(status.st_mode)) fail(ErrorCode::kFile, concat("file: ", excerpt(path), " is a folder"));
  if (!S_ISREG(status.st_mode)) fail(ErrorCode::kFile, concat("file: ", excerpt(path), " is not a regular file"));
  return status;
}

// The mappings that are in use. A file counts as the same while its inode, size and times are.
struct Mapping {
  struct stat status{};
  std::weak_ptr<const void> owner;
};

struct Mappings {
  std::mutex mutex;
  std::vector<Mapping> list;
};

bool same_time(const struct timespec& a, const struct timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size && same_time(a.st_mtim, b.st_mtim) &&
         same_time(a.st_ctim, b.st_ctim);
}

std::shared_ptr<const void> map_anew(const OpenFile& file, const std::string& path, std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (memory == MAP_FAILED) fail_system("cannot map", path, errno);
  return {memory, [size](const void* p) { ::munmap(const_cast<void*>(p), size); }};
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
  const struct stat status = regular_file(file, path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return {};
  static Mappings* const mappings = new Mappings;  // never destroyed: modules may outlive static objects
  const std::lock_guard<std::mutex> lock(mappings->mutex);
  std::shared_ptr<const void> owner;
  for (const Mapping& known : mappings->list) {
    if (same_file(known.status, status)) owner = known.owner.lock();
    if (owner) break;
  }
  if (!owner) {
    owner = map_anew(file, path, size);
    std::erase_if(mappings->list, [](const Mapping& known) { return known.owner.expired(); });
    mappings->list.push_back({.status = status, .owner = owner});
  }
  return {.bytes = {static_cast<const std::byte*>(owner.get()), size}, .owner = owner, .mapped = true};
}

FileBytes read_file(const std::string& path) {
  const OpenFile file(path);
  const auto size = static_cast<std::size_t>(regular_file(file, path).st_size);
  const std::shared_ptr<std::byte> memory = allocate_aligned(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::read(file.fd(), memory.get() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_system("cannot read", path, errno);
    if (got == 0) break;  // truncated meanwhile: the reader will find what is missing
    done += static_cast<std::size_t>(got);
  }
  return {.bytes = {memory.get(), done}, .owner = memory};
}

FileBytes copy_bytes(std::span<const std::byte> bytes) {
  const std::shared_ptr<std::byte> memory = allocate_aligned(bytes.size());
  if (!bytes.empty()) std::memcpy(memory.get(), bytes.data(), bytes.size());
  return {.bytes = {memory.get(), bytes.size()}, .owner = memory};
}

}  // namespace ingot
