#include "cuda/cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <tuple>
#include <vector>

namespace ingot::cuda {
namespace {

// Ends with the format's number.
constexpr char kMagic[8] = {'I', 'N', 'G', 'O', 'T', 'G', 'C', '1'};
constexpr char kPrefix[] = "group-";                      // of every file
constexpr std::size_t kMostBytes = std::size_t{1} << 28;  // of a file that is read at all

std::atomic<std::int64_t> limit_bytes = std::int64_t{1} << 28;

struct Header {
  char magic[8];
  std::uint64_t key_bytes, code_bytes;
  std::uint64_t checksum;  // of the key and the code
};

// FNV-1a by words of 8 bits, from a start of its own.
std::uint64_t hash(const std::string& text, std::uint64_t state) {
  for (const char c : text) state = (state ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return state ^ state >> 29;
}

constexpr std::uint64_t kFirst = 0xcbf29ce484222325u, kSecond = 0x9e3779b97f4a7c15u;

std::uint64_t checksum(const std::string& key, const std::string& code) {
  return hash(code, hash(key, kSecond));
}

std::string path_of(const std::string& folder, const std::string& key) {
  return folder + "/" + cache_file_name(key);
}

bool read_all(int file, char* to, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = read(file, to, bytes);
    if (got <= 0) return false;
    to += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int file, const char* from, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t written = write(file, from, bytes);
    if (written <= 0) return false;
    from += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

bool read_entry(int file, const std::string& key, std::string* code) {
  struct stat state = {};
  Header header = {};
  if (fstat(file, &state) != 0 || !S_ISREG(state.st_mode) ||
      !read_all(file, reinterpret_cast<char*>(&header), sizeof header))
    return false;
  const auto bytes = static_cast<std::uint64_t>(state.st_size);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || bytes > kMostBytes || header.key_bytes != key.size() ||
      header.code_bytes != bytes - sizeof header - key.size() || bytes < sizeof header + key.size())
    return false;
  std::string found(key.size(), '\0');
  code->assign(header.code_bytes, '\0');
  return read_all(file, found.data(), found.size()) && read_all(file, code->data(), code->size()) && found == key &&
         checksum(key, *code) == header.checksum;
}

// A folder, and those above it, for this user alone where they are made.
void make_folder(const std::string& folder) {
  for (std::size_t end = folder.find('/', 1); end != std::string::npos; end = folder.find('/', end + 1)) {
    mkdir(folder.substr(0, end).c_str(), 0700);
  }
  mkdir(folder.c_str(), 0700);
}

bool write_entry(const std::string& path, const std::string& key, const std::string& code) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return false;
  Header header = {};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.key_bytes = key.size();
  header.code_bytes = code.size();
  header.checksum = checksum(key, code);
  const bool written = write_all(file, reinterpret_cast<const char*>(&header), sizeof header) &&
                       write_all(file, key.data(), key.size()) && write_all(file, code.data(), code.size());
  const bool closed = close(file) == 0;
  return written && closed;
}

struct Entry {
  timespec used;
  std::string name;
  std::int64_t bytes;
};

// All entries, those that are still being written too: what a process that died left of one goes like any other.
std::vector<Entry> entries_of(DIR* folder) {
  std::vector<Entry> entries;
  while (const dirent* const found = readdir(folder)) {
    struct stat state = {};
    if (std::strncmp(found->d_name, kPrefix, sizeof kPrefix - 1) != 0 ||
        fstatat(dirfd(folder), found->d_name, &state, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(state.st_mode))
      continue;
    entries.push_back({state.st_mtim, found->d_name, static_cast<std::int64_t>(state.st_size)});
  }
  return entries;
}

// Removes those that were used longest ago. Who has one open reads on; who writes one notices that it is gone. Several
// processes at once choose the same ones.
void remove_oldest(const std::string& path, std::int64_t max_bytes) {
  DIR* const folder = opendir(path.c_str());
  if (folder == nullptr) return;
  std::vector<Entry> entries = entries_of(folder);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.used.tv_sec, a.used.tv_nsec, a.name) < std::tie(b.used.tv_sec, b.used.tv_nsec, b.name);
  });
  std::int64_t total = 0;
  for (const Entry& entry : entries) total += entry.bytes;
  for (std::size_t i = 0; i < entries.size() && total > max_bytes; ++i) {
    if (unlinkat(dirfd(folder), entries[i].name.c_str(), 0) == 0 || errno == ENOENT) total -= entries[i].bytes;
  }
  closedir(folder);
}

// The path of a new file beside that of the entry; empty where it cannot be written or is larger than the limit.
std::string write_temporary(const std::string& folder, const std::string& key, const std::string& code) {
  static std::atomic<unsigned> count = 0;
  if (folder.empty() || static_cast<std::int64_t>(sizeof(Header) + key.size() + code.size()) > limit_bytes) return {};
  make_folder(folder);
  const std::string path = path_of(folder, key) + "." + std::to_string(getpid()) + "." + std::to_string(count++);
  if (write_entry(path, key, code)) return path;
  unlink(path.c_str());
  return {};
}

}  // namespace

std::string digest(const std::string& text) {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(hash(text, kFirst)),
                static_cast<unsigned long long>(hash(text, kSecond)));
  return digits;
}

std::string cache_file_name(const std::string& key) {
  return kPrefix + digest(key);
}

bool read_cached_code(const std::string& folder, const std::string& key, std::string* code) {
  if (folder.empty()) return false;
  const int file = open(path_of(folder, key).c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool read = read_entry(file, key, code);
  if (read) futimens(file, nullptr);  // its last use; where that cannot be noted it counts as older
  close(file);
  return read;
}

void write_cached_code(const std::string& folder, const std::string& key, const std::string& code) {
  const std::string path = path_of(folder, key), temporary = write_temporary(folder, key, code);
  if (temporary.empty()) return;
  if (rename(temporary.c_str(), path.c_str()) != 0) unlink(temporary.c_str());
  remove_oldest(folder, limit_bytes);
}

bool keep_cached_code(const std::string& folder, const std::string& key, std::string* code) {
  const std::string path = path_of(folder, key), temporary = write_temporary(folder, key, *code);
  if (temporary.empty()) return false;
  bool kept = link(temporary.c_str(), path.c_str()) == 0;
  std::string found;
  if (!kept && read_cached_code(folder, key, &found)) {  // somebody was first
    *code = found;
    kept = true;
  } else if (!kept) {  // what lies there is as good as absent, or the file system has no links
    kept = rename(temporary.c_str(), path.c_str()) == 0;
  }
  unlink(temporary.c_str());
  remove_oldest(folder, limit_bytes);
  return kept;
}

void limit_cache(std::int64_t max_bytes) {
  limit_bytes = max_bytes;
}

}  // namespace ingot::cuda
