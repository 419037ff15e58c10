// Atomic saving: a reader of the path sees the old file or the whole new one, whatever happens to this process.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/error.h"
#include "file/bytes.h"

namespace ingot {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A new file in the target's folder; removed unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target) {
    static std::atomic<unsigned> counter{0};
    static constexpr int kAttempts = 100;  // names left by processes that died may be taken
    const std::string prefix = concat(folder_of(target), "/.ingot-", ::getpid(), "-");
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      path_ = concat(prefix, counter++, ".tmp");
      fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd_ >= 0) return;
      if (errno != EEXIST) break;
    }
    fail_system("cannot create a file beside", target, errno);
  }
  ~TemporaryFile() {
    if (fd_ >= 0) ::close(fd_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes, const std::string& target) {
    static constexpr std::size_t kMaxChunk = std::size_t{1} << 30;
    while (!bytes.empty()) {
      const ssize_t done = ::write(fd_, bytes.data(), std::min(bytes.size(), kMaxChunk));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) fail_system("cannot write", target, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
  }

  void rename_to(const std::string& target) {
    if (::fsync(fd_) != 0) fail_system("cannot write", target, errno);
    const int fd = fd_;
    fd_ = -1;
    if (::close(fd) != 0) fail_system("cannot write", target, errno);
    if (::rename(path_.c_str(), target.c_str()) != 0) fail_system("cannot save as", target, errno);
    path_.clear();
  }

 private:
  std::string path_;
  int fd_ = -1;
};

// The rename itself becomes durable. Some file systems cannot sync folders; the file is complete there all the same.
void sync_folder(const std::string& target) {
  const int fd = ::open(folder_of(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  const int result = ::fsync(fd);
  const int error_number = errno;
  ::close(fd);
  if (result != 0 && error_number != EINVAL && error_number != ENOTSUP) {
    fail_system("cannot sync the folder of", target, error_number);
  }
}

}  // namespace

void write_file_atomically(const std::string& path, std::span<const std::span<const std::byte>> pieces) {
  TemporaryFile file(path);
  for (const std::span<const std::byte> piece : pieces) file.write(piece, path);
  file.rename_to(path);
  sync_folder(path);
}

}  // namespace ingot
