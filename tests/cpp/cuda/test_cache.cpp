// Compiled code on disk: what is not exactly what was stored is as good as absent.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "cuda/cache.h"

namespace ingot::cuda {
namespace {

namespace fs = std::filesystem;

// A folder that is gone after the test.
struct Folder {
  fs::path path;

  Folder() {
    std::string pattern = (fs::temp_directory_path() / "ingot-cache-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { fs::remove_all(path); }
  std::string cache() const { return (path / "a" / "b").string(); }
  fs::path file(const std::string& key) const { return path / "a" / "b" / cache_file_name(key); }
};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("code that was written is read again, in folders made for it") {
  const Folder folder;
  std::string code;
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  write_cached_code(folder.cache(), "key", std::string("co\0de", 5));
  REQUIRE(read_cached_code(folder.cache(), "key", &code));
  CHECK(code == std::string("co\0de", 5));
  CHECK_FALSE(read_cached_code(folder.cache(), "other key", &code));
  CHECK(std::distance(fs::directory_iterator(folder.cache()), fs::directory_iterator()) == 1);
}

TEST_CASE("an entry cut short, longer, or with any byte changed is absent, and written again") {
  const Folder folder;
  write_cached_code(folder.cache(), "key", "machine code");
  const std::string whole = read(folder.file("key"));
  std::string code;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(folder.file("key"), whole.substr(0, length));
    CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  }
  write(folder.file("key"), whole + "x");
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x40);
    write(folder.file("key"), changed);
    CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  }
  write_cached_code(folder.cache(), "key", "machine code");
  CHECK(read_cached_code(folder.cache(), "key", &code));
}

TEST_CASE("an entry under another key's name is absent") {
  const Folder folder;
  write_cached_code(folder.cache(), "key", "machine code");
  fs::copy_file(folder.file("key"), folder.file("kez"));
  std::string code;
  CHECK_FALSE(read_cached_code(folder.cache(), "kez", &code));
}

TEST_CASE("without a folder, or with one that cannot be made, nothing is kept and nothing fails") {
  const Folder folder;
  write(folder.path / "a", "a file in the way");
  std::string code;
  for (const std::string& cache : {std::string(), folder.cache(), std::string("/proc/no/such")}) {
    write_cached_code(cache, "key", "machine code");
    CHECK_FALSE(read_cached_code(cache, "key", &code));
  }
  fs::remove(folder.path / "a");
  fs::create_directories(folder.file("key"));  // a folder where the entry would be
  write_cached_code(folder.cache(), "key", "machine code");
  CHECK_FALSE(read_cached_code(folder.cache(), "key", &code));
  CHECK(std::distance(fs::directory_iterator(folder.cache()), fs::directory_iterator()) == 1);
}

TEST_CASE("writers and readers at the same time never see half an entry") {
  const Folder folder;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        std::string code;
        write_cached_code(folder.cache(), "key", std::string(static_cast<std::size_t>(1000 + t), static_cast<char>(t)));
        const bool found = read_cached_code(folder.cache(), "key", &code);
        if (!found || code != std::string(code.size(), static_cast<char>(code.size() - 1000))) ++wrong[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4));
}

}  // namespace
}  // namespace ingot::cuda
